#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What others write may hold anything. On the bus it comes out as it went in; in the log nothing of it steers a
terminal, or hides what is said."""

import os
import re

from daemoncase import CONFIGURATION, ERROR, DaemonCase, main

# Controls, what changes the order of text, what ends lines.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
HOSTILE = "\x1b]0;owned\a\x9b31m\u202e\u2066\u2028 😨 日本 e\u0301 \"quoted\\\" é\n"
SHOWN = (r"\x1b]0;owned\x07\xc2\x9b31m\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8" + " 😨 日本 e\u0301 \"quoted\\\" é" + r"\x0a")

FOLDER = "/run/systemd/system/a.service.d"
POLICY = "/run/systemd/systemd-analyze-security.policy"


class Hostile(DaemonCase):
    def tearDown(self):
        if self.daemon:
            _, log = self.daemon.end()
            for line in log:
                self.assertNotRegex(line, UNSAFE)

    def regress(self):
        """By a drop-in whose path and content are hostile; returns its path."""
        os.makedirs(FOLDER, exist_ok=True)
        path = f"{FOLDER}/{HOSTILE}.conf"
        with open(path, "wb") as f:
            f.write(b"[Service]\nKeyringMode=shared\nDescription=\x1b[31m\xff\xe2\x80\xae\n")
        self.addCleanup(os.remove, path)
        self.systemd.set("a.service", "DropInPaths", "as", [path], "Unit")
        self.systemd.set("a.service", "KeyringMode", "s", "shared")
        self.reload()
        self.wait_until(lambda: self.get("RegressedCount") == 1)
        return path

    def test_path(self):
        self.start()
        path = self.regress()
        line = self.daemon.wait_for_line("became weaker")
        self.assertIn(f"since {FOLDER}/{SHOWN}.conf (created)", line)
        self.assertNotRegex(line, UNSAFE)
        row, = self.call("ListRegressions")[0]
        self.assertEqual(row[7][0][:2], (path, "created"))
        self.assertEqual(row[7][0][3], ["+KeyringMode=shared", "+Description=\\x1b[31m\\xff\u202e"])
        self.assertEqual(self.get("DropInPaths", "a.service"), [path])

    def test_reason(self):
        self.start()
        self.regress()
        self.call("Accept", "sst", "a.service", HOSTILE, 0)
        self.assertIn(f": {SHOWN}", self.daemon.wait_for_line("was accepted"))
        self.assertIn(HOSTILE, [row[9] for row in self.call("GetHistory", "ssu", "a.service", "", 0)[0]])

    def test_long_reason(self):
        """Cut, but not within a character."""
        self.start()
        self.regress()
        for more, weaker in enumerate((("NotifyAccess", "s", "all"), ("Delegate", "b", True), ("UMask", "u", 0))):
            self.call("Accept", "sst", "a.service", "x" * more + "😨" * 250, 0)
            self.assertRegex(self.daemon.wait_for_line("was accepted"), ": x*😨+\\Z")
            self.wait_until(lambda: self.get("RegressedCount") == 0)
            self.systemd.set("a.service", *weaker)
            self.reload()
            self.wait_until(lambda: self.get("RegressedCount") == 1)

    def test_name(self):
        """A sentence about a name ends within no character of it, or there would be no answer."""
        self.start()
        for length in range(250, 262):
            for name in ("x" * length + "é" * 9, "x" * length + "😨" * 9, "x" * length + HOSTILE):
                for member, *more in (("GetUnit",), ("AssessUnit",), ("Accept", "why", 0)):
                    self.refused(f"{ERROR}InvalidName", member, "sst"[:1 + len(more)], name, *more)

    def test_configuration(self):
        with open(CONFIGURATION, encoding="utf-8") as f:
            before = f.read()
        self.addCleanup(self.write, CONFIGURATION, before.encode())
        self.write(CONFIGURATION, before.encode() + b"\x1b[31m=\xff\nSettleSec=\x9b1m\n\x07[\n")
        os.makedirs(os.path.dirname(POLICY), exist_ok=True)
        self.write(POLICY, rb'{"\u001b[31m\u202e": {}, "UMask": {"description_bad": "\uffff"}}')
        self.addCleanup(os.remove, POLICY)
        self.start()
        self.assertTrue(self.get("Findings", "a.service"))

    def write(self, path, content):
        with open(path, "wb") as f:
            f.write(content)


if __name__ == "__main__":
    main(needs_view=True)
