#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""No loop: systemd loads a unit to answer a question about it, and tells everyone. Who asks again because of that keeps
it busy for ever; the daemon must not, also not in company of others who are curious."""

import re
import subprocess
import threading

import bus
import case
import changes
import generate
import machine
import tap

UNITS = 200
QUESTIONS = 1000
# After the last question there is this time to come to rest, and then this time in which nothing may happen.
SETTLE_SECONDS = 2
QUIET_SECONDS = 3
# What PID 1 may use in the quiet time, for what has nothing to do with us.
IDLE_SECONDS = 0.03


class Curious(threading.Thread):
    """Another program that looks at what is new: at the first UnitNew of a name it reads all properties of the unit, by
    which systemd loads it once more. More than once for each name would be a loop of its own."""

    def __init__(self, connection):
        super().__init__(daemon=True)
        self.bus, self.ended = connection, threading.Event()
        self.names = set()
        bus.Systemd(connection).subscribe()

    def run(self):
        while not self.ended.is_set():
            for signal in self.bus.collect(0.05):
                if signal.member == "UnitNew" and signal.body[0] not in self.names:
                    self.names.add(signal.body[0])
                    self._look(signal.body[1])

    def _look(self, path):
        try:
            self.bus.call(bus.Systemd.NAME, path, "org.freedesktop.DBus.Properties", "GetAll", "s",
                          "org.freedesktop.systemd1.Unit")
        except bus.BusError:
            pass

    def stop(self):
        self.ended.set()
        self.join()


class NoLoop(case.MachineCase):
    @classmethod
    def prepare(cls):
        generator = generate.Generator(generate.random_seed(), UNITS, densities=generate.SPARSE)
        changes.write_base(cls.machine, generator)
        for i in range(QUESTIONS // 2):
            cls.machine.write(f"/run/systemd/system/there-{i}.service", "[Service]\nExecStart=/bin/true\n")
        cls.machine.systemctl("daemon-reload")
        cls.machine.systemctl("start", "exposured.service")
        cls.start_company()

    @classmethod
    def start_company(cls):
        """Two monitors of ours, one of systemd itself, and a curious program."""
        for command in (("exposurectl", "monitor"), ("exposurectl", "monitor", "--json=short")):
            monitor = cls.machine.popen(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            cls.addClassCleanup(machine.stop, monitor)
        cls.listener = cls.connect()
        bus.Systemd(cls.listener).subscribe()
        cls.curious = Curious(cls.connect())
        cls.curious.start()
        cls.addClassCleanup(cls.curious.stop)
        cls.daemon = bus.Exposured(cls.connect())

    def questions(self):
        """Units that do not exist, and units that do but are not loaded."""
        for i in range(QUESTIONS // 2):
            yield f"nowhere-{i}.service"
            yield f"there-{i}.service"

    def used(self):
        """Seconds that PID 1 has been running."""
        with open(f"/proc/{self.machine.leader}/schedstat") as file:
            return int(file.read().split()[0]) / 1e9

    def assertQuiet(self):
        """PID 1 is idle, no unit is loaded, and the daemon asks nothing."""
        self.listener.collect(SETTLE_SECONDS)
        before, calls = self.used(), self.daemon.get("CallCount")
        signals = [f"{signal.member} {signal.body}" for signal in self.listener.collect(QUIET_SECONDS)
                   if signal.member in ("UnitNew", "UnitRemoved")]
        used = self.used() - before
        self.assertEqual(signals, [])
        self.assertEqual(self.daemon.get("CallCount"), calls)
        self.assertLess(used, IDLE_SECONDS, f"seconds that PID 1 used in {QUIET_SECONDS} s")

    def tell(self, what, calls):
        tap.note(f"{type(self).__name__}: {what}: {self.daemon.get('CallCount') - calls} calls of the daemon")

    def test_quiet_before(self):
        self.assertQuiet()

    def test_questions_about_unloaded_units(self):
        calls = self.daemon.get("CallCount")
        names = list(self.questions())
        for i in range(0, len(names), 50):
            self.machine.systemctl("show", "--property=Id", *names[i:i + 50])
        self.assertQuiet()
        self.tell(f"{len(names)} questions", calls)
        self.assertGreaterEqual(len(self.curious.names), QUESTIONS / 2)

    def test_questions_one_by_one(self):
        """One at a time, each unit has gone before the next is loaded."""
        calls = self.daemon.get("CallCount")
        self.machine.run("sh", "-c", "for i in $(seq 100); do systemctl show -p Id nowhere-x$i.service; "
                         "systemctl cat there-$i.service; done >/dev/null")
        self.assertQuiet()
        self.tell("200 questions one by one", calls)

    def test_units_that_load_and_unload(self):
        calls = self.daemon.get("CallCount")
        self.machine.run("sh", "-c", "for i in $(seq 100); do systemd-run -q --no-block -u brief-$i true & "
                         "systemctl start there-$i.service; systemctl show -p Id nowhere-y$i.service >/dev/null; "
                         "done; wait")
        self.assertQuiet()
        self.tell("200 units that came and went", calls)

    def test_the_daemon_asked_about_unloaded_units(self):
        """Our own look-ups load units too."""
        answered = 0
        for i in range(100):
            try:
                self.daemon.call("AssessUnit", "s", f"there-{i}.service")
                answered += 1
            except bus.BusError as error:
                self.assertTrue(re.search(r"LimitExceeded$", error.name), str(error))
        self.assertGreater(answered, 0)
        self.assertQuiet()

    def test_the_daemon_asked_about_loaded_units(self):
        """No question of a client costs PID 1 anything."""
        self.assertQuiet()
        names = list(self.daemon.units())
        before, calls = self.used(), self.daemon.get("CallCount")
        for name in names[:100]:
            self.daemon.call("AssessUnit", "s", name)
        for _ in range(100):
            self.daemon.units()
        self.assertEqual(self.daemon.get("CallCount"), calls)
        self.assertLess(self.used() - before, IDLE_SECONDS)


globals().update(case.for_each_tree(NoLoop))
del NoLoop

if __name__ == "__main__":
    raise SystemExit(tap.main())
