#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""exposure-notify and a real notification server on a screen: test-desktop.py AGENT CLIENT PICTURES SERVER"""

import os
import re
import subprocess
import sys
import unittest

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir)
sys.path.insert(0, os.path.join(TOP, "bus"))

# pylint: disable=wrong-import-position
from desktops import DESKTOPS, await_true  # noqa: E402
from notifycase import NotifyCase  # noqa: E402
from service import regression  # noqa: E402

PICTURES, NAME = sys.argv[3:5]
DESKTOP = next(d for d in DESKTOPS if d.name == NAME)
SKIPPED = 77
PATH = "/etc/systemd/system/systemd-hostnamed.service.d/local.conf"
TERMINAL = "#!/bin/sh\nprintf '%s\\n' \"$@\" >$OUT.new\nmv $OUT.new $OUT\n"


class Desktop(NotifyCase):
    def setUp(self):
        super().setUp()
        self.folder = f"{self.session.folder}/bin"
        os.mkdir(self.folder)
        for name in ("less", "exposurectl", "xdg-terminal-exec"):
            with open(f"{self.folder}/{name}", "w", encoding="utf-8") as f:
                f.write(TERMINAL)
            os.chmod(f"{self.folder}/{name}", 0o755)
        self.out = f"{self.session.folder}/out"
        self.desktop = DESKTOP(self.environment())
        self.addCleanup(self.desktop.close)
        self.addCleanup(self.log_on_failure)
        self.await_server()
        self.daemon = self.exposured()
        self.agent(PATH=f"{self.folder}:/usr/bin:/bin", OUT=self.out)
        self.until(lambda: "ListRegressions" in self.daemon.members())

    def log_on_failure(self):
        """What the server said, for who has to find out."""
        for name in os.listdir(self.desktop.folder):
            if name.endswith(".log"):
                with open(f"{self.desktop.folder}/{name}", encoding="utf-8", errors="replace") as f:
                    print(f"{name}: {f.read()[-1000:]}", file=sys.stderr)

    def await_server(self):
        await_true(lambda: self.peer.owner("org.freedesktop.Notifications"), "server")

    def told(self):
        """Ids of what was told, and under which number the server has it (0: it has it no more)."""
        try:
            with open(f"{self.session.folder}/exposure-notify/told", encoding="utf-8") as f:
                return {id: int(number) for id, number in re.findall(r"^told \S+ (\S+) (\d+)$", f.read(), re.M)}
        except FileNotFoundError:
            return {}

    def picture(self, name):
        """Taken once something is there, and the server had time to paint it."""
        path = f"{PICTURES}/{NAME}-{name}.png"
        os.makedirs(PICTURES, exist_ok=True)
        self.until(lambda: self.paint(path) > 50, "nothing was painted")
        self.settle(0.5)
        self.paint(path)

    def paint(self, path):
        """How many colours there are then: the letters of text have many."""
        self.desktop.picture(path)
        return int(subprocess.run(["identify", "-format", "%k", path], stdout=subprocess.PIPE, check=True).stdout)

    def show(self, **more):
        """A regression, and the number that the server gave its notification."""
        row = regression("systemd-hostnamed.service", before=1.7, after=2.2, path=PATH, **more)
        self.daemon.add(row)
        self.until(lambda: self.told().get(row[0], 0) > 0, "no notification")
        self.until(lambda: not self.desktop.is_empty(), "nothing on the screen")
        return row, self.told()[row[0]]

    def test_shown_and_mended(self):
        row, _ = self.show()
        self.picture("one")
        self.daemon.mend(row)
        self.until(self.desktop.is_empty, "it is not closed")
        self.assertEqual(self.told(), {})

    def test_summary(self):
        names = ("nginx", "php-fpm", "postgresql", "sshd", "systemd-logind", "cron", "cups")
        self.daemon.rows = [regression(f"{name}.service", path=f"/etc/{name}", before=2.8, after=4.1 + 0.9 * i)
                            for i, name in enumerate(names[:-1])]
        self.daemon.add(regression("cups.service", path="/etc/cups"))
        self.until(lambda: len(set(self.told().values()) - {0}) == 1 and len(self.told()) == 7, "no summary")
        self.picture("summary")

    def test_accept(self):
        _, id = self.show()
        self.settle(0.5)
        self.desktop.invoke(id, "accept")
        self.until(lambda: self.daemon.accepted, "not accepted")
        self.assertEqual(self.daemon.accepted[0][0], "systemd-hostnamed.service")
        self.picture("accepted")

    def check_details(self, action):
        _, id = self.show()
        self.settle(0.5)
        self.desktop.invoke(id, action)
        self.until(lambda: os.path.exists(self.out), "no details")
        with open(self.out, encoding="utf-8") as f:
            self.assertEqual(f.read().splitlines()[1:], ["regressions", "--", "systemd-hostnamed.service"])

    def test_details(self):
        self.check_details("details")

    if DESKTOP.has_default:
        def test_default_action(self):
            self.check_details("default")

    def test_hostile(self):
        text = "<b>bold</b> &amp; <u>x</u>\x1b[31m\u202e\u2066 " + "<i>&" * 2500
        row = regression("<b>bold&.service", id="hostile", units=[text] * 40, path=f"/etc/<i>a&b</i>.conf{text}",
                         change=text, checks=[text] * 12)
        self.daemon.add(row)
        self.until(lambda: self.told().get("hostile", 0) > 0, "no notification")
        self.picture("hostile")
        self.daemon.mend(row)
        self.until(self.desktop.is_empty, "it is not closed")

    def test_server_restarts(self):
        self.show()
        self.desktop.restart()
        self.await_server()
        self.settle()
        self.assertTrue(self.desktop.is_empty())
        self.daemon.add(regression("b.service", path="/etc/b"))
        self.until(lambda: self.told().get("id-b.service", 0) > 0, "no notification")
        self.until(lambda: not self.desktop.is_empty(), "nothing on the screen")

    def test_sample(self):
        client = subprocess.Popen([sys.argv[2], "notify", "--test"], env=self.environment(), stdout=subprocess.DEVNULL)
        self.until(lambda: client.poll() is not None)
        self.assertEqual(client.returncode, 0)
        self.picture("sample")


def main():
    missing = DESKTOP.missing()
    if missing:
        print(f"{missing} is not installed")
        sys.exit(1 if os.environ.get("EXPOSURED_REQUIRE_MACHINES") == "1" else SKIPPED)
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]], verbosity=2)


if __name__ == "__main__":
    main()
