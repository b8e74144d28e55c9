#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every method and property that the daemon shows of itself, called with every kind of nonsense. It answers each call,
stays as it is, and asks systemd for nothing but look-ups.

EXPOSURED_SEED= runs the same again, EXPOSURED_FUZZ_CALLS= says how many calls."""

import os
import random
import struct
import xml.etree.ElementTree as ElementTree

from daemoncase import MANAGER, NAME, PATH, PROPERTIES, UNIT, DaemonCase, main, unit_path
from peer import Peer, other_users
from peer import machine_bus as wire

SEED = int(os.environ.get("EXPOSURED_SEED") or random.SystemRandom().getrandbits(32))
CALLS = int(os.environ.get("EXPOSURED_FUZZ_CALLS", "3000"))
BATCH = 50
STANDARD = (PROPERTIES, "org.freedesktop.DBus.Introspectable", "org.freedesktop.DBus.Peer",
            "org.freedesktop.DBus.ObjectManager")
UNITS = ("a.service", "b.service", "t@1.service")

TEXTS = ("", "a", "a.service", "A.service", "a.service\n", "\x1b[31mred.service", "../../etc/passwd.service", "%s%n%n.service",
         "'; DROP TABLE baseline; --", "t@.service", "t@" + "i" * 300 + ".service", "@.service", ".service", "*.service",
         "é.service", "\U0001f600.service", "a" * 255, "b" * 256 + ".service", "c" * 10000 + ".service", "d" * 100000,
         "\\x2d.service", "a.socket", "org.exposured.Exposure1.Unit", "Findings", "Version", "0" * 32, "f" * 32)
NUMBERS = (0, 1, 2, 127, 128, 255)
BITS = {"y": 8, "n": 15, "q": 16, "i": 31, "u": 32, "x": 63, "t": 64}
BASIC = "ybnqiuxtdsog"
PATHS = ("/", "/org", PATH, f"{PATH}/unit", f"{PATH}/unit/a_2eservice", f"{PATH}/unit/nosuch_2eservice", f"{PATH}/unit/_",
         f"{PATH}/unit/_zz", f"{PATH}/unit/a_2eservice/more", f"{PATH}/unit/" + "x" * 300, f"{PATH}/unit/" + "_41" * 255,
         "/a" * 200, "/a" * 30000, f"{PATH}/unit" + "/a" * 30000, "/" + "x" * 60000)


class Nonsense:
    """Random, but for the seed."""

    def __init__(self, random):
        self.random = random

    def type(self, depth=0):
        kind = self.random.choice(BASIC + "v" + ("a({" if depth < 8 else ""))
        if kind == "a":
            return "a" + self.type(depth + 1)
        if kind == "(":
            return "(" + "".join(self.type(depth + 1) for _ in range(self.random.randint(1, 3))) + ")"
        if kind == "{":
            return "a{" + self.random.choice(BASIC) + self.type(depth + 1) + "}"
        return kind

    def value(self, kind, depth=0):
        if kind in BITS:
            return self.random.choice((self.random.choice(NUMBERS) % (1 << min(BITS[kind], 7)), 1, (1 << BITS[kind]) - 1,
                                       self.random.getrandbits(BITS[kind])))
        if kind == "b":
            return self.random.random() < 0.5
        if kind == "d":
            return self.random.choice((0.0, -1.0, 1e308, float("inf"), float("nan")))
        if kind == "s":
            return self.random.choice(TEXTS)
        if kind == "o":
            return self.random.choice(PATHS[:6])
        if kind == "g":
            return self.random.choice(("", "s", "a{sv}", "(" * 8 + "y" + ")" * 8))
        if kind == "v":
            return self.variant(depth)
        if kind.startswith("a{"):
            parts = wire.split(kind[2:-1])
            return {self.value(parts[0]): self.value(parts[1], depth + 1) for _ in range(self.random.randint(0, 3))}
        if kind[0] == "a":
            return [self.value(kind[1:], depth + 1) for _ in range(self.random.randint(0, 3))]
        return tuple(self.value(part, depth + 1) for part in wire.split(kind[1:-1]))

    def variant(self, depth):
        """One may be in the other, up to what the protocol allows."""
        if depth == 0 and self.random.random() < 0.1:
            value = ("y", 0)
            for _ in range(self.random.choice((10, 30, 50, 60))):
                value = ("v", value)
            return value
        kind = self.type(min(depth + 4, 8))
        return kind, self.value(kind, depth + 1)

    def arguments(self, expected):
        """A signature and its values: mostly of the right types, as the wrong ones are refused alike."""
        if self.random.random() < 0.6:
            signature = expected
        else:
            signature = "".join(self.type() for _ in range(self.random.randint(0, 4)))
        return signature, [self.value(kind) for kind in wire.split(signature)]


def targets(text):
    """What an introspection shows: (interface, member, types of the arguments)."""
    for interface in ElementTree.fromstring(text).iter("interface"):
        for method in interface.iter("method"):
            yield (interface.get("name"), method.get("name"),
                   "".join(arg.get("type") for arg in method.iter("arg") if arg.get("direction") != "out"))


class Fuzz(DaemonCase):
    units = UNITS

    def introspect(self, path):
        return self.peer.call(NAME, path, "org.freedesktop.DBus.Introspectable", "Introspect")[0]

    def properties(self):
        for path in (PATH, unit_path("a.service")):
            for interface in ElementTree.fromstring(self.introspect(path)).iter("interface"):
                for name in interface.iter("property"):
                    yield path, interface.get("name"), name.get("name")

    def calls(self, nonsense):
        """All that can be called, at its place, without end."""
        methods = {(path, *target) for path in (PATH, unit_path("a.service"), f"{PATH}/unit")
                   for target in targets(self.introspect(path))} | \
                  {(path, interface, member, "") for path in (PATH, f"{PATH}/unit") for interface, member in
                   (("org.freedesktop.DBus.ObjectManager", "GetManagedObjects"), (None, "GetManagedObjects"),
                    ("org.freedesktop.DBus.Introspectable", "Introspect"), (None, "Introspect"), (None, "ListUnits"))}
        methods, properties = sorted(methods, key=str), sorted(self.properties())
        self.assertGreaterEqual({member for _, _, member, _ in methods},
                                {"ListUnits", "AssessUnit", "GetHistory", "Accept", "Get", "Set", "GetAll", "Ping"})
        self.assertGreaterEqual(len(properties), 25)
        yield from methods
        for path, interface, name in properties:
            for member, types in (("Get", "ss"), ("Set", "ssv"), ("GetAll", "s")):
                yield path, PROPERTIES, member, types, interface, name
        while True:
            if nonsense.random.random() < 0.3:
                path, interface, name = nonsense.random.choice(properties)
                member, types = nonsense.random.choice((("Get", "ss"), ("Set", "ssv"), ("GetAll", "s")))
                yield path, PROPERTIES, member, types, interface, name
            else:
                yield nonsense.random.choice(methods)

    def compose(self, nonsense, path, interface, member, types, *fixed):
        """A call with these arguments first, and nonsense after them, if not instead."""
        signature, values = nonsense.arguments(types)
        if fixed and signature == types:
            values[:len(fixed)] = fixed[:len(values)]
        if nonsense.random.random() < 0.15:
            path = nonsense.random.choice(PATHS)
        if nonsense.random.random() < 0.05:
            member = nonsense.random.choice(("NoSuch", "m" * 255, "Accept", "Get"))
        if nonsense.random.random() < 0.05:
            interface = nonsense.random.choice((None, "no.such.Interface", MANAGER, UNIT, "i." + "x" * 250))
        # A few that want no answer, and some that allow it to ask a person.
        flags = wire.NO_AUTO_START | nonsense.random.choice((0, 0, 0, 1, 4))
        return wire.compose(wire.CALL, path, interface, member, NAME, signature, values, 1, flags), not flags & 1

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
        nonsense = Nonsense(random.Random(SEED))
        calls, done, thrown_out = self.calls(nonsense), 0, 0
        client = self.client()
        while done < CALLS:
            messages = [self.compose(nonsense, *next(calls)) for _ in range(BATCH)]
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
