#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tools of the machine tests, tested for themselves: what compares must see what differs."""

import os
import unittest

import bus
import case
import exposures
import generate
import machine
import tap


class Comparing(unittest.TestCase):
    ROW = {"a.service": ("9.6", "UNSAFE", "x")}

    def test_equal_lists(self):
        self.assertEqual(exposures.differences(self.ROW, dict(self.ROW)), [])

    def test_another_exposure(self):
        self.assertEqual(len(exposures.differences(self.ROW, {"a.service": ("9.5", "UNSAFE", "x")})), 1)

    def test_a_missing_and_a_strange_unit(self):
        self.assertEqual(len(exposures.differences(self.ROW, {"b.service": ("9.6", "UNSAFE", "x")})), 2)

    def test_checks(self):
        peer = {"a.service": {"User": (True, None, 0, 1, 1, "User=")}}
        ours = {"a.service": {"User": (False, None, 0, 1, 1, "User=")}}
        self.assertEqual(len(exposures.differences(peer, ours)), 1)
        self.assertEqual(len(exposures.differences(peer, {"a.service": {}})), 1)
        self.assertEqual(len(exposures.differences(peer, {"a.service": None})), 1)
        self.assertEqual(len(exposures.differences({"a.service": None}, ours)), 1)
        self.assertEqual(exposures.differences({"a.service": None}, {"a.service": None}), [])

    def test_a_check_that_is_told_twice(self):
        entry = '{"json_field": "User", "name": "User=", "set": true, "exposure": null}'
        with self.assertRaises(ValueError):
            exposures.parse_checks(f"[{entry}, {entry}]")


class Generating(unittest.TestCase):
    def test_a_seed_says_all(self):
        self.assertEqual(generate.Generator(7).files, generate.Generator(7).files)
        self.assertNotEqual(generate.Generator(7).files, generate.Generator(8).files)

    def test_every_form_is_used(self):
        self.assertEqual(generate.Generator(generate.random_seed()).unused(), [])

    def test_at_least_300_units(self):
        self.assertGreaterEqual(len(generate.Generator(generate.random_seed()).loaded), 300)


class Marshalling(unittest.TestCase):
    def turn_around(self, kind, value):
        writer = bus.Writer()
        writer.put("y", 1)
        writer.put(kind, value)
        reader = bus.Reader(bytes(writer.data), "<")
        reader.get("y")
        return reader.get(kind)

    def test_types(self):
        for kind, value in (("s", "text"), ("t", 1 << 60), ("b", True), ("as", ["a", "", "bcd"]), ("d", 9.6),
                            ("a(sdsb)", [("a", 1.5, "b", False), ("", 0.0, "", True)]), ("a{su}", {"x": 7}),
                            ("at", []), ("(yv)", None)):
            if kind == "(yv)":
                self.assertEqual(self.turn_around(kind, (3, ("as", ["q"]))), (3, ["q"]))
            else:
                self.assertEqual(self.turn_around(kind, value), value)

    def test_signatures(self):
        self.assertEqual(bus.split("a(stt)asa{sv}(i(ii))s"), ["a(stt)", "as", "a{sv}", "(i(ii))", "s"])


class Booting(case.MachineCase):
    with_build = False

    def test_pid_1_and_the_bus_answer(self):
        manager = bus.Systemd(self.connect())
        names = {row[0] for row in manager.call("ListUnits")[0]}
        self.assertIn("init.scope", names)
        running = self.machine.output("cat", f"/proc/{self.inner_pid('dbus.service')}/comm").strip()
        self.assertTrue(running.startswith("dbus-broker" if self.broker == "dbus-broker" else "dbus-daemon"), running)
        self.assertGreater(self.machine.main_pid("dbus.service"), 1)

    def inner_pid(self, unit):
        return self.machine.output("systemctl", "show", "-P", "MainPID", unit).strip()

    def test_no_logind(self):
        """Another client's Subscribe() would hide that ours is missing."""
        self.assertNotEqual(self.machine.run("systemctl", "is-active", "systemd-logind", check=False).returncode, 0)

    def test_machines_beside_each_other(self):
        """What one does to a service of a name does nothing to the other's."""
        start = ("systemd-run", "--quiet", "--unit=beside.service", "sleep", "infinity")
        self.machine.run(*start)
        with machine.Machine(self.tree, broker=self.broker) as other:
            other.run(*start)
            other.systemctl("kill", "--signal=KILL", "beside.service")
            other.run("sh", "-c", "while systemctl -q is-active beside.service; do systemctl daemon-reload; done")
            self.machine.systemctl("is-active", "beside.service")

    def test_files_and_generated_units(self):
        generator = generate.Generator(generate.random_seed(), 60)
        tap.note(f"seed {generator.seed}")
        generator.write(self.machine)
        self.machine.systemctl("daemon-reload")
        self.machine.systemctl("start", generate.LOADER)
        known = self.machine.output("systemctl", "list-units", "--all", "--plain", "--no-legend", "--type=service")
        loaded = {line.split()[0] for line in known.splitlines() if " loaded " in line}
        wanted = {name for name in generator.loaded if "alias" not in name}
        self.assertGreater(len(wanted & loaded), 0.9 * len(wanted))
        peer = exposures.peer_checks(self.machine, generator.loaded[:5] + generator.absent)
        self.assertEqual([peer[name] for name in generator.absent], [None] * len(generator.absent))
        self.assertGreater(len([1 for found in peer.values() if found]), 0)

    def test_user_manager(self):
        self.machine.start_user_manager()
        self.assertGreater(len(self.machine.output("systemctl", "--user", "list-units", user=True)), 100)
        self.assertTrue(os.path.exists(self.machine.path("/run/user/47110/bus")))


globals().update(case.for_each_tree(Booting))
del Booting

if __name__ == "__main__":
    raise SystemExit(tap.main())
