#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory runs out, at each place that allocates in turn: the daemon goes on as if nothing had been, or ends with a
word and a status that says so; a wrong score is never shown as right, and nothing that became weaker goes untold.

A place is a function with all that called it. EXPOSURED_FAULTS says how many are tried, 0 is all of them; by default
some, chosen at random. EXPOSURED_AT=1f3a,77c0 names them, EXPOSURED_PART=1/2 tries every other one, and
EXPOSURED_VERBOSE=1 tells of each.
"""

import os
import random
import re
import shutil
import signal
import time

from daemoncase import PATIENCE, BusError, Daemon, DaemonCase, configure, main

SEED = int(os.environ.get("EXPOSURED_SEED") or random.randrange(1 << 32))
COUNT = int(os.environ.get("EXPOSURED_FAULTS") or 30)
PART, PARTS = (int(text) for text in os.environ.get("EXPOSURED_PART", "1/1").split("/"))
# The exposure of a unit that has nothing set.
PLAIN = 9.6
VERBOSE = "EXPOSURED_VERBOSE" in os.environ
CONTROL = "/run/systemd/system.control"
FAULTY = os.environ["EXPOSURED_FAULTY"]


class Died(Exception):
    """The daemon has ended."""


class Memory(DaemonCase):
    units = ("a.service", "b.service")

    def setUp(self):
        configure(SettleSec="0", CallTimeoutSec="5s")
        super().setUp()
        self.peer = self.connect()
        self.rng = random.Random(SEED)
        self.daemons = []
        self.addCleanup(self.finish_all)

    def reset(self):
        for unit in self.units:
            self.systemd.set(unit, "PrivateNetwork", "b", True)
            self.systemd.load(unit, announce=False)
        self.systemd.unload("c.service", announce=False)
        shutil.rmtree(CONTROL, ignore_errors=True)
        self.truth = dict.fromkeys(self.units, True)
        self.unheard = set()
        self.log = []
        self.systemd.forget()
        self.peer.all_signals()

    # What is done to it. It may end at any time, and any single call may be refused.

    def alive(self):
        if self.daemon.process.process.poll() is not None:
            raise Died()

    def ask(self, *arguments):
        """The answer, or nothing where there is none."""
        try:
            return self.call(*arguments)
        except BusError as error:
            self.alive()
            self.assertRegex(error.name, r"NoMemory|NoReply|Disconnected|ServiceUnknown|NameHasNoOwner|\.Error\.", error)
            return None

    def until(self, condition, what):
        # a folder that cannot be followed is looked at every minute
        deadline = time.monotonic() + 4 * PATIENCE
        while True:
            self.alive()
            try:
                if condition():
                    return
            except BusError:
                pass
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.01)

    def is_right(self):
        """What it shows; that is not to be wrong where it is said to be right."""
        manager = self.get_all()
        shown = {row[0]: row[1] < PLAIN for row in self.call("ListAllUnits")[0]}
        # that nothing can be kept for a while has no part in what is shown
        if manager["State"] != "current" or not (manager["Healthy"] or manager["Status"].startswith("The database")):
            return False
        lies = {unit for unit in shown.keys() & self.truth.keys() if shown[unit] != self.truth[unit]}
        self.assertEqual(lies - self.unheard, set())
        return shown == self.truth

    def live(self):
        self.until(lambda: self.peer.owner("org.exposured.Exposure1"), "name")
        self.until(self.is_right, "first scores")
        for call in (("ListAllUnits",), ("ListRegressions",), ("AssessUnit", "s", "a.service"),
                     ("AssessUnit", "s", "nosuch.service"), ("GetHistory", "ssu", "", "", 0),
                     ("Accept", "sst", "a.service", "why", 0)):
            self.ask(*call)
        self.truth |= {"a.service": False, "c.service": True}
        self.systemd.set("a.service", "PrivateNetwork", "b", False)
        self.systemd.set("c.service", "PrivateNetwork", "b", True)
        self.systemd.reloading(True)
        self.systemd.load("c.service")
        self.systemd.reloading(False)
        self.until(self.is_right, "scores after a reload")
        self.set_property()
        del self.truth["c.service"]
        self.systemd.unload("c.service")
        self.ask("Rescan")
        self.daemon.process.process.send_signal(signal.SIGHUP)
        self.until(self.is_right, "scores at the end")
        self.until(self.is_told, "that it became weaker")

    def set_property(self):
        # nothing tells of it but the file, in its own time
        self.unheard = {"b.service"}
        self.truth["b.service"] = False
        self.systemd.set("b.service", "PrivateNetwork", "b", False)
        os.makedirs(f"{CONTROL}/b.service.d", exist_ok=True)
        with open(f"{CONTROL}/b.service.d/50-x.conf", "w", encoding="utf-8") as f:
            f.write("[Service]\n")
        self.until(self.is_right, "scores after set-property")

    def is_told(self):
        told = {unit for row in self.call("ListRegressions")[0] for unit in row[3]}
        # Where it came to judge only when c.service was there already, it knows nothing better of the others.
        if "appeared" not in (row[1] for row in self.call("GetHistory", "ssu", "", "", 0)[0]):
            told |= {unit for unit in self.units if self.get("Baseline", unit) == PLAIN}
        return told == {"a.service", "b.service"}

    def one(self, at=""):
        """A life in which the first allocation at that place fails. Returns all places, or nothing if it ended early."""
        self.reset()
        path = f"{self.bus.folder}/places"
        self.daemon = self.launch(LD_PRELOAD=FAULTY, FAULT_AT=at, FAULT_PLACES=path)
        try:
            self.live()
            status, log = self.end()
            self.assertEqual(status, 0, log)
        except Died:
            status, log = self.end()
            self.assertEqual(status, 1, log)
            self.assertTrue(log and re.search(r"[Mm]emory|Cannot", log[-1]), log)
            self.again()
            return None
        with open(path, encoding="utf-8") as f:
            return set(f.read().split())

    def launch(self, *arguments, **environment):
        daemon = Daemon(self.environment(**environment), *arguments)
        self.daemons.append(daemon)
        return daemon

    def finish_all(self):
        """It is a fault of the test if one still runs."""
        for daemon in self.daemons:
            daemon.close()
        self.daemons = []

    def end(self):
        status, self.log = self.daemon.end()
        return status, self.log

    def again(self):
        """With what the one before left."""
        daemon = self.daemon
        self.daemon = self.launch(STATE_DIRECTORY=f"{daemon.folder}/state")
        try:
            self.live()
            self.assertEqual(self.daemon.end()[0], 0)
        finally:
            self.daemon = daemon

    def test_each_allocation(self):
        # from run to run some differ
        runs = [self.one() for _ in range(3)]
        known = sorted(set.union(*runs) if COUNT == 0 else set.intersection(*runs))
        self.finish_all()
        self.assertGreater(len(known), 1000)
        places = known if COUNT == 0 else self.rng.sample(known, min(COUNT, len(known)))
        if "EXPOSURED_AT" in os.environ:
            places = os.environ["EXPOSURED_AT"].split(",")
        places = places[PART - 1::PARTS]
        ended = failed = 0
        for at in places:
            with self.subTest(at=at, seed=SEED):
                begun = time.monotonic()
                try:
                    seen = self.one(at)
                    ended += seen is None
                    failed += seen is None or at in seen
                finally:
                    if VERBOSE:
                        print(f"{at}: {time.monotonic() - begun:.1f} s", *self.log, sep="\n    ", flush=True)
                    self.finish_all()
        print(f"{failed} of {len(known)} allocations failed, {ended} times it ended")
        self.assertGreater(failed, len(places) * 9 // 10)


print(f"EXPOSURED_SEED={SEED}")
main(needs_view=True)
