#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Accept as a person meets it: polkit's defaults, an agent of polkit that asks for a password, and what follows from
the answer. On this host's release that is a dialog on a screen, on the others polkit's own agent for terminals."""

import os
import pty
import re
import select
import signal
import socket
import time
import unittest

import bus
import case
import tap
from session import RUNTIME, SECONDS, USER, Relay, SessionCase

RIGHT, WRONG = "right", "wrong"
# Of the right one.
HASH = "$6$exposured$PhDP0X7QjGHrrH00oXkef.AJD2TnaavS7/j89M992lX9k3hqLAA/9yRG3tMv7Wk1TrCrsxbW6ZENziqPDHFeA."
DIALOG = "/usr/lib/policykit-1-gnome/polkit-gnome-authentication-agent-1"
LOGIN = "login.service"
# A session of logind, with a seat, as it is active: who is asked is a matter of that.
PAM = "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_systemd.so\n"
LOGIN_TEXT = f"""[Service]
User={USER}
PAMName=exposured-test
Environment=XDG_SESSION_TYPE=x11 XDG_SESSION_CLASS=user XDG_SEAT=seat0 XDG_RUNTIME_DIR={RUNTIME}
Environment=DBUS_SESSION_BUS_ADDRESS=unix:path={RUNTIME}/bus DISPLAY=:7 NO_AT_BRIDGE=1 GSETTINGS_BACKEND=memory
"""
QUESTION = "Authentication is required to accept that {} became weaker."
CANCELLED = "The question for a password was cancelled."
FAILED = "The password was wrong, or this is not allowed here."
NOBODY = "An administrator's password is needed, and nothing is there to ask for it."
MONITORING = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.Monitoring", "BecomeMonitor")


class Dialog:
    """A window, by a program of the session."""

    command = DIALOG
    outcome_of_cancel = CANCELLED

    def __init__(self, test):
        self.test, self.desktop = test, test.desktop

    @staticmethod
    def missing():
        return "" if os.path.exists(DIALOG) else DIALOG

    def windows(self):
        return self.desktop.windows("polkit-gnome")

    def answer(self, *commands):
        """Until polkit asks for it, what is typed is lost; and of wrong passwords it takes several."""
        case.await_true(self.windows, "dialog", SECONDS)

        def is_over():
            for command in commands:
                self.desktop.do("xdotool", *command)
            deadline = time.monotonic() + 2
            while self.windows() and time.monotonic() < deadline:
                time.sleep(0.05)
            return not self.windows()
        case.await_true(is_over, "end of the dialog", 2 * SECONDS)

    def enter(self, password):
        self.answer(["key", "ctrl+a"], ["type", password], ["key", "Return"])

    def cancel(self):
        case.await_true(self.windows, "dialog", SECONDS)
        self.test.picture("polkit")
        self.answer(["key", "Escape"])

    def close(self):
        pass


class Terminal:
    """polkit's agent for terminals, for the process that asks. Where it is ended, it cannot say that it was."""

    command = "/bin/sleep infinity"
    outcome_of_cancel = FAILED

    def __init__(self, test):
        self.text = ""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            command = test.machine.enter("pkttyagent", "--process", test.show("MainPID"), user=USER)
            os.execvp(command[0], command)

    @staticmethod
    def missing():
        return ""

    def read(self):
        while select.select([self.terminal], [], [], 0)[0]:
            try:
                self.text += os.read(self.terminal, 4096).decode(errors="replace")
            except OSError:
                break
        return self.text

    def enter(self, password):
        case.await_true(lambda: "assword:" in self.read(), "question for a password", SECONDS)
        os.write(self.terminal, f"{password}\n".encode())

    def cancel(self):
        case.await_true(lambda: "assword:" in self.read(), "question for a password", SECONDS)
        self.close()

    def close(self):
        """The hangup of its terminal is told to it."""
        if self.pid:
            os.close(self.terminal)
            os.kill(self.pid, signal.SIGHUP)
            os.waitpid(self.pid, 0)
            self.pid = 0


class Monitor:
    """The calls of these interfaces on a bus, from now on."""

    def __init__(self, test, path, uid, *interfaces):
        self.calls, self.bus = [], bus.Bus(test.machine.path(path), uid)
        test.addCleanup(self.bus.close)
        self.bus.call(*MONITORING, "asu", [f"type='method_call',interface='{name}'" for name in interfaces], 0)

    def await_call(self, word):
        """The arguments of the next one whose name begins so; those before it are forgotten."""
        def find():
            self.calls += [message for message in self.bus.collect(0.02) if message.kind == bus.CALL]
            while self.calls:
                message = self.calls.pop(0)
                if message.member.startswith(word):
                    return message
            return None
        return case.await_true(find, word, SECONDS).body


class Polkit(SessionCase):
    @classmethod
    def prepare(cls):
        cls.kind = Dialog if cls.tree == "/" else Terminal
        missing = cls.kind.missing()
        if missing and not case.required():
            raise unittest.SkipTest(f"{missing} is not installed")
        assert not missing, f"{missing} is not installed"
        super().prepare()
        # One of those who administer this machine, as is usual where one person has a desktop.
        cls.machine.run("systemd-sysusers", "-", input="m tester sudo\n")
        shadow = cls.machine.output("cat", "/etc/shadow")
        cls.machine.write("/etc/shadow", re.sub("^tester:[^:]*:", f"tester:{HASH}:", shadow, flags=re.M), 0o600)
        cls.machine.write("/etc/pam.d/exposured-test", PAM)
        cls.machine.write(f"/etc/systemd/system/{LOGIN}", f"{LOGIN_TEXT}ExecStart={cls.kind.command}\n")
        cls.machine.systemctl("daemon-reload")
        cls.show_screen()

    @classmethod
    def show_screen(cls):
        """That of this host, in the machine."""
        display = cls.desktop.environment["DISPLAY"].removeprefix(":")

        def connect():
            screen = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            screen.connect(f"/tmp/.X11-unix/X{display}")
            return screen
        cls.machine.run("mkdir", "-p", "-m", "1777", "/tmp/.X11-unix")
        cls.addClassCleanup(Relay(cls.machine.path("/tmp/.X11-unix/X7"), connect).close)

    def setUp(self):
        """polkit forgets whom it has believed."""
        self.machine.systemctl("restart", "polkit.service")
        super().setUp()
        self.polkit = Monitor(self, "/run/dbus/system_bus_socket", 0, "org.freedesktop.PolicyKit1.Authority",
                              "org.freedesktop.PolicyKit1.AuthenticationAgent")
        self.server = Monitor(self, f"{RUNTIME}/bus", USER, "org.freedesktop.Notifications")
        self.person = None

    def sit_down(self):
        self.machine.systemctl("restart", LOGIN)
        self.person = self.kind(self)
        self.addCleanup(self.person.close)
        self.polkit.await_call("RegisterAuthenticationAgent")

    def press_accept(self):
        """On a notification of a new regression; returns the unit and the regression's id."""
        unit = self.new_unit()
        self.addCleanup(self.mend, unit)
        id, number, _ = self.weaken(unit)
        self.server.await_call("Notify")
        self.press(number)
        return unit, id

    def press(self, number):
        case.await_true(lambda: not self.desktop.is_empty(), "notification on the screen", SECONDS)
        self.desktop.invoke(number, "accept")

    def expect_question(self, unit):
        action, message, _, _, _, identities = self.polkit.await_call("BeginAuthentication")
        self.assertEqual((action, message, identities), ("org.exposured.Exposure1.accept", QUESTION.format(unit),
                                                         [("unix-user", {"uid": USER})]))

    def expect_return(self, unit, id, reason):
        """Nothing was accepted; the notification is there again, with the reason, and its buttons."""
        _, _, _, title, text, actions, *_ = self.server.await_call("Notify")
        name = unit.removesuffix(".service")
        self.assertEqual((title, text.splitlines()[:2]),
                         (f"Not accepted: {name}", [reason.replace("'", "&#39;"),
                                                    "System service, exposure 8.9 → <b>9.0 UNSAFE</b>"]))
        self.assertIn("accept", actions)
        self.assertIn(unit, self.machine.output("exposurectl", "regressions", check=False))
        self.assertNotIn('"accepted"', self.machine.output("exposurectl", "history", unit, "--json=short"))
        return case.await_true(lambda: self.told().get(id), "number of the notification", SECONDS)

    def expect_accepted(self, unit, id):
        self.assertEqual(self.server.await_call("Notify")[3], f"Accepted: {unit.removesuffix('.service')}")
        case.await_true(lambda: id not in self.told(), "end of the regression", SECONDS)
        history = self.machine.output("exposurectl", "history", unit, "--json=short")
        self.assertIn(f'"uid":{USER}', history.replace(" ", ""))

    def test_right_password(self):
        self.sit_down()
        unit, id = self.press_accept()
        self.expect_question(unit)
        self.person.enter(RIGHT)
        self.expect_accepted(unit, id)

    def test_wrong_password(self):
        self.sit_down()
        unit, id = self.press_accept()
        self.expect_question(unit)
        self.person.enter(WRONG)
        self.expect_return(unit, id, FAILED)

    def test_cancelled_and_tried_again(self):
        self.sit_down()
        unit, id = self.press_accept()
        self.expect_question(unit)
        self.person.cancel()
        number = self.expect_return(unit, id, self.person.outcome_of_cancel)
        self.picture("polkit-cancelled")
        self.sit_down()
        self.press(number)
        self.expect_question(unit)
        self.person.enter(RIGHT)
        self.expect_accepted(unit, id)

    def test_nobody_asks(self):
        """A session without an agent of polkit."""
        self.machine.systemctl("stop", LOGIN)
        unit, id = self.press_accept()
        self.expect_return(unit, id, NOBODY)


globals().update(case.for_each_tree(Polkit))
del Polkit

if __name__ == "__main__":
    raise SystemExit(tap.main())
