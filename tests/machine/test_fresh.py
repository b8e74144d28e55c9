#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Never stale: after every change the daemon agrees with systemd-analyze again, without being told."""

import os
import random
import statistics
import time

import bus
import case
import changes
import exposures
import follower
import generate
import tap

UNITS = 160
CHANGES = int(os.environ.get("EXPOSURED_CHANGES", "100"))
# How long may pass before a difference is one; the promise itself is a figure of the bench, not of this test.
SECONDS = 15
# The checks of so many units are compared after a change that is one of all.
SAMPLE = 5


class Fresh(case.MachineCase):
    @classmethod
    def prepare(cls):
        cls.seed = generate.random_seed()
        tap.note(f"{cls.__name__}: EXPOSURED_SEED={cls.seed}, systemd {cls.machine.systemd_version()}, {cls.broker}")
        cls.generator = generate.Generator(cls.seed, UNITS, densities=generate.SPARSE)
        changes.write_base(cls.machine, cls.generator)
        cls.machine.systemctl("start", "exposured.service")
        cls.follower = follower.Follower(cls.open_bus)
        cls.follower.start()
        cls.addClassCleanup(cls.follower.stop)

    def settle(self, what):
        """Seconds from now until the daemon's list is the peer's."""
        try:
            return self.follower.settle(self.machine, SECONDS)
        except exposures.NotEqual as problem:
            self.fail(f"{what}: {problem}")

    def differences(self, names):
        """In the checks of these units, and how many checks those are."""
        peer = exposures.peer_checks(self.machine, names)
        with self.open_bus() as connection:
            ours = exposures.daemon_checks(bus.Exposured(connection), names)
        return exposures.differences(peer, ours), sum(len(found) for found in peer.values() if found)

    def compare_changed(self, what, names):
        """Exposures are rounded: a check that has changed may not be seen in them. Returns the number of checks, and
        whether they were equal at the first look."""
        deadline, looks = time.monotonic() + SECONDS, 1
        while (compared := self.differences(names))[0] and time.monotonic() < deadline:
            looks += 1
        found, checks = compared
        self.assertNoDifferences([f"{what}: {text}" for text in found], f"{len(names)} units")
        return checks, looks == 1

    def test_random_changes(self):
        made, times, compared = changes.Changes(self.machine, self.generator), [], []
        for number in range(CHANGES):
            self.follower.forget()
            what = made.one()
            times.append((self.settle(f"change {number}, {what}"), what))
            names = made.touched(sorted(self.follower.last()))
            names = random.Random(number).sample(names, min(SAMPLE, len(names)))
            if names:
                compared.append((*self.compare_changed(f"change {number}, {what}", names), what))
        found, checks = self.differences(list(exposures.peer_list(self.machine)))
        self.assertNoDifferences(found, f"{checks} checks")
        self.tell(times, compared, checks)
        # Some changes concern no unit that is listed.
        self.assertGreater(sum(checks for checks, _, _ in compared), 30 * CHANGES)

    def tell(self, times, compared, checks):
        seconds = sorted(value for value, _ in times)
        late = [f"{value:.2f} s {what}" for value, what in times if value > 1]
        again = [what for _, at_once, what in compared if not at_once]
        tap.note(f"{type(self).__name__}: {len(times)} changes at {len(self.follower.last())} units, equal again after "
                 f"{statistics.median(seconds):.3f} s (median), {seconds[int(len(seconds) * 0.99)]:.3f} s (p99), "
                 f"{seconds[-1]:.3f} s (longest); {sum(checks for checks, _, _ in compared)} checks compared after "
                 f"{len(compared)} of them, {checks} at the end")
        if late:
            tap.note("later than 1 s: " + "; ".join(late))
        if again:
            tap.note("checks equal at the second look only: " + "; ".join(again))

    def test_missing_unit_gets_its_file(self):
        """Loaded as not found for another's sake, it is found without a reload when it is started."""
        machine = self.machine
        machine.write(f"{changes.RUN}/wants-late.service",
                      "[Unit]\nWants=late.service\n[Service]\nExecStart=/bin/sleep infinity\n")
        machine.systemctl("start", "wants-late.service")
        self.settle("a unit that wants a missing one")
        self.assertNotIn("late.service", self.follower.last())
        machine.write(f"{changes.RUN}/late.service", "[Service]\nExecStart=/bin/sleep infinity\nPrivateNetwork=yes\n")
        machine.systemctl("start", "late.service")
        self.settle("the file of a missing unit")
        self.assertIn("late.service", self.follower.last())

    def test_name_with_escapes(self):
        """Loaded alone it is asked for by its name, which has backslashes."""
        machine, name = self.machine, r"escaped@dev-\x2done\x20two.service"
        machine.write(f"{changes.RUN}/escaped@.service", "[Service]\nExecStart=/bin/sleep infinity\n")
        machine.systemctl("start", name)
        self.settle("an escaped name")
        self.assertIn(name, self.follower.last())
        machine.systemctl("stop", name)
        self.settle("its end")
        self.assertNotIn(name, self.follower.last())

    def test_unit_with_a_bad_setting_is_mended(self):
        machine, path = self.machine, f"{changes.RUN}/mended.service"
        machine.write(path, "[Service]\nType=simple\n")
        self.assertNotEqual(machine.systemctl("start", "mended.service", check=False).returncode, 0)
        self.settle("a unit that cannot be loaded")
        self.assertNotIn("mended.service", self.follower.last())
        machine.write(path, "[Service]\nExecStart=/bin/sleep infinity\n")
        machine.systemctl("daemon-reload")
        machine.systemctl("start", "mended.service")
        self.settle("its mending")
        self.assertIn("mended.service", self.follower.last())

    def test_oneshot_becomes_a_service(self):
        machine, path = self.machine, f"{changes.RUN}/turns.service"
        text = "[Service]\nType={}\nRemainAfterExit=yes\nExecStart=/bin/true\n"
        machine.write(path, text.format("oneshot"))
        machine.systemctl("start", "turns.service")
        self.settle("a oneshot")
        self.assertNotIn("turns.service", self.follower.last())
        machine.write(path, text.format("simple"))
        machine.systemctl("daemon-reload")
        self.settle("another type")
        self.assertIn("turns.service", self.follower.last())

    def test_bus_without_the_daemon_for_a_while(self):
        """What happened while it was stopped is there when it is back."""
        machine = self.machine
        machine.systemctl("stop", "exposured.service")
        machine.write(f"{changes.ETC}/dbus.service.d/99-meanwhile.conf", "[Service]\nPrivateUsers=no\nUMask=0077\n")
        machine.systemctl("daemon-reload")
        machine.systemctl("reset-failed", "exposured.service", check=False)
        machine.systemctl("start", "exposured.service")
        self.settle("a start after changes")


globals().update(case.for_each_tree(Fresh, brokers=("dbus-daemon", "dbus-broker", "dbus-daemon")))
del Fresh

if __name__ == "__main__":
    raise SystemExit(tap.main())
