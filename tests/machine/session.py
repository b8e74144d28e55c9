# SPDX-License-Identifier: LGPL-2.1-or-later
"""A test case with the session of a person in its machine: the agent's own unit in the user's systemd, and a
notification server on a screen of this host that is on the session's bus through a relay."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import bus
import case
import machine as machines

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "notify"))

# pylint: disable=wrong-import-position
from desktops import Dunst  # noqa: E402

USER = machines.USER_ID
RUNTIME = f"/run/user/{USER}"
AGENT = "exposure-notify.service"
# Of the unit, and of an agent that somebody else started.
RECORD, OTHER_RECORD = (f"{RUNTIME}/exposure-notify/{name}" for name in ("service/told", "told"))
SESSION = "session.target"
MANAGER = "org.exposured.Exposure1.Manager"
SECONDS = 30

SESSION_TEXT = "[Unit]\nBindsTo=graphical-session.target\n"
HARDENED = """[Service]
ExecStart=/bin/sleep infinity
PrivateTmp=yes
ProtectHome=yes
NoNewPrivileges=yes
"""
WEAKER = "[Service]\nProtectHome=no\n"


class Relay:
    """A socket that leads to another one, which cannot be seen from where the first is."""

    def __init__(self, path, connect):
        self.connect = connect
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = self.connect()
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def _copy(source, sink):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self):
        self.listener.close()


class SessionCase(case.MachineCase):
    # What the administrator of the machine says in the language of polkit.
    rule = ""

    @classmethod
    def prepare(cls):
        missing = Dunst.missing()
        if missing and not case.required():
            raise unittest.SkipTest(f"{missing} is not installed")
        assert not missing, f"{missing} is not installed"
        cls.machine.write("/etc/exposured.conf.d/10-test.conf", "[Exposure]\nSettleSec=500ms\n")
        cls.machine.write("/etc/polkit-1/rules.d/10-test.rules", cls.rule)
        cls.machine.write(f"/etc/systemd/user/{SESSION}", SESSION_TEXT)
        cls.machine.start_sessions(USER)
        cls.machine.systemctl("start", "exposured.service")
        cls.desktop = cls.start_desktop()
        cls.addClassCleanup(cls.desktop.close)
        cls.user_systemctl("preset", AGENT)
        cls.user_systemctl("start", SESSION)
        case.await_true(lambda: cls.show("ActiveState") == "active", "agent", SECONDS)
        cls.names = (f"web{number}" for number in range(100))
        cls.signals = cls.connect()
        cls.signals.match(f"type='signal',interface='{MANAGER}',member='Regressed'")

    @classmethod
    def start_desktop(cls):
        """Its bus is that of the session in the machine, as a socket of this host for who runs as its user."""
        folder = tempfile.mkdtemp(prefix="exposured-relay-")
        cls.addClassCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o711)
        path = cls.machine.path(f"{RUNTIME}/bus")
        cls.addClassCleanup(Relay(f"{folder}/bus", lambda: bus.connect(path, USER)).close)
        return Dunst({"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
                      "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder}/bus"}, USER)

    @classmethod
    def check_the_end(cls):
        cls.user_systemctl("stop", SESSION)
        case.await_true(lambda: cls.show("ActiveState") == "inactive", "end of the agent", SECONDS)
        text = cls.journal_of_agent()
        for word in case.SANITIZER_WORDS:
            assert word not in text, text[-6000:]
        assert cls.show("Result") == "success", text[-4000:]
        super().check_the_end()

    @classmethod
    def user_systemctl(cls, *arguments, check=True):
        return cls.machine.systemctl("--user", *arguments, user=USER, check=check)

    @classmethod
    def show(cls, name):
        return cls.user_systemctl("show", "-P", name, AGENT).stdout.strip()

    @classmethod
    def journal_of_agent(cls):
        cls.machine.run("journalctl", "--sync", check=False)
        return cls.machine.output("journalctl", "--user", "-u", AGENT, "--no-pager", user=USER, check=False)

    def told(self, record=RECORD):
        """Ids of what was told, with the number that the server gave."""
        try:
            with open(self.machine.path(record), encoding="utf-8") as file:
                return {id: int(number) for id, number in re.findall(r"^told \S+ (\S+) (\d+)$", file.read(), re.M)}
        except FileNotFoundError:
            return {}

    def new_unit(self):
        """A running unit with a baseline."""
        name = f"{next(self.names)}.service"
        self.machine.write(f"/etc/systemd/system/{name}", HARDENED)
        self.machine.systemctl("daemon-reload")
        self.machine.systemctl("start", name)
        case.await_true(lambda: '"appeared"' in self.machine.output("exposurectl", "history", name, "--json=short"),
                        f"history of {name}", SECONDS)
        return name

    def weaken(self, name, record=RECORD):
        """Gives the id of its regression, the number of its notification, and how long that took after the signal."""
        path = f"/etc/systemd/system/{name}.d/local.conf"
        self.machine.write(path, WEAKER)
        self.machine.systemctl("daemon-reload")
        signal = case.await_true(lambda: self.regressed(name), f"signal of {name}", SECONDS)
        id = signal.body[0]
        case.await_true(lambda: self.told(record).get(id, 0) > 0, f"notification of {name}", SECONDS)
        return id, self.told(record)[id], time.monotonic() - signal.time

    def regressed(self, name):
        return next((m for m in self.signals.collect(0.02) if m.member == "Regressed" and m.body[2] == name), None)

    def mend(self, name):
        self.machine.remove(f"/etc/systemd/system/{name}.d/local.conf")
        self.machine.systemctl("daemon-reload")

    def rest(self):
        """After a minute of silence what comes is told at once; the agent does not hurry for a test."""
        # Tests may be faster than systemd has services begin again.
        self.user_systemctl("reset-failed", AGENT, check=False)
        done = self.user_systemctl("restart", AGENT, check=False)
        if done.returncode != 0:
            self.fail(f"{done.stderr}\n{self.journal_of_agent()[-4000:]}")
        case.await_true(lambda: self.show("ActiveState") == "active", "agent", SECONDS)

    def setUp(self):
        self.rest()

    def picture(self, name):
        """Left in the build."""
        folder = os.path.join(case.build_folder(), "tests", "notify", "pictures")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f"{name}-{self.machine.systemd_version()}.png")
        case.await_true(lambda: self.colors(path) > 50, "picture", SECONDS)

    def colors(self, path):
        """How many there are: the letters of text have many."""
        self.desktop.picture(path)
        return int(subprocess.run(["identify", "-format", "%k", path], stdout=subprocess.PIPE, check=True).stdout)
