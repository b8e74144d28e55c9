#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes wrong around the daemon on a real systemd: reexecs, restarts of the bus, crowds of units, a clock that jumps,
a process that is stopped. When it is over, it says what systemd-analyze says, and it is still the same process.

Everything is done in full on the host's own release, and a tenth of it on the others; EXPOSURED_FAULTS_FULL=1 does it
all everywhere, EXPOSURED_FAULTS_FULL=0 nowhere.
"""

import json
import os
import shutil
import signal
import struct
import time

import bus
import case
import changes
import exposures
import generate
import tap

UNIT = "exposured.service"
CLOCK = "/var/lib/exposured/clock"
CLOCK_LIBRARY = "/usr/lib/exposured-faulty-clock.so"
YEAR = 365 * 86400
PLAIN = "plain.service"
DROP_IN = "/etc/systemd/system/service.d/80-fault.conf"
CROWD = "/run/systemd/system"
SECONDS = 90


class Case(case.MachineCase):
    @classmethod
    def prepare(cls):
        seed = generate.random_seed()
        tap.note(f"{cls.__name__}: EXPOSURED_SEED={seed}")
        cls.generator = generate.Generator(seed, 40, densities=generate.SPARSE)
        changes.write_base(cls.machine, cls.generator)
        full = os.environ.get("EXPOSURED_FAULTS_FULL")
        cls.is_full = full == "1" if full else cls.tree == "/"

    def setUp(self):
        self.machine.systemctl("reset-failed", UNIT, check=False)
        self.machine.systemctl("start", UNIT)
        self.pid = self.machine.main_pid(UNIT)
        self.await_right()

    def times(self, number):
        return number if self.is_full else max(number // 10, 3)

    def await_right(self):
        exposures.await_equal(self.machine, seconds=SECONDS)
        connection = self.open_bus()
        try:
            daemon = bus.Exposured(connection)
            case.await_true(lambda: daemon.get("State") == "current" and daemon.get("Healthy"), "health", SECONDS)
        finally:
            connection.close()
        rows = json.loads(self.machine.output("exposurectl", "list", "--all", "--json=short"))
        self.assertEqual([row["unit"] for row in rows if row["stale"]], [])

    def assert_same_process(self):
        self.assertEqual(self.machine.main_pid(UNIT), self.pid)
        self.assertEqual(self.machine.output("systemctl", "show", "-P", "NRestarts", UNIT).strip(), "0")

    def toggle(self, number):
        """A setting for all services that is another one each time."""
        self.machine.write(DROP_IN, f"[Service]\nLockPersonality={'yes' if number % 2 else 'no'}\nUMask=00{number % 8}7\n")

    def tearDown(self):
        self.machine.remove(DROP_IN)
        self.machine.systemctl("daemon-reload")


class Faults(Case):
    def test_reexec(self):
        number = self.times(50)
        for i in range(number):
            self.toggle(i)
            self.machine.systemctl("daemon-reexec")
        self.await_right()
        self.assert_same_process()
        tap.note(f"{type(self).__name__}: {number} reexecs")

    def test_restart_of_the_bus(self):
        number = self.times(50)
        for i in range(number):
            self.machine.systemctl("reset-failed", "dbus.service", check=False)
            self.machine.systemctl("restart", "dbus.service")
            if i % 5 == 0:
                self.toggle(i // 5)
                self.machine.systemctl("daemon-reload")
        self.await_right()
        self.assert_same_process()
        tap.note(f"{type(self).__name__}: {number} restarts of the bus")

    def test_many_units_in_one_reload(self):
        number = self.times(5000)
        names = [f"crowd-{i}.service" for i in range(number)]
        self.addCleanup(self.remove_crowd, names)
        for i, name in enumerate(names):
            self.write_quickly(name, f"[Service]\nExecStart=/bin/true\n{changes.TRANSIENT[i % 4]}\n")
        self.write_quickly("crowd.target", "[Unit]\n" + "".join(f"After={name}\n" for name in names))
        self.machine.systemctl("daemon-reload", timeout=300)
        self.machine.systemctl("start", "crowd.target", timeout=300)
        self.machine.run("exposurectl", "rescan", timeout=300)
        self.toggle(1)
        begun = time.monotonic()
        self.machine.systemctl("daemon-reload", timeout=300)
        self.machine.run("exposurectl", "rescan", timeout=300)
        tap.note(f"{type(self).__name__}: {number} units: reloaded, and read twice, in {time.monotonic() - begun:.1f} s")
        self.assert_equal_slowly(number)
        self.assert_same_process()

    def remove_crowd(self, names):
        self.machine.systemctl("stop", "crowd.target")
        for name in [*names, "crowd.target"]:
            os.unlink(self.machine.path(f"{CROWD}/{name}"))
        self.machine.systemctl("daemon-reload", timeout=300)

    def assert_equal_slowly(self, number):
        """The tool takes its time for so many. Nothing changes meanwhile."""
        peer = exposures.parse_list(self.machine.output(*exposures.PEER, timeout=900))
        self.assertGreater(len(peer), number)
        self.assertNoDifferences(exposures.differences(peer, exposures.our_list(self.machine)), len(peer))

    def write_quickly(self, name, text):
        with open(self.machine.path(f"{CROWD}/{name}"), "w") as file:
            file.write(text)

    def test_units_that_come_and_go(self):
        number = self.times(2000)
        self.machine.run("sh", "-c", f"for i in $(seq {number}); do "
                         "systemd-run --quiet --no-block --collect -u passing-$i -p PrivateNetwork=yes true; done",
                         timeout=600)
        self.await_right()
        self.assert_same_process()
        tap.note(f"{type(self).__name__}: {number} units came and went")

    def test_stopped_and_continued(self):
        """The watchdog is slower than this."""
        self.machine.kill(self.pid, signal.SIGSTOP)
        try:
            for i in range(self.times(10)):
                self.toggle(i)
                self.machine.systemctl("daemon-reload")
            self.machine.systemctl("set-property", "--runtime", self.generator.loaded[0], "DevicePolicy=closed", check=False)
            self.machine.systemctl("daemon-reexec")
        finally:
            self.machine.kill(self.pid, signal.SIGCONT)
        self.await_right()
        self.assert_same_process()

    def test_folder_that_may_not_be_read(self):
        folder = "/etc/systemd/system.control"
        os.makedirs(self.machine.path(folder), exist_ok=True)
        os.chmod(self.machine.path(folder), 0o700)
        try:
            self.machine.systemctl("restart", UNIT)
            status = json.loads(self.machine.run("exposurectl", "status", "--json=short", check=False).stdout)
            self.assertFalse(status["healthy"])
            self.assertIn(f"{folder} cannot be followed", status["status"])
            self.machine.systemctl("set-property", self.generator.loaded[1], "DevicePolicy=closed")
            self.machine.output("exposurectl", "rescan")
            exposures.await_equal(self.machine, seconds=SECONDS)
        finally:
            os.chmod(self.machine.path(folder), 0o755)
            self.machine.systemctl("restart", UNIT)
        self.await_right()


class Clock(Case):
    """The daemon's own time of day is moved."""

    @classmethod
    def prepare(cls):
        super().prepare()
        shutil.copy(os.path.join(case.build_folder(), "tests/machine/faulty-clock.so"), cls.machine.path(CLOCK_LIBRARY))
        os.makedirs(cls.machine.path(os.path.dirname(CLOCK)), exist_ok=True)
        cls.set_clock(0)
        # One that lacks what is given to it and taken away, unlike what is random.
        cls.machine.write(f"/etc/systemd/system/{PLAIN}", "[Service]\nExecStart=/bin/sleep infinity\n")
        cls.machine.write(f"/etc/systemd/system/{UNIT}.d/95-clock.conf",
                          f"[Service]\nEnvironment=LD_PRELOAD={CLOCK_LIBRARY} FAULT_CLOCK={CLOCK}\n")
        cls.machine.systemctl("daemon-reload")
        cls.machine.systemctl("start", PLAIN)

    @classmethod
    def set_clock(cls, seconds):
        with open(cls.machine.path(CLOCK), "r+b" if os.path.exists(cls.machine.path(CLOCK)) else "wb") as file:
            file.write(struct.pack("q", seconds))
        os.chmod(cls.machine.path(CLOCK), 0o644)

    def weaken(self, unit, weaker):
        self.machine.write(f"/etc/systemd/system/{unit}.d/90-clock.conf",
                           f"[Service]\nNoNewPrivileges={'no' if weaker else 'yes'}\n")
        self.machine.systemctl("daemon-reload")
        kind = "regressed" if weaker else "improved"
        return case.await_true(lambda: self.newest(unit, kind), f"{kind} of {unit}", SECONDS)

    def newest(self, unit, kind):
        rows = json.loads(self.machine.output("exposurectl", "history", unit, "--json=short"))
        return rows[0] if rows and rows[0]["event"] == kind else None

    def test_jumps(self):
        unit = PLAIN
        told = [self.weaken(unit, False)]
        for jump in (10 * YEAR, -20 * YEAR, 3600, -3600, 0):
            self.set_clock(jump)
            for weaker in (True, False):
                event = self.weaken(unit, weaker)
                told.append(event)
                self.assertLess(abs(event["time"] / 10**6 - time.time() - jump), 600)
            self.await_right()
        history = json.loads(self.machine.output("exposurectl", "history", unit, "--json=short"))
        self.assertEqual([row["id"] for row in history][:len(told)], [row["id"] for row in told][::-1])
        self.assertEqual(len({row["id"] for row in told}), len(told))
        self.assert_same_process()


globals().update(case.for_each_tree(Faults))
globals().update(case.for_each_tree(Clock))
del Case, Faults, Clock

if __name__ == "__main__":
    raise SystemExit(tap.main())
