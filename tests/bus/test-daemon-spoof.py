#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Signals that look like the service manager's or the bus's, sent by somebody else."""

from daemoncase import NAME, PATH, DaemonCase, main
from peer import PROPERTIES, Peer

SYSTEMD = "/org/freedesktop/systemd1"
MANAGER = "org.freedesktop.systemd1.Manager"
SERVICE = "org.freedesktop.systemd1.Service"
BUS = "org.freedesktop.DBus"

A_PATH = f"{SYSTEMD}/unit/a_2eservice"
NEW_PATH = f"{SYSTEMD}/unit/new_2eservice"

SIGNALS = {
    "new": (SYSTEMD, MANAGER, "UnitNew", "so", "new.service", NEW_PATH),
    "new again": (SYSTEMD, MANAGER, "UnitNew", "so", "a.service", A_PATH),
    "removed": (SYSTEMD, MANAGER, "UnitRemoved", "so", "a.service", A_PATH),
    "removed before it came": (SYSTEMD, MANAGER, "UnitRemoved", "so", "new.service", NEW_PATH),
    "properties": (A_PATH, PROPERTIES, "PropertiesChanged", "sa{sv}as", SERVICE, {"PrivateTmp": ("b", True)}, []),
    "properties of a new one": (NEW_PATH, PROPERTIES, "PropertiesChanged", "sa{sv}as", SERVICE, {}, ["ExecStart"]),
    "end of a reload": (SYSTEMD, MANAGER, "Reloading", "b", False),
    "begin of a reload": (SYSTEMD, MANAGER, "Reloading", "b", True),
    "files": (SYSTEMD, MANAGER, "UnitFilesChanged", ""),
    "no argument": (SYSTEMD, MANAGER, "UnitNew", ""),
    "another argument": (SYSTEMD, MANAGER, "Reloading", "as", ["yes"]),
    "manager gone": ("/org/freedesktop/DBus", BUS, "NameOwnerChanged", "sss", "org.freedesktop.systemd1", ":1.1", ""),
    "another manager": ("/org/freedesktop/DBus", BUS, "NameOwnerChanged", "sss", "org.freedesktop.systemd1", "",
                        ":1.99"),
    "name lost": ("/org/freedesktop/DBus", BUS, "NameLost", "s", NAME),
    "name acquired": ("/org/freedesktop/DBus", BUS, "NameAcquired", "s", NAME),
}


class Spoof(DaemonCase):
    def setUp(self):
        super().setUp()
        self.start()
        self.target = self.peer.owner(NAME)

    def attacker(self):
        attacker = Peer(self.bus.address)
        self.addCleanup(attacker.close)
        return attacker

    def assert_nothing_happened(self):
        # what the last barrier leads to may come late
        signals = [(m.path, m.member, m.body) for m in self.heard() if "barrier.service" not in str(m.body) and
                   m.body[1:] != [{"UnitCount": len(self.units)}, []]]
        self.assertEqual(signals, [])
        self.barrier()
        self.assertEqual(self.asked(), [])
        self.assertEqual(self.names(), list(self.units))
        self.assertEqual((self.get("State"), self.get("Healthy"), self.get("ReloadCount"), self.get("ScanCount")),
                         ("current", True, 0, 1))
        self.heard()

    def send(self, attacker, signal, destination):
        """Sends it, and waits until it must have arrived."""
        attacker.emit(*signal, destination=destination)
        attacker.call(NAME, PATH, "org.freedesktop.DBus.Peer", "Ping")

    def test_to_everyone(self):
        attacker = self.attacker()
        for what, signal in SIGNALS.items():
            with self.subTest(what):
                self.send(attacker, signal, None)
                self.assert_nothing_happened()

    def test_to_the_daemon_alone(self):
        attacker = self.attacker()
        for what, signal in SIGNALS.items():
            with self.subTest(what):
                self.send(attacker, signal, self.target)
                self.assert_nothing_happened()

    def test_many(self):
        attacker = self.attacker()
        for i in range(500):
            for what in ("new", "removed", "end of a reload"):
                attacker.emit(*SIGNALS[what], destination=self.target if i % 2 else None)
        attacker.call(NAME, PATH, "org.freedesktop.DBus.Peer", "Ping")
        self.assert_nothing_happened()

    def test_connection_lost(self):
        """Reserved for what the library tells itself. The bus may well throw out who sends this."""
        for destination in (None, self.target):
            with self.subTest(destination):
                attacker = self.attacker()
                attacker.emit("/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local", "Disconnected",
                              destination=destination)
                try:
                    attacker.call(NAME, PATH, "org.freedesktop.DBus.Peer", "Ping")
                except ConnectionError:
                    pass
                self.assert_nothing_happened()
                self.assertEqual(self.peer.owner(NAME), self.target)

    def test_from_the_manager_itself(self):
        """The same does have an effect where it is true: the tests above would see one."""
        self.systemd.emit("UnitRemoved", "a.service")
        self.systemd.wait_for_call("ListUnitsByPatterns", "a.service")
        self.systemd.reloading(True)
        self.wait_until(lambda: self.get("State") == "reloading")
        self.systemd.reloading(False)
        self.wait_until(lambda: self.get("State") == "current")
        self.assertEqual(self.get("ScanCount"), 2)


main()
