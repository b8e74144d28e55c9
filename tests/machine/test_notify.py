#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The agent in a real session: real regressions, its own unit in the user's systemd, and a notification server on a
screen of this host that is on the session's bus through a relay."""

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
import tap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "notify"))

# pylint: disable=wrong-import-position
from desktops import Dunst  # noqa: E402

USER = machines.USER_ID
RUNTIME = f"/run/user/{USER}"
AGENT = "exposure-notify.service"
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
# Who sits there may accept, without a password.
RULE = """polkit.addRule(function(action, subject) {
    if (action.id == "org.exposured.Exposure1.accept")
        return polkit.Result.YES;
});
"""
TERMINAL = "#!/bin/sh\nprintf '%s\\n' \"$@\" >/tmp/terminal.new\nmv /tmp/terminal.new /tmp/terminal\n"
# By the version of systemd from which on it is so; in tenths.
SCORES = ((252, 10), (262, 6))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Relay:
    """The bus of a session in a machine, as a socket of this host for who runs as its user."""

    def __init__(self, path, uid):
        self.folder = tempfile.mkdtemp(prefix="exposured-relay-")
        os.chmod(self.folder, 0o711)
        self.path, self.uid, self.address = path, uid, f"unix:path={self.folder}/bus"
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(f"{self.folder}/bus")
        os.chmod(f"{self.folder}/bus", 0o666)
        self.listener.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = bus.connect(self.path, self.uid)
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
        shutil.rmtree(self.folder)


class Notify(case.MachineCase):
    @classmethod
    def prepare(cls):
        missing = Dunst.missing()
        if missing and not case.required():
            raise unittest.SkipTest(f"{missing} is not installed")
        assert not missing, f"{missing} is not installed"
        cls.machine.write("/etc/exposured.conf.d/10-test.conf", "[Exposure]\nSettleSec=500ms\n")
        cls.machine.write("/etc/polkit-1/rules.d/10-test.rules", RULE)
        for name in ("less", "xdg-terminal-exec"):
            cls.machine.write(f"/usr/local/bin/{name}", TERMINAL, 0o755)
        cls.machine.write(f"/etc/systemd/user/{SESSION}", SESSION_TEXT)
        cls.machine.start_sessions(USER)
        cls.machine.systemctl("start", "exposured.service")
        cls.relay = Relay(cls.machine.path(f"{RUNTIME}/bus"), USER)
        cls.addClassCleanup(cls.relay.close)
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "DBUS_SESSION_BUS_ADDRESS": cls.relay.address}
        cls.desktop = Dunst(environment, USER)
        cls.addClassCleanup(cls.desktop.close)
        cls.user_systemctl("preset", AGENT)
        cls.user_systemctl("start", SESSION)
        case.await_true(lambda: cls.show("ActiveState") == "active", "agent", SECONDS)
        cls.names = (f"web{number}" for number in range(100))
        cls.signals = cls.connect()
        cls.signals.match(f"type='signal',interface='{MANAGER}',member='Regressed'")

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

    def told(self):
        """Ids of what was told, with the number that the server gave."""
        try:
            with open(self.machine.path(f"{RUNTIME}/exposure-notify/told"), encoding="utf-8") as file:
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

    def weaken(self, name):
        """Gives the id of its regression, the number of its notification, and how long that took after the signal."""
        path = f"/etc/systemd/system/{name}.d/local.conf"
        self.machine.write(path, WEAKER)
        self.machine.systemctl("daemon-reload")
        signal = case.await_true(lambda: self.regressed(name), f"signal of {name}", SECONDS)
        id = signal.body[0]
        case.await_true(lambda: self.told().get(id, 0) > 0, f"notification of {name}", SECONDS)
        return id, self.told()[id], time.monotonic() - signal.time

    def regressed(self, name):
        return next((m for m in self.signals.collect(0.02) if m.member == "Regressed" and m.body[2] == name), None)

    def mend(self, name):
        self.machine.remove(f"/etc/systemd/system/{name}.d/local.conf")
        self.machine.systemctl("daemon-reload")

    def rest(self):
        """After a minute of silence what comes is told at once; the agent does not hurry for a test."""
        self.user_systemctl("restart", AGENT)
        case.await_true(lambda: self.show("ActiveState") == "active", "agent", SECONDS)

    def setUp(self):
        self.rest()
        self.machine.remove("/tmp/terminal")

    def test_in_two_seconds_and_closed_when_mended(self):
        spans = []
        for _ in range(2):
            name = self.new_unit()
            id, _, seconds = self.weaken(name)
            spans.append(seconds)
            case.await_true(lambda: not self.desktop.is_empty(), "notification on the screen", SECONDS)
            if len(spans) == 1:
                self.picture()
            self.mend(name)
            case.await_true(lambda id=id: id not in self.told(), "end of the notification", SECONDS)
            case.await_true(self.desktop.is_empty, "empty screen", SECONDS)
        tap.note(f"from the signal to the notification: {', '.join(f'{span:.2f}' for span in spans)} s")
        self.assertLess(min(spans), 2)

    def picture(self):
        folder = os.path.join(case.build_folder(), "tests", "notify", "pictures")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f"machine-{self.machine.systemd_version()}.png")
        case.await_true(lambda: self.colors(path) > 50, "picture", SECONDS)

    def colors(self, path):
        self.desktop.picture(path)
        return int(subprocess.run(["identify", "-format", "%k", path], stdout=subprocess.PIPE, check=True).stdout)

    def test_accept(self):
        name = self.new_unit()
        id, number, _ = self.weaken(name)
        case.await_true(lambda: not self.desktop.is_empty(), "notification on the screen", SECONDS)
        self.desktop.invoke(number, "accept")
        case.await_true(lambda: id not in self.told(), "end of the regression", SECONDS)
        history = self.machine.output("exposurectl", "history", name, "--json=short")
        self.assertIn("Accepted from a desktop notification", history)
        self.assertIn(f'"uid":{USER}', history.replace(" ", ""))

    def test_details(self):
        name = self.new_unit()
        _, number, _ = self.weaken(name)
        case.await_true(lambda: not self.desktop.is_empty(), "notification on the screen", SECONDS)
        self.desktop.invoke(number, "default")
        path = self.machine.path("/tmp/terminal")
        case.await_true(lambda: os.path.exists(path), "terminal", SECONDS)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read().splitlines(), ["/usr/bin/exposurectl", "regressions", "--", name])
        self.mend(name)

    def test_nothing_twice_but_in_a_new_session(self):
        name = self.new_unit()
        id, number, _ = self.weaken(name)
        self.rest()
        self.machine.systemctl("restart", "exposured.service")
        case.await_true(lambda: name in self.machine.output("exposurectl", "regressions", check=False), "daemon",
                        SECONDS)
        self.assertEqual(self.told().get(id), number)
        self.user_systemctl("stop", SESSION)
        case.await_true(lambda: not self.told(), "end of the session", SECONDS)
        self.user_systemctl("start", SESSION)
        case.await_true(lambda: self.told().get(id, 0) > number, "summary at login", SECONDS)
        self.mend(name)

    def test_service_of_the_user(self):
        path = f"{machines.home(USER)}/.config/systemd/user/mine.service"
        self.user_systemctl("start", "exposured.service")
        for text, event in ((HARDENED, "appeared"), (HARDENED.replace("ProtectHome=yes\n", ""), "regressed")):
            self.machine.run("mkdir", "-p", os.path.dirname(path), user=USER)
            self.machine.write(path, text)
            self.user_systemctl("daemon-reload")
            self.user_systemctl("start", "mine.service")
            case.await_true(lambda word=f'"{event}"': word in self.machine.output(
                "exposurectl", "--user", "history", "mine.service", "--json=short", user=USER), event, SECONDS)
        with_file = self.machine.path(f"{RUNTIME}/exposure-notify/told")
        case.await_true(lambda: os.path.exists(with_file) and
                        re.search(r"^told user \S+ [1-9]", read(with_file), re.M), "notification", SECONDS)
        self.user_systemctl("stop", "mine.service")
        self.machine.remove(path)
        self.user_systemctl("daemon-reload")

    def test_second_agent_ends(self):
        done = self.machine.run("exposure-notify", user=USER)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_sample(self):
        self.machine.run("exposurectl", "notify", "--test", user=USER)

    def test_sandbox(self):
        version = self.machine.systemd_version()
        text = self.machine.output("systemd-analyze", "--user", "security", AGENT, "--no-pager", user=USER)
        score = int(re.search(r"exposure level for .*: (\d+)\.(\d)", text)[1]) * 10 + int(
            re.search(r"exposure level for .*: (\d+)\.(\d)", text)[2])
        tap.note(f"exposure of the agent: {score / 10}")
        if machines.is_sanitized(case.build_folder()):
            return
        self.assertLessEqual(score, max((since, limit) for since, limit in SCORES if version >= since)[1])
        inner = int(self.show("MainPID"))
        pid = self.machine.host_pid(inner)
        for kind in ("user", "mnt", "net", "ipc"):
            self.assertNotEqual(os.readlink(f"/proc/{pid}/ns/{kind}"),
                                os.readlink(f"/proc/{self.machine.leader}/ns/{kind}"), kind)

    def test_idle_and_small(self):
        pid = self.machine.host_pid(int(self.show("MainPID")))
        time.sleep(7)
        before = self.status(pid)
        time.sleep(10)
        after = self.status(pid)
        tap.note(f"VmRSS {after['VmRSS']}, switches within 10 s: " +
                 str(int(after["voluntary_ctxt_switches"]) - int(before["voluntary_ctxt_switches"])))
        self.assertEqual(before["voluntary_ctxt_switches"], after["voluntary_ctxt_switches"])
        if not machines.is_sanitized(case.build_folder()):
            self.assertLessEqual(int(after["VmRSS"].split()[0]), 4096)

    @staticmethod
    def status(pid):
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return dict(line.strip().split(":\t", 1) for line in file if ":\t" in line)


globals().update(case.for_each_tree(Notify))
del Notify

if __name__ == "__main__":
    raise SystemExit(tap.main())
