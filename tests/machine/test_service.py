#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service as it is shipped: started by systemd or by the first question, without privileges, reloaded, stopped."""

import json
import os
import xml.etree.ElementTree

import bus
import case
import tap

UNIT = "exposured.service"
WRONG = "[Exposure]\nSettleSec=5s\nNoSuchOption=1\nSettleSec=soon\n"
XML_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "dbus")
# What the shipped sandbox must reach; in tenths.
SCORE_AT_MOST = 1


def described(text, interface):
    """The members of an interface in an introspection: sets of (kind, name, types, annotations)."""
    found = set()
    for node in xml.etree.ElementTree.fromstring(text).iter("interface"):
        if node.get("name") != interface:
            continue
        for member in node:
            if member.tag == "annotation":
                continue
            types = tuple((arg.get("name"), arg.get("type"), arg.get("direction") or "out")
                          for arg in member.iter("arg"))
            notes = frozenset((note.get("name"), note.get("value")) for note in member.iter("annotation"))
            found.add((member.tag, member.get("name"), member.get("type"), member.get("access"), types, notes))
    return found


class Service(case.MachineCase):
    def setUp(self):
        self.machine.systemctl("reset-failed", UNIT, check=False)
        self.machine.systemctl("start", UNIT)
        connection = bus.Bus(self.machine.path("/run/dbus/system_bus_socket"))
        self.addCleanup(connection.close)
        self.bus, self.daemon = connection, bus.Exposured(connection)

    def show(self, name):
        return self.machine.output("systemctl", "show", "-P", name, UNIT).strip()

    def ctl(self, *arguments, user=False):
        return self.machine.run("exposurectl", *arguments, check=False, user=user)

    def test_the_first_question_starts_it(self):
        self.machine.systemctl("enable", "--quiet", UNIT)
        self.machine.systemctl("stop", UNIT)
        listed = self.ctl("list", "--json=short")
        self.assertEqual((listed.returncode, listed.stderr), (0, ""))
        self.assertIn(UNIT, [row["unit"] for row in json.loads(listed.stdout)])
        self.assertEqual(self.show("ActiveState"), "active")

    def test_a_client_alone_says_one_sentence(self):
        self.machine.systemctl("mask", "--runtime", "--now", UNIT)
        try:
            alone = self.ctl("list")
        finally:
            self.machine.systemctl("unmask", "--runtime", UNIT)
        self.assertEqual((alone.returncode, alone.stdout), (1, ""))
        self.assertEqual(len(alone.stderr.splitlines()), 1, alone.stderr)

    def test_it_says_how_it_is(self):
        self.assertRegex(self.show("StatusText"), r"\d")
        self.assertEqual(self.show("NRestarts"), "0")
        self.assertEqual(self.daemon.get("State"), "current")
        self.assertTrue(self.daemon.get("Healthy"))

    def test_it_has_no_privileges(self):
        pid = self.machine.main_pid(UNIT)
        with open(f"/proc/{pid}/status") as status:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in status)
        self.assertNotIn("0", fields["Uid"].split())
        for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(fields[key], 16), 0, key)
        self.assertEqual(fields["NoNewPrivs"], "1")

    def test_its_own_exposure(self):
        """As it is shipped: the drop-in for sanitizers is no part of that."""
        own = f"/etc/systemd/system/{UNIT}.d/90-sanitizer.conf"
        if os.path.exists(self.machine.path(own)):
            text = open(self.machine.path(own)).read()
            self.addCleanup(self.machine.systemctl, "daemon-reload")
            self.addCleanup(self.machine.write, own, text)
            self.machine.remove(own)
            self.machine.systemctl("daemon-reload")
        rows = json.loads(self.machine.output("systemd-analyze", "security", "--json=short"))
        exposure = next(row["exposure"] for row in rows if row["unit"] == UNIT)
        self.assertLessEqual(float(exposure) * 10, SCORE_AT_MOST)

    def test_anyone_may_read(self):
        for verb in (("list",), ("show", UNIT), ("status",)):
            asked = self.ctl(*verb, user=True)
            self.assertEqual(asked.returncode, 0, asked.stderr)

    def test_reload_rereads_the_configuration(self):
        """A wrong line is a warning with file and line, and the process stays the same."""
        pid, path = self.show("MainPID"), "/etc/exposured.conf.d/90-test.conf"
        self.addCleanup(self.machine.remove, path)
        self.machine.write(path, WRONG)
        self.machine.systemctl("reload", UNIT)
        warnings = case.await_true(lambda: self.warnings(path), "two warnings")
        self.assertTrue(any(f"{path}:3" in line for line in warnings), warnings)
        self.assertTrue(any(f"{path}:4" in line for line in warnings), warnings)
        self.assertEqual(self.show("MainPID"), pid)

    def warnings(self, path):
        found = [line for line in self.machine.journal(UNIT).splitlines() if path in line]
        return found if len(found) >= 2 else None

    def test_introspection_is_what_is_shipped(self):
        unit_path = self.daemon.call("GetUnit", "s", UNIT)[0]
        for name, path in (("Manager", bus.Exposured.PATH), ("Unit", unit_path)):
            interface = f"org.exposured.Exposure1.{name}"
            live = self.bus.call(bus.Exposured.NAME, path, "org.freedesktop.DBus.Introspectable", "Introspect")[0]
            with open(os.path.join(XML_FOLDER, f"{interface}.xml")) as file:
                shipped = described(file.read(), interface)
            self.assertTrue(shipped)
            self.assertEqual(described(live, interface), shipped)

    def test_rescan(self):
        before = self.daemon.get("LastScan")
        done = self.ctl("rescan")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(self.daemon.get("LastScan"), before)

    def test_stop_is_clean(self):
        self.machine.systemctl("stop", UNIT)
        self.assertEqual((self.show("Result"), self.show("ExecMainStatus")), ("success", "0"))
        names = self.bus.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ListNames")[0]
        self.assertNotIn(bus.Exposured.NAME, names)


globals().update(case.for_each_tree(Service))
del Service

if __name__ == "__main__":
    raise SystemExit(tap.main())
