#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an acceptance and its end make of a baseline, whatever happened before and in between; and what becomes of all
of that where an instance leaves its template, and where nothing but acceptances moves a baseline."""

import os
import subprocess
import time

from daemoncase import ERROR, configure, main
from peer import BusError
from remembercase import BETTER, PLAIN, Case

CLIENT = os.environ["EXPOSURED_CLIENT"]
BEST = 8.8
TMP = "PrivateTmp"
OWN = "/run/systemd/system/t@2.service.d/x.conf"


class Ends(Case):
    """Acceptances for a while."""

    def test_it_ends(self):
        self.begin()
        self.weaken("a.service")
        self.accept("a.service", 5)
        self.assertEqual((self.open(), self.get("Baseline", "a.service")), (set(), PLAIN))
        self.wait_until(lambda: self.open() == {"a.service"})
        self.assertEqual(self.get("Baseline", "a.service"), BETTER)
        row = self.call("ListRegressions")[0][0]
        self.assertEqual([cause[1] for cause in row[7]], ["expired"])
        words = [("regressed", "a.service"), ("accepted", "a.service"), ("regressed", "a.service")]
        self.wait_until(lambda: self.history() == words)
        self.again()
        self.assertEqual((self.open(), self.history()), ({"a.service"}, words))

    def test_restart_before_its_end(self):
        self.begin()
        self.weaken("a.service")
        self.accept("a.service", 3600)
        self.wait_until(lambda: self.history()[-1][0] == "accepted")
        self.forget()
        self.again()
        self.assert_told()
        self.assertEqual((self.open(), self.get("Baseline", "a.service")), (set(), PLAIN))
        self.stop()
        self.sql("UPDATE acceptance SET until = ?", (int((time.time() + 1) * 10**6),))
        self.begin()
        self.wait_until(lambda: self.open() == {"a.service"})
        self.assert_told(("Regressed", "a.service"))

    def test_it_ends_while_it_is_down(self):
        self.begin()
        self.weaken("a.service")
        self.accept("a.service", 3600)
        self.stop()
        self.sql("UPDATE acceptance SET until = ?", (int(time.time() * 10**6),))
        self.begin()
        self.wait_until(lambda: self.open() == {"a.service"})

    def test_mended_before_its_end(self):
        """The end of what is no more is no regression."""
        self.begin()
        self.weaken("a.service")
        self.accept("a.service", 3600)
        self.protect("a.service")
        self.reload()
        self.wait_until(lambda: self.history()[-1] == ("improved", "a.service"))
        self.forget()
        self.expire()
        self.assert_told()
        self.assertEqual((self.open(), self.sql("SELECT * FROM acceptance")), (set(), []))

    def test_one_after_the_other(self):
        """The state before the first one comes back."""
        self.protect("a.service", setting="PrivateTmp")
        self.begin()
        first = self.get("Baseline", "a.service")
        self.weaken("a.service")
        self.accept("a.service", 3600)
        self.protect("a.service", False, "PrivateTmp")
        self.reload()
        self.wait_until(lambda: self.open() == {"a.service"})
        self.accept("a.service", 3600)
        self.stop()
        self.sql("UPDATE acceptance SET until = ?", (int(time.time() * 10**6),))
        self.begin()
        self.wait_until(lambda: self.open() == {"a.service"})
        self.assertEqual(self.get("Baseline", "a.service"), first)

    def test_for_good_after_that(self):
        self.begin()
        self.weaken("a.service")
        self.accept("a.service", 3600)
        self.protect("a.service", setting="PrivateTmp")
        self.reload()
        self.wait_until(lambda: self.history()[-1][0] == "improved")
        self.protect("a.service", False, "PrivateTmp")
        self.reload()
        self.wait_until(lambda: self.open() == {"a.service"})
        self.accept("a.service")
        # at once: what a person was told is done stays done
        self.again()
        self.assertEqual((self.sql("SELECT * FROM acceptance"), self.open()), ([], set()))


class Kept(Case):
    """What was answered is on the disk."""

    def assert_accepted(self):
        self.kill()
        self.assertEqual(self.sql("SELECT event FROM event"), [("regressed",), ("accepted",)])

    def test_killed(self):
        self.begin()
        self.weaken("a.service")
        self.accept("a.service")
        self.assert_accepted()
        self.begin()
        self.assertEqual((self.open(), self.get("Baseline", "a.service")), (set(), PLAIN))

    def test_reload(self):
        """It does not wait for the end of that."""
        self.begin()
        self.weaken("a.service")
        self.systemd.reloading(True)
        self.wait_until(lambda: self.get("State") == "reloading")
        self.accept("a.service")
        self.assert_accepted()
        self.systemd.reloading(False)
        self.begin()
        self.assertEqual(self.open(), set())

    def test_sweep(self):
        """Nor for what is read meanwhile; that is judged when all of it is."""
        self.begin()
        self.weaken("a.service")
        self.protect("b.service", False)
        self.systemd.rule("hold", "GetAll", "c.service")
        self.systemd.reloading(True)
        self.systemd.reloading(False)
        self.wait_until(lambda: self.exposure("b.service") == PLAIN)
        self.accept("a.service")
        self.assert_accepted()

    def test_caller_leaves(self):
        self.begin()
        self.weaken("a.service", "b.service")
        somebody = self.connect()
        self.call("ListRegressions", peer=somebody)
        self.send("Accept", "sst", "a.service", "because", 0, peer=somebody)
        somebody.close()
        self.barrier()
        # whatever became of that one
        self.accept("b.service")
        words = self.history()
        self.assertEqual(words[2:].count(("accepted", "a.service")), "a.service" not in self.open())
        self.assertEqual(words.count(("accepted", "b.service")), 1)

    def test_many(self):
        """Of one caller at once: each is kept, or refused."""
        self.begin()
        self.weaken(*self.units)
        calls = [self.send("Accept", "sst", self.units[i % 3], "because", 0) for i in range(60)]
        answers = []
        for call in calls:
            try:
                answers.append(len(self.peer.answer(call)[0]))
            except BusError as error:
                answers.append(error.name.removeprefix(ERROR))
        self.assertEqual(answers.count(32), 3)
        self.assertLessEqual(set(answers), {32, "NothingToAccept", "LimitExceeded"})
        self.assert_open_nothing()

    def assert_open_nothing(self):
        self.kill()
        self.begin()
        self.assertEqual(self.open(), set())


class Expiry(Case):
    """What comes back at the end is the baseline from before, and what became better since."""

    def accept_a(self):
        self.accept("a.service", 3600)
        self.wait_until(lambda: self.history()[-1][0] == "accepted")

    def checks(self):
        """Those that are worse, by regression."""
        return {row[2]: sorted(check[0] for check in row[6]) for row in self.call("ListRegressions")[0]}

    def change(self, event, *settings):
        before = len(self.history())
        for unit, on, setting in settings:
            self.protect(unit, on, setting)
        self.reload()
        self.wait_until(lambda: [word for word, _ in self.history()[before:]] == [event])

    def end(self, *told):
        self.forget()
        self.expire()
        self.assert_told(*told)

    def test_best_of_several(self):
        """No state that ever was is the baseline."""
        self.protect("a.service", False)
        self.protect("a.service", True, TMP)
        self.begin()
        self.change("regressed", ("a.service", True, "PrivateNetwork"), ("a.service", False, TMP))
        self.change("regressed", ("a.service", False, "PrivateNetwork"), ("a.service", True, TMP))
        self.wait_until(lambda: self.checks() == {"a.service": ["PrivateNetwork"]})
        self.assertEqual(self.get("Baseline", "a.service"), BEST)
        self.accept_a()
        self.end(("Regressed", "a.service"))
        self.assertEqual((self.checks(), self.get("Baseline", "a.service")), ({"a.service": ["PrivateNetwork"]}, BEST))
        self.again()
        self.assertEqual(self.get("Baseline", "a.service"), BEST)

    def test_better_meanwhile(self):
        """The ratchet holds what became better during the acceptance."""
        self.begin()
        self.weaken("a.service")
        self.accept_a()
        self.change("improved", ("a.service", True, TMP))
        self.end(("Regressed", "a.service"))
        self.assertEqual(self.get("Baseline", "a.service"), BEST)
        self.change("regressed", ("a.service", False, TMP))
        self.assertEqual(self.checks(), {"a.service": ["PrivateMounts", "PrivateNetwork", TMP]})

    def test_better_between_two(self):
        """Also where another state was accepted after that."""
        self.begin()
        self.weaken("a.service")
        self.accept_a()
        self.change("improved", ("a.service", True, TMP))
        self.change("regressed", ("a.service", False, TMP))
        self.accept_a()
        self.end(("Regressed", "a.service"))
        self.assertEqual(self.checks(), {"a.service": ["PrivateMounts", "PrivateNetwork", TMP]})

    def test_removed_meanwhile(self):
        """Of what is not there nothing is told. It is judged when it comes back."""
        fragment = f"{self.bus.folder}/b.service"
        self.write(fragment, "[Service]\n")
        self.systemd.set("b.service", "FragmentPath", "s", fragment, "Unit")
        self.begin()
        self.weaken("b.service")
        self.accept("b.service", 3600)
        os.unlink(fragment)
        self.systemd.unload("b.service")
        self.wait_until(lambda: self.history()[-1][0] == "gone")
        self.end()
        self.assertEqual(self.open(), set())
        self.write(fragment, "[Service]\n")
        self.systemd.load("b.service")
        self.wait_until(lambda: self.open() == {"b.service"})
        self.assert_told(("Regressed", "b.service"))
        self.assertEqual(self.get("Baseline", "b.service"), BETTER)

    def test_mended_in_down_time(self):
        """What changed since is judged first."""
        self.begin()
        self.weaken("a.service")
        self.accept_a()
        self.forget()
        self.protect("a.service")
        self.expire()
        self.assert_told(("Improved", "a.service"))

    def test_told_already(self):
        """What is open already is not told again where what was accepted has been mended."""
        self.protect("a.service", True, TMP)
        self.begin()
        self.weaken("a.service")
        self.accept_a()
        self.change("regressed", ("a.service", False, TMP))
        told, = self.call("ListRegressions")[0]
        self.change("improved", ("a.service", True, "PrivateNetwork"))
        self.end()
        for _ in range(2):
            row, = self.call("ListRegressions")[0]
            self.assertEqual((row[:2], self.checks()), (told[:2], {"a.service": ["PrivateMounts", TMP]}))
            self.assertEqual(self.get("Baseline", "a.service"), BEST)
            self.again()


class Instances(Case):
    """Instances without files of their own are one with their template."""

    units = ("t@1.service", "t@2.service", "t@3.service")

    def setUp(self):
        super().setUp()
        self.template = f"{self.bus.folder}/t@.service"
        self.write(self.template, "[Service]\nPrivateNetwork=yes\n")
        for unit in self.units:
            self.systemd.set(unit, "FragmentPath", "s", self.template, "Unit")
        self.begin()
        self.write(self.template, "[Service]\n")
        self.weaken(*self.units)

    def rows(self):
        return [(row[0], row[2], sorted(row[3])) for row in self.call("ListRegressions")[0]]

    def leave(self):
        """t@2 gets a file of its own, which makes something else better."""
        self.systemd.set("t@2.service", "DropInPaths", "as", [OWN], "Unit")
        self.protect("t@2.service", setting=TMP)
        self.reload()
        self.wait_until(lambda: self.history()[-1] == ("improved", "t@2.service"))

    def test_leaves_with_a_regression(self):
        """It stays what it was told to be, one event with the others."""
        before = self.rows()
        self.assertEqual(before[0][1:], ("t@.service", list(self.units)))
        self.leave()
        for _ in range(2):
            self.assertEqual(self.rows(), before)
            self.assertTrue(self.get("Regressed", "t@2.service"))
            self.assertEqual((self.get("Baseline", "t@2.service"), self.get("Exposure", "t@2.service")), (BEST, 9.2))
            self.again()
        self.accept("t@.service")
        self.assertEqual(self.open(), {"t@2.service"})
        self.accept("t@2.service")
        self.assertEqual(self.open(), set())

    def test_leaves_as_it_is(self):
        """By a file that no check cares for, and that came without a reload."""
        before = self.rows()
        self.systemd.set("t@2.service", "DropInPaths", "as", [OWN], "Unit")
        self.call("Rescan")
        self.wait_until(lambda: self.sql("SELECT unit FROM regression WHERE unit = 't@2.service'"))
        self.again()
        self.assertEqual(self.rows(), before)

    def test_leaves_while_accepted(self):
        """The acceptance ends for it too."""
        self.accept("t@.service", 3600)
        self.leave()
        self.forget()
        self.expire()
        self.assert_told(("Regressed", "t@.service"), ("Regressed", "t@2.service"))
        self.assertEqual(self.open(), set(self.units))
        self.assertEqual(self.get("Baseline", "t@2.service"), BEST)

    def test_stopped(self):
        """It is listed, so it can be accepted."""
        self.systemd.unload("t@3.service")
        self.barrier()
        self.assertEqual(self.open(), set(self.units))
        self.accept("t@3.service")
        self.assertEqual(self.open(), set())

    def client(self, *patterns):
        done = subprocess.run([CLIENT, "accept", *patterns, "--reason=all of them"], env=self.environment(), text=True,
                              capture_output=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr, self.open()), (0, "", set()), done)
        return [line.split(" [")[0] for line in done.stdout.splitlines()]

    def test_by_pattern(self):
        """One call for all that are one."""
        self.assertEqual(self.client("t@*"), ["Accepted t@.service"])
        self.wait_until(lambda: self.history()[-1] == ("accepted", "t@.service"))

    def test_one_of_them_by_pattern(self):
        self.assertEqual(self.client("t@[23]*"), ["Accepted t@.service"])

    def test_by_pattern_with_one_that_left(self):
        self.leave()
        self.assertEqual(self.client("t@*"), ["Accepted t@.service", "Accepted t@2.service"])

    def test_by_pattern_with_others(self):
        """One cause hit them and more: they are not what the event is about."""
        self.accept("t@.service")
        path = f"{self.bus.folder}/service.d/x.conf"
        os.mkdir(os.path.dirname(path))
        self.systemd.load("a.service")
        everyone = ("a.service", *self.units)
        for unit in everyone:
            self.protect(unit, setting="NoNewPrivileges")
            self.systemd.set(unit, "DropInPaths", "as", [path], "Unit")
        self.reload()
        self.wait_until(lambda: self.history()[-1][0] == "improved")
        self.write(path, "[Service]\nNoNewPrivileges=no\n")
        # of a.service most gets worse, so it is about that one
        self.protect("a.service", False, "PrivateDevices")
        for unit in everyone:
            self.protect(unit, False, "NoNewPrivileges")
        self.reload()
        self.wait_until(lambda: self.open() == set(everyone))
        self.assertEqual(self.client("*"), ["Accepted a.service", "Accepted t@1.service"])


class Ratchet(Case):
    """Ratchet=no: nothing but an acceptance moves a baseline."""

    def setUp(self):
        super().setUp()
        configure(SettleSec="0", Ratchet="no")

    def change(self, on, *events, setting=TMP):
        self.forget()
        self.protect("a.service", on, setting)
        self.reload()
        self.assert_told(*((event, "a.service") for event in events))

    def test_baseline_stays(self):
        self.begin()
        self.change(True, "Improved")
        self.assertEqual((self.get("Exposure", "a.service"), self.get("Baseline", "a.service")), (BEST, BETTER))
        self.change(False, "Changed")
        self.assertEqual((self.open(), self.get("Baseline", "a.service")), (set(), BETTER))
        log = self.daemon.end()[1]
        self.assertTrue(any("a.service changed within its baseline, exposure 9.1 instead of 8.8: PrivateMounts=, PrivateTmp=" in line
                            for line in log), log)

    def test_worse_than_that(self):
        self.begin()
        self.change(True, "Improved")
        self.change(False, "Regressed", setting="PrivateNetwork")
        self.assertEqual(self.open(), {"a.service"})
        self.change(False, "Changed")
        self.assertEqual([[check[0] for check in row[6]] for row in self.call("ListRegressions")[0]],
                         [["PrivateNetwork"]])
        self.change(True, "Improved", setting="PrivateNetwork")
        self.assertEqual(self.open(), set())

    def test_better_is_accepted(self):
        """A person may move it."""
        self.begin()
        self.change(True, "Improved")
        self.accept("a.service")
        self.assertEqual(self.get("Baseline", "a.service"), BEST)
        self.wait_until(lambda: self.history()[-1][0] == "accepted")
        self.change(False, "Regressed")

    def test_acceptance_ends(self):
        """What comes back is what was before, no better."""
        self.begin()
        self.change(False, "Regressed", setting="PrivateNetwork")
        self.accept("a.service", 3600)
        self.wait_until(lambda: self.history()[-1][0] == "accepted")
        self.change(True, "Improved")
        self.forget()
        self.expire()
        self.assert_told(("Regressed", "a.service"))
        self.assertEqual(self.get("Baseline", "a.service"), BETTER)
        self.change(False, "Changed")


main(needs_view=True)
