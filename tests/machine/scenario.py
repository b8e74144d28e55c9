# SPDX-License-Identifier: LGPL-2.1-or-later
"""Scenarios: what happens to units, and what the daemon tells of it."""

import json
import os
import sqlite3
import time

import bus
import case

ETC = "/etc/systemd/system"
DATABASE = "/var/lib/exposured/exposured.db"
MANAGER = bus.Exposured.MANAGER
SECONDS = 30
SETTLE_SECONDS = 1

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


class ScenarioCase(case.MachineCase):
    """A machine with units to change, each scenario one of its own, and the exact events that come of it."""

    @classmethod
    def prepare(cls):
        machine = cls.machine
        machine.write("/etc/exposured.conf.d/10-test.conf", f"[Exposure]\nSettleSec={SETTLE_SECONDS}s\nNewUnitExposureMax=9.0\n")
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
                # What is told with it may come after it: all before the answer to this.
                bus.Exposured(self.bus).get("State")
                events += [Event(message) for message in self.bus.collect(0)
                           if message.fields.get(bus.INTERFACE) == MANAGER]
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
        history, journal = self.history(), self.journal_entries()
        for event in self.kept:
            rows = [row for row in history if row["id"] == event.id]
            self.assertEqual(len(rows), 1, event)
            self.assertEqual(self.of_history(rows[0]), self.of_signal(event))
            entries = [entry for entry in journal if entry["EXPOSURED_ID"] == event.id]
            self.assertEqual(len([entry for entry in entries if "MESSAGE_ID" in entry]), 1, event)
            self.assertEqual(self.of_journal(entries), self.of_signal(event, journal=True))

    @staticmethod
    def of_signal(event, journal=False):
        told = {"event": event.event, "unit": event.unit, "units": sorted(event.units),
                "exposures": (f"{event.before:.1f}", f"{event.after:.1f}")}
        if not journal:
            return told | {"time": event.time, "checks": event.checks, "causes": event.causes}
        # Of a model the checks are those of its units, which no signal has, and the exposures would be theirs, too.
        if event.event == "model":
            told["exposures"] = None
        return told | {"checks": sorted(event.checks) if event.event != "model" else None,
                       "causes": [path for path, _ in event.causes][:16]}

    @staticmethod
    def of_history(row):
        return {"event": row["event"], "unit": row["unit"], "units": sorted(row["units"]), "time": row["time"],
                "exposures": (f"{row['before']:.1f}", f"{row['exposure']:.1f}"),
                "checks": {name: (before, after) for name, before, after in row["checks"]},
                "causes": [(path, change) for path, change, _, _ in row["causes"]]}

    @staticmethod
    def of_journal(entries):
        """A field that an entry has more than once is a list. Units may go on in more entries."""
        def values(name):
            return [value for entry in entries for value in ([entry[name]] if isinstance(entry.get(name), str)
                                                             else entry.get(name, []))]
        event, = values("EXPOSURED_EVENT")[:1]
        return {"event": event, "unit": values("EXPOSURED_UNIT")[0], "units": sorted(values("EXPOSURED_UNITS")),
                "exposures": tuple(values("EXPOSURED_BEFORE") + values("EXPOSURED_AFTER")) or None,
                "checks": sorted(values("EXPOSURED_CHECK")) if event != "model" else None,
                "causes": values("EXPOSURED_CAUSE")}

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

    def weakened(self):
        unit = self.next_unit()
        self.drop_in(unit, "ProtectHome=no")
        self.reload()
        self.expect(("regressed", unit, None, None))
        return unit
