#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Details in a real terminal on a screen: test-terminal.py AGENT CLIENT PICTURES"""

import os
import subprocess
import sys
import unittest

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir)
sys.path.insert(0, os.path.join(TOP, "bus"))

# pylint: disable=wrong-import-position
from desktops import Screen  # noqa: E402
from notifycase import CLIENT, NotifyCase  # noqa: E402
from service import regression  # noqa: E402

PICTURES = sys.argv[3]
SKIPPED = 77


class Terminal(NotifyCase):
    programs = ("Xvfb", "xdotool", "import", "identify", "less", "xterm")

    def setUp(self):
        super().setUp()
        self.screen = Screen(self.environment())
        self.addCleanup(self.screen.close)
        self.daemon, self.desktop = self.exposured(), self.server()
        # Nothing but xterm, and the client that was built.
        self.folder = f"{self.session.folder}/bin"
        os.mkdir(self.folder)
        for path in (CLIENT, "/usr/bin/less"):
            os.symlink(os.path.abspath(path), f"{self.folder}/{os.path.basename(path)}")
        self.program("xterm", "#!/bin/sh\nexec /usr/bin/xterm -geometry 110x22 -fa 'DejaVu Sans Mono' -fs 8 \"$@\" "
                              "2>/dev/null\n")

    def program(self, name, text):
        with open(f"{self.folder}/{name}", "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(f"{self.folder}/{name}", 0o755)

    def open_details(self, **environment):
        """Without a service manager on the bus: it is the agent that starts it."""
        self.agent(PATH=self.folder, **environment)
        self.daemon.add(regression("nginx.service", path="/etc/systemd/system/nginx.service.d/local.conf"))
        self.until(lambda: self.desktop.shown, "no notification")
        self.desktop.click(max(self.desktop.shown), "details")

    def test_it_shows_the_regressions(self):
        self.open_details(DISPLAY=self.screen.environment["DISPLAY"])
        self.until(lambda: self.screen.windows("XTerm"), "no terminal")
        path = f"{PICTURES}/terminal.png"
        os.makedirs(PICTURES, exist_ok=True)
        self.until(lambda: self.paint(path) > 30, "nothing was painted")
        self.settle(1)
        self.paint(path)
        # It stays until the person has read it, and is no failure after that.
        self.settle(5)
        self.assertTrue(self.screen.windows("XTerm"))
        self.screen.do("xdotool", "mousemove", "200", "100", "key", "q")
        self.until(lambda: not self.screen.windows("XTerm"), "it does not end")
        self.settle(1)
        self.assertEqual(len(self.desktop.texts), 1)

    def paint(self, path):
        """How many colours there are then: the letters of text have many."""
        self.screen.picture(path)
        return int(subprocess.run(["identify", "-format", "%k", path], stdout=subprocess.PIPE, check=True).stdout)

    def test_no_screen(self):
        self.open_details(DISPLAY=":4711")
        self.until(lambda: len(self.desktop.texts) == 2, "no text instead")
        self.assertEqual(self.desktop.texts[1].title, "What became weaker")
        self.assertIn("/etc/systemd/system/nginx.service.d/local.conf was created", self.desktop.texts[1].body)


def main():
    missing = next((program for program in Terminal.programs if not os.path.exists(f"/usr/bin/{program}")), None)
    if missing:
        print(f"{missing} is not installed")
        sys.exit(1 if os.environ.get("EXPOSURED_REQUIRE_MACHINES") == "1" else SKIPPED)
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)


if __name__ == "__main__":
    main()
