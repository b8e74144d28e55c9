#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people decide, and what is judged by another model: acceptances, who may accept, policy, upgrades."""

import json
import signal
import sqlite3
import time

import bus
import case
import scenario
import tap
from machine import stop as machine_stop
from scenario import DATABASE, ETC, MANAGER, SECONDS, SENTINEL


class Acceptances(scenario.ScenarioCase):
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
        until = int((time.time() + 12) * 1e6)
        self.bus.call(bus.Exposured.NAME, bus.Exposured.PATH, MANAGER, "Accept", "sst", unit, "for a moment", until)
        self.expect(("accepted", unit, None, None))
        while time.time() * 1e6 < until + 1500000:
            time.sleep(0.1)
        self.expect(("regressed", unit, {"ProtectHome": (0, 10)}, [("", "expired")]))

    def test_better_until_it_ends(self):
        """What became better meanwhile stays."""
        unit = self.next_unit()
        self.drop_in(unit, "ProtectHome=no")
        self.reload()
        self.expect(("regressed", unit, None, None))
        until = int((time.time() + 12) * 1e6)
        bus.Exposured(self.bus).call("Accept", "sst", unit, "for a moment", until)
        self.drop_in(unit, "ProtectHome=no\nPrivateNetwork=yes")
        self.reload()
        self.expect(("accepted", unit, None, None), ("improved", unit, {"PrivateNetwork": (1, 0)}, None))
        while time.time() * 1e6 < until + 1500000:
            time.sleep(0.1)
        self.expect(("regressed", unit, {"ProtectHome": (0, 10)}, [("", "expired")]))
        self.drop_in(unit, "ProtectHome=no")
        self.reload()
        self.expect(("regressed", unit, {"PrivateNetwork": (0, 1)}, None))

    def accept_instances(self, *names):
        text = self.machine.output("exposurectl", "accept", *(names or ["tpl@*"]), "--reason=all of them")
        return [line.split(" [")[0] for line in text.splitlines()]

    def test_instances_by_pattern(self):
        """They are one, but for the one with a file of its own."""
        instances = [f"tpl@{number}.service" for number in range(3)]
        self.machine.systemctl("start", *instances)
        self.expect(("appeared", "tpl@.service", None, None))
        self.drop_in("tpl@.service", "ProtectHome=no")
        self.reload()
        self.expect(("regressed", "tpl@.service", {"ProtectHome": (0, 10)}, None))
        self.assertEqual(self.accept_instances(), ["Accepted tpl@.service"])
        event, = self.expect(("accepted", "tpl@.service", {"ProtectHome": (0, 10)}, None))
        self.assertEqual(sorted(event.units), instances)
        self.drop_in("tpl@.service", "ProtectHome=no\nPrivateTmp=no")
        self.reload()
        self.expect(("regressed", "tpl@.service", {"PrivateTmp": (0, 1)}, None))
        self.drop_in(instances[1], "PrivateNetwork=yes", "60-own")
        self.reload()
        self.expect(("improved", instances[1], {"PrivateNetwork": (1, 0)}, None))
        self.machine.systemctl("stop", instances[2])
        self.assertEqual(self.accept_instances(), ["Accepted tpl@.service", f"Accepted {instances[1]}"])
        self.expect(("accepted", "tpl@.service", None, None), ("accepted", instances[1], None, None))
        self.assertFalse({"tpl@.service", *instances} & self.regressions().keys())

    def test_instances_by_name(self):
        """Those that share settings are accepted with the first, the one with a file of its own for itself."""
        instances = [f"named@{number}.service" for number in range(3)]
        self.machine.write("/etc/systemd/system/named@.service",
                           "[Service]\nExecStart=/bin/sleep 1h\nPrivateTmp=yes\nProtectHome=yes\n")
        self.drop_in(instances[2], "PrivateNetwork=yes", "60-own")
        self.reload()
        self.machine.systemctl("start", *instances)
        self.expect(("appeared", "named@.service", None, None), ("appeared", instances[2], None, None))
        self.drop_in("named@.service", "ProtectHome=no")
        self.reload()
        self.expect(("regressed", "named@.service", {"ProtectHome": (0, 10)}, None))
        self.assertEqual(self.accept_instances(*instances), [f"Accepted {instances[0]}", f"Accepted {instances[2]}"])
        self.expect(("accepted", "named@.service", None, None), ("accepted", instances[2], None, None))
        self.assertFalse({"tpl@.service", *instances} & self.regressions().keys())

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
        self.machine.kill(self.machine.main_pid("exposured.service"), signal.SIGKILL)
        self.machine.remove("/etc/exposured.conf.d/20-slow.conf")
        self.machine.systemctl("restart", "exposured.service")
        self.expect(("accepted", other, None, None), ("model", "", {}, None),
                    ("regressed", unit, {"PrivateTmp": (0, 1)}, None))

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


globals().update(case.for_each_tree(Acceptances))
del Acceptances

if __name__ == "__main__":
    raise SystemExit(tap.main())
