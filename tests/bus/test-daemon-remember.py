#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon remembers from one life to the next: baselines, regressions, what was removed
in between, and what a database that could not be read at first says in the end."""

import contextlib
import json
import mmap
import os
import socket
import sqlite3
import struct
import time

from daemoncase import DAEMON, configure, main
from peer import BusError
from machine import is_sanitized
from remembercase import BETTER, EVENTS, PLAIN, Case

FAULTY = os.environ["EXPOSURED_FAULTY"]
JOURNAL = "/run/systemd/journal/socket"
# A sanitizer's own memory says nothing of the daemon's.
SANITIZED = is_sanitized(os.path.dirname(os.path.dirname(DAEMON)))


class Lives(Case):
    def test_regression_stays_open(self):
        self.begin()
        self.weaken("a.service")
        before = self.call("ListRegressions")[0]
        self.forget()
        for _ in range(2):
            self.again()
            self.assertEqual(self.call("ListRegressions")[0], before)
            self.assert_told()
            self.assertEqual(self.get("Baseline", "a.service"), BETTER)
        self.protect("a.service")
        self.reload()
        self.wait_until(lambda: not self.open())
        self.assert_told(("Improved", "a.service"))

    def test_one_cause_stays_one(self):
        """What one event told of several units is one regression, in the next life too."""
        path = f"{self.bus.folder}/service.d/x.conf"
        os.mkdir(os.path.dirname(path))
        self.begin()
        self.write(path, "[Service]\nPrivateNetwork=no\n")
        for unit in self.units:
            self.systemd.set(unit, "DropInPaths", "as", [path], "Unit")
        self.weaken(*self.units)
        before = self.call("ListRegressions")[0]
        self.assertEqual([sorted(row[3]) for row in before], [list(self.units)])
        self.again()
        self.assertEqual(self.call("ListRegressions")[0], before)

    def test_change_while_it_was_down(self):
        self.begin()
        self.stop()
        self.protect("a.service", False)
        self.protect("b.service", setting="PrivateTmp")
        self.begin()
        self.wait_until(lambda: len(self.history()) == 2)
        self.assert_told(("Improved", "b.service"), ("Regressed", "a.service"))
        self.again()
        self.assert_told()
        self.assertEqual(self.open(), {"a.service"})

    def test_what_was_not_told_is_told(self):
        """As if it had been killed between the two."""
        self.begin()
        self.weaken("a.service")
        self.forget()
        self.stop()
        self.assertEqual(self.sql("UPDATE event SET announced = 0 RETURNING unit"), [("a.service",)])
        self.begin()
        self.assert_told(("Regressed", "a.service"))
        self.again()
        self.assert_told()

    def test_removed_while_it_was_down(self):
        """And back as weak as it never was."""
        fragment = f"{self.bus.folder}/b.service"
        self.write(fragment, "[Service]\nPrivateNetwork=yes\n")
        self.systemd.set("b.service", "FragmentPath", "s", fragment, "Unit")
        self.begin()
        self.stop()
        os.unlink(fragment)
        self.systemd.unload("b.service", announce=False)
        self.begin()
        self.wait_until(lambda: self.history() == [("gone", "b.service")])
        self.again()
        self.assert_told(("Gone", "b.service"))
        self.protect("b.service", False)
        self.systemd.load("b.service")
        self.wait_until(lambda: self.open() == {"b.service"})
        self.assert_told(("Regressed", "b.service"))

    def test_wide_history(self):
        """An answer has a bound, in memory too; who wants more asks again from the last event on."""
        self.begin()
        self.stop()
        with contextlib.closing(sqlite3.connect(f"{self.state}/exposured.db")) as database, database:
            database.execute("DELETE FROM event")
            rows = [database.execute(
                "INSERT INTO event (id, event, unit, time, before, after, systemd_version, until, lesser, announced)"
                " VALUES (?, 'regressed', 'u.service', ?, 10, 20, '252', 0, 0, 1)",
                (f"{i:032x}", int(time.time() * 10**6) + i)).lastrowid for i in range(300)]
            database.executemany(
                "INSERT INTO event_unit (event, position, unit, before, after, checks) VALUES (?, ?, ?, 10, 20, '')",
                ((row, i, f"unit-number-{i}.service") for row in rows for i in range(2500)))
        self.begin()
        before, seen = self.peak(), []
        while rows := self.call("GetHistory", "ssu", "", seen[-1] if seen else "", 0)[0]:
            seen += [row[0] for row in rows]
        self.assertEqual(seen, [f"{i:032x}" for i in reversed(range(300))])
        if not SANITIZED:
            self.assertLess(self.peak() - before, 60000)

    def peak(self):
        """The most that it ever had in memory, in kB."""
        with open(f"/proc/{self.daemon.process.process.pid}/status", encoding="ascii") as status:
            return int(dict(line.split(":", 1) for line in status)["VmHWM"].split()[0])

    def test_link_to_what_is_not_seen(self):
        """A unit whose file is a link is not gone because the daemon cannot see where it leads."""
        fragment = f"{self.bus.folder}/b.service"
        os.symlink("/nowhere/b.service", fragment)
        self.systemd.set("b.service", "FragmentPath", "s", fragment, "Unit")
        self.begin()
        self.weaken("b.service")
        self.forget()
        self.systemd.unload("b.service")
        self.wait_until(lambda: "b.service" not in self.names())
        self.again()
        self.assertEqual(self.open(), {"b.service"})
        self.systemd.load("b.service")
        self.wait_until(lambda: "b.service" in self.names())
        self.settle()
        self.assert_told()
        os.unlink(fragment)
        self.systemd.unload("b.service")
        self.assert_told(("Gone", "b.service"))

    def test_another_systemd(self):
        self.begin()
        self.stop()
        self.systemd.version("262")
        self.protect("c.service", False)
        self.begin()
        self.wait_until(lambda: self.open() == {"c.service"})
        self.assert_told(("Model", ""), ("Regressed", "c.service"))
        self.again()
        self.assert_told()


class Models(Case):
    """By what was judged is remembered too: a policy that changes while nobody watches is told."""

    POLICY = "/run/systemd/systemd-analyze-security.policy"

    def setUp(self):
        super().setUp()
        os.makedirs(os.path.dirname(self.POLICY), exist_ok=True)
        self.addCleanup(self.set_weight, None)

    def set_weight(self, weight):
        if weight is not None:
            self.write(self.POLICY, json.dumps({"PrivateNetwork": {"weight": weight}}))
        elif os.path.exists(self.POLICY):
            os.unlink(self.POLICY)

    def assert_model(self, change):
        self.assert_told(("Model", ""))
        row = self.call("GetHistory", "ssu", "", "", 1)[0][0]
        self.assertEqual(([cause[:2] for cause in row[8]], sorted(row[4])), ([(self.POLICY, change)], list(self.units)))
        units = self.call("GetEventUnits", "s", row[0])[0]
        self.assertNotEqual(units[0][1], units[0][2])

    def model_versions(self):
        return {row[0] for row in self.sql("SELECT DISTINCT model_version FROM baseline")}

    def test_policy_while_it_was_down(self):
        self.begin()
        self.heard()
        for weight, change in ((10000, "created"), (20000, "changed"), (None, "removed")):
            self.stop()
            self.set_weight(weight)
            self.begin()
            self.assert_model(change)
            self.again()
            self.assert_told()

    def test_other_words(self):
        """What says the same in another way is no change."""
        self.set_weight(10000)
        self.begin()
        self.stop()
        self.write(self.POLICY, json.dumps({"PrivateNetwork": {"weight": 10000, "description_bad": "Bad."}}, indent=4))
        self.begin()
        self.assert_told()
        self.again()
        self.assert_told()

    def test_killed_after_that(self):
        """It is one event, by its id; only the end between telling and noting that has it told again."""
        self.begin()
        self.stop()
        self.set_weight(10000)
        self.begin()
        self.kill()
        self.begin()
        told = set()

        def hear():
            told.update((m.member, m.body[0]) for m in self.ears.all_signals() if m.member in EVENTS)
            return told
        self.wait_until(hear)
        self.forget()
        self.heard()
        hear()
        self.assertEqual([member for member, _ in told], ["Model"])
        self.assertEqual([(row[1], row[0]) for row in self.call("GetHistory", "ssu", "", "", 0)[0]],
                         [("model", identifier) for _, identifier in told])

    def test_systemd_too(self):
        """Both are one event; systemd comes first."""
        self.begin()
        self.stop()
        self.set_weight(10000)
        self.systemd.version("262")
        self.begin()
        self.assert_told(("Model", ""))
        causes = [cause[:2] for cause in self.call("GetHistory", "ssu", "", "", 0)[0][0][8]]
        self.assertEqual(causes, [("", "manager"), (self.POLICY, "created")])
        self.again()
        self.assert_told()

    def test_versions_are_kept(self):
        """In each row; what stands for several states is written anew when the model is another one."""
        self.protect("a.service", False)
        self.protect("a.service", setting="PrivateTmp")
        self.begin()
        self.protect("a.service")
        self.protect("a.service", False, "PrivateTmp")
        self.reload()
        self.wait_until(lambda: self.open() == {"a.service"})
        self.wait_until(lambda: self.sql("SELECT unit FROM baseline WHERE composite") == [("a.service",)])
        before, = self.model_versions()
        self.assertRegex(before, r"\A[0-9]+ [0-9a-f]{16}\Z")
        self.assertEqual(self.sql("SELECT DISTINCT model_version FROM event"), [(before,)])
        open_since = self.call("ListRegressions")[0][0][:2]
        self.set_weight(10000)
        self.wait_until(lambda: self.history()[-1] == ("model", ""))
        self.assertEqual(len(self.model_versions()), 2)
        after, = self.sql("SELECT model_version FROM baseline WHERE composite")[0]
        self.assertNotEqual(before, after)
        baseline = self.get("Baseline", "a.service")
        self.forget()
        self.again()
        self.assert_told()
        self.assertEqual(self.get("Baseline", "a.service"), baseline)
        self.assertEqual(self.call("ListRegressions")[0][0][:2], open_since)


class Clock(Case):
    """What is too old is forgotten, but not because the clock says so once."""

    YEAR = 365 * 86400 * 10**6

    def live(self):
        """A life that writes something, and so forgets what is too old."""
        self.begin()
        self.protect("b.service", setting="PrivateTmp")
        self.reload()
        self.wait_until(lambda: ("improved", "b.service") in self.history())
        self.barrier()
        self.stop()

    def setUp(self):
        super().setUp()
        self.begin()
        self.systemd.load("once.service")
        self.weaken("a.service")
        self.protect("a.service")
        self.reload()
        self.wait_until(lambda: not self.open())
        self.systemd.unload("once.service")
        self.forget()
        self.stop()

    def ago(self, usec, clock=True):
        self.sql("UPDATE event SET time = time - ?", (usec,))
        self.sql("UPDATE seen SET time = time - ?", (usec,))
        self.assertEqual(self.sql("SELECT count(*) FROM text WHERE key = 'clock'"), [(1,)])
        if clock:
            self.sql("UPDATE text SET value = value - ? WHERE key = 'clock'", (usec,))

    def kept(self):
        events = {row[0] for row in self.sql("SELECT event FROM event WHERE unit = 'a.service'")}
        return events, self.sql("SELECT count(*) FROM baseline WHERE unit = 'once.service'")[0][0]

    def test_ahead(self):
        """Years after the last life by its clock: all of it is there still."""
        self.ago(11 * self.YEAR)
        self.live()
        self.assertEqual(self.kept(), ({"regressed", "improved"}, 1))
        day = 86400 * 10**6
        clock, = self.sql("SELECT CAST(value AS INTEGER) FROM text WHERE key = 'clock'")[0]
        self.assertAlmostEqual(clock, time.time() * 10**6 - 11 * self.YEAR + day, delta=day / 2)

    def test_ahead_of_an_older_version(self):
        """That did not note the time."""
        self.ago(11 * self.YEAR)
        self.sql("DELETE FROM text WHERE key = 'clock'")
        self.live()
        self.assertEqual(self.kept(), ({"regressed", "improved"}, 1))

    def test_too_old(self):
        self.ago(3 * self.YEAR, clock=False)
        self.live()
        self.assertEqual(self.kept(), (set(), 0))


class Limit(Case):
    """New units above a limit are alerts."""

    def causes(self, unit):
        return [cause[:2] for cause in self.call("GetHistory", "ssu", unit, "", 0)[0][-1][8]]

    def test_limit(self):
        configure(SettleSec="0", NewUnitExposureMax=str(BETTER))
        self.begin()
        self.systemd.load("bare.service")
        self.assert_told(("Appeared", "bare.service"))
        self.systemd.load("better.service", announce=False)
        self.protect("better.service")
        self.systemd.emit("UnitNew", "better.service")
        self.assert_told(("Appeared", "better.service"))
        self.assertEqual(self.causes("bare.service"), [("", "limit")])
        self.assertEqual(self.causes("better.service"), [("", "unknown")])
        configure(SettleSec="0")
        self.again()
        self.assertEqual(self.causes("bare.service"), [("", "limit")])
        self.systemd.load("later.service")
        self.assert_told(("Appeared", "later.service"))
        self.assertEqual(self.causes("later.service"), [("", "unknown")])


class Instances(Case):
    units = ("t@1.service", "t@2.service", "t@3.service")

    def test_one_leaves_the_others(self):
        template = f"{self.bus.folder}/t@.service"
        self.write(template, "[Service]\nPrivateNetwork=yes\n")
        for unit in self.units:
            self.systemd.set(unit, "FragmentPath", "s", template, "Unit")
        self.begin()
        self.write(template, "[Service]\n")
        self.weaken(*self.units)
        self.wait_until(lambda: len(self.call("ListRegressions")[0]) == 1)
        row, = self.call("ListRegressions")[0]
        self.assertEqual(sorted(row[3]), list(self.units))
        self.accept("t@.service")
        self.assertEqual(self.open(), set())
        self.systemd.set("t@2.service", "DropInPaths", "as", ["/run/systemd/system/t@2.service.d/x.conf"], "Unit")
        self.protect("t@2.service", setting="PrivateTmp")
        self.reload()
        self.wait_until(lambda: self.history()[-1] == ("improved", "t@2.service"))
        self.forget()
        self.again()
        self.assert_told()
        self.protect("t@2.service", False, "PrivateTmp")
        self.reload()
        self.wait_until(lambda: self.open() == {"t@2.service"})


class Unread(Case):
    """The database cannot be read at the start, and then it can."""

    units = ("a.service", "b.service", "c.service", "d.service")
    FIELDS = 6

    def setUp(self):
        super().setUp()
        with open(f"{self.bus.folder}/control", "wb+") as f:
            f.truncate(8 * self.FIELDS)
            self.control = mmap.mmap(f.fileno(), 8 * self.FIELDS)

    def set_control(self, **values):
        for name, value in values.items():
            struct.pack_into("q", self.control, 8 * ("counted", "at", "lasting", "second", "failed",
                                                     "forward").index(name), value)

    def begin_unread(self):
        self.set_control(counted=0, at=0, lasting=1, second=1)
        self.begin(LD_PRELOAD=FAULTY, FAULT_FOLDER=self.state, FAULT_CONTROL=f"{self.bus.folder}/control")
        self.assertFalse(self.get("Healthy"))
        self.assertRegex(self.get("Status"), r"\AThe database .+\.\Z")

    def begin_reading(self):
        self.set_control(at=-1, forward=60)
        self.wait_until(lambda: self.get("Healthy"))
        self.heard()

    def test_all_that_can_be(self):
        self.begin()
        self.weaken("a.service", "b.service")
        self.accept("b.service")
        self.wait_until(lambda: self.history()[-1][0] == "accepted")
        self.forget()
        self.stop()
        self.protect("c.service", False)

        self.begin_unread()
        self.assertEqual(self.open(), set())
        # d: judged by what it was at the start, as the database has it
        self.weaken("d.service")
        self.assert_told(("Regressed", "d.service"))
        self.protect("d.service")
        self.reload()
        self.wait_until(lambda: not self.open())
        self.weaken("d.service")
        self.systemd.load("new.service")
        self.wait_until(lambda: "new.service" in self.names())
        self.assert_told(("Improved", "d.service"), ("Regressed", "d.service"))

        self.begin_reading()
        self.wait_until(lambda: self.open() == {"a.service", "c.service", "d.service"})
        self.assert_told(("Regressed", "c.service"))
        self.assertEqual([self.get("Baseline", unit) for unit in self.units], [BETTER, PLAIN, BETTER, BETTER])
        before = self.history()
        self.assertEqual(before.count(("regressed", "d.service")), 2)
        self.again()
        self.assert_told()
        self.assertEqual(self.open(), {"a.service", "c.service", "d.service"})
        self.assertEqual(self.history(), before)
        self.assertEqual(len(self.sql("SELECT * FROM baseline")), 5)

    def test_accepted_meanwhile(self):
        """What a person said stands; of an acceptance that ends, what was before the first one comes back."""
        self.begin()
        self.stop()
        self.begin_unread()
        self.weaken("a.service", "b.service")
        for unit, seconds in (("a.service", 0), ("b.service", 3600)):
            # it counts, and that it may not last is said
            with self.assertRaisesRegex(BusError, rf"StoreUnavailable: {unit} is accepted, but in memory only"):
                self.accept(unit, seconds)
        self.assertEqual(self.open(), set())
        self.begin_reading()
        self.assertEqual(self.open(), set())
        self.again()
        self.assertEqual((self.open(), self.get("Baseline", "a.service")), (set(), PLAIN))
        self.stop()
        self.sql("UPDATE acceptance SET until = ?", (int(time.time() * 10**6),))
        self.begin()
        self.wait_until(lambda: self.open() == {"b.service"})
        self.assertEqual(self.get("Baseline", "b.service"), BETTER)

    def test_nothing_was_there(self):
        """What was seen until then is the first state."""
        self.begin_unread()
        self.weaken("a.service")
        self.begin_reading()
        self.assertEqual(self.open(), {"a.service"})
        self.again()
        self.assertEqual(self.open(), {"a.service"})
        self.assert_told(("Regressed", "a.service"))

    def test_one_read_fails(self):
        """All else works: it could write at once, over what it does not know."""
        self.begin()
        self.weaken("a.service", "b.service")
        self.accept("b.service")
        self.wait_until(lambda: self.history()[-1][0] == "accepted")
        self.stop()
        found = 0
        for at in range(0, 600, 3):
            self.set_control(counted=0, at=at, lasting=0, second=1)
            self.begin(LD_PRELOAD=FAULTY, FAULT_FOLDER=self.state, FAULT_CONTROL=f"{self.bus.folder}/control")
            self.barrier()
            self.set_control(forward=60 * (at + 1))
            self.wait_until(lambda: self.get("Healthy") and self.open() == {"a.service"})
            self.assertEqual([self.get("Baseline", unit) for unit in self.units], [BETTER, PLAIN, BETTER, BETTER])
            status, log = self.daemon.end()
            self.assertEqual(status, 0)
            found += any("Cannot read the database" in line for line in log)
            if found == 2:
                return
        self.fail("no read failed")

    def test_it_ends_before(self):
        """Nothing was written over what is there."""
        self.begin()
        self.weaken("a.service")
        self.stop()
        self.begin_unread()
        self.weaken("b.service")
        self.stop()
        self.begin()
        self.wait_until(lambda: self.open() == {"a.service", "b.service"})
        self.assertEqual(self.get("Baseline", "a.service"), BETTER)


class Dropped(Unread):
    """More events than are remembered until they can be written."""

    units = tuple(f"u{i:03}.service" for i in range(180))
    REMEMBERED = 1024

    test_all_that_can_be = test_accepted_meanwhile = test_nothing_was_there = test_one_read_fails = None
    test_it_ends_before = None

    def test_that_is_said(self):
        self.begin_unread()
        for number in range(3):
            self.weaken(*self.units)
            for unit in self.units:
                self.protect(unit)
            self.reload()
            self.wait_until(lambda: not self.open())
        self.begin_recovery()
        dropped = 6 * len(self.units) - self.REMEMBERED
        self.wait_until(lambda: "database lacks" in self.get("Status") and "in memory" not in self.get("Status"))
        self.assertIn(f"The database lacks {dropped} events", self.get("Status"))
        self.assertFalse(self.get("Healthy"))
        self.wait_until(lambda: self.sql("SELECT count(*) FROM event") == [(self.REMEMBERED,)])

    def begin_recovery(self):
        self.set_control(at=-1, forward=60)


class Journal(Case):
    """Entries go to the journal with their fields where it is the journal that reads the log."""

    wrapper = ("sh", "-c", 'JOURNAL_STREAM=$(stat -Lc %d:%i /dev/fd/2) exec "$0" "$@"')

    def setUp(self):
        super().setUp()
        os.makedirs(os.path.dirname(JOURNAL), exist_ok=True)
        if os.path.exists(JOURNAL):
            os.unlink(JOURNAL)
        self.journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.journal.close)
        self.journal.bind(JOURNAL)
        self.journal.settimeout(30)

    def entry(self, message):
        """The first entry with that in its message."""
        while True:
            fields = [line.split("=", 1) for line in self.journal.recv(1 << 20).decode().splitlines() if "=" in line]
            if message in dict(fields).get("MESSAGE", ""):
                return fields

    def test_many_units(self):
        """None of them is lost, in as many entries as it takes; only the first one says what happened."""
        names = [f"many{i:04}.service" for i in range(600)]
        drop_in = f"{self.bus.folder}/service.d/x.conf"
        os.makedirs(os.path.dirname(drop_in))
        for unit in names:
            self.systemd.load(unit, announce=False)
            self.protect(unit)
        self.begin()
        self.write(drop_in, "[Service]\nPrivateNetwork=no\n")
        for unit in names:
            self.systemd.set(unit, "DropInPaths", "as", [drop_in], "Unit")
            self.protect(unit, False)
        self.reload()
        entries = [self.entry("became weaker"), self.entry("there follow those from")]
        self.assertEqual(dict(entries[0])["EXPOSURED_UNIT_COUNT"], str(len(names)))
        self.assertEqual(len({dict(fields)["EXPOSURED_ID"] for fields in entries}), 1)
        self.assertEqual(["MESSAGE_ID" in dict(fields) for fields in entries], [True, False])
        units = [value for fields in entries for key, value in fields if key == "EXPOSURED_UNITS"]
        self.assertEqual(sorted(units), names)

    def test_event(self):
        self.begin()
        self.weaken("a.service")
        fields = self.entry("a.service became weaker")
        event = dict(fields)
        self.assertEqual((event["EXPOSURED_UNIT"], event["EXPOSURED_EVENT"], event["PRIORITY"]),
                         ("a.service", "regressed", "4"))
        self.assertIn(["EXPOSURED_CHECK", "PrivateNetwork"], fields)
        self.assertEqual(event["EXPOSURED_ID"], self.call("ListRegressions")[0][0][0])

    def test_new_unit(self):
        configure(SettleSec="0", NewUnitExposureMax=str(BETTER))
        self.begin()
        self.systemd.load("bare.service")
        self.assertEqual(dict(self.entry("bare.service appeared"))["PRIORITY"], "4")

    def test_lines(self):
        with open("/run/systemd/systemd-analyze-security.policy", "w", encoding="utf-8") as f:
            json.dump({"PrivateNetwork": {"weight": 5}}, f)
        self.addCleanup(os.unlink, f.name)
        self.begin()
        self.assertEqual(dict(self.entry("Using the policy in"))["PRIORITY"], "6")
        with open(f.name, "w", encoding="utf-8") as f:
            f.write("{")
        self.assertIn(dict(self.entry("policy"))["PRIORITY"], ("3", "4"))


main(needs_view=True)
