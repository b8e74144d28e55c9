#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon asks of the service manager, when, and what it makes of it."""

import time

from daemoncase import ERROR, PATH, DaemonCase, Systemd, changed, main, unit_path
from peer import Peer
from privatebus import PrivateBus

# So long the daemon waits between lists at least.
LIST_SECONDS = 0.02
SERVICE, UNIT = "org.freedesktop.systemd1.Service", "org.freedesktop.systemd1.Unit"


def questions(calls):
    return [(call.member, call.argument, call.unit) for call in calls]


def one_read(unit):
    """What it takes to read a unit."""
    return [("GetAll", SERVICE, unit), ("Get", f"{UNIT} DefaultDependencies", unit),
            ("Get", f"{UNIT} FragmentPath", unit), ("Get", f"{UNIT} DropInPaths", unit)]


class Case(DaemonCase):
    def assert_innocent(self, calls):
        """Nothing was asked during a reload, nor about units that are not loaded."""
        self.assertEqual([call for call in calls if call.during_reload or call.unloaded], [])


class Scan(Case):
    units = tuple(f"u{i:02}.service" for i in range(50))

    def test_first_scan(self):
        self.start_and_keep()
        calls = self.systemd.calls()
        self.assertEqual(questions(calls[:3]), [("Subscribe", "", ""),
                                                ("Get", "org.freedesktop.systemd1.Manager Version", ""),
                                                ("ListUnitsByPatterns", "*.service", "")])
        self.assertEqual(sorted(questions(calls[3:])), sorted(q for unit in self.units for q in one_read(unit)))
        self.assert_innocent(calls)
        self.assertEqual(self.systemd.in_flight(), [0, 4])
        self.assertEqual(len({call.sender for call in calls}), 1)

    def start_and_keep(self):
        """As start(), but what was asked is not forgotten."""
        self.peer = self.connect()
        self.daemon = self.launch()
        self.daemon.wait_for("READY=1")
        self.settle()

    def test_four_in_flight(self):
        self.systemd.rule("hold", "GetAll")
        self.peer = self.connect()
        self.daemon = self.launch()
        for _ in range(4):
            self.systemd.wait_for_call("GetAll")
        self.systemd.rule("", "GetAll")
        self.daemon.wait_for("READY=1")
        self.assertEqual(self.systemd.in_flight()[1], 4)

    def test_a_list_is_one_of_the_four(self):
        self.start()
        self.systemd.rule("hold", "GetAll")
        self.systemd.reloading(True)
        self.systemd.reloading(False)
        for _ in range(4):
            self.systemd.wait_for_call("GetAll")
        self.systemd.load("new.service")
        self.systemd.unload("u07.service")
        # nothing tells that its time has come
        time.sleep(0.3)
        self.assertEqual(self.systemd.in_flight(), [4, 4])
        self.systemd.rule("", "GetAll")
        self.wait_until(lambda: self.get("State") == "current" and "new.service" in self.names())
        self.wait_until(lambda: "u07.service" not in self.names())
        self.assertEqual(self.systemd.in_flight()[1], 4)

    def test_nothing_is_asked_without_reason(self):
        self.start()
        for _ in range(3):
            self.barrier()
        self.assertEqual(self.asked(), [])

    def test_signals_during_the_first_scan(self):
        self.systemd.rule("hold", "GetAll")
        self.peer = self.connect()
        self.daemon = self.launch()
        read = [self.systemd.wait_for_call("GetAll")[2] for _ in range(4)]
        gone = [read[0], next(unit for unit in self.units if unit not in read)]
        for unit in gone:
            self.systemd.unload(unit)
        self.systemd.load("new.service")
        self.systemd.rule("", "GetAll")
        self.systemd.wait_for_call("ListUnitsByPatterns", "new.service")
        self.daemon.wait_for("READY=1")
        # it may be ready before, where the machine is so slow that its patience ends
        self.wait_until(lambda: "new.service" in self.names() and self.get("State") == "current")
        self.assertEqual(self.names(), sorted({*self.units, "new.service"} - set(gone)))
        self.assert_innocent(self.systemd.calls())


class Units(Case):
    def setUp(self):
        super().setUp()
        self.start()

    def test_new_unit(self):
        self.systemd.load("new.service")
        self.wait_until(lambda: "new.service" in self.names())
        self.assertEqual(questions(self.asked()),
                         [("ListUnitsByPatterns", "new.service", ""), *one_read("new.service")])

    def test_new_unit_with_an_escaped_name(self):
        """systemd takes a backslash in what it compares names with for a backslash."""
        name = r"a@dev-\x2db.service"
        self.systemd.load(name)
        self.wait_until(lambda: name in self.names())
        self.assertEqual(questions(self.asked()), [("ListUnitsByPatterns", name, ""), *one_read(name)])

    def test_unit_that_is_gone(self):
        self.systemd.unload("a.service")
        self.wait_until(lambda: "a.service" not in self.names())
        self.assertEqual(questions(self.asked()), [("ListUnitsByPatterns", "a.service", "")])
        self.refused(f"{ERROR}NoSuchUnit", "GetUnit", "s", "a.service")

    def test_unit_that_is_loaded_anew(self):
        # It lists so soon after the first signal that the other one may not be there yet.
        with self.asleep():
            self.systemd.unload("a.service")
            self.systemd.set("a.service", "PrivateNetwork", "b", True)
            self.systemd.load("a.service")
        self.peer.signal("PropertiesChanged", lambda m: m.path == unit_path("a.service"))
        self.assertEqual(self.finding("a.service", "PrivateNetwork"), "good")
        self.assertEqual(questions(self.asked()), [("ListUnitsByPatterns", "a.service", ""), *one_read("a.service")])
        self.assertNotIn("InterfacesRemoved", {m.member for m in self.heard()})

    def test_not_loaded_in_the_end(self):
        """UnitNew for one that failed to load: it is in the list, and is no unit to judge."""
        self.systemd.load("bad.service", "bad-setting")
        self.systemd.load("masked.service", "masked")
        self.barrier()
        self.assertEqual({call.unit for call in self.asked()}, {""})
        self.assertEqual(self.names(), list(self.units))

    def test_not_found_at_first(self):
        """It comes without UnitNew: that it changes is the only sign."""
        self.systemd.load("late.service", "not-found")
        self.barrier()
        self.systemd.load("late.service", "loaded", announce=False)
        self.systemd.emit("PropertiesChanged", "late.service")
        self.wait_until(lambda: "late.service" in self.names())

    def test_changes_of_state(self):
        for _ in range(20):
            for unit in self.units:
                self.systemd.emit("PropertiesChanged", unit)
        self.barrier()
        self.assertEqual(self.asked(), [])

    def test_burst(self):
        """What comes together makes one list; however slowly it comes, lists keep their distance."""
        begin = time.monotonic()
        for _ in range(10):
            for unit in ("x.service", "y.service"):
                for _ in range(2):
                    self.systemd.load(unit)
                    self.systemd.unload(unit)
                self.systemd.load(unit)
        self.wait_until(lambda: {"x.service", "y.service"} <= set(self.names()))
        self.barrier()
        lists = len([call for call in self.asked() if call.member == "ListUnitsByPatterns"])
        self.assertLessEqual(lists, (time.monotonic() - begin) / LIST_SECONDS + 2)
        self.assertEqual(self.names(), [*self.units, "x.service", "y.service"])

    def test_units_that_come_and_go(self):
        """As when "systemctl show" asks for units that are not loaded, or do not exist."""
        other = Peer(self.bus.address)
        self.addCleanup(other.close)
        self.systemd.write("file.service")
        for i in range(200):
            name = "file" if i % 2 else f"nosuch{i}"
            other.call("org.freedesktop.systemd1", f"/org/freedesktop/systemd1/unit/{name}_2eservice",
                       "org.freedesktop.DBus.Properties", "Get", "ss", UNIT, "LoadState")
        self.barrier()
        calls = [call for call in self.asked() if call.sender != other.name]
        # one may be asked for that has come, and has not gone yet, as far as is known
        self.assertLess(len(calls), 20)
        self.assertEqual({call.member for call in calls} - {"ListUnitsByPatterns"}, set())
        self.barrier()
        self.assertEqual(self.asked(), [])
        self.assertEqual(self.names(), list(self.units))

    def test_units_that_load_and_unload_all_the_time(self):
        with self.asleep():
            for i in range(100):
                self.systemd.load(f"t{i}.service")
                self.systemd.unload(f"t{i}.service")
        self.barrier()
        self.assertLess(len(self.asked()), 100)
        self.assertEqual(self.names(), list(self.units))

    def test_unit_that_goes_while_it_is_read(self):
        """The rest of the questions about it is not asked: they would load it."""
        self.systemd.rule("hold", "Get")
        self.systemd.rule("hold", "GetAll")
        self.send("Rescan")
        # These are the four that may be asked at a time.
        calls = [self.systemd.wait_for_call(member) for member in ("GetAll", "Get", "GetAll", "Get")]
        gone = calls[0][2]
        self.systemd.unload(gone)
        self.heard()
        self.systemd.rule("", "Get")
        self.systemd.rule("", "GetAll")
        self.wait_until(lambda: self.names() == sorted(set(self.units) - {gone}) and self.get("State") == "current")
        self.assertEqual([call.member for call in self.asked() if call.unit == gone], ["GetAll", "Get"])

    def test_no_services(self):
        for unit in ("a.socket", "b.mount", "a@.service"):
            self.systemd.load(unit)
            self.systemd.emit("PropertiesChanged", unit)
            self.systemd.unload(unit)
        self.barrier()
        self.assertEqual(self.asked(), [])


class Reload(Case):
    def setUp(self):
        super().setUp()
        self.start()

    def test_nothing_is_asked_during_it(self):
        self.systemd.reloading(True)
        self.peer.signal("PropertiesChanged", lambda m: m.body[1].get("State") == "reloading")
        for unit in self.units:
            self.systemd.emit("UnitRemoved", unit)
            self.systemd.emit("UnitNew", unit)
            self.systemd.emit("PropertiesChanged", unit)
        self.systemd.load("new.service")
        self.systemd.unload("b.service")
        waiting = [self.send("AssessUnit", "s", "nosuch.service"), self.send("Rescan")]
        self.assertEqual(self.get("State"), "reloading")
        self.assertEqual(self.names(), list(self.units))
        self.assertEqual(self.asked(), [])

        self.systemd.reloading(False)
        with self.assertRaisesRegex(Exception, "NoSuchUnit"):
            self.peer.answer(waiting[0])
        self.peer.answer(waiting[1])
        self.assertEqual(self.names(), ["a.service", "c.service", "new.service"])
        calls = self.asked()
        self.assertEqual([call for call in calls if call.during_reload], [])
        self.assertEqual({call.unit for call in calls if call.unloaded}, {"nosuch.service"})
        self.assertEqual((self.get("State"), self.get("Healthy"), self.get("ReloadCount")), ("current", True, 1))

    def test_changes_are_seen(self):
        self.systemd.set("b.service", "PrivateNetwork", "b", True)
        signals = self.reload()
        self.assertEqual(self.finding("b.service", "PrivateNetwork"), "good")
        self.assertEqual({m.path for m in signals if m.member == "PropertiesChanged"}, {PATH, unit_path("b.service")})

    def test_many_reloads(self):
        for i in range(10):
            self.systemd.set("a.service", "PrivateTmp", "b", i % 2 == 0)
            self.systemd.reloading(True)
            self.systemd.reloading(False)
        self.barrier()
        self.wait_until(lambda: self.get("State") == "current")
        self.assertEqual(self.finding("a.service", "PrivateTmp"), "bad")
        self.assertEqual(self.get("ReloadCount"), 10)

    def test_unit_signals_after_its_end(self):
        """Version 262 sends some UnitRemoved late."""
        self.systemd.reloading(True)
        self.systemd.reloading(False)
        for unit in self.units:
            self.systemd.emit("UnitRemoved", unit)
        self.wait_until(lambda: self.get("State") == "current")
        self.heard()
        self.wait_until(lambda: self.get("State") == "current")
        self.assertEqual(self.names(), list(self.units))
        self.assertNotIn("InterfacesRemoved", {m.member for m in self.heard()})
        self.barrier()


class Absence(Case):
    def setUp(self):
        super().setUp()
        self.start()

    def assert_disconnected(self):
        self.wait_until(lambda: self.get("State") == "disconnected")
        self.assertFalse(self.get("Healthy"))
        self.assertRegex(self.get("Status"), r"\A[A-Z].+\.\Z")
        self.assertEqual(self.names(), list(self.units))
        self.refused(f"{ERROR}ManagerUnavailable", "AssessUnit", "s", "nosuch.service")
        self.refused(f"{ERROR}ManagerUnavailable", "Rescan")

    def test_leaves_and_returns(self):
        for round_ in range(2):
            self.peer.all_signals()
            self.systemd.leave()
            self.assert_disconnected()
            self.assertLessEqual({"State", "Healthy", "Status"}, changed(self.heard(), PATH))
            self.systemd.set("a.service", "PrivateNetwork", "b", round_ == 0)
            self.systemd.come_back()
            self.wait_until(lambda: self.get("State") == "current")
            self.assertEqual((self.get("Healthy"), self.get("Status")), (True, ""))
            self.assertEqual(self.finding("a.service", "PrivateNetwork"), "good" if round_ == 0 else "bad")
            self.assertLessEqual({"State", "Healthy", "Status"}, changed(self.heard(), PATH))
            # it has subscribed again, or nothing would come of this
            self.barrier()
        self.assertEqual(self.get("ReloadCount"), 0)

    def test_who_waits_is_answered(self):
        self.systemd.rule("hold", "GetAll")
        waiting = [self.send("AssessUnit", "s", "nosuch.service"), self.send("Rescan")]
        self.systemd.wait_for_call("GetAll", unit="nosuch")
        self.systemd.leave()
        with self.assertRaisesRegex(Exception, "ManagerUnavailable"):
            self.peer.answer(waiting[1])
        self.systemd.rule("", "GetAll")
        self.systemd.come_back()
        with self.assertRaisesRegex(Exception, "NoSuchUnit"):
            self.peer.answer(waiting[0])

    def test_reexec(self):
        """Another version comes back under another name."""
        self.systemd.reloading(True)
        self.systemd.leave()
        self.systemd.version("262.1")
        self.systemd.reloading(False, tell=False)
        self.systemd.come_back()
        self.wait_until(lambda: self.get("SystemdVersion") == "262.1" and self.get("State") == "current")
        self.barrier()
        self.assertEqual(self.names(), list(self.units))


class Late(Case):
    def test_no_manager_at_first(self):
        self.systemd.leave()
        self.peer = self.connect()
        self.daemon = self.launch()
        self.daemon.wait_for_line("No systemd on this bus yet")
        self.systemd.come_back()
        self.daemon.wait_for("READY=1")
        self.assertEqual(self.names(), list(self.units))

    def test_greeting_is_refused_at_first(self):
        self.systemd.rule("org.freedesktop.DBus.Error.AccessDenied", "Subscribe")
        self.peer = self.connect()
        self.daemon = self.launch()
        self.daemon.wait_for_line("systemd refuses to tell what happens")
        self.systemd.rule("", "Subscribe")
        self.daemon.wait_for("READY=1")
        self.barrier()

    def test_list_fails_at_first(self):
        self.systemd.rule("org.freedesktop.DBus.Error.Failed", "ListUnitsByPatterns")
        self.peer = self.connect()
        self.daemon = self.launch()
        self.daemon.wait_for_line("list of units")
        self.systemd.rule("", "ListUnitsByPatterns")
        self.daemon.wait_for("READY=1")
        self.assertEqual(self.names(), list(self.units))


class Failures(Case):
    def setUp(self):
        super().setUp()
        self.start()

    def assert_unhealthy(self, text):
        self.wait_until(lambda: not self.get("Healthy"))
        self.assertRegex(self.get("Status"), text)
        self.assertRegex(self.get("Status"), r"\A[A-Z0-9].+\.\Z")

    def assert_list_fails(self, action):
        self.systemd.rule(action, "ListUnitsByPatterns")
        self.systemd.reloading(True)
        self.systemd.reloading(False)
        self.assert_unhealthy("does not list its units")
        self.assertEqual(self.names(), list(self.units))
        self.systemd.load("new.service")
        self.systemd.rule("", "ListUnitsByPatterns")
        self.wait_until(lambda: self.get("Healthy") and self.get("State") == "current")
        self.assertIn("new.service", self.names())
        self.assertEqual(self.get("Status"), "")
        self.assertGreater(self.get("FailedCallCount"), 0)
        self.assertNotIn("InterfacesRemoved", {m.member for m in self.heard()})

    def test_list_is_refused(self):
        self.assert_list_fails("org.freedesktop.DBus.Error.AccessDenied")

    def test_list_of_another_type(self):
        self.assert_list_fails("wrong")

    def assert_stale(self, unit):
        self.wait_until(lambda: self.get("Stale", unit))
        self.assert_unhealthy("1 units? could not be read")
        self.assertEqual(self.exposure(unit), 9.6)
        for other in self.units:
            self.assertEqual(self.get("Stale", other), other == unit)

    def test_property_of_another_type(self):
        self.systemd.set("b.service", "UMask", "s", "0022")
        self.systemd.set("c.service", "PrivateNetwork", "b", True)
        signals = self.reload()
        self.assert_stale("b.service")
        self.assertEqual(changed(signals, unit_path("b.service")), {"Stale"})
        self.assertEqual(self.finding("c.service", "PrivateNetwork"), "good")
        self.daemon.wait_for_line("b.service cannot be read (UMask)")

        self.systemd.reset("b.service", "UMask")
        signals = self.reload()
        self.assertEqual(changed(signals, unit_path("b.service")), {"Stale"})
        self.assertEqual((self.get("Stale", "b.service"), self.get("Healthy")), (False, True))

    def test_property_of_another_type_at_first(self):
        """What was never judged is not shown."""
        self.systemd.set("new.service", "PrivateTmp", "s", "yes")
        self.systemd.load("new.service")
        self.assert_unhealthy("1 units? could not be read")
        self.assertEqual(self.names(), list(self.units))
        self.refused(f"{ERROR}NoSuchUnit", "GetUnit", "s", "new.service")
        self.systemd.reset("new.service", "PrivateTmp")
        self.reload()
        self.assertIn("new.service", self.names())

    def test_properties_of_another_type(self):
        self.systemd.rule("wrong", "GetAll", "b.service")
        self.reload()
        self.assert_stale("b.service")

    def test_read_is_refused(self):
        """It is tried again by itself."""
        self.systemd.rule("org.freedesktop.DBus.Error.Failed", "GetAll", "b.service")
        self.reload()
        self.assert_stale("b.service")
        self.systemd.rule("", "GetAll", "b.service")
        self.wait_until(lambda: not self.get("Stale", "b.service"))
        self.assertTrue(self.get("Healthy"))

    def test_read_is_refused_half_way(self):
        self.systemd.rule("org.freedesktop.DBus.Error.UnknownProperty", "Get", "b.service")
        self.systemd.set("b.service", "PrivateNetwork", "b", True)
        self.reload()
        self.assert_stale("b.service")
        self.assertEqual(self.finding("b.service", "PrivateNetwork"), "bad")

    def test_missing_property(self):
        """An older manager: what it would do without the setting counts."""
        self.systemd.omit("b.service", "ProtectProc")
        self.systemd.omit("b.service", "CapabilityBoundingSet")
        self.reload()
        self.assertTrue(self.get("Healthy"))
        self.assertEqual(self.finding("b.service", "ProtectProc"), "bad")
        self.assertEqual(self.finding("b.service", "CapabilityBoundingSet_CAP_SYS_ADMIN"), "bad")

    def test_stale_unit_goes(self):
        self.systemd.set("b.service", "UMask", "s", "0022")
        self.reload()
        self.assert_stale("b.service")
        self.systemd.unload("b.service")
        self.wait_until(lambda: self.get("Healthy"))
        self.assertEqual(self.names(), ["a.service", "c.service"])


class TwoDaemons(DaemonCase):
    """One asks about units as the other one does, of one manager that both can hear."""

    def setUp(self):
        super().setUp()
        self.systemd.close()
        self.other_bus = PrivateBus()
        self.addCleanup(self.other_bus.close)
        self.systemd = Systemd(self.bus, self.other_bus.address)
        self.addCleanup(self.systemd.close)
        for unit in self.units:
            self.systemd.load(unit, announce=False)

    def test_they_do_not_keep_each_other_busy(self):
        other_peer = Peer(self.other_bus.address)
        self.addCleanup(other_peer.close)
        other = self.launch("--user", DBUS_SESSION_BUS_ADDRESS=self.other_bus.address)
        other.wait_for("READY=1")
        self.start()
        self.systemd.write("file.service")
        for _ in range(5):
            self.call("AssessUnit", "s", "file.service")
            other_peer.call("org.exposured.Exposure1", PATH, "org.exposured.Exposure1.Manager", "AssessUnit", "s",
                            "file.service")
        self.barrier()
        calls = self.asked()
        self.assertEqual(len([call for call in calls if call.unit]), 10)
        self.assertLessEqual(len([call for call in calls if not call.unit]), 10)
        for _ in range(3):
            self.barrier()
        self.assertEqual(self.asked(), [])


main()
