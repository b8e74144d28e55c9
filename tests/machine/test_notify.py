#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The agent in a real session: real regressions, its own unit, and a real notification server."""

import os
import re
import subprocess
import time

import case
import machine as machines
import tap
from session import AGENT, HARDENED, OTHER_RECORD, RECORD, SECONDS, SESSION, USER, SessionCase

# Who sits there may accept, without a password.
RULE = """polkit.addRule(function(action, subject) {
    if (action.id == "org.exposured.Exposure1.accept")
        return polkit.Result.YES;
});
"""
ENTRY = "/etc/xdg/autostart/exposure-notify.desktop"
TERMINAL = "#!/bin/sh\nprintf '%s\\n' \"$@\" >/tmp/terminal.new\nmv /tmp/terminal.new /tmp/terminal\n"
# By the version of systemd from which on it is so; in tenths.
SCORES = ((252, 10), (262, 6))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Notify(SessionCase):
    rule = RULE

    @classmethod
    def prepare(cls):
        for name in ("less", "xdg-terminal-exec"):
            cls.machine.write(f"/usr/local/bin/{name}", TERMINAL, 0o755)
        super().prepare()

    def setUp(self):
        super().setUp()
        self.machine.remove("/tmp/terminal")

    def test_in_two_seconds_and_closed_when_mended(self):
        spans = []
        for _ in range(2):
            name = self.new_unit()
            id, _, seconds = self.weaken(name)
            spans.append(seconds)
            case.await_true(lambda: not self.desktop.is_empty(), "notification on the screen", SECONDS)
            if len(spans) == 1:
                self.picture("machine")
            self.mend(name)
            case.await_true(lambda id=id: id not in self.told(), "end of the notification", SECONDS)
            case.await_true(self.desktop.is_empty, "empty screen", SECONDS)
        tap.note(f"from the signal to the notification: {', '.join(f'{span:.2f}' for span in spans)} s")
        self.assertLess(min(spans), 2)

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

    def test_details_in_the_own_terminal(self):
        """Which lies in the home of who sits there; it fails, and a notification shows what it would have shown."""
        own = f"{machines.home(USER)}/.local/bin/xdg-terminal-exec"
        self.machine.run("mkdir", "-p", os.path.dirname(own), user=USER)
        self.machine.write(own, "#!/bin/sh\nexit 1\n", 0o755)
        self.addCleanup(self.machine.remove, own)
        self.user_systemctl("set-environment", f"PATH={os.path.dirname(own)}:/usr/local/bin:/usr/bin:/bin")
        self.addCleanup(self.user_systemctl, "unset-environment", "PATH")
        self.rest()
        name = self.new_unit()
        _, number, _ = self.weaken(name)
        case.await_true(lambda: not self.desktop.is_empty(), "notification on the screen", SECONDS)
        self.desktop.invoke(number, "default")
        case.await_true(self.desktop.is_empty, "end of the notification", SECONDS)
        case.await_true(lambda: not self.desktop.is_empty(), "text instead of the terminal", SECONDS)
        self.assertIn("status=1/FAILURE", self.machine.output("journalctl", "--user", "-b", "--no-pager", user=USER))
        self.assertFalse(os.path.exists(self.machine.path("/tmp/terminal")))
        # Nothing is left of it but its line in the journal.
        failed = self.user_systemctl("list-units", "--all", "--no-legend", "app-exposure*").stdout
        case.await_true(lambda: not self.user_systemctl("list-units", "--all", "--no-legend", "app-exposure*").stdout,
                        f"end of {failed}", SECONDS)
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
        with_file = self.machine.path(RECORD)
        case.await_true(lambda: os.path.exists(with_file) and
                        re.search(r"^told user \S+ [1-9]", read(with_file), re.M), "notification", SECONDS)
        self.user_systemctl("stop", "mine.service")
        self.machine.remove(path)
        self.user_systemctl("daemon-reload")

    def test_autostart(self):
        """What a desktop without graphical-session.target does with the entry; systemd makes no second unit of it."""
        entry = self.machine.output("cat", ENTRY)
        self.assertIn("\nX-systemd-skip=true\n", entry)
        self.user_systemctl("stop", AGENT)
        agent = self.machine.popen(*re.search("^Exec=(.*)$", entry, re.M)[1].split(), user=USER, stderr=subprocess.PIPE,
                                   text=True)
        self.addCleanup(machines.stop, agent)
        names = [self.new_unit() for _ in range(2)]
        id, number, _ = self.weaken(names[0], OTHER_RECORD)
        self.assertIsNone(agent.poll())
        # The one of systemd that comes later leaves it to that, and what was told where it is.
        self.user_systemctl("start", AGENT)
        case.await_true(lambda: self.show("ActiveState") == "inactive", "end of the second one", SECONDS)
        self.assertEqual(self.show("Result"), "success")
        self.assertEqual(self.told(OTHER_RECORD).get(id), number)
        other, _, _ = self.weaken(names[1], OTHER_RECORD)
        self.assertEqual(set(self.told(OTHER_RECORD)) & {id, other}, {id, other})
        for name in names:
            self.mend(name)
        case.await_true(self.desktop.is_empty, "empty screen", SECONDS)
        machines.stop(agent)
        self.assertEqual(agent.stderr.read(), "")

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
        # It may have waited for the other exposured, and gives memory back after that.
        time.sleep(12)
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
