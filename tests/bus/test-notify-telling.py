#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What exposure-notify shows, when, and how often: on private buses, beside services of the test's own."""

import os
import re
import shutil
import signal
import time
import xml.etree.ElementTree as ElementTree

from notifycase import AGENT_NAME, NotifyCase, main
from service import regression

LOW, NORMAL, CRITICAL = range(3)
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
HOSTILE = '<b>&amp;</b> & "x" \x1b]0;owned\a\x9b31m\u202e\u2066\x7f\t\n\u200b'


class Telling(NotifyCase):
    """What is shown, when, and how often."""

    def setUp(self):
        super().setUp()
        self.daemon, self.desktop = self.exposured(), self.server()

    def shown(self, n=1):
        """The notifications, as soon as there are so many on the screen."""
        self.until(lambda: len(self.desktop.shown) == n, f"not {n} notifications")
        return sorted(self.desktop.shown.values(), key=lambda shown: shown.id)

    def test_one_regression(self):
        self.agent()
        self.until(lambda: "ListRegressions" in self.daemon.members())
        self.daemon.add(regression("nginx.service", checks=["PrivateTmp", "ProtectHome"]))
        shown, = self.shown()
        self.assertEqual(shown.title, "nginx became weaker")
        self.assertEqual(shown.body, "System service, exposure 2.8 → <b>5.1 MEDIUM</b>\n"
                                     "Weaker: PrivateTmp, ProtectHome\nsince /etc/systemd/system/a.conf was created")
        self.assertEqual((shown.app, shown.replaces, shown.timeout, shown.urgency), ("Exposure", 0, -1, NORMAL))
        self.assertEqual(shown.hints["desktop-entry"], "exposure-notify")
        self.assertEqual(shown.hints["category"], "x-exposured.regression")
        self.assertTrue(shown.icon.startswith("file:///") and shown.icon.endswith("/exposure-notify.svg"))
        self.assertEqual(shown.actions, {"default": "", "details": "Details", "accept": "Accept"})

    def test_new_units(self):
        """Those above the limit for them, each once."""
        self.agent()
        self.until(lambda: "ListRegressions" in self.daemon.members())
        self.daemon.tell("Appeared", regression("fine.service", before=9.1, after=9.1))
        self.daemon.tell("Appeared", regression("bare.service", before=9.6, after=9.6, path="", change="limit"))
        shown, = self.shown()
        self.assertEqual((shown.title, shown.body), ("New and exposed: bare", "Exposure 9.6 UNSAFE"))
        self.assertEqual(shown.actions, {})
        self.settle()
        self.assertEqual(len(self.desktop.texts), 1)

    def test_in_two_seconds(self):
        """The best of three: others may need the machine, too."""
        self.agent()
        self.until(lambda: "ListRegressions" in self.daemon.members())
        spans = []
        for i in range(3):
            row = regression(f"{i}.service", path=f"/etc/{i}")
            begin = time.monotonic()
            self.daemon.add(row)
            self.shown()
            spans.append(time.monotonic() - begin)
            self.daemon.mend(row)
            self.shown(0)
        self.assertLess(min(spans), 2)

    def test_login_is_one_summary(self):
        user = self.exposured(user=True)
        self.daemon.rows = [regression("a.service", path="/etc/a"), regression("b.service", path="/etc/b", after=9.6)]
        user.rows = [regression("c.service", path="/etc/c", units=["c.service", "d.service"])]
        self.agent(login=True)
        shown, = self.shown()
        self.settle()
        self.assertEqual(len(self.desktop.texts), 1)
        self.assertEqual(shown.title, "4 services became weaker")
        self.assertEqual(shown.body, "system: b  2.8 → <b>9.6 UNSAFE</b>\n"
                                     "system: a  2.8 → <b>5.1 MEDIUM</b>\n"
                                     "yours: c and 1 more  2.8 → <b>5.1 MEDIUM</b>")
        self.assertEqual(shown.urgency, CRITICAL)
        self.assertNotIn("accept", shown.actions)

    def test_login_before_the_other_exposured(self):
        self.daemon.rows = [regression("a.service", path="/etc/a"), regression("b.service", path="/etc/b")]
        self.agent(login=True)
        self.settle(1.5)
        user = self.exposured(user=True)
        user.rows = [regression("c.service")]
        self.shown()
        self.settle()
        self.assertEqual([shown.title for shown in self.desktop.texts], ["3 services became weaker"])

    def test_login_without_the_other_exposured(self):
        self.daemon.rows = [regression("a.service")]
        agent = self.agent(login=True)
        self.settle(3)
        self.assertEqual(self.desktop.texts, [])
        self.shown()
        # It was a login once, and is none after a restart.
        agent.stop()
        self.until(lambda: not self.peer.owner(AGENT_NAME))
        self.agent(login=True)
        begin = time.monotonic()
        self.until(lambda: len(self.daemon.calls) > 1)
        self.daemon.add(regression("b.service", path="/etc/b"))
        self.shown(2)
        self.assertLess(time.monotonic() - begin, 4)

    def test_scope_of_the_user(self):
        user = self.exposured(user=True)
        self.agent()
        user.add(regression("mine.service"))
        shown, = self.shown()
        self.assertTrue(shown.body.startswith("Your service, exposure "), shown)

    def test_growing_cause_replaces(self):
        self.agent()
        self.daemon.add(regression("a.service"))
        first, = self.shown()
        grown = regression("a.service", id="second", after=6.0, checks=["PrivateTmp", "ProtectHome"])
        self.daemon.rows = []
        self.daemon.add(grown)
        self.until(lambda: len(self.desktop.texts) == 2)
        second, = self.shown()
        self.assertEqual((second.id, second.replaces), (first.id, first.id))
        self.assertIn("6.0 MEDIUM", second.body)
        self.assertEqual(self.desktop.closed, [])

    def test_mended_is_closed(self):
        self.agent()
        for member in ("Improved", "Accepted"):
            row = regression(f"{member.lower()}.service", path=f"/etc/{member}")
            self.daemon.add(row)
            shown, = self.shown()
            self.daemon.mend(row, member)
            self.shown(0)
            self.assertEqual(self.desktop.closed[-1], shown.id)

    def test_summary_is_closed_with_the_last(self):
        rows = [regression(f"{i}.service", path=f"/etc/{i}") for i in range(3)]
        self.daemon.rows = rows[:]
        self.agent()
        self.shown()
        self.daemon.mend(rows[0])
        self.daemon.mend(rows[1])
        # It says what is left, under its number and without a sound.
        self.until(lambda: len(self.desktop.texts) == 2)
        self.settle(1)
        shown, = self.shown()
        self.assertEqual((shown.title, shown.replaces), ("2 became weaker", shown.id))
        self.assertTrue(shown.hints["suppress-sound"])
        self.assertIn("accept", shown.actions)
        self.daemon.mend(rows[2])
        self.shown(0)

    def test_not_again_after_restarts(self):
        self.daemon.add(regression("a.service"))
        agent = self.agent()
        self.shown()
        self.leave(self.daemon)
        self.daemon = self.exposured()
        self.daemon.rows = [regression("a.service")]
        self.until(lambda: "ListRegressions" in self.daemon.members())
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.until(lambda: os.path.exists(f"{self.session.folder}/exposure-notify/told"))
            agent.stop(number)
            agent.process.returncode = 0
            calls = len(self.daemon.calls)
            agent = self.agent()
            self.until(lambda calls=calls: len(self.daemon.calls) > calls)
        self.settle()
        self.assertEqual(len(self.desktop.texts), 1)
        # What the one before has shown is closed all the same.
        self.daemon.mend(self.daemon.rows[0])
        self.shown(0)

    def test_not_again_after_an_empty_list(self):
        """As from an exposured that cannot read its database yet."""
        row = regression("a.service")
        self.daemon.add(row)
        agent = self.agent()
        self.shown()
        for _ in range(2):
            self.leave(self.daemon)
            self.daemon = self.exposured()
            self.shown(0)
            self.daemon.add(row)
            self.settle()
            self.daemon.rows = []
            agent.stop()
            self.until(lambda: not self.peer.owner(AGENT_NAME))
            agent = self.agent()
        self.assertEqual(len(self.desktop.texts), 1)

    def test_folder_is_removed(self):
        """By who tidies up."""
        agent = self.agent()
        for n, unit in enumerate(("a.service", "b.service"), 1):
            self.daemon.add(regression(unit, path=f"/etc/{unit}"))
            self.shown(n)
            self.settle(0.5)
            if n == 1:
                shutil.rmtree(f"{self.session.folder}/exposure-notify")
        self.daemon.add(regression("c.service", path="/etc/c"))
        self.shown(3)
        agent.stop()
        self.until(lambda: not self.peer.owner(AGENT_NAME))
        self.agent()
        self.settle()
        self.assertEqual(len(self.desktop.texts), 3)

    def test_nothing_is_asked_for_what_appears(self):
        self.agent()
        self.until(lambda: "ListRegressions" in self.daemon.members())
        self.settle(1)
        n = self.daemon.members().count("ListRegressions")
        self.daemon.tell("Appeared", regression("run-1.service"))
        self.settle(1)
        self.assertEqual(self.daemon.members().count("ListRegressions"), n)
        for member in ("Regressed", "Improved", "Changed", "Gone", "Accepted", "Model"):
            self.daemon.tell(member)
            n += 1
            self.until(lambda n=n: self.daemon.members().count("ListRegressions") == n, member)

    def test_other_session_is_told(self):
        self.daemon.add(regression("a.service"))
        self.agent(XDG_SESSION_ID="1").stop()
        self.until(lambda: not self.peer.owner(AGENT_NAME))
        self.desktop.texts.clear()
        for session, n in (("2", 1), ("2", 1), ("3", 2)):
            agent = self.agent(XDG_SESSION_ID=session)
            self.until(lambda n=n: len(self.desktop.texts) >= n)
            self.settle()
            agent.stop()
            self.until(lambda: not self.peer.owner(AGENT_NAME))
            self.assertEqual(len(self.desktop.texts), n, session)

    def test_daemon_comes_late_and_goes(self):
        self.leave(self.daemon)
        self.agent()
        self.daemon = self.exposured()
        self.daemon.rows = [regression("a.service")]
        self.shown()
        self.leave(self.daemon)
        self.settle(1)
        self.shown(1)

    def test_many_within_a_minute(self):
        """A third of that time, so as not to wait for it all: what would be told later is one more."""
        self.agent()
        self.until(lambda: "ListRegressions" in self.daemon.members())
        for i in range(500):
            self.daemon.add(regression(f"unit-{i}.service", path=f"/etc/systemd/system/unit-{i}.service.d/x.conf"))
            self.settle(0.02)
        self.settle()
        self.assertLessEqual(len(self.desktop.texts), 2, self.desktop.texts)
        self.assertGreaterEqual(len(self.desktop.texts), 1)
        self.assertLessEqual(len(self.desktop.shown), 2)

    def test_no_more_than_three_in_a_row(self):
        self.agent()
        for i in range(6):
            self.daemon.add(regression(f"{i}.service", path=f"/etc/{i}"))
            self.settle(2.2)
        self.assertEqual(len(self.desktop.texts), 3)

    def test_urgent_ones_do_not_wait(self):
        """Where it may be no notification more, one that is there says it."""
        self.agent()
        for i in range(3):
            self.daemon.add(regression(f"{i}.service", path=f"/etc/{i}"))
            self.shown(i + 1)
            self.settle(1)
        self.daemon.add(regression("laid-open.service", path="/etc/x", before=1.0, after=9.9))
        self.until(lambda: len(self.desktop.texts) == 4, patience=15)
        self.settle(0.5)
        shown = self.shown(3)[-1]
        self.assertEqual(shown.title, "2 system services became weaker")
        self.assertEqual((shown.urgency, shown.replaces), (CRITICAL, shown.id))
        self.assertIn("laid-open", shown.body)
        self.assertNotIn("suppress-sound", shown.hints)

    def test_urgency(self):
        self.agent()
        for before, after, urgency in ((1.7, 1.8, LOW), (1.7, 9.6, CRITICAL)):
            row = regression("a.service", id=f"{after}", before=before, after=after)
            self.daemon.add(row)
            self.assertEqual(self.shown()[0].urgency, urgency)
            self.daemon.mend(row)
            self.shown(0)

    def test_hostile_texts(self):
        self.agent()
        long = "<b>&\n" * 2048
        for text in (HOSTILE, long):
            row = regression(text, id=f"id{len(text)}", units=[text] * 3, path=text, change=text, checks=[text] * 20,
                             lines=[text])
            self.daemon.add(row)
            shown, = self.shown()
            self.assertEqual(shown.title.count("\n"), 0)
            self.assertLess(len(shown.title.encode()), 512)
            self.assertLess(len(shown.body.encode()), 8192)
            self.assertNotRegex(shown.title + shown.body, UNSAFE)
            # Nothing but our own marks is markup, and the rest reads as it was written.
            tree = ElementTree.fromstring(f"<body>{shown.body}</body>")
            self.assertEqual([(e.tag, e.text) for e in tree], [("b", "5.1 MEDIUM")])
            self.assertIn("<b>&", "".join(tree.itertext()))
            self.assertIn("<b>&", shown.title)
            self.daemon.mend(row)
            self.shown(0)

    def test_forged_signals(self):
        self.agent()
        self.daemon.add(regression("a.service"))
        shown, = self.shown()
        agent = self.peer.owner(AGENT_NAME)
        for member, arguments in (("ActionInvoked", ("us", shown.id, "accept")),
                                  ("NotificationClosed", ("uu", shown.id, 2))):
            self.peer.emit("/org/freedesktop/Notifications", "org.freedesktop.Notifications", member, *arguments,
                           destination=agent)
        self.settle(1)
        self.assertEqual(self.daemon.accepted, [])
        self.daemon.mend(self.daemon.rows[0])
        self.shown(0)

    def test_rows_that_cannot_be(self):
        self.daemon.rows = [regression("", id="a"), regression("b.service", id="x" * 100),
                            regression("c.service", id="with blank"), regression("good.service")]
        self.agent()
        self.assertEqual(self.shown()[0].title, "good became weaker")


if __name__ == "__main__":
    main()
