#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every method and property that the daemon shows of itself, called with every kind of nonsense. It answers each call,
stays as it is, and asks systemd for nothing but look-ups.

EXPOSURED_SEED= runs the same again, EXPOSURED_FUZZ_CALLS= says how many calls."""

import os
import random
import struct

from daemoncase import MANAGER, NAME, PATH, DaemonCase, main, unit_path
from peer import Peer, nonsense, other_users
from peer import machine_bus as wire

SEED = int(os.environ.get("EXPOSURED_SEED") or random.SystemRandom().getrandbits(32))
CALLS = int(os.environ.get("EXPOSURED_FUZZ_CALLS", "3000"))
BATCH = 50
UNITS = ("a.service", "b.service", "t@1.service")


class Fuzz(DaemonCase):
    units = UNITS

    def introspect(self, path):
        return self.peer.call(NAME, path, nonsense.INTROSPECTABLE, "Introspect")[0]

    def send(self, client, message):
        client.serial += 1
        client.socket.sendall(message[:8] + struct.pack("<I", client.serial) + message[12:])
        return client.serial

    def state(self):
        counters = {name: self.get(name) for name in ("State", "Healthy", "Status", "UnitCount", "RegressedCount",
                                                      "ReloadCount", "PolicyPath", "SystemdVersion")}
        units = [{key: value for key, value in self.get_all(unit).items() if key not in ("LastRead",)} for unit in UNITS]
        return counters, self.call("ListAllUnits"), self.call("ListRegressions"), units, self.peer.owner(NAME)

    def run_batch(self, client, messages):
        """Each call has its answer, and after it the daemon answers others."""
        serials = [self.send(client, message) for message, answered in messages if answered]
        for message in (message for message, answered in messages if not answered):
            self.send(client, message)
        client.wait(lambda: all(serial in client.answers for serial in serials))
        client.answers.clear()
        self.assertEqual(self.peer.call(NAME, PATH, "org.freedesktop.DBus.Peer", "Ping"), [])

    def test_nonsense(self):
        print(f"EXPOSURED_SEED={SEED}, {CALLS} calls", flush=True)
        self.start()
        before = self.state()
        calls = nonsense.Calls(random.Random(SEED), self.introspect, unit_path("a.service"))
        self.assertGreaterEqual({member for _, _, member, _ in calls.methods},
                                {"ListUnits", "AssessUnit", "GetHistory", "Accept", "Get", "Set", "GetAll", "Ping"})
        self.assertGreaterEqual(len(calls.properties), 25)
        done = thrown_out = 0
        client = self.client()
        while done < CALLS:
            messages = [calls.next() for _ in range(BATCH)]
            try:
                self.run_batch(client, messages)
            except ConnectionError:
                # The bus throws out who sends what it takes for no message; what came after it is lost.
                thrown_out += 1
                client = self.client()
            done += BATCH
        self.assertLess(thrown_out, max(2, done // BATCH // 10))
        self.wait_until(lambda: self.get("State") == "current")
        self.assertEqual(self.state(), before)
        events = [m.member for m in self.heard() if m.interface == MANAGER]
        self.assertEqual(events, [])

    def client(self):
        """Without privileges where that can be had: root may accept."""
        client = Peer(self.bus.address, next(iter(other_users()), 0))
        self.addCleanup(client.close)
        return client

    def test_lengths(self):
        """The longest that a bus passes on. Nothing of it stays."""
        self.start()
        before = self.state()
        client = self.client()
        for size in (1 << 10, 1 << 16, 1 << 20, 1 << 23):
            for member, types, values in (("AssessUnit", "s", ["x" * size + ".service"]),
                                          ("GetHistory", "ssu", ["", "x" * size, 0]),
                                          ("Accept", "sst", ["a.service", "x" * size, 0])):
                message = wire.compose(wire.CALL, PATH, MANAGER, member, NAME, types, values)
                self.run_batch(client, [(message, True)])
        self.assertEqual(self.state(), before)


main()
