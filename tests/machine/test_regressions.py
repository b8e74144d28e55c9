#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""It says what got worse, once, and nothing else: every way in which a unit can change, and the exact events."""

import json
import os
import re
import signal
import sqlite3
import time

import bus
import case
import tap
from machine import stop as machine_stop

ETC = "/etc/systemd/system"
DATABASE = "/var/lib/exposured/exposured.db"
MANAGER = bus.Exposured.MANAGER
SECONDS = 30

HARDENED = """[Unit]
ConditionPathExists=/nonexistent
[Service]
ExecStart=/bin/sleep infinity
User=daemon
UMask=0077
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ProtectHome=yes
NoNewPrivileges=yes
KeyringMode=private
DevicePolicy=strict
CapabilityBoundingSet=CAP_KILL
RestrictAddressFamilies=AF_UNIX
RestrictNamespaces=yes
SystemCallFilter=@system-service
IPAddressDeny=any
"""
# What takes all of that away.
UNDONE = """User=root
UMask=0000
PrivateTmp=no
PrivateDevices=no
ProtectSystem=no
ProtectHome=no
NoNewPrivileges=no
KeyringMode=inherit
DevicePolicy=auto
CapabilityBoundingSet=~
RestrictAddressFamilies=
RestrictNamespaces=no
SystemCallFilter=
IPAddressDeny=
"""
# Units of one scenario each; the last one is the sentinel.
NAMES = [f"case{number:02}" for number in range(40)]
SENTINEL = "sentinel.service"


class Event:
    """What a signal of the daemon said."""

    def __init__(self, message):
        (self.id, self.time, self.unit, self.units, self.before, self.after, checks, causes) = message.body
        self.event = message.fields[bus.MEMBER].lower()
        self.checks = {name: (before, after) for name, before, after in checks}
        self.causes = [(path, change) for path, change, _, _ in causes]
        self.lines = [line for _, _, _, lines in causes for line in lines]

    def __repr__(self):
        return (f"{self.event} {self.unit} {self.before:.1f} -> {self.after:.1f} {sorted(self.units)} {self.checks} "
                f"{self.causes} {self.lines}")


class Regressions(case.MachineCase):
    @classmethod
    def prepare(cls):
        machine = cls.machine
        machine.write("/etc/exposured.conf.d/10-test.conf", "[Exposure]\nSettleSec=1s\n")
        for name in NAMES:
            machine.write(f"{ETC}/{name}.service", HARDENED)
        machine.write(f"{ETC}/{SENTINEL}", HARDENED)
        for number in range(6):
            machine.write(f"{ETC}/many-{number}.service", HARDENED)
        machine.write(f"{ETC}/tpl@.service", HARDENED.replace("ConditionPathExists=/nonexistent\n", ""))
        machine.write(f"{ETC}/named@.service",
                      HARDENED.replace("User=daemon", "User=%i").replace("ConditionPathExists=/nonexistent\n", ""))
        wants = "".join(f"Wants={name}.service\n" for name in [*NAMES, *(f"many-{n}" for n in range(6)), "sentinel"])
        machine.write(f"{ETC}/cases.target", f"[Unit]\n{wants}")
        machine.systemctl("daemon-reload")
        machine.systemctl("start", "cases.target", "polkit.service")
        machine.systemctl("start", "exposured.service")
        cls.names = iter(NAMES)
        cls.weak = False
        cls.listen()
        # The first start takes all as it is; that has to be kept before anything can be worse than it.
        cls.await_baselines()

    @classmethod
    def listen(cls):
        cls.bus = cls.open_bus()
        cls.addClassCleanup(cls.bus.close)
        cls.bus.match(f"type='signal',sender='{bus.Exposured.NAME}',interface='{MANAGER}'")

    @classmethod
    def await_baselines(cls):
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if cls.sql("SELECT count(*) FROM baseline WHERE unit = ?", SENTINEL) == 1:
                return
            time.sleep(0.1)
        raise AssertionError("the first baselines are not kept")

    @classmethod
    def sql(cls, text, *arguments):
        # SQLite resolves links, and so would leave the machine by way of /proc.
        path = cls.machine.root + DATABASE
        if not os.path.exists(path):
            return None
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            try:
                row = connection.execute(text, arguments).fetchone()
            except sqlite3.OperationalError:
                return None
        return row[0] if row else None

    # What scenarios are made of

    def next_unit(self):
        return f"{next(self.names)}.service"

    def drop_in(self, unit, text, name="50-test"):
        self.machine.write(f"{ETC}/{unit}.d/{name}.conf", f"[Service]\n{text}\n")
        return f"{ETC}/{unit}.d/{name}.conf"

    def reload(self):
        self.machine.systemctl("daemon-reload")

    def events(self):
        """All events up to now: the sentinel changes last, so nothing from before comes after it."""
        type(self).weak = not self.weak
        if self.weak:
            self.drop_in(SENTINEL, "ProtectHome=no")
        else:
            self.machine.remove(f"{ETC}/{SENTINEL}.d")
        self.reload()
        events, deadline = [], time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            for message in self.bus.collect(0.2):
                if message.fields.get(bus.INTERFACE) == MANAGER:
                    events.append(Event(message))
            if any(event.unit == SENTINEL for event in events):
                break
        else:
            self.fail(f"the sentinel was not told; {events}")
        for event in events:
            self.kept.append(event)
        return [event for event in events if event.unit != SENTINEL]

    def setUp(self):
        self.kept = []

    def tearDown(self):
        """Signal, journal and history agree, each event is in each of them once."""
        if not self.kept:
            return
        history = {row["id"]: row for row in self.history()}
        journal = self.journal_ids()
        for event in self.kept:
            self.assertIn(event.id, history, event)
            row = history[event.id]
            self.assertEqual((row["event"], row["unit"], sorted(row["units"])),
                             (event.event, event.unit, sorted(event.units)))
            self.assertEqual(journal.count(event.id), 1, event)

    def history(self, unit=""):
        """By the bus: the client has tests of its own."""
        rows, = bus.Exposured(self.bus).call("GetHistory", "ssu", unit, "", 0)
        return [dict(zip(("id", "event", "time", "unit", "units", "before", "exposure", "checks", "causes", "reason",
                          "uid", "until"), row)) for row in rows]

    def regressions(self):
        rows, = bus.Exposured(self.bus).call("ListRegressions")
        names = ("id", "since", "unit", "units", "baseline", "exposure", "checks", "causes")
        return {row[2]: dict(zip(names, row)) for row in rows if row[2] != SENTINEL}

    def journal_entries(self):
        self.machine.run("journalctl", "--sync", check=False)
        text = self.machine.output("journalctl", "-o", "json", "--no-pager", "-u", "exposured.service")
        return [entry for entry in map(json.loads, text.splitlines()) if "EXPOSURED_ID" in entry]

    def journal_ids(self):
        return [entry["EXPOSURED_ID"] for entry in self.journal_entries()]

    def expect(self, *expected):
        """Exactly these events, in any order: (event, unit, checks, causes), None for what does not matter."""
        events = self.events()
        told = sorted((event.event, event.unit) for event in events)
        self.assertEqual(told, sorted((event, unit) for event, unit, _, _ in expected), events)
        for name, unit, checks, causes in expected:
            event = next(e for e in events if (e.event, e.unit) == (name, unit))
            if checks is not None:
                self.assertEqual(event.checks, checks, event)
            if causes is not None:
                self.assertEqual(event.causes, causes, event)
        return events

    # Scenarios

    def test_drop_in_takes_a_protection_away(self):
        unit = self.next_unit()
        path = self.drop_in(unit, "PrivateTmp=no")
        self.reload()
        event, = self.expect(("regressed", unit, {"PrivateTmp": (0, 1)}, [(path, "created")]))
        self.assertIn("+PrivateTmp=no", event.lines)
        self.assertEqual(event.units, [unit])
        row = self.regressions()[unit]
        self.assertEqual((row["id"], row["checks"]), (event.id, [("PrivateTmp", 0, 1)]))

    def test_fragment_is_edited(self):
        unit = self.next_unit()
        self.machine.write(f"{ETC}/{unit}", HARDENED.replace("ProtectSystem=strict\n", ""))
        self.reload()
        event, = self.expect(("regressed", unit, {"ProtectSystem": (0, 10)}, [(f"{ETC}/{unit}", "changed")]))
        self.assertEqual(event.lines, ["-ProtectSystem=strict"])

    def test_weaker_by_degrees(self):
        unit = self.next_unit()
        path = self.drop_in(unit, "ProtectSystem=full")
        self.reload()
        self.expect(("regressed", unit, {"ProtectSystem": (0, 3)}, [(path, "created")]))
        self.drop_in(unit, "ProtectSystem=no")
        self.reload()
        self.expect(("regressed", unit, {"ProtectSystem": (3, 10)}, [(path, "changed")]))
        self.drop_in(unit, "ProtectSystem=yes")
        self.reload()
        self.expect(("improved", unit, {"ProtectSystem": (10, 5)}, [(path, "changed")]))
        self.assertIn(unit, self.regressions())

    def test_mended(self):
        unit = self.next_unit()
        path = self.drop_in(unit, "ProtectHome=no")
        self.reload()
        self.expect(("regressed", unit, None, None))
        self.machine.remove(f"{ETC}/{unit}.d")
        self.reload()
        self.expect(("improved", unit, {"ProtectHome": (10, 0)}, [(path, "removed")]))
        self.assertNotIn(unit, self.regressions())

    def test_ratchet(self):
        unit = self.next_unit()
        path = self.drop_in(unit, "PrivateNetwork=yes")
        self.reload()
        self.expect(("improved", unit, {"PrivateNetwork": (1, 0)}, [(path, "created")]))
        self.machine.remove(path)
        self.reload()
        self.expect(("regressed", unit, {"PrivateNetwork": (0, 1)}, [(path, "removed")]))

    def test_better_and_worse_at_once(self):
        unit = self.next_unit()
        path = self.drop_in(unit, "PrivateNetwork=yes\nNoNewPrivileges=no")
        self.reload()
        self.expect(("regressed", unit, {"PrivateNetwork": (1, 0), "NoNewPrivileges": (0, 1)}, [(path, "created")]))
        # What became better meanwhile is the baseline too.
        self.drop_in(unit, "NoNewPrivileges=no")
        self.reload()
        self.expect(("regressed", unit, {"PrivateNetwork": (0, 1)}, [(path, "changed")]))
        self.assertEqual({check[0] for check in self.regressions()[unit]["checks"]},
                         {"PrivateNetwork", "NoNewPrivileges"})

    def test_rounded_number_stands_still(self):
        unit = self.next_unit()
        self.drop_in(unit, "ProcSubset=pid")
        self.reload()
        event, = self.expect(("improved", unit, {"ProcSubset": (1, 0)}, None))
        self.assertEqual(event.before, event.after)
        self.machine.remove(f"{ETC}/{unit}.d")
        self.reload()
        event, = self.expect(("regressed", unit, {"ProcSubset": (0, 1)}, None))
        self.assertEqual(event.before, event.after)

    def test_capabilities(self):
        unit = self.next_unit()
        self.drop_in(unit, "CapabilityBoundingSet=CAP_SYS_ADMIN")
        self.reload()
        self.expect(("regressed", unit, {"CapabilityBoundingSet_CAP_SYS_ADMIN": (0, 1)}, None))

    def test_system_calls(self):
        unit = self.next_unit()
        self.drop_in(unit, "SystemCallFilter=@mount")
        self.reload()
        event, = self.expect(("regressed", unit, None, None))
        self.assertEqual(event.checks["SystemCallFilter_mount"], (0, 9))

    def test_user_becomes_root(self):
        unit = self.next_unit()
        self.drop_in(unit, "User=root")
        self.reload()
        event, = self.expect(("regressed", unit, None, None))
        self.assertEqual(event.checks["UserOrDynamicUser"], (0, 10))

    def test_umask_devices_addresses(self):
        unit = self.next_unit()
        self.drop_in(unit, "UMask=0022\nIPAddressAllow=10.0.0.0/8\nDeviceAllow=/dev/null rw")
        self.reload()
        event, = self.expect(("regressed", unit, None, None))
        self.assertEqual((event.checks["UMask"], event.checks["IPAddressDeny"]), ((0, 5), (0, 5)))
        self.assertIn("DeviceAllow", event.checks)

    def test_same_checks_other_settings(self):
        unit = self.next_unit()
        self.drop_in(unit, "SupplementaryGroups=\nUser=nobody\nUser=mail")
        self.reload()
        self.expect()

    def test_long_path_and_many_checks(self):
        """The journal has them whole."""
        unit = "long-" * 45 + ".service"
        # A folder in /tmp of that name would be too long.
        self.machine.write(f"{ETC}/{unit}", re.sub("(Condition|PrivateTmp).*\n", "", HARDENED))
        self.machine.systemctl("start", unit)
        self.expect(("appeared", unit, None, None))
        path = self.drop_in(unit, UNDONE, "x" * 235)
        self.reload()
        event, = self.expect(("regressed", unit, None, [(path, "created")]))
        self.assertGreater(len(path), 490)
        self.assertGreater(len(event.checks), 40)
        entry, = [entry for entry in self.journal_entries() if entry["EXPOSURED_ID"] == event.id]
        self.assertEqual((entry["EXPOSURED_CAUSE"], set(entry["EXPOSURED_CHECK"])), (path, set(event.checks)))
        self.assertIn(f" since {path} (created): ", entry["MESSAGE"])

    def test_one_cause_for_many(self):
        path = f"{ETC}/many-.service.d/50-all.conf"
        self.machine.write(path, "[Service]\nPrivateTmp=no\n")
        self.reload()
        events = self.events()
        self.assertEqual(len(events), 1, events)
        event, = events
        self.assertEqual((event.event, event.causes), ("regressed", [(path, "created")]))
        self.assertEqual(sorted(event.units), [f"many-{number}.service" for number in range(6)])
        self.machine.remove(path)
        self.reload()
        event, = self.events()
        self.assertEqual((event.event, event.causes), ("improved", [(path, "removed")]))
        self.assertEqual(len(event.units), 6)

    def test_two_causes_are_two_events(self):
        one, two = self.next_unit(), self.next_unit()
        first, second = self.drop_in(one, "PrivateTmp=no"), self.drop_in(two, "PrivateTmp=no")
        self.reload()
        self.expect(("regressed", one, {"PrivateTmp": (0, 1)}, [(first, "created")]),
                    ("regressed", two, {"PrivateTmp": (0, 1)}, [(second, "created")]))

    def test_template(self):
        instances = [f"tpl@{number}.service" for number in range(3)]
        self.machine.systemctl("start", *instances)
        self.expect(("appeared", "tpl@.service", None, None))
        path = self.drop_in("tpl@.service", "ProtectHome=no")
        self.reload()
        event, = self.expect(("regressed", "tpl@.service", {"ProtectHome": (0, 10)}, [(path, "created")]))
        self.assertEqual(sorted(event.units), instances)
        # One of them alone.
        own = self.drop_in(instances[1], "PrivateTmp=no", "60-own")
        self.reload()
        self.expect(("regressed", instances[1], {"PrivateTmp": (0, 1)}, [(own, "created")]))
        # Many come and go, and say nothing new.
        many = [f"tpl@{number}.service" for number in range(100, 200)]
        self.machine.systemctl("start", *many)
        self.machine.systemctl("stop", *many)
        self.expect()
        # All are gone while it becomes weaker still: the next one tells.
        self.machine.systemctl("stop", *instances)
        self.drop_in("tpl@.service", "ProtectHome=no\nNoNewPrivileges=no")
        self.reload()
        self.expect()
        self.machine.systemctl("start", "tpl@new.service")
        self.expect(("regressed", "tpl@.service", {"NoNewPrivileges": (0, 1)}, [(path, "changed")]))

    def test_instances_that_differ_by_name(self):
        self.machine.systemctl("start", "named@daemon.service")
        self.expect(("appeared", "named@.service", None, None))
        self.machine.systemctl("start", "named@root.service")
        self.expect()

    def test_property_set_at_run_time(self):
        unit = self.next_unit()
        self.machine.systemctl("set-property", "--runtime", unit, "IPAddressAllow=10.0.0.0/8")
        event, = self.expect(("regressed", unit, {"IPAddressDeny": (0, 5)}, None))
        self.assertEqual([change for _, change in event.causes], ["property"])

    def test_taken_back_before_it_settled(self):
        unit = self.next_unit()
        path = self.drop_in(unit, "PrivateTmp=no")
        self.reload()
        self.machine.remove(path)
        self.reload()
        self.expect()

    def test_files_change_and_settings_do_not(self):
        unit = self.next_unit()
        self.machine.write(f"{ETC}/{unit}", "# a comment\n" + HARDENED)
        self.reload()
        self.expect()
        self.machine.write(f"{ETC}/{unit}", "# a comment\n" + HARDENED.replace("ProtectHome=yes\n", ""))
        self.reload()
        event, = self.expect(("regressed", unit, {"ProtectHome": (0, 10)}, [(f"{ETC}/{unit}", "changed")]))
        self.assertEqual(event.lines, ["-ProtectHome=yes"])

    def test_file_is_read_before_the_reload(self):
        """What a unit says is not what its file says until systemd has read it."""
        unit = self.next_unit()
        self.machine.write(f"{ETC}/{unit}", HARDENED.replace("ProtectHome=yes\n", ""))
        bus.Exposured(self.bus).call("Rescan")
        self.machine.systemctl("restart", "exposured.service")
        bus.Exposured(self.bus).call("Rescan")
        self.reload()
        event, = self.expect(("regressed", unit, {"ProtectHome": (0, 10)}, [(f"{ETC}/{unit}", "changed")]))
        self.assertEqual(event.lines, ["-ProtectHome=yes"])

    def test_appears_goes_and_comes_back(self):
        path = f"{ETC}/fresh.service"
        self.machine.write(path, HARDENED.replace("ConditionPathExists=/nonexistent\n", ""))
        self.machine.systemctl("start", "fresh.service")
        self.expect(("appeared", "fresh.service", {}, None))
        self.machine.systemctl("stop", "fresh.service")
        self.expect()
        self.machine.remove(path)
        self.reload()
        self.expect()
        self.machine.write(path, HARDENED.replace("ConditionPathExists=/nonexistent\n", "").replace("yes", "no"))
        self.machine.systemctl("start", "fresh.service")
        event, = self.expect(("regressed", "fresh.service", None, None))
        self.assertIn("PrivateTmp", event.checks)

    def test_removed_while_loaded(self):
        path = f"{ETC}/removed.service"
        self.machine.write(path, HARDENED.replace("ConditionPathExists=/nonexistent\n", ""))
        self.machine.systemctl("start", "removed.service")
        self.expect(("appeared", "removed.service", None, None))
        self.machine.remove(path)
        self.machine.systemctl("stop", "removed.service")
        self.expect(("gone", "removed.service", None, None))

    def test_removed_and_back_as_weak(self):
        path = f"{ETC}/weak.service"
        text = HARDENED.replace("ConditionPathExists=/nonexistent\n", "")
        self.machine.write(path, text)
        self.machine.systemctl("start", "weak.service")
        self.expect(("appeared", "weak.service", None, None))
        self.machine.write(path, text.replace("ProtectHome=yes\n", ""))
        self.reload()
        self.expect(("regressed", "weak.service", {"ProtectHome": (0, 10)}, None))
        self.machine.remove(path)
        self.machine.systemctl("stop", "weak.service")
        self.expect(("gone", "weak.service", None, None))
        self.assertNotIn("weak.service", self.regressions())
        self.machine.write(path, text.replace("ProtectHome=yes\n", ""))
        self.machine.systemctl("start", "weak.service")
        self.expect(("regressed", "weak.service", {"ProtectHome": (0, 10)}, [(path, "created")]))

    def test_removed_in_down_time(self):
        path = f"{ETC}/left.service"
        self.machine.write(path, HARDENED.replace("ConditionPathExists=/nonexistent\n", ""))
        self.machine.systemctl("start", "left.service")
        self.expect(("appeared", "left.service", None, None))
        self.machine.systemctl("stop", "exposured.service")
        self.machine.remove(path)
        self.machine.systemctl("stop", "left.service")
        self.machine.systemctl("start", "exposured.service")
        self.expect(("gone", "left.service", None, None))
        self.machine.systemctl("restart", "exposured.service")
        self.expect()

    def test_never_settles(self):
        """It changes before it has settled, again and again: after a while that is told."""
        unit = self.next_unit()
        deadline = time.monotonic() + 60
        told = []
        for number in range(1000):
            self.drop_in(unit, f"PrivateTmp=no\nUMask=0{number % 7}77")
            self.reload()
            told += [Event(message) for message in self.bus.collect(0.3)
                     if message.fields.get(bus.INTERFACE) == MANAGER]
            if told or time.monotonic() > deadline:
                break
        self.assertEqual([(event.event, event.unit) for event in told], [("regressed", unit)])
        self.kept += told
        self.events()

    def test_transient(self):
        """What systemd-run names is not remembered, whatever becomes of it."""
        self.machine.run("systemd-run", "--quiet", "-p", "PrivateTmp=yes", "-p", "IPAddressDeny=any", "/bin/sleep",
                         "infinity")
        self.expect()
        name = next(name for name in bus.Exposured(self.bus).units() if name.startswith("run-"))
        self.machine.systemctl("set-property", "--runtime", name, "IPAddressAllow=10.0.0.0/8")
        self.expect()
        self.machine.systemctl("stop", name)
        self.expect()

    def test_fragment_overridden(self):
        unit = self.next_unit()
        path = f"/run/systemd/system.control/{unit}"
        self.machine.write(path, HARDENED.replace("NoNewPrivileges=yes\n", ""))
        self.reload()
        event, = self.expect(("regressed", unit, {"NoNewPrivileges": (0, 1)}, None))
        self.assertEqual(event.causes[0][0], path)
        self.machine.remove(path)
        self.reload()
        self.expect(("improved", unit, {"NoNewPrivileges": (1, 0)}, None))

    def test_down_time(self):
        unit = self.next_unit()
        self.machine.systemctl("stop", "exposured.service")
        path = self.drop_in(unit, "PrivateDevices=no")
        self.reload()
        self.machine.systemctl("start", "exposured.service")
        event, = self.expect(("regressed", unit, None, [(path, "created")]))
        self.assertEqual(event.checks["PrivateDevices"], (0, 1))

    def test_nothing_is_told_twice(self):
        unit = self.next_unit()
        self.drop_in(unit, "ProtectHome=no")
        self.reload()
        self.expect(("regressed", unit, None, None))
        self.machine.systemctl("restart", "exposured.service")
        self.expect()
        killed = self.machine.main_pid("exposured.service")
        os.kill(killed, signal.SIGKILL)
        self.await_another(killed)
        self.expect()
        self.machine.systemctl("daemon-reexec")
        self.expect()
        self.assertIn(unit, self.regressions())

    def await_another(self, killed):
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if self.machine.main_pid("exposured.service") not in (0, killed):
                return
            time.sleep(0.05)
        self.fail("the daemon was not started again")

    def test_acceptance(self):
        unit = self.next_unit()
        self.drop_in(unit, "ProtectHome=no")
        self.reload()
        self.expect(("regressed", unit, None, None))
        bus.Exposured(self.bus).call("Accept", "sst", unit, "it has to be", 0)
        event, = self.expect(("accepted", unit, {"ProtectHome": (0, 10)}, None))
        self.assertNotIn(unit, self.regressions())
        row = next(row for row in self.history(unit) if row["event"] == "accepted")
        self.assertEqual((row["id"], row["reason"], row["uid"]), (event.id, "it has to be", 0))
        # It is the baseline from then on.
        self.machine.remove(f"{ETC}/{unit}.d")
        self.reload()
        self.expect(("improved", unit, {"ProtectHome": (10, 0)}, None))

    def test_acceptance_ends(self):
        unit = self.next_unit()
        self.drop_in(unit, "ProtectHome=no")
        self.reload()
        self.expect(("regressed", unit, None, None))
        until = int((time.time() + 4) * 1e6)
        self.bus.call(bus.Exposured.NAME, bus.Exposured.PATH, MANAGER, "Accept", "sst", unit, "for a moment", until)
        self.expect(("accepted", unit, None, None))
        while time.time() * 1e6 < until + 1500000:
            time.sleep(0.1)
        self.expect(("regressed", unit, {"ProtectHome": (0, 10)}, [("", "expired")]))

    def test_policy(self):
        path = "/etc/systemd/systemd-analyze-security.policy"
        self.machine.write(path, json.dumps({"PrivateUsers": {"weight": 0}}))
        self.expect(("model", "", {}, [(path, "created")]))
        self.machine.remove(path)
        self.expect(("model", "", {}, [(path, "removed")]))

    def as_of_another_systemd(self):
        """Stops the daemon, and makes what it remembers that of an older systemd. It rates these units as this one."""
        self.machine.systemctl("stop", "exposured.service")
        with sqlite3.connect(self.machine.root + DATABASE) as connection:
            changed = connection.execute("UPDATE text SET value = '240-1' WHERE key = 'systemd-version'").rowcount
        self.assertEqual(changed, 1)

    def parts(self, event):
        """What the model did, and what the units did, by unit."""
        rows, = bus.Exposured(self.bus).call("GetEventUnits", "s", event.id)
        return {row[0]: (row[1:4], row[4], row[6] if row[5] else None) for row in rows}

    def test_systemd_is_another_one(self):
        """Upgraded while the daemon was down: one event, with what the units became meanwhile in a part of its own."""
        weaker, stronger, same = self.next_unit(), self.next_unit(), self.next_unit()
        self.as_of_another_systemd()
        paths = [self.drop_in(weaker, "PrivateTmp=no"), self.drop_in(stronger, "PrivateNetwork=yes"),
                 self.drop_in(same, "SupplementaryGroups=\nUser=mail")]
        self.reload()
        self.machine.systemctl("start", "exposured.service")
        model, regressed = sorted(self.expect(("model", "", {}, None),
                                              ("regressed", weaker, {"PrivateTmp": (0, 1)}, [(paths[0], "created")])),
                                  key=lambda event: event.event)
        self.assert_upgrade(model, {weaker: [("PrivateTmp", 0, 1)], stronger: [("PrivateNetwork", 1, 0)]}, paths)
        row = self.regressions()[weaker]
        self.assertEqual(row["id"], regressed.id)
        self.assertNotIn(stronger, self.regressions())
        text = self.machine.output("exposurectl", "history", "--lines=all")
        line = next(line for line in text.splitlines() if " model " in line and "systemd 240 " in line)
        self.assertRegex(line, r"systemd 240 → \d+.* rated differently; \d+ changed: 1 weaker, 1 stronger$")
        rows = json.loads(self.machine.output("exposurectl", "history", weaker, "--json=short"))
        told = next(row for row in rows if row["id"] == model.id)
        self.assertEqual([entry["checks"] for entry in told["changed"] if entry["unit"] == weaker],
                         [[{"json_field": "PrivateTmp", "before": 0, "after": 1}]])

    def assert_upgrade(self, model, changed, paths):
        """Signal, method and journal say the same of it."""
        version = bus.Exposured(self.bus).get("SystemdVersion")
        self.assertEqual(model.lines[:2], ["-240-1", f"+{version}"])
        self.assertEqual(model.causes[0], ("", "manager"))
        self.assertLessEqual({path for path, _ in model.causes[1:]}, set(paths))
        parts = self.parts(model)
        own = {unit: checks for unit, (_, _, checks) in parts.items() if checks}
        self.assertEqual({unit: own.get(unit) for unit in changed}, changed)
        self.assertEqual(own.keys(), changed.keys())
        self.assertEqual(set(parts), set(model.units))
        entry, = [entry for entry in self.journal_entries() if entry["EXPOSURED_ID"] == model.id]
        told = {name: entry.get(f"EXPOSURED_{name}") for name in ("SYSTEMD_BEFORE", "SYSTEMD", "WEAKER_COUNT",
                                                                  "STRONGER_COUNT", "RATED_COUNT")}
        rated = sum(1 for exposures, checks, _ in parts.values() if checks or exposures[0] != exposures[1])
        self.assertEqual(told, {"SYSTEMD_BEFORE": "240-1", "SYSTEMD": version, "WEAKER_COUNT": "1",
                                "STRONGER_COUNT": "1", "RATED_COUNT": str(rated)})

    def test_systemd_is_another_one_and_nothing_else(self):
        self.as_of_another_systemd()
        self.machine.systemctl("start", "exposured.service")
        self.expect(("model", "", {}, [("", "manager")]))
        self.machine.systemctl("restart", "exposured.service")
        self.expect()

    def test_killed_before_the_upgrade_was_told(self):
        """What waits to be told is not forgotten, though something else was kept meanwhile."""
        other, unit = self.weakened(), self.next_unit()
        earlier = {row["id"] for row in self.history()}
        self.as_of_another_systemd()
        self.drop_in(unit, "PrivateTmp=no")
        self.reload()
        self.machine.write("/etc/exposured.conf.d/20-slow.conf", "[Exposure]\nSettleSec=1h\n")
        self.machine.systemctl("start", "exposured.service")
        bus.Exposured(self.bus).call("Accept", "sst", other, "meanwhile", 0)
        case.await_true(lambda: self.history(other)[0]["event"] == "accepted", "acceptance", SECONDS)
        self.assertNotIn("model", {row["event"] for row in self.history() if row["id"] not in earlier})
        os.kill(self.machine.main_pid("exposured.service"), signal.SIGKILL)
        self.machine.remove("/etc/exposured.conf.d/20-slow.conf")
        self.machine.systemctl("restart", "exposured.service")
        self.expect(("accepted", other, None, None), ("model", "", {}, None),
                    ("regressed", unit, {"PrivateTmp": (0, 1)}, None))

    def weakened(self):
        unit = self.next_unit()
        self.drop_in(unit, "ProtectHome=no")
        self.reload()
        self.expect(("regressed", unit, None, None))
        return unit

    def as_nobody(self, unit):
        return ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "busctl",
                "--allow-interactive-authorization=yes", "call", bus.Exposured.NAME, bus.Exposured.PATH, MANAGER,
                "Accept", "sst", unit, "no", "0")

    def test_unprivileged_callers_are_refused(self):
        unit = self.weakened()
        done = self.machine.run(*self.as_nobody(unit), check=False)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("Access denied", done.stderr)
        self.assertIn(unit, self.regressions())
        self.expect()

    def test_refused_without_polkit(self):
        """Root alone may where polkit is absent."""
        unit = self.weakened()
        self.machine.systemctl("mask", "--runtime", "--now", "polkit.service")
        self.addCleanup(self.machine.systemctl, "unmask", "--runtime", "polkit.service")
        done = self.machine.run(*self.as_nobody(unit), check=False)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("Access denied", done.stderr)
        self.assertIn(unit, self.regressions())
        bus.Exposured(self.bus).call("Accept", "sst", unit, "root may", 0)
        self.expect(("accepted", unit, None, None))

    def test_refused_when_the_caller_leaves(self):
        unit = self.weakened()
        for number in range(20):
            caller = self.machine.popen(*self.as_nobody(unit))
            time.sleep(number / 1000)
            machine_stop(caller)
        self.assertIn(unit, self.regressions())
        self.expect()

    def test_wrong_arguments(self):
        unit = self.weakened()
        daemon = bus.Exposured(self.bus)
        for arguments, name in (((unit, "", 0), "InvalidArgument"), ((unit, "x" * 1025, 0), "InvalidArgument"),
                                ((unit, "past", 1), "InvalidArgument"), (("what", "is this", 0), "InvalidName"),
                                (("unheard-of.service", "why", 0), "NoSuchUnit"),
                                ((SENTINEL.replace("sentinel", "dbus"), "fine already", 0), None)):
            with self.assertRaises(bus.BusError, msg=arguments) as raised:
                daemon.call("Accept", "sst", *arguments)
            if name:
                self.assertEqual(raised.exception.name, f"{bus.Exposured.NAME}.Error.{name}")
        self.assertIn(unit, self.regressions())


globals().update(case.for_each_tree(Regressions))
del Regressions

if __name__ == "__main__":
    raise SystemExit(tap.main())
