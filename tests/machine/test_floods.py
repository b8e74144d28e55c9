#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A user without privileges who means harm: floods of calls, connections, files and signals. The daemon does not grow,
others are answered as if nothing was, and nothing changes."""

import os
import random
import time

import bus
import case
import exposures
import floods
import generate
import machine
import nonsense
import tap
from floods import call, signal, unit_path

EXPOSURED, SYSTEMD = bus.Exposured, bus.Systemd
BUS, BUS_PATH = "org.freedesktop.DBus", "/org/freedesktop/DBus"
SERVICE = "org.freedesktop.systemd1.Service"
WEAKER = "weaker.service"
UNITS = [f"flooded-{i}.service" for i in range(100)]

GROWTH_KB = 1000
# A sanitizer keeps freed memory for a while, up to what prepare() tells it, and takes room for its notes.
SANITIZED_GROWTH_KB = 24000
ANSWER_MS = 100
# Where others flooded the same way answer no faster, it is the bus or the machine; so many times as long is allowed.
TOLERANCE = 2
ATTEMPTS = 4
AT_REST_SECONDS = 2


class Floods(case.MachineCase):
    # Properties of the manager; what a flood must not change.
    properties = ("Healthy", "Status", "UnitCount", "RegressedCount", "ReloadCount", "SystemdVersion", "PolicyPath")

    @classmethod
    def setUpClass(cls):
        # One release for each broker has the whole count, the third one less. A sanitizer looks for what the first calls
        # show already, and cannot judge the rest.
        cls.sanitized = machine.is_sanitized(case.build_folder())
        some = cls.sanitized or cls.__name__.endswith("_forky")
        cls.percent = int(os.environ.get("EXPOSURED_FLOOD_PERCENT", "5" if some else "100"))
        super().setUpClass()

    @classmethod
    def prepare(cls):
        if cls.sanitized:
            cls.machine.write("/etc/systemd/system/exposured.service.d/91-flood.conf",
                              "[Service]\nEnvironment=ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99:"
                              "quarantine_size_mb=4:thread_local_quarantine_size_kb=64:malloc_context_size=4\n")
        floods.install(cls.machine, case.build_folder())
        cls.machine.write("/etc/exposured.conf.d/10-test.conf", "[Exposure]\nSettleSec=0\n")
        for unit in (*UNITS, WEAKER):
            cls.machine.write(f"/etc/systemd/system/{unit}", "[Service]\nExecStart=/bin/true\nPrivateTmp=yes\n")
        cls.machine.write("/etc/systemd/system/flooded.target", "[Unit]\n" +
                          "".join(f"After={unit}\n" for unit in (*UNITS, WEAKER)))
        cls.machine.systemctl("daemon-reload")
        cls.machine.systemctl("start", "flooded.target", "polkit.service", "exposured.service")
        cls.bus, cls.daemon = (connection := cls.connect()), EXPOSURED(connection)
        cls.await_rest()
        # Something that must not be accepted.
        cls.machine.write(f"/etc/systemd/system/{WEAKER}.d/weaker.conf", "[Service]\nPrivateTmp=no\n")
        cls.machine.systemctl("daemon-reload")
        case.await_true(lambda: cls.daemon.get("RegressedCount") == 1, "regression")
        cls.await_rest()

    @classmethod
    def pid(cls):
        return cls.machine.main_pid("exposured.service")

    @classmethod
    def await_rest(cls):
        """Until the daemon has had nothing to do for a while."""
        pid, quiet, last = cls.pid(), time.monotonic(), None

        def at_rest():
            nonlocal quiet, last
            with open(f"/proc/{pid}/schedstat") as file:
                now = file.read()
            if now != last:
                quiet, last = time.monotonic(), now
            return time.monotonic() - quiet > AT_REST_SECONDS
        case.await_true(at_rest, "rest of the daemon", 60)

    def owner(self, name=EXPOSURED.NAME):
        return self.bus.call(BUS, BUS_PATH, BUS, "GetNameOwner", "s", name)[0]

    def state(self):
        """All that a flood must not change."""
        counters = {name: self.daemon.get(name) for name in self.properties}
        return (self.pid(), self.owner(), counters, self.daemon.call("ListAllUnits"),
                self.daemon.call("ListRegressions"), self.daemon.call("GetHistory", "ssu", "", "", 0))

    def flood(self, messages, count, per_connection=0, fds=0, reference=None, may_scan=False):
        """One user sends all this. Then the claims are checked. Anyone may ask for a scan."""
        if not may_scan:
            self.properties = (*self.properties, "State", "ScanCount")
        count = max(count * self.percent // 100, 10)
        self.listener = self.open_bus()
        self.addCleanup(self.listener.close)
        self.listener.match(f"type='signal',sender='{EXPOSURED.NAME}'")
        before, idle, calm = self.measure_calm()
        probe = floods.Probe(self.machine, call("Get", "ss", EXPOSURED.MANAGER, "UnitCount", interface=floods.PROPERTIES),
                             call("ListUnits"), call("AssessUnit", "s", WEAKER))
        peak = floods.Peak(self.pid())
        self.addCleanup(peak.stop)
        sender = floods.Sender(self.machine, messages, count, per_connection, fds)
        self.addCleanup(sender.stop)
        self.addCleanup(probe.stop)
        said = sender.wait()
        self.daemon.units()
        calls, refused, worst = probe.results()
        most = peak.stop()
        grown, own = most[0] - calm[0], most[1] - idle[1]
        tap.note(f"{self.id().removeprefix('__main__.')}: {said}; {calls} calls of another client, the slowest took "
                 f"{worst:.0f} ms; {grown} KB more than with one client, {own} KB more of its own than idle")
        self.check_nothing_changed(before)
        sender.finish()
        self.assertEqual(refused, 0)
        # What is read from files, code above all, is no growth: it comes and goes with use, whoever asks.
        self.assertLess(own, SANITIZED_GROWTH_KB if self.sanitized else GROWTH_KB)
        # A sanitizer makes the daemon many times as slow, and not what it is compared with.
        if worst >= ANSWER_MS and not self.sanitized:
            # To connect takes the bus long, and a part of them tells as much.
            self.compare(messages, reference or [floods.PING_REFERENCE], count // 10 if per_connection == 1 else count,
                         per_connection, fds)

    def measure_calm(self):
        """The state, and what the daemon has in memory when idle and while one client asks for that."""
        self.await_rest()
        idle = floods.memory(self.pid())
        peak = floods.Peak(self.pid())
        try:
            state = self.state()
        finally:
            calm = peak.stop()
        return state, idle, calm

    def compare(self, messages, reference, count, per_connection, fds):
        """The same again, half of it to a service that does nothing: it must fare as badly. Who of the two has to wait
        for a processor is luck, so there are some attempts."""
        service = floods.Reference(self.machine)
        self.addCleanup(service.stop)
        mixed = [message for i, one in enumerate(messages) for message in (one, reference[i % len(reference)])]
        for _ in range(ATTEMPTS):
            ours, others = self.measure_beside(mixed, 2 * count, per_connection, fds)
            tap.note(f"{self.id().removeprefix('__main__.')}: beside a service that does nothing: {ours:.0f} ms, "
                     f"it: {others:.0f} ms")
            if ours < ANSWER_MS + TOLERANCE * others:
                return
        self.fail(f"another client waited for {ours:.0f} ms, where a service that does nothing answers in {others:.0f} ms")

    def measure_beside(self, mixed, count, per_connection, fds):
        """The slowest answers of the daemon and of the reference, in milliseconds."""
        probes = [floods.Probe(self.machine, call("Get", "ss", EXPOSURED.MANAGER, "UnitCount",
                                                  interface=floods.PROPERTIES)),
                  floods.Probe(self.machine, floods.PING_REFERENCE)]
        sender = floods.Sender(self.machine, mixed, count, per_connection, fds)
        for program in (sender, *probes):
            self.addCleanup(program.stop)
        sender.wait()
        self.daemon.units()
        results = [probe.results()[2] for probe in probes]
        sender.finish()
        return results

    def check_nothing_changed(self, before):
        self.assertEqual(self.state(), before)
        told = [(m.member, m.path, m.body) for m in self.listener.collect(0) if m.path != BUS_PATH]
        self.assertEqual([row for row in told if not self.is_allowed(*row)], [])
        ours = exposures.our_list(self.machine)
        self.assertNoDifferences(exposures.differences(exposures.peer_list(self.machine), ours), len(ours))
        self.assertEqual(self.machine.output("systemctl", "show", "-P", "NRestarts", "exposured.service").strip(), "0")

    def is_allowed(self, member, path, body):
        """Where a scan may be asked for, that it begins and ends is told."""
        return "State" not in self.properties and (member, path) == ("PropertiesChanged", EXPOSURED.PATH) and \
            list(body[1]) == ["State"]

    # Floods

    def test_calls_never_read(self):
        self.flood([call("ListUnits")], 200000)

    def test_calls_of_every_kind_never_read(self):
        """Most of these have long answers."""
        folder = f"{EXPOSURED.PATH}/unit"
        self.flood([
            call("GetManagedObjects", interface="org.freedesktop.DBus.ObjectManager"),
            call("Get", "ss", EXPOSURED.UNIT, "Findings", path=unit_path(WEAKER), interface=floods.PROPERTIES),
            call("GetAll", "s", EXPOSURED.UNIT, path=unit_path(WEAKER), interface=floods.PROPERTIES),
            call("GetAll", "s", EXPOSURED.MANAGER, interface=floods.PROPERTIES),
            call("Introspect", path=folder, interface="org.freedesktop.DBus.Introspectable"),
            call("Introspect", interface="org.freedesktop.DBus.Introspectable"),
            call("Ping", interface=floods.PEER),
            call("AssessUnit", "s", WEAKER),
            call("ListRegressions"),
            call("GetHistory", "ssu", "", "", 0),
        ], 200000)

    def test_connections(self):
        """Each leaves before it has an answer."""
        self.flood([call("ListUnits"), call("AssessUnit", "s", WEAKER)], 10000, per_connection=1)

    def test_file_descriptors(self):
        self.flood([call("ListUnits"), call("Ping", interface=floods.PEER), call("Get", "ss", "", "")], 50000, fds=4)
        self.assertLess(len(os.listdir(f"/proc/{self.pid()}/fd")), 40)

    def spoofed(self, destination):
        """What systemd, the bus and the library itself would say, by somebody else."""
        manager, path = SYSTEMD.MANAGER, SYSTEMD.PATH
        unit = f"{path}/unit/weaker_2eservice"
        return [
            signal(destination, path, manager, "UnitNew", "so", "new.service", f"{path}/unit/new_2eservice"),
            signal(destination, path, manager, "UnitNew", "so", WEAKER, unit),
            signal(destination, path, manager, "UnitRemoved", "so", WEAKER, unit),
            signal(destination, path, manager, "UnitRemoved", "so", "x" * 10000, unit),
            signal(destination, path, manager, "Reloading", "b", True),
            signal(destination, path, manager, "Reloading", "b", False),
            signal(destination, path, manager, "Reloading", "as", ["yes"]),
            signal(destination, path, manager, "UnitFilesChanged"),
            signal(destination, path, manager, "JobRemoved", "uoss", 1, f"{path}/job/1", WEAKER, "done"),
            signal(destination, unit, floods.PROPERTIES, "PropertiesChanged", "sa{sv}as", SERVICE,
                   {"PrivateTmp": ("b", True)}, []),
            signal(destination, unit, floods.PROPERTIES, "PropertiesChanged", "sa{sv}as", SERVICE, {}, ["ExecStart"]),
            signal(destination, BUS_PATH, BUS, "NameOwnerChanged", "sss", SYSTEMD.NAME, ":1.0", ""),
            signal(destination, BUS_PATH, BUS, "NameOwnerChanged", "sss", SYSTEMD.NAME, "", ":1.99999"),
            signal(destination, BUS_PATH, BUS, "NameLost", "s", EXPOSURED.NAME),
        ]

    def test_signals_to_it(self):
        destination = self.owner()
        self.flood(self.spoofed(destination), 100000, reference=self.spoofed(floods.REFERENCE))

    def test_signals_to_everyone(self):
        self.flood(self.spoofed(None), 100000, reference=self.spoofed(None))

    def introspect(self, path):
        return self.bus.call(EXPOSURED.NAME, path, nonsense.INTROSPECTABLE, "Introspect")[0]

    def test_nonsense(self):
        """Every method and property, with every kind of argument; the bus itself throws some of the senders out."""
        seed = generate.random_seed()
        tap.note(f"EXPOSURED_SEED={seed}")
        ours, others = [nonsense.Calls(random.Random(seed), self.introspect, unit_path(WEAKER), destination)
                        for destination in (EXPOSURED.NAME, floods.REFERENCE)]
        self.flood([ours.next()[0] for _ in range(1500)], 20000, per_connection=100, may_scan=True,
                   reference=[others.next()[0] for _ in range(1500)])
        # Scans that were asked for come before this one, and are over before the next flood.
        self.daemon.call("Rescan")
        self.await_rest()

    def test_long_names(self):
        name, path = "x" * 10000, f"{EXPOSURED.PATH}/unit/" + "x" * 10000
        self.flood([
            call("AssessUnit", "s", f"{name}.service"), call("GetUnit", "s", f"{name}.service"),
            call("AssessUnit", "s", f"{name}@.service"), call("GetHistory", "ssu", name, "", 0),
            call("GetHistory", "ssu", "", name, 0), call("Accept", "sst", f"{name}.service", "why", 0),
            call("Accept", "sst", WEAKER, name, 0), call("Get", "ss", EXPOSURED.MANAGER, name, interface=floods.PROPERTIES),
            call("GetAll", "s", name, interface=floods.PROPERTIES),
            call("Get", "ss", EXPOSURED.UNIT, "Findings", path=path, interface=floods.PROPERTIES),
        ], 10000, reference=[call("GetAll", "s", name, path="/", interface=floods.PROPERTIES,
                                  destination=floods.REFERENCE)])

    def test_long_paths(self):
        """To look for each part of these takes a library a second."""
        self.flood([call("Ping", path="/a" * 30000, interface=floods.PEER),
                    call("ListUnits", path=EXPOSURED.PATH + "/a" * 30000),
                    call("GetAll", "s", EXPOSURED.UNIT, path=f"{EXPOSURED.PATH}/unit" + "/a" * 30000,
                         interface=floods.PROPERTIES)], 1000)

    def test_look_ups(self):
        """Systemd has no more to do than it may: 50 in a second, and none for those who have left."""
        before, begin = self.daemon.get("LookupCount"), time.monotonic()
        self.flood([call("AssessUnit", "s", f"nowhere-{i}.service") for i in range(1000)], 20000, per_connection=50)
        self.assertLessEqual(self.daemon.get("LookupCount") - before, 50 * (time.monotonic() - begin) + 20)

    def test_acceptances(self):
        """None is given leave, and root is not kept from having it."""
        self.flood([call("Accept", "sst", WEAKER, "because I say so", 0)], 5000)
        self.assertEqual([row[2] for row in self.daemon.call("ListRegressions")[0]], [WEAKER])


globals().update(case.for_each_tree(Floods))
del Floods

if __name__ == "__main__":
    raise SystemExit(tap.main())
