#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/try, both ways: installing on a host that runs systemd (a machine is one), and by a disposable machine. And
tools/bench, which builds the same release in the same folder."""

import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import unittest

import case
import machine
import tap

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = "/root/exposured"
SECONDS = 1200
# What any use of a system leaves behind.
IGNORED = ("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/.pwd.lock", "/etc/.updated",
           "/etc/subuid", "/etc/subgid", "/var/log", "/var/lib/systemd", "/var/cache", "/var/.updated")


class Installing(case.MachineCase):
    """In the host's own tree, where everything that the build needs is there already: there is no network."""

    with_build = False

    @classmethod
    def prepare(cls):
        shutil.copytree(TOP, cls.machine.path(HERE), ignore=shutil.ignore_patterns(".git", "build*", "__pycache__"))

    def call(self, *arguments, check=True):
        return self.machine.run(f"{HERE}/tools/try", *arguments, check=check, timeout=SECONDS)

    def files(self):
        found = self.machine.output("find", "/etc", "/usr", "/var", "-path", "/var/tmp", "-prune", "-o", "-print",
                                    timeout=300).splitlines()
        return {path for path in found if not path.startswith(IGNORED)}

    def active(self):
        return self.machine.systemctl("is-active", "exposured.service", check=False).stdout.strip()

    def test_install_twice_and_remove(self):
        before, users = self.files(), self.machine.output("getent", "passwd")
        for _ in range(2):
            shown = self.call().stdout
            self.assertIn("exposured.service", shown)
            self.assertIn("UNSAFE", shown)
            self.assertEqual(self.active(), "active")
        self.assertIn("exposured.service", self.machine.output("exposurectl", "list"))
        self.machine.write("/etc/exposured.conf.d/mine.conf", "# The user's own.\n")
        self.call("--remove")
        self.assertEqual(self.active(), "inactive")
        self.assertEqual(self.files() - before, {"/etc/exposured.conf.d", "/etc/exposured.conf.d/mine.conf"})
        self.assertEqual(before - self.files(), set())
        self.assertEqual(self.machine.output("getent", "passwd"), users)
        again = self.call("--remove", check=False)
        self.assertEqual((again.returncode, again.stdout), (1, ""))

    def test_files_of_others_stay(self):
        """A package's client is neither overwritten nor, later, removed."""
        self.machine.write("/usr/bin/exposurectl", "another's\n")
        refused = self.call(check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("/usr/bin/exposurectl", refused.stderr)
        self.call("--remove", check=False)
        self.assertEqual(self.machine.output("cat", "/usr/bin/exposurectl"), "another's\n")
        self.machine.remove("/usr/bin/exposurectl")

    def test_wrong_use(self):
        wrong = self.call("--nonsense", check=False)
        self.assertEqual((wrong.returncode, wrong.stdout), (2, ""))
        self.assertIn("Usage", wrong.stderr)


class Disposable(unittest.TestCase):
    def setUp(self):
        try:
            machine.check_host("/")
        except machine.CannotBoot as reason:
            if case.required():
                raise
            self.skipTest(str(reason))

    def call(self, *command):
        done = subprocess.run(command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=SECONDS)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_machine(self):
        shown = self.call(f"{TOP}/tools/try", "--machine")
        self.assertIn("exposured.service", shown)
        self.assertIn("UNSAFE", shown)

    def test_bench(self):
        """That it measures everything; what comes out says nothing while other tests run."""
        shown = self.call(f"{TOP}/tools/bench", "--sizes=20", "--runs=1", "--changes=5", "--quiet=1").splitlines()
        # Of restarts only some of the random changes tell.
        for figure in (name for name in load_bench().PROMISES if not name.startswith("fresh after a restart")):
            row = next((line for line in shown if line.startswith(figure)), "")
            self.assertRegex(row, r"\s\d\S*$", f"{figure}\n" + "\n".join(shown))
        first = next(i for i, line in enumerate(shown) if line.startswith("fresh after, at 20 services"))
        self.assertEqual(sum(int(line[48:].split()[0]) for line in shown[first + 1:]), 5)


class Judging(unittest.TestCase):
    def test_promises_are_exact(self):
        bench = load_bench()
        for name, size, kept, broken in (
                ("wake-ups in 60 s of quiet", 1000, 0, 1), ("PID 1 for 1,000 queries", 3000, 0, 0.001),
                ("first scan: wall", 200, 0.45, 0.4501), ("RSS", 1000, 5, 5.01), ("RSS", 5000, 8, 8.01)):
            self.assertFalse(bench.cell(name, size, kept).endswith("!"), name)
            self.assertTrue(bench.cell(name, size, broken).endswith("!"), name)
        self.assertFalse(bench.cell("RSS", 20, 100).endswith("!"))


def load_bench():
    loader = importlib.machinery.SourceFileLoader("bench", f"{TOP}/tools/bench")
    bench = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench", loader))
    loader.exec_module(bench)
    return bench


if __name__ == "__main__":
    raise SystemExit(tap.main())
