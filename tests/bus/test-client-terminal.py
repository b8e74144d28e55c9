#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""exposurectl on a terminal, in a pipe, and where nothing can be written."""

import os
import signal
import subprocess

from clientcase import CLIENT, ClientCase, main
from privatebus import PATIENCE
from terminal import run_on_terminal

RED = "\x1b[0;1;31m"


class TerminalCase(ClientCase):
    def environment(self, **more):
        """Whoever runs the tests, with whatever rights: the pager is what they say."""
        return super().environment(**({"SYSTEMD_PAGERSECURE": "no"} | more))

    def terminal(self, *arguments, columns=100, rows=50, status=0, **environment):
        actual, text = run_on_terminal([CLIENT, *arguments], self.environment(**environment), columns, rows)
        self.assertEqual(actual, status, text)
        return text

    def program(self, name, script):
        """Puts a program of that name where it is found first; gives the path to find it."""
        folder = f"{self.bus.folder}/bin"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/{name}", "w", encoding="utf-8") as f:
            f.write(f"#!/bin/sh\n{script}\n")
        os.chmod(f"{folder}/{name}", 0o755)
        return f"{folder}:{os.environ['PATH']}"


class Colours(TerminalCase):
    def test_on_a_terminal(self):
        text = self.terminal("list", "--no-pager")
        self.assertIn(f"{RED}UNSAFE\x1b[0m", text)
        self.assertIn(f"{RED}▲ regressed\x1b[0m\n", text)
        self.assertTrue(text.startswith("\x1b[4mUNIT "))
        self.assertIn(f"{RED}✗\x1b[0m", self.terminal("show", "nginx", "--no-pager"))
        self.assertIn("\x1b[0;1;32m●\x1b[0m", self.terminal("status"))

    def test_not_wanted(self):
        for environment in {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"SYSTEMD_COLORS": "0"}, {"SYSTEMD_COLORS": "no"}:
            for arguments in ["list"], ["show", "nginx"], ["history"], ["status"], ["--help"]:
                self.assertNotIn("\x1b", self.terminal(*arguments, "--no-pager", **environment), environment)
        self.assertIn("\x1b", self.terminal("list", "--no-pager", NO_COLOR=""))

    def test_not_in_a_pipe(self):
        for arguments in ["list"], ["show", "nginx"], ["history"], ["status"], ["--help"]:
            self.assertNotIn("\x1b", self.output(*arguments))
        self.assertIn(RED, self.output("list", SYSTEMD_COLORS="1"))
        self.assertIn(RED, self.output("list", SYSTEMD_COLORS="256", NO_COLOR="1"))

    def test_emoji(self):
        self.assertIn("😨", self.output("list"))
        for environment in {"TERM": "linux"}, {"SYSTEMD_EMOJI": "0"}, {"LC_ALL": "C"}:
            text = self.output("list", **environment)
            self.assertIn(":-{", text)
            self.assertNotIn("😨", text)


class Width(TerminalCase):
    def test_table_fits_the_terminal(self):
        text = self.terminal("list", "--no-pager", "--no-legend", columns=50, NO_COLOR="1")
        self.assertTrue(all(len(line) <= 50 for line in text.splitlines()), text)
        self.assertIn("systemd-log…rvice", self.terminal("list", "--no-pager", "--no-legend", columns=42, NO_COLOR="1"))

    def test_columns_variable_counts(self):
        text = self.terminal("list", "--no-pager", "--no-legend", COLUMNS="42", NO_COLOR="1")
        self.assertIn("systemd-log…rvice", text)
        for nonsense in "", "x", "0", "-1", "99999999999999999999":
            self.assertIn("systemd-logind.service", self.terminal("list", "--no-pager", COLUMNS=nonsense))

    def test_nothing_is_shortened_when_asked_not_to(self):
        self.assertIn("systemd-logind.service", self.terminal("list", "--no-pager", "--full", columns=20))
        self.assertIn("systemd-logind.service", self.output("list", COLUMNS="20"))

    def test_checks_fold(self):
        text = self.terminal("show", "nginx", "--no-pager", columns=60, NO_COLOR="1")
        self.assertIn("\n✗   0.4 PrivateUsers=\n        An intruder deals with the real users and groups of\n"
                      "        the host\n        → PrivateUsers=yes\n", text)
        self.assertTrue(all(len(line) <= 70 for line in text.splitlines()), text)
        wide = self.terminal("show", "nginx", "--no-pager", columns=250, NO_COLOR="1")
        self.assertRegex(wide, r"\n✗ PrivateUsers= +0\.4 An intruder .* PrivateUsers=yes\n")


class Pager(TerminalCase):
    def test_pager_is_used_on_a_terminal_only(self):
        path = self.program("paged", "sed 's/^/paged: /'")
        for arguments in ["list"], ["show", "nginx"], ["--help"], ["list", "--json=pretty"]:
            text = self.terminal(*arguments, PATH=path, PAGER="paged")
            self.assertTrue(all(line.startswith("paged: ") for line in text.splitlines()), text)
        self.assertNotIn("paged", self.output("list", PATH=path, PAGER="paged"))
        self.assertNotIn("paged", self.terminal("list", "--no-pager", PATH=path, PAGER="paged"))
        self.assertNotIn("paged", self.terminal("status", PATH=path, PAGER="paged"))

    def test_which_pager(self):
        path = self.program("first", "sed 's/^/first: /'")
        self.program("second", "sed 's/^/second: /'")
        self.program("less", 'cat >/dev/null; echo "less: $LESS $LESSCHARSET"')
        self.assertIn("first: UNIT", self.terminal("list", PATH=path, SYSTEMD_PAGER="first", PAGER="second",
                                                   NO_COLOR="1"))
        self.assertIn("second: UNIT", self.terminal("list", PATH=path, PAGER="second", NO_COLOR="1"))
        self.assertEqual(self.terminal("list", PATH=path), "less: FRSXMK utf-8\n")
        self.assertEqual(self.terminal("list", PATH=path, SYSTEMD_LESS="FR", LC_ALL="C"), "less: FR \n")
        self.assertEqual(self.terminal("list", PATH=path, PAGER="no-such-pager"), "less: FRSXMK utf-8\n")
        for none in "", " ", "cat":
            self.assertIn("UNIT", self.terminal("list", PATH=path, SYSTEMD_PAGER=none, PAGER="second", NO_COLOR="1"))
            self.assertNotIn(":", self.terminal("list", "nginx", "--no-legend", PATH=path, PAGER=none, NO_COLOR="1",
                                                SYSTEMD_EMOJI="1"))

    def test_secure(self):
        """With the rights of somebody else no program is started but less, and that is told to start none."""
        path = self.program("paged", "sed 's/^/paged: /'")
        self.program("less", 'cat >/dev/null; echo "less: $LESSSECURE"')
        others = {"SYSTEMD_PAGERSECURE": "", "SUDO_UID": str(os.geteuid() + 1), "PATH": path}
        for variable in "PAGER", "SYSTEMD_PAGER":
            self.assertEqual(self.terminal("list", **others, **{variable: "paged"}), "less: 1\n")
            self.assertIn("UNIT", self.terminal("list", **others, NO_COLOR="1", **{variable: "cat"}))
            # who says so has thought about it
            for secure in "0", "1":
                self.assertIn("paged: ", self.terminal("list", **others | {"SYSTEMD_PAGERSECURE": secure},
                                                       **{variable: "paged"}))
        self.assertEqual(self.terminal("list", PATH=path, SYSTEMD_PAGERSECURE="1"), "less: 1\n")
        self.assertEqual(self.terminal("list", PATH=path, SYSTEMD_PAGERSECURE="0"), "less: \n")

    def test_dumb_terminal(self):
        path = self.program("paged", "sed 's/^/paged: /'")
        self.assertNotIn("paged", self.terminal("list", PATH=path, PAGER="paged", TERM="dumb"))

    def test_no_shell(self):
        path = self.program("paged", 'cat >/dev/null; for word; do echo "<$word>"; done')
        text = self.terminal("list", PATH=path, PAGER=f"paged  a;touch {self.bus.folder}/shell $(id) 'b c'")
        self.assertEqual(text, f"<a;touch>\n<{self.bus.folder}/shell>\n<$(id)>\n<'b>\n<c'>\n")
        self.assertFalse(os.path.exists(f"{self.bus.folder}/shell"))

    def test_pager_starts_as_any_program(self):
        """A pipe that broke ends it; and its input is there even where ours was closed."""
        path = self.program("paged", "sed 's/^/paged: /' | tail -n 1; grep SigIgn: /proc/self/status")
        command = ["sh", "-c", 'exec "$0" list <&-', CLIENT]
        status, text = run_on_terminal(command, self.environment(PATH=path, PAGER="paged"))
        last, ignored = text.splitlines()
        self.assertEqual((status, last.split(":")[0]), (0, "paged"))
        self.assertFalse(int(ignored.split()[1], 16) & (1 << (signal.SIGPIPE - 1)), ignored)

    def test_without_any_pager(self):
        self.assertIn("UNIT", self.terminal("list", PATH=f"{self.bus.folder}/nothing", PAGER="no-such-pager"))

    def test_status_is_kept(self):
        path = self.program("paged", "exit 7")
        self.terminal("list", PATH=path, PAGER="paged")
        self.terminal("list", "--threshold=1", PATH=path, PAGER="paged", status=3)
        self.terminal("show", "nginx", "missing", PATH=path, PAGER="paged", status=1)

    def test_nothing_to_page(self):
        path = self.program("paged", "sed 's/^/paged: /'")
        self.assertEqual(self.terminal("show", "missing", PATH=path, PAGER="paged", status=1),
                         "Unit missing.service not found.\n")


class LongPager(TerminalCase):
    mock_arguments = ("5000",)

    def test_pager_that_is_left_early(self):
        path = self.program("paged", "head -n 1")
        self.assertEqual(len(self.terminal("list", PATH=path, PAGER="paged").splitlines()), 1)
        self.terminal("list", "--threshold=1", PATH=path, PAGER="paged", status=3)

    def test_reader_that_goes_away(self):
        for arguments in ["list"], ["list", "--json=short"], ["list", "--json=pretty"]:
            with subprocess.Popen([CLIENT, *arguments], env=self.environment(), stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE) as process:
                process.stdout.close()
                self.assertEqual((process.wait(PATIENCE), process.stderr.read()), (1, b""))


class Errors(TerminalCase):
    def failure(self, *arguments, **streams):
        result = subprocess.run([CLIENT, *arguments], env=self.environment(), stderr=subprocess.PIPE, timeout=PATIENCE,
                                check=False, **streams)
        self.assertEqual(result.returncode, 1, arguments)
        return result.stderr.decode()

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            for arguments in (["list"], ["show", "nginx"], ["regressions"], ["history"], ["status"], ["rescan"], ["--help"],
                              ["--version"]):
                self.assertEqual(self.failure(*arguments, stdout=full),
                                 "Cannot write the output: No space left on device.\n")

    def test_closed_output(self):
        """The connection to the bus must not take the place of what was closed."""
        result = subprocess.run(["sh", "-c", 'exec "$0" list >&-', CLIENT], env=self.environment(), capture_output=True,
                                timeout=PATIENCE, check=False)
        self.assertEqual((result.returncode, result.stderr), (1, b"Cannot write the output: Bad file descriptor.\n"))
        result = subprocess.run(["sh", "-c", 'exec "$0" list <&- >&- 2>&-', CLIENT], env=self.environment(),
                                timeout=PATIENCE, check=False)
        self.assertEqual(result.returncode, 1)


if __name__ == "__main__":
    main()
