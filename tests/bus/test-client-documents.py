#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Help text, man page and completions tell of the same verbs and options, and completion works."""

import os
import re
import shutil
import subprocess

from clientcase import CLIENT, ClientCase, main
from privatebus import PATIENCE

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
BASH = f"{TOP}/client/completion/exposurectl.bash"
ZSH = f"{TOP}/client/completion/_exposurectl"

# What a shell does when tab is pressed at the end of a line that bash has split into these words.
COMPLETE = r"""
PATH=$1:$PATH; source "$2"; shift 2
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_exposurectl
printf '%s\n' "${COMPREPLY[@]}"
"""


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


class Agreement(ClientCase):
    with_mock = False

    def setUp(self):
        super().setUp()
        self.help = self.output("--help")
        self.verbs = re.findall(r"(?m)^  ([a-z]+)(?: [A-Z.\[\]]+)? +[A-Z]", self.help)
        self.options = re.findall(r"(?m)^ +(?:-[a-zA-Z] )?(--[a-z-]+)", self.help)
        self.letters = re.findall(r"(?m)^ +(-[a-zA-Z]) --", self.help)
        self.assertIn("list", self.verbs)
        self.assertGreater(len(self.verbs), 5)
        self.assertGreater(len(self.options), 14)
        self.assertGreater(len(self.letters), 6)

    def test_man_page(self):
        page = read(f"{TOP}/docs/exposurectl.1").replace("\\-", "-").replace("\\fI", "")
        verbs = page.split(".SH VERBS\n")[1].split(".SH ")[0]
        options = page.split(".SH OPTIONS\n")[1].split(".SH ")[0]
        self.assertEqual(re.findall(r"(?m)^\.TP\n\.(?:B|BR|BI) ([a-z]+)", verbs), self.verbs)
        headings = "".join(re.findall(r"(?m)^\.TP\n(.*)\n", options))
        self.assertEqual(re.findall(r"--[a-z-]+", headings), self.options)
        self.assertEqual(re.findall(r"(?<!-)-[a-zA-Z]\b", headings), self.letters)

    def test_completions(self):
        for path in BASH, ZSH:
            text = read(path)
            for word in self.verbs + self.options + self.letters:
                self.assertRegex(text, rf"(?<![\w-]){word}(?![\w-])", path)
            for word in re.findall(r"(?<![\w-])--[a-z][a-z-]*", text):
                self.assertIn(word, self.options, path)


class Completion(ClientCase):
    def complete(self, *words):
        """What bash offers, with the client of this build, for the last word."""
        folder = os.path.dirname(os.path.abspath(CLIENT))
        result = subprocess.run(["bash", "--norc", "-c", COMPLETE, "bash", folder, BASH, "exposurectl", *words],
                                env=self.environment(), capture_output=True, timeout=PATIENCE, check=True)
        self.assertEqual(result.stderr, b"")
        return result.stdout.decode().split()

    def setUp(self):
        super().setUp()
        self.assertTrue(shutil.which("bash"), "bash is needed")

    def test_verbs(self):
        self.assertEqual(self.complete("s"), ["show", "status"])
        self.assertEqual(self.complete("--json", "=", "short", "mon"), ["monitor"])
        self.assertEqual(self.complete("-a", "li"), ["list"])

    def test_options(self):
        self.assertEqual(self.complete("--no-"), ["--no-ask-password", "--no-legend", "--no-pager"])
        self.assertEqual(self.complete("--json", "="), ["short", "pretty", "off"])
        self.assertEqual(self.complete("--json", "=", "p"), ["pretty"])
        self.assertEqual(self.complete("--sort", "ex"), ["exposure"])
        self.assertEqual(self.complete("accept", "nginx", "--until", "=", "to"), ["tomorrow"])
        self.assertEqual(self.complete("accept", "nginx", "--reason", "=", ""), [])
        self.assertEqual(self.complete("history", "-n", "a"), ["all"])

    def test_units(self):
        self.assertEqual(self.complete("show", "systemd-"), ["systemd-logind.service", "systemd-tmpfiles.service"])
        self.assertEqual(self.complete("list", "nginx.service", "op"), ["open.service"])
        self.assertEqual(self.complete("show", "mnt"), ["mnt\\\\x2ddata@é.service"])
        self.assertEqual(self.complete("status", "op"), [])
        self.assertEqual(self.complete("history", "closed"), ["closed.service"])

    def test_units_that_regressed(self):
        for verb in "accept", "regressions":
            self.assertEqual(self.complete(verb, ""), ["nginx.service", "open.service"])
        self.assertEqual(self.complete("accept", "--reason", "=", "why", "--until", "=", "30d", "op"), ["open.service"])
        self.assertEqual(self.complete("-n", "5", "history", "op"), ["open.service"])


if __name__ == "__main__":
    main()
