# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls that make no sense: every method and property that the daemon shows of itself, with every kind of argument."""

import xml.etree.ElementTree as ElementTree

import bus as wire

NAME, PATH = wire.Exposured.NAME, wire.Exposured.PATH
MANAGER, UNIT = wire.Exposured.MANAGER, wire.Exposured.UNIT
PROPERTIES, INTROSPECTABLE = "org.freedesktop.DBus.Properties", "org.freedesktop.DBus.Introspectable"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
FOLDER = f"{PATH}/unit"

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


class Calls:
    """Random, but for the seed. A unit is the path of one. They may as well go to another service."""

    def __init__(self, random, introspect, unit, destination=NAME):
        self.nonsense, self.destination = Nonsense(random), destination
        self.methods = sorted({(path, *target) for path in (PATH, unit, FOLDER) for target in targets(introspect(path))} |
                              {(path, interface, member, "") for path in (PATH, FOLDER) for interface, member in
                               ((OBJECT_MANAGER, "GetManagedObjects"), (None, "GetManagedObjects"),
                                (INTROSPECTABLE, "Introspect"), (None, "Introspect"), (None, "ListUnits"))}, key=str)
        self.properties = [(path, interface.get("name"), name.get("name")) for path in (PATH, unit)
                           for interface in ElementTree.fromstring(introspect(path)).iter("interface")
                           for name in interface.iter("property")]
        self.targets = self.all_targets()

    def all_targets(self):
        """All that can be called, at its place; then any of it, without end."""
        random = self.nonsense.random
        yield from self.methods
        for path, interface, name in self.properties:
            for member, types in (("Get", "ss"), ("Set", "ssv"), ("GetAll", "s")):
                yield path, PROPERTIES, member, types, interface, name
        while True:
            if random.random() < 0.3:
                path, interface, name = random.choice(self.properties)
                member, types = random.choice((("Get", "ss"), ("Set", "ssv"), ("GetAll", "s")))
                yield path, PROPERTIES, member, types, interface, name
            else:
                yield random.choice(self.methods)

    def next(self):
        """A message, and whether it wants an answer."""
        return self.compose(*next(self.targets))

    def compose(self, path, interface, member, types, *fixed):
        """A call with these arguments first, and nonsense after them, if not instead."""
        random = self.nonsense.random
        signature, values = self.nonsense.arguments(types)
        if fixed and signature == types:
            values[:len(fixed)] = fixed[:len(values)]
        if random.random() < 0.15:
            path = random.choice(PATHS)
        if random.random() < 0.05:
            member = random.choice(("NoSuch", "m" * 255, "Accept", "Get"))
        if random.random() < 0.05:
            interface = random.choice((None, "no.such.Interface", MANAGER, UNIT, "i." + "x" * 250))
        # A few that want no answer, and some that allow it to ask a person.
        flags = wire.NO_AUTO_START | random.choice((0, 0, 0, 1, 4))
        return wire.compose(wire.CALL, path, interface, member, self.destination, signature, values, 1, flags), not flags & 1
