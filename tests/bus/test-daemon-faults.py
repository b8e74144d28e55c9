#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A service manager that answers slowly, with errors, with rubbish, with half an answer, or not at all: a score that may
be wrong is never shown as right, and when it is over all is right."""

import os
import random
import time

from daemoncase import PATIENCE, DaemonCase, configure, main

SEED = int(os.environ.get("EXPOSURED_SEED") or random.randrange(1 << 32))
FAILED, DENIED = "org.freedesktop.DBus.Error.Failed", "org.freedesktop.DBus.Error.AccessDenied"
# So long after something may have changed a score is stale.
PROOF = 10


class Case(DaemonCase):
    units = tuple(f"u{i}.service" for i in range(6))

    def setUp(self):
        configure(SettleSec="0", CallTimeoutSec="1s")
        self.addCleanup(configure, SettleSec="0")
        super().setUp()
        self.rng = random.Random(SEED)
        self.truth = {unit: False for unit in self.units}
        self.start()

    def change(self):
        """Sets what nobody is told of before the next reload."""
        for unit in self.units:
            self.truth[unit] = self.rng.choice((False, True))
            self.systemd.set(unit, "PrivateNetwork", "b", self.truth[unit])

    def reload_begins(self):
        """A reload by which all may be different, told and over."""
        self.systemd.reloading(True)
        self.change()
        self.systemd.reloading(False)

    def shown(self):
        """The units with a score, and whether it is right and said to be."""
        fresh = {name: not stale for name, _, stale in self.call("ListFreshness")[0]}
        current = self.get("State") == "current"
        right = {unit: (self.finding(unit, "PrivateNetwork") == "good") == self.truth[unit] for unit in fresh}
        return {unit: (right[unit], current and fresh[unit]) for unit in fresh}

    def assert_no_lie(self):
        # it may read one while it is looked at: what it says before and after must not be wrong both times
        lies = {unit for unit, (right, believed) in self.shown().items() if believed and not right}
        if lies:
            lies &= {unit for unit, (right, believed) in self.shown().items() if believed and not right}
        self.assertEqual(lies, set(), f"seed {SEED}")

    def await_right(self):
        deadline = time.monotonic() + 3 * PATIENCE
        while True:
            self.assert_no_lie()
            shown = self.shown()
            if shown == dict.fromkeys(self.units, (True, True)) and self.get("Healthy"):
                return
            self.assertLess(time.monotonic(), deadline, (SEED, shown, self.get("Status")))

    def await_all_stale(self):
        deadline = time.monotonic() + PROOF + PATIENCE
        while not all(stale for _, _, stale in self.call("ListFreshness")[0]):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        self.assertFalse(self.get("Healthy"))
        return self.get("Status")


class Slow(Case):
    def test_slow_answers(self):
        begun = time.monotonic()
        self.systemd.slow(0.04)
        self.reload_begins()
        self.wait_until(lambda: self.get("State") == "scanning")
        waits = []
        while self.get("State") != "current":
            asked = time.monotonic()
            self.assert_no_lie()
            waits.append(time.monotonic() - asked)
        self.assertGreater(time.monotonic() - begun, 0.04 * 4 * len(self.units))
        self.await_right()
        self.assertLessEqual(self.systemd.in_flight()[1], 4)
        self.assertGreater(len(waits), 2)

    def test_slower_than_is_waited_for(self):
        """Each answer comes too late, until they come sooner."""
        self.systemd.slow(1.2)
        self.reload_begins()
        self.assertRegex(self.await_all_stale(), r"\A[A-Z0-9].+\.\Z")
        self.systemd.slow(0)
        self.await_right()


class Silent(Case):
    def test_no_answer_at_all(self):
        before = dict((row[0], row[1]) for row in self.call("ListFreshness")[0])
        self.systemd.rule("hold")
        self.reload_begins()
        self.assertIn("does not answer", self.await_all_stale())
        self.assertNotEqual(self.get("State"), "current")
        self.assertEqual({row[0]: row[1] for row in self.call("ListFreshness")[0]}, before)
        self.assertEqual(self.names(), list(self.units))
        self.systemd.rule("")
        self.await_right()
        for unit, last_read, _ in self.call("ListFreshness")[0]:
            self.assertGreater(last_read, before[unit])

    def test_no_answer_about_units(self):
        self.systemd.rule("hold", "GetAll")
        self.reload_begins()
        self.assertIn("6 units could not be read", self.await_all_stale())
        self.systemd.rule("", "GetAll")
        self.await_right()

    def test_no_answer_about_one_unit(self):
        self.systemd.rule("hold", "GetAll", "u3.service")
        self.reload_begins()
        self.wait_until(lambda: self.get("Status") == "1 unit could not be read; its score may be old.")
        self.assertEqual([row[0] for row in self.call("ListFreshness")[0] if row[2]], ["u3.service"])
        self.systemd.rule("", "GetAll", "u3.service")
        self.await_right()

    def test_reload_without_an_end(self):
        """It is over, and nobody was told."""
        self.systemd.reloading(True)
        self.wait_until(lambda: self.get("State") == "reloading")
        self.change()
        self.systemd.reloading(False, tell=False)
        self.await_right()
        self.assertEqual(self.get("ReloadCount"), 1)

    def test_reload_that_never_ends(self):
        self.systemd.reloading(True)
        self.change()
        self.assertIn("does not answer", self.await_all_stale())
        self.assertEqual(self.get("State"), "reloading")
        self.systemd.reloading(False)
        self.await_right()


class Wrong(Case):
    """Every call in turn is answered in every wrong way, and then rightly."""

    def assert_survives(self, member, action, unit=""):
        self.systemd.rule(action, member, unit)
        self.reload_begins()
        deadline = time.monotonic() + 1.5
        while self.get("State") != "current" and time.monotonic() < deadline:
            self.assert_no_lie()
        self.assert_no_lie()
        self.assertEqual(self.names(), list(self.units))
        self.systemd.rule("", member, unit)
        self.reload_begins()
        self.await_right()
        self.assertIsNone(self.daemon.process.process.poll())

    def each(self, member, actions):
        for action in actions:
            for unit in ("", "u1.service") if member.startswith("Get") else ("",):
                with self.subTest(member=member, action=action, unit=unit, seed=SEED):
                    self.assert_survives(member, action, unit)

    def test_subscribe(self):
        self.each("Subscribe", (FAILED, DENIED, "wrong", "hold"))

    def test_list(self):
        self.each("ListUnitsByPatterns", (FAILED, DENIED, "wrong", "rubbish", "hold"))

    def test_all_properties(self):
        self.each("GetAll", (FAILED, "wrong", "rubbish", "half", "empty", "hold"))

    def test_one_property(self):
        self.each("Get", (FAILED, "wrong", "rubbish", "empty", "hold"))

    def test_everything_at_random(self):
        for _ in range(10):
            rules = [(self.rng.choice((FAILED, DENIED, "wrong", "rubbish", "half", "hold")), member)
                     for member in ("Subscribe", "GetAll", "Get") if self.rng.random() < 0.7]
            for rule in rules:
                self.systemd.rule(*rule)
            if self.rng.random() < 0.3:
                self.systemd.leave()
                self.change()
                self.systemd.come_back()
            self.reload_begins()
            for _ in range(10):
                self.assert_no_lie()
            for _, member in rules:
                self.systemd.rule("", member)
            self.reload_begins()
            self.await_right()


class Half(Case):
    def test_half_an_answer_is_told(self):
        self.systemd.rule("half", "GetAll", "u2.service")
        self.reload()
        self.daemon.wait_for_line("u2.service cannot be read ((properties)), keeping what is known.")
        self.assertTrue(self.get("Stale", "u2.service"))
        self.systemd.rule("", "GetAll", "u2.service")
        self.reload()
        self.assertFalse(self.get("Stale", "u2.service"))


print(f"EXPOSURED_SEED={SEED}")
main(needs_view=True)
