#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/try, both ways: installing on a host that runs systemd (a machine is one), and by a disposable machine."""

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
    def test_machine(self):
        try:
            machine.check_host("/")
        except machine.CannotBoot as reason:
            if case.required():
                raise
            self.skipTest(str(reason))
        done = subprocess.run([f"{TOP}/tools/try", "--machine"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=SECONDS)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("exposured.service", done.stdout)
        self.assertIn("UNSAFE", done.stdout)


if __name__ == "__main__":
    raise SystemExit(tap.main())
