#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon serves on the bus, and what it tells."""

import os
import signal
import time
import xml.etree.ElementTree as ElementTree

from daemoncase import (ERROR, MANAGER, NAME, PATH, PROPERTIES, UNIT, BusError, DaemonCase, changed, configure, main,
                        unit_path)

XML = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "dbus")
TEMPLATE = "/usr/lib/systemd/system/t@.service"
ESCAPED = "dev-disk\\x2dsda@b:c_d.service"

# Everything of a unit that follows from its checks.
JUDGED = {"Exposure", "Predicate", "Findings", "Since"}


def described(interface):
    """An interface as data, to be compared: what it has, of what type, by what names."""
    found = {}
    for member in interface:
        arguments = tuple((a.get("name"), a.get("type"), a.get("direction", "")) for a in member.iter("arg"))
        notes = {a.get("name"): a.get("value") for a in member.iter("annotation")}
        key = (member.tag, member.get("name"))
        assert key not in found, key
        found[key] = (arguments, member.get("type"), member.get("access"), notes)
    return found


class Introspection(DaemonCase):
    def live(self, path, name):
        text = self.peer.call(NAME, path, "org.freedesktop.DBus.Introspectable", "Introspect")[0]
        return next(described(i) for i in ElementTree.fromstring(text) if i.get("name") == name)

    def documented(self, name):
        root = ElementTree.parse(f"{XML}/{name}.xml").getroot()
        self.assertEqual([i.get("name") for i in root], [name])
        return described(root[0])

    def test_as_documented(self):
        self.maxDiff = None
        self.start()
        self.assertEqual({f"{name}.xml" for name in (MANAGER, UNIT)},
                         {name for name in os.listdir(XML) if name.endswith(".xml") and name.startswith(NAME)})
        for path, name in ((PATH, MANAGER), (unit_path("a.service"), UNIT)):
            documented = self.documented(name)
            self.assertGreater(len(documented), 10)
            self.assertEqual(self.live(path, name), documented)

    def test_nodes(self):
        self.start()
        text = self.peer.call(NAME, f"{PATH}/unit", "org.freedesktop.DBus.Introspectable", "Introspect")[0]
        self.assertEqual({node.get("name") for node in ElementTree.fromstring(text).iter("node")} - {None},
                         {"a_2eservice", "b_2eservice", "c_2eservice"})


class Forwarded(DaemonCase):
    """What sd-bus answers, in its turn."""

    def test_errors(self):
        self.start()
        for path, interface, name in ((PATH, "no.such", "UnknownInterface"),
                                      (unit_path("a.service"), "no.such", "UnknownInterface"),
                                      (f"{PATH}/unit/nosuch_2eservice", UNIT, "UnknownObject")):
            with self.subTest(path=path, interface=interface):
                with self.assertRaises(BusError) as caught:
                    self.peer.call(NAME, path, PROPERTIES, "GetAll", "s", interface)
                self.assertEqual(caught.exception.name, f"org.freedesktop.DBus.Error.{name}")

    def test_arguments(self):
        self.start()
        for interface, member, signature, arguments in (
                (PROPERTIES, "GetAll", "ss", (MANAGER, "x" * 100000)), (PROPERTIES, "GetAll", "", ()),
                (PROPERTIES, "GetAll", "s", ("i." + "x" * 100000,)),
                ("org.freedesktop.DBus.Introspectable", "Introspect", "s", ("x" * 100000,))):
            with self.subTest(member=member, signature=signature):
                with self.assertRaises(BusError) as caught:
                    self.peer.call(NAME, PATH, interface, member, signature, *arguments)
                self.assertEqual(caught.exception.name, "org.freedesktop.DBus.Error.InvalidArgs")

    def test_many_at_once(self):
        """As many wait as a user may have waiting, each has the whole answer, and the rest is told."""
        self.start()
        clients, most, count = [self.connect() for _ in range(4)], 128, 100
        alone = self.peer.call(NAME, PATH, PROPERTIES, "GetAll", "s", MANAGER)
        # Stopped, it finds them all at once.
        self.daemon.process.process.send_signal(signal.SIGSTOP)
        serials = [(client, client.send(NAME, PATH, PROPERTIES, "GetAll", "s", MANAGER))
                   for _ in range(count) for client in clients]
        self.daemon.process.process.send_signal(signal.SIGCONT)
        answered = refused = 0
        for client, serial in serials:
            try:
                self.assertEqual(client.answer(serial), alone)
                answered += 1
            except BusError as error:
                self.assertEqual(error.name, "org.exposured.Exposure1.Error.LimitExceeded")
                refused += 1
        self.assertGreaterEqual(answered, most)
        self.assertGreater(refused, 0)

    def test_the_bus_goes_meanwhile(self):
        self.start()
        for _ in range(50):
            self.peer.send(NAME, PATH, "org.freedesktop.DBus.Introspectable", "Introspect")
        self.bus.stop()
        self.bus.start()
        self.systemd.reconnect()
        self.peer = self.connect()
        self.wait_until(lambda: self.peer.owner(NAME))
        self.assertEqual(self.get("Scope"), "system")


class Reading(DaemonCase):
    units = ("b.service", "oneshot.service", ESCAPED, "a.service")

    def setUp(self):
        super().setUp()
        self.systemd.set("oneshot.service", "Type", "s", "oneshot")
        self.systemd.set("b.service", "PrivateNetwork", "b", True)
        self.systemd.set("b.service", "FragmentPath", "s", "", "Unit")
        self.systemd.set("b.service", "DropInPaths", "as", ["/run/1.conf", "/run/2.conf"], "Unit")
        self.systemd.load("masked.service", "masked", announce=False)
        self.systemd.load("missing.service", "not-found", announce=False)
        self.systemd.load("a.socket", announce=False)
        self.start()

    def test_list(self):
        self.assertEqual(self.names("ListUnits"), ["a.service", "b.service", ESCAPED])
        self.assertEqual(self.names("ListAllUnits"), ["a.service", "b.service", ESCAPED, "oneshot.service"])
        rows = self.call("ListUnits")[0]
        self.assertEqual(rows[0], ("a.service", 9.6, "UNSAFE", 9.6, False, unit_path("a.service")))
        self.assertLess(rows[1][1], 9.6)
        for row in rows:
            self.assertEqual(self.call("GetUnit", "s", row[0]), [row[5]])
            values = self.get_all(row[0])
            self.assertEqual((values["Name"], values["Exposure"], values["Predicate"], values["Baseline"],
                              values["Regressed"]), row[:5])

    def test_freshness(self):
        rows = self.call("ListFreshness")[0]
        self.assertEqual([row[0] for row in rows], self.names("ListAllUnits"))
        for name, last_read, stale in rows:
            self.assertEqual((last_read, stale), (self.get("LastRead", name), False))
            self.assertLess(abs(last_read / 10**6 - time.time()), 3600)

    def test_path_of_an_escaped_name(self):
        self.assertEqual(self.call("GetUnit", "s", ESCAPED)[0],
                         f"{PATH}/unit/dev_2ddisk_5cx2dsda_40b_3ac_5fd_2eservice")

    def test_get_unit_refuses(self):
        for name in ("nosuch.service", "masked.service", "missing.service", "a@b.service"):
            self.assertIn(name, self.refused(f"{ERROR}NoSuchUnit", "GetUnit", "s", name))
        for name in ("", "a", "a.socket", "a@.service", "../a.service", "a b.service", "é.service", "a.service\n",
                     "x" * 248 + ".service", "x" * 100000):
            self.assertLess(len(self.refused(f"{ERROR}InvalidName", "GetUnit", "s", name)), 400)

    def test_objects_that_are_not_there(self):
        for unit in ("nosuch.service", "masked.service"):
            with self.assertRaises(BusError) as caught:
                self.get("Exposure", unit)
            self.assertEqual(caught.exception.name, "org.freedesktop.DBus.Error.UnknownObject")

    def test_manager(self):
        values = self.get_all()
        self.assertRegex(values["Version"], r"^\d+")
        self.assertEqual((values["Scope"], values["SystemdVersion"], values["State"]),
                         ("system", "252.39-1", "current"))
        self.assertEqual((values["Healthy"], values["Status"], values["PolicyPath"]), (True, "", ""))
        self.assertEqual((values["UnitCount"], values["RegressedCount"]), (4, 0))
        self.assertEqual((values["ScanCount"], values["ReadCount"], values["ReloadCount"], values["LookupCount"]),
                         (1, 4, 0, 0))
        self.assertEqual((values["CallCount"], values["FailedCallCount"]), (1 + 4 * 4, 0))
        self.assertGreater(values["LastScan"], 10**15)
        self.assertLess(values["LastScanDuration"], 10**8)

    def test_unit(self):
        values = self.get_all("b.service")
        self.assertEqual((values["FragmentPath"], values["DropInPaths"]), ("", ["/run/1.conf", "/run/2.conf"]))
        self.assertEqual((values["Oneshot"], values["Stale"], values["Regressed"]), (False, False, False))
        self.assertEqual(self.get("FragmentPath", "a.service"), "/usr/lib/systemd/system/a.service")
        self.assertTrue(self.get("Oneshot", "oneshot.service"))
        self.assertGreaterEqual(values["LastRead"], values["Since"])
        # large, so it has to be asked for by name
        self.assertNotIn("Findings", values)

    def test_findings(self):
        rows = self.get("Findings", "b.service")
        self.assertEqual(len({row[0] for row in rows}), 81)
        self.assertEqual(len(rows), 81)
        for field, name, result, badness, weight, reach, share, text, setting in rows:
            self.assertIn(result, ("good", "bad", "not-applicable"), field)
            self.assertTrue(name and text and setting, field)
            self.assertLessEqual(badness, reach, field)
            self.assertEqual(badness > 0, result == "bad", field)
            self.assertEqual(share > 0, result == "bad", field)
            self.assertGreater(weight, 0, field)
        self.assertEqual(self.finding("b.service", "PrivateNetwork"), "good")
        self.assertEqual(self.finding("a.service", "PrivateNetwork"), "bad")

    def test_nothing_can_be_set(self):
        for path, interface, name in ((PATH, MANAGER, "LastScan"), (unit_path("a.service"), UNIT, "Exposure")):
            with self.assertRaises(BusError) as caught:
                self.peer.call(NAME, path, PROPERTIES, "Set", "ssv", interface, name, ("d", 0.0))
            self.assertEqual(caught.exception.name, "org.freedesktop.DBus.Error.PropertyReadOnly")

    def test_managed_objects(self):
        objects = self.peer.call(NAME, PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")[0]
        self.assertEqual({path for path, interfaces in objects.items() if UNIT in interfaces},
                         {unit_path(name) for name in self.names()})
        self.assertEqual(objects[unit_path("a.service")][UNIT], self.get_all("a.service"))

    def test_assess_a_loaded_unit(self):
        unit = self.call("AssessUnit", "s", "b.service")[0]
        findings = unit.pop("Findings")
        self.assertEqual(unit, self.get_all("b.service"))
        self.assertEqual(findings, self.get("Findings", "b.service"))

    def test_no_query_asks_systemd(self):
        for _ in range(20):
            self.call("ListUnits")
            self.call("ListAllUnits")
            self.call("AssessUnit", "s", "a.service")
            self.get_all()
            self.get_all("b.service")
            self.refused(f"{ERROR}NoSuchUnit", "GetUnit", "s", "nosuch.service")
        self.barrier()
        self.assertEqual(self.asked(), [])

    def test_wrong_arguments(self):
        for arguments in (("GetUnit",), ("GetUnit", "u", 5), ("AssessUnit", "as", ["a.service"]), ("Rescan", "s", "")):
            with self.assertRaises(BusError) as caught:
                self.call(*arguments)
            self.assertEqual(caught.exception.name, "org.freedesktop.DBus.Error.InvalidArgs")


class EventCase(DaemonCase):
    def event(self, member):
        """Waits for one, once what it tells of has settled and is kept; its arguments."""
        message = self.peer.signal(member, lambda m: m.interface == MANAGER)
        self.assertEqual(message.path, PATH)
        self.assertRegex(message.body[0], r"\A[0-9a-f]{32}\Z")
        self.assertGreater(message.body[1], 10**15)
        return message.body


class Instances(EventCase):
    """They settle a while, so that all come meanwhile."""

    units = ("t@0.service",)

    def setUp(self):
        super().setUp()
        configure(SettleSec="8s")
        self.addCleanup(configure, SettleSec="0")
        self.systemd.set(self.units[0], "FragmentPath", "s", TEMPLATE, "Unit")
        self.start()

    def test_one_after_the_other(self):
        units = [f"t@{number}.service" for number in range(1, 6)]
        path = f"{self.bus.folder}/t@.service.d/50-weaker.conf"
        os.mkdir(os.path.dirname(path))
        with open(path, "w", encoding="utf-8") as f:
            f.write("[Service]\nKeyringMode=shared\n")
        for unit in units:
            self.systemd.set(unit, "KeyringMode", "s", "shared")
            self.systemd.set(unit, "FragmentPath", "s", TEMPLATE, "Unit")
            self.systemd.set(unit, "DropInPaths", "as", [path], "Unit")
            self.systemd.load(unit)
            self.wait_until(lambda unit=unit: unit in self.names())
        event = self.event("Regressed")
        self.assertEqual((event[2], sorted(event[3]), event[6]), ("t@.service", units, [("KeyringMode", 0, 1)]))


class Signals(EventCase):
    def setUp(self):
        super().setUp()
        self.start()

    def one(self, signals, member):
        """The only one of that name."""
        found = [m for m in signals if m.member == member]
        self.assertEqual(len(found), 1, [m.member for m in signals])
        return found[0]

    def test_comes_and_goes(self):
        self.systemd.load("new.service")
        self.wait_until(lambda: "new.service" in self.names())
        signals = self.heard()
        added = self.one(signals, "InterfacesAdded")
        self.assertEqual((added.path, added.body[0]), (PATH, unit_path("new.service")))
        self.assertEqual(added.body[1][UNIT], self.get_all("new.service"))
        self.assertIn({"UnitCount": 4}, [m.body[1] for m in signals if m.member == "PropertiesChanged"])

        self.systemd.unload("new.service")
        self.wait_until(lambda: "new.service" not in self.names())
        signals = self.heard()
        removed = self.one(signals, "InterfacesRemoved")
        self.assertEqual((removed.path, removed.body[0]), (PATH, unit_path("new.service")))
        self.assertIn(UNIT, removed.body[1])
        self.assertIn({"UnitCount": 3}, [m.body[1] for m in signals if m.member == "PropertiesChanged"])

    def test_appeared(self):
        self.systemd.load("new.service")
        self.assertEqual(self.event("Appeared")[2:7], ["new.service", ["new.service"], 9.6, 9.6, []])

    def test_improved(self):
        self.systemd.set("a.service", "PrivateNetwork", "b", True)
        self.peer.signals = self.reload()
        self.assertLess(self.exposure("a.service"), 9.6)
        self.assertEqual(self.event("Improved")[2:7], ["a.service", ["a.service"], 9.6, self.exposure("a.service"),
                                                       [("PrivateNetwork", 1, 0)]])
        self.wait_until(lambda: self.get("Baseline", "a.service") == self.exposure("a.service"))

    def test_regressed(self):
        self.systemd.set("a.service", "KeyringMode", "s", "shared")
        self.peer.signals = self.reload()
        event = self.event("Regressed")
        self.assertEqual(event[2:4], ["a.service", ["a.service"]])
        self.assertEqual(event[6], [("KeyringMode", 0, 1)])
        self.assertEqual((self.get("Regressed", "a.service"), self.get("RegressedCount")), (True, 1))
        self.assertEqual([row[2] for row in self.call("ListRegressions")[0]], ["a.service"])

    def test_what_is_judged(self):
        self.systemd.set("a.service", "PrivateNetwork", "b", True)
        signals = self.reload()
        self.assertGreaterEqual(changed(signals, unit_path("a.service")), {"Exposure", "Findings", "Since"})
        self.assertLessEqual(changed(signals, unit_path("a.service")), JUDGED | {"Baseline"})
        self.assertEqual(changed(signals, unit_path("b.service")), set())
        self.assertNotIn("UnitCount", changed(signals, PATH))

    def test_values_are_told_with_what_changed(self):
        self.systemd.set("a.service", "PrivateNetwork", "b", True)
        told = {}
        for message in self.reload():
            if message.member == "PropertiesChanged" and message.path == unit_path("a.service"):
                told |= message.body[1]
                self.assertNotIn("Findings", message.body[1])
        values = self.get_all("a.service")
        self.assertEqual(told, {name: values[name] for name in told})

    def test_what_is_not_scored(self):
        self.systemd.set("a.service", "DropInPaths", "as", ["/run/1.conf"], "Unit")
        self.systemd.set("b.service", "FragmentPath", "s", "/etc/b.service", "Unit")
        self.systemd.set("c.service", "ExecMainPID", "u", 99)
        signals = self.reload()
        self.assertEqual(changed(signals, unit_path("a.service")), {"DropInPaths"})
        self.assertEqual(changed(signals, unit_path("b.service")), {"FragmentPath"})
        self.assertEqual(changed(signals, unit_path("c.service")), set())
        self.assertEqual({m.member for m in signals}, {"PropertiesChanged"})

    def test_oneshot(self):
        self.systemd.set("a.service", "Type", "s", "oneshot")
        signals = self.reload()
        self.assertIn("Oneshot", changed(signals, unit_path("a.service")))
        self.assertFalse(changed(signals, unit_path("a.service")) & JUDGED)
        self.assertNotIn("a.service", self.names("ListUnits"))

    def test_reload_without_changes(self):
        for _ in range(3):
            signals = self.reload()
            self.assertEqual({(m.member, m.path) for m in signals} - {("PropertiesChanged", PATH)}, set())
            self.assertLessEqual(changed(signals, PATH), {"State", "Healthy", "Status"})

    def test_rescan_without_changes(self):
        signals = self.swept(lambda: self.call("Rescan"))
        self.assertLessEqual(changed(signals, PATH), {"State", "Healthy", "Status"})
        self.assertEqual({(m.member, m.path) for m in signals} - {("PropertiesChanged", PATH)}, set())

    def test_another_version(self):
        self.systemd.version("257.1")
        signals = self.reload()
        self.assertEqual(self.get("SystemdVersion"), "257.1")
        self.assertIn("SystemdVersion", changed(signals, PATH))
        self.assertNotIn("Regressed", {m.member for m in signals})

    def test_model(self):
        """One event, whatever it does to how many units."""
        for unit in self.units:
            self.systemd.set(unit, "SystemCallFilter", "(bas)", (True, ["open_tree"]))
        self.reload()
        self.systemd.version("258.1")
        self.peer.signals = self.reload()
        self.assertEqual(self.event("Model")[2], "")

    def test_upgrade(self):
        """What the new version rates differently, and what units became with it, is one event in two parts; only what
        got worse is told besides."""
        for unit in self.units:
            self.systemd.set(unit, "SystemCallFilter", "(bas)", (True, ["open_tree"]))
        self.peer.signals = self.reload()
        for _ in self.units:
            self.event("Improved")
        self.systemd.set("b.service", "PrivateNetwork", "b", True)
        self.systemd.set("c.service", "KeyringMode", "s", "shared")
        self.systemd.version("262.1")
        before = self.get("SystemdVersion")
        self.peer.signals = self.reload()
        id, _, unit, units, *exposures, checks, causes = self.event("Model")
        regressed = self.event("Regressed")
        self.assertEqual((regressed[2], regressed[6]), ("c.service", [("KeyringMode", 0, 1)]))
        self.assertNotIn("Improved", {m.member for m in self.heard()})
        self.assertEqual((unit, sorted(units), exposures, checks), ("", sorted(self.units), [0.0, 0.0], []))
        self.assertEqual([(path, change, lines) for path, change, _, lines in causes],
                         [("", "manager", [f"-{before}", "+262.1"])])
        self.assert_parts(id)
        rows = self.call("GetHistory", "ssu", "", "", 2)[0]
        self.assertEqual([(row[0], row[1]) for row in rows], [(regressed[0], "regressed"), (id, "model")])
        self.assertEqual([row[0] for row in self.call("ListRegressions")[0]], [regressed[0]])

    def assert_parts(self, id):
        rows = {row[0]: row[1:] for row in self.call("GetEventUnits", "s", id)[0]}
        self.assertEqual(set(rows), set(self.units))
        for before, rated, after, by_model, changed, own in rows.values():
            self.assertEqual([field for field, _, _ in by_model], ["SystemCallFilter_mount"])
            self.assertEqual(changed, bool(own))
        self.assertEqual({unit: row[5] for unit, row in rows.items() if row[5]},
                         {"b.service": [("PrivateNetwork", 1, 0)], "c.service": [("KeyringMode", 0, 1)]})
        self.assertLess(rows["b.service"][2], rows["b.service"][1])
        self.assertEqual(rows["a.service"][1], rows["a.service"][2])

    def test_units_of_an_event(self):
        self.systemd.set("a.service", "PrivateNetwork", "b", True)
        self.peer.signals = self.reload()
        event = self.event("Improved")
        rows = self.call("GetEventUnits", "s", event[0])[0]
        self.assertEqual(rows, [("a.service", event[4], event[4], event[5], [], True, [("PrivateNetwork", 1, 0)])])
        for id in ("", "x", "x" * 33, "0" * 32):
            self.refused(f"{ERROR}InvalidArgument", "GetEventUnits", "s", id)


class Many(DaemonCase):
    units = tuple(f"u{i:04}.service" for i in range(1500))

    def test_large_answers(self):
        self.start()
        self.assertEqual(self.names(), list(self.units))
        self.assertEqual(self.get("UnitCount"), len(self.units))
        objects = self.peer.call(NAME, PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")[0]
        self.assertGreaterEqual(len(objects), len(self.units))


main()
