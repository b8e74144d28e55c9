#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The disk fails, at each operation on the database in turn, once or from then on: the daemon goes on, shows what is
right, says what is the matter while it lasts, and when it is over everything is kept exactly once.

EXPOSURED_FAULTS says how many operations are tried, 0 is all of them; by default some, chosen at random.
EXPOSURED_AT=3,171 names them, EXPOSURED_PART=1/2 tries every other one, and EXPOSURED_VERBOSE=1 tells of each.
"""

import contextlib
import mmap
import os
import random
import signal
import sqlite3
import struct
import time

from daemoncase import PATIENCE, Daemon, DaemonCase, configure, main
from peer import BusError

SEED = int(os.environ.get("EXPOSURED_SEED") or random.randrange(1 << 32))
COUNT = int(os.environ.get("EXPOSURED_FAULTS") or 40)
PART, PARTS = (int(text) for text in os.environ.get("EXPOSURED_PART", "1/1").split("/"))
VERBOSE = "EXPOSURED_VERBOSE" in os.environ
FAULTY = os.environ["EXPOSURED_FAULTY"]
# The exposure of a unit that has nothing set.
PLAIN = 9.6
NEVER = -1
# By its own clock, all is well again after so many seconds at most.
RECOVERY = 120


class Control:
    """What fails; see faulty-files.c."""

    FIELDS = ("counted", "at", "lasting", "second", "failed", "forward")

    def __init__(self, path):
        with open(path, "wb+") as f:
            f.truncate(8 * len(self.FIELDS))
            self.memory = mmap.mmap(f.fileno(), 8 * len(self.FIELDS))

    def __getitem__(self, name):
        return struct.unpack_from("q", self.memory, 8 * self.FIELDS.index(name))[0]

    def __setitem__(self, name, value):
        struct.pack_into("q", self.memory, 8 * self.FIELDS.index(name), value)


class Disk(DaemonCase):
    units = ("a.service", "b.service")

    def setUp(self):
        configure(SettleSec="0", CallTimeoutSec="5s")
        super().setUp()
        self.peer = self.connect()
        self.ears = self.connect()
        self.rng = random.Random(SEED)
        self.daemons, self.log = [], []
        self.addCleanup(self.finish_all)

    def reset(self, at, lasting, second):
        for unit in self.units:
            self.systemd.set(unit, "PrivateNetwork", "b", True)
        self.truth = dict.fromkeys(self.units, True)
        self.systemd.forget()
        self.ears.all_signals()
        self.told = []
        self.daemon = None
        self.folder = f"{self.bus.folder}/state-{time.monotonic_ns()}"
        os.mkdir(self.folder)
        self.control = Control(f"{self.folder}.control")
        for field, value in (("lasting", lasting), ("second", second), ("at", at)):
            self.control[field] = value

    # The daemon, and what it shows.

    def begin(self):
        self.daemon = Daemon(self.environment(LD_PRELOAD=FAULTY, FAULT_FOLDER=self.folder, STATE_DIRECTORY=self.folder,
                                              FAULT_CONTROL=f"{self.folder}.control"))
        self.daemons.append(self.daemon)
        self.until(lambda: self.peer.owner("org.exposured.Exposure1"), "name")
        self.until(self.is_right, "first scores")

    def finish_all(self):
        for daemon in self.daemons:
            daemon.close()
        self.daemons = []
        if self.daemon:
            self.log += self.daemon.process.err.rest()
            self.daemon = None

    def stop(self):
        status, log = self.daemon.end()
        self.log += log
        self.daemon = None
        self.listen()
        self.assertEqual(status, 0)

    def listen(self):
        """What was told by signals."""
        for message in self.ears.all_signals():
            if message.member in ("Regressed", "Improved", "Changed", "Accepted", "Appeared", "Gone", "Model"):
                self.told.append((message.member.lower(), message.body[2], message.body[0]))

    def has_told(self, event, unit):
        self.listen()
        return (event, unit) in (told[:2] for told in self.told)

    def until(self, condition, what, forward=False):
        """Asks until it is so. What waits for a better time need not be waited for: the clock is turned forward."""
        # On a slow host its clock may be turned before it waits for anything: then it waits as long as it says.
        deadline = time.monotonic() + 2 * PATIENCE + (RECOVERY if forward else 0)
        begun = self.control["forward"]
        turned = time.monotonic()
        while not condition():
            self.assertIsNone(self.daemon.process.process.poll(), what)
            if time.monotonic() > deadline:
                self.fail(f"{what}; {self.get('Status')}")
            if forward and time.monotonic() - turned > 0.1 and self.control["forward"] - begun < RECOVERY:
                self.control["forward"] += 10
                turned = time.monotonic()
            time.sleep(0.005)

    def is_right(self):
        """Whatever the database does, the scores are those of this moment."""
        manager = self.get_all()
        if manager["State"] != "current":
            return False
        self.assertTrue(manager["Healthy"] or manager["Status"].startswith("The database"), manager)
        shown = {row[0]: row[1] < PLAIN for row in self.call("ListAllUnits")[0]}
        self.assertEqual(shown, self.truth)
        return True

    def regressed(self):
        return sorted(row[2] for row in self.call("ListRegressions")[0])

    def set_and_reload(self, unit, private):
        self.systemd.set(unit, "PrivateNetwork", "b", private)
        self.truth[unit] = private
        self.reload()
        self.until(self.is_right, "scores after a reload")

    def assert_baselines(self):
        """One was accepted, the other one was not."""
        self.assertEqual(self.get("Baseline", "a.service"), PLAIN)
        self.assertLess(self.get("Baseline", "b.service"), PLAIN)

    # The story.

    def take_over(self):
        """A lasting fault is over; before that it was seen."""
        # That something was told is noted after it was told, and before this is looked for.
        with contextlib.suppress(BusError):
            self.call("GetHistory", "ssu", "", "", 1)
        if self.control["lasting"] and self.control["failed"] and self.control["at"] != NEVER:
            self.until(lambda: not self.get("Healthy"), "that it says so")
            self.assertRegex(self.get("Status"), r"\AThe database .+\.\Z")
            self.control["at"] = NEVER
        self.until(lambda: self.get("Healthy"), "health", forward=True)

    def accept(self):
        """It counts at once. Where it was not written that is said, and it is later."""
        try:
            self.call("Accept", "sst", "a.service", "why", 0)
        except BusError as error:
            self.assertRegex(str(error), "StoreUnavailable: a.service is accepted, but in memory only, ")
            self.assertGreater(self.control["failed"], 0)

    def first_life(self):
        self.begin()
        self.until(lambda: self.get("RegressedCount") == 0, "nothing")
        self.set_and_reload("a.service", False)
        self.until(lambda: self.regressed() == ["a.service"], "a regression", forward=True)
        self.accept()
        self.assertEqual(self.regressed(), [])
        self.set_and_reload("b.service", False)
        self.until(lambda: self.regressed() == ["b.service"], "another regression", forward=True)
        self.take_over()
        self.stop()

    def second_life(self):
        self.begin()
        self.take_over()
        self.until(lambda: self.regressed() == ["b.service"], "what was open")
        self.assert_baselines()
        self.set_and_reload("b.service", True)
        self.until(lambda: self.regressed() == [], "that it was mended", forward=True)
        # It is no regression any more before that is written: whether that fails is known when it is told.
        self.until(lambda: self.has_told("improved", "b.service"), "that it was told", forward=True)
        self.take_over()
        self.stop()

    def third_life(self):
        """Nothing fails."""
        self.control["at"] = NEVER
        self.begin()
        self.until(lambda: self.get("Healthy"), "health")
        self.assertEqual(self.regressed(), [])
        self.assert_baselines()
        self.stop()

    def kept(self):
        """What is in the database: events with whether they were told, and whose baselines."""
        database = sqlite3.connect(f"{self.folder}/exposured.db")
        try:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            events = database.execute("SELECT event, unit, id, announced FROM event ORDER BY time").fetchall()
            baselines = [row[0] for row in database.execute("SELECT unit FROM baseline ORDER BY unit")]
        finally:
            database.close()
        return events, baselines

    def one(self, at, lasting=False, second=False):
        self.reset(at, lasting, second)
        self.first_life()
        self.second_life()
        counted = self.control["counted"]
        self.third_life()
        events, baselines = self.kept()
        self.assertEqual([event[:2] for event in events],
                         [("regressed", "a.service"), ("accepted", "a.service"), ("regressed", "b.service"),
                          ("improved", "b.service")])
        # Where it can't be written down any more that something was told, it is told once more, as the same event.
        told = list(dict.fromkeys(self.told)) if lasting else self.told
        self.assertEqual(told, [event[:3] for event in events])
        self.assertEqual([event[3] for event in events], [1] * 4)
        self.assertEqual(baselines, list(self.units))
        self.assertEqual([name for name in os.listdir(self.folder) if "aside" in name], [])
        return counted, self.control["failed"]

    def test_each_operation(self):
        total, _ = self.one(NEVER)
        reached = 0
        self.finish_all()
        self.assertGreater(total, 100)
        places = range(total) if COUNT == 0 else sorted(self.rng.sample(range(total), min(COUNT, total)))
        if "EXPOSURED_AT" in os.environ:
            places = [int(text) for text in os.environ["EXPOSURED_AT"].split(",")]
        for at in places[PART - 1::PARTS]:
            for lasting in (False, True):
                second = self.rng.choice((False, True))
                with self.subTest(at=at, lasting=lasting, second=second, seed=SEED):
                    begun, self.log = time.monotonic(), []
                    try:
                        reached += self.one(at, lasting, second)[1] > 0
                    finally:
                        self.finish_all()
                        if VERBOSE:
                            print(f"{at} {lasting} {second}: {time.monotonic() - begun:.1f} s", *self.log, sep="\n    ",
                                  flush=True)
        print(f"{len(places)} of about {total} operations, {reached} failures")
        # there may be a few more or less of them each time
        self.assertGreater(reached, len(places[PART - 1::PARTS]))


print(f"EXPOSURED_SEED={SEED}")
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
main(needs_view=True)
