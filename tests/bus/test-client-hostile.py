#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every verb of exposurectl, and a daemon whose texts are hostile: nothing but colours reaches a terminal, columns are
where they should be, and JSON says it all."""

import json
import re
import unicodedata

from clientcase import CLIENT, HOSTILE, UNSAFE, ClientCase, main
from terminal import run_on_terminal

# What shows the texts of the daemon, by verb, and the exit status.
VERBS = {
    "list": [(["list"], 0), (["list", "--all", "--full"], 0)],
    "show": [(["show", "hostile"], 0), (["show", "hostile", "nginx"], 0)],
    "regressions": [(["regressions"], 3)],
    "history": [(["history"], 0), (["history", "hostile"], 0)],
    "accept": [(["accept", "nginx", "--reason", HOSTILE], 0), (["accept", "*", "--reason=x"], 0)],
    "status": [(["status"], 0)],
    "rescan": [(["rescan"], 0)],
}
# These have no texts of the daemon, or tests of their own: test-client-monitor.py, test-notify-*.py.
OTHERS = {"help", "monitor", "notify"}

COLOUR = re.compile("\x1b\\[[0-9;]*m")


def width(text):
    """The columns of a terminal that a text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def strings(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return {s for v in value for s in strings(v)}
    return {value} if isinstance(value, str) else set()


class Hostile(ClientCase):
    def setUp(self):
        super().setUp()
        self.mock.tell("hostile")

    def calls(self):
        return [call for calls in VERBS.values() for call in calls]

    def test_every_verb(self):
        verbs = self.output("help").split("Verbs:\n")[1].split("\n\n")[0]
        self.assertEqual(set(re.findall(r"^  (\w+)", verbs, re.M)), set(VERBS) | OTHERS)

    def test_pipe(self):
        for arguments, status in self.calls():
            self.assertNotRegex(self.output(*arguments, status=status), UNSAFE, arguments)

    def test_without_utf8(self):
        """Where a terminal of eight bits may be, nothing but ASCII."""
        for arguments, status in self.calls():
            if HOSTILE in arguments:
                continue
            for form in "off", "short", "pretty":
                self.assertNotRegex(self.output(*arguments, f"--json={form}", status=status, LC_ALL="C"),
                                    "[^\x20-\x7e\n]", arguments)

    def test_terminal(self):
        for columns in (30, 80, 200):
            for arguments, status in self.calls():
                actual, text = run_on_terminal([CLIENT, *arguments, "--no-pager"], self.environment(), columns)
                self.assertEqual(actual, status, text)
                self.assertNotRegex(COLOUR.sub("", text), UNSAFE, arguments)

    def test_complaints(self):
        for arguments in (["show", HOSTILE], ["history", HOSTILE], [HOSTILE], [f"--{HOSTILE}"], [f"--json={HOSTILE}"],
                          ["show", "away"], ["accept", "nginx", f"--until={HOSTILE}"], ["list", "-M", HOSTILE]):
            for locale in "C.UTF-8", "C":
                _, out, err = self.run_client(*arguments, LC_ALL=locale)
                self.assertNotRegex(out + err, UNSAFE if locale == "C.UTF-8" else "[^\x20-\x7e\n]", arguments)

    def test_json(self):
        """Valid, the same in every form and locale, and nothing is lost or left out."""
        for arguments, status in self.calls():
            texts = [self.output(*arguments, f"--json={form}", status=status, **environment)
                     for form in ("short", "pretty") for environment in ({}, {"LC_ALL": "C", "SYSTEMD_EMOJI": "1"})
                     if HOSTILE not in arguments or not environment]
            for text in texts:
                self.assertNotRegex(text, UNSAFE, arguments)
                self.assertEqual(json.loads(text), json.loads(texts[0]), arguments)
            if "rescan" not in arguments:
                self.assertIn(HOSTILE, strings(json.loads(texts[0])), arguments)

    def test_arguments_that_are_not_utf8(self):
        """The bus carries no such thing, so it is refused, in a sentence that shows what it was."""
        for arguments in (["show", b"\xff\x1b.service"], ["history", b"\xc3("], [b"\x9b1m"], ["list", b"\xff*"],
                          ["accept", "nginx", b"--reason=\xed\xa0\x80"], ["accept", b"\xff", "--reason=x"]):
            for form in "off", "short":
                status, out, err = self.run_client(*arguments, f"--json={form}")
                self.assertIn(status, (0, 1, 2), arguments)
                self.assertNotRegex(out + err, UNSAFE, arguments)
                if status == 0:
                    self.assertIn("list", arguments)
                    self.assertEqual(out.strip() if form == "short" else "[]", "[]")

    def test_columns(self):
        """Wide characters take two columns, combining ones none: what stands below each other does so."""
        for arguments in (["list"], ["list", "--all"]):
            lines = self.output(*arguments, "--no-legend").splitlines()
            self.assertIn("日本.service", "\n".join(lines))
            ends = {width(re.match(r"(.*?) +(\d+\.\d) ", line)[0]) for line in lines}
            self.assertEqual(len(ends), 1, lines)

    def test_narrow(self):
        """Tables fit, however wide what they show is."""
        for columns in range(40, 60, 3):
            command = [CLIENT, "list", "--no-legend", "--no-pager", "日*", "e*"]
            _, text = run_on_terminal(command, self.environment(), columns)
            self.assertIn("…", text)
            for line in COLOUR.sub("", text).splitlines():
                self.assertLessEqual(width(line), columns, line)


if __name__ == "__main__":
    main()
