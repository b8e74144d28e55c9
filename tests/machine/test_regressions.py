#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""It says what got worse, once, and nothing else: every way in which a unit can change, and the exact events."""

import re
import signal
import time

import bus
import case
import scenario
import tap
from scenario import ETC, HARDENED, MANAGER, SECONDS, SETTLE_SECONDS

TRIES = 20

# What takes everything away that hardened units have.
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


class Regressions(scenario.ScenarioCase):
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
        """On a busy host it may settle before it is taken back: then that was no such case, and it is tried again."""
        unit = self.next_unit()
        for _ in range(TRIES):
            begun = time.monotonic()
            path = self.drop_in(unit, "PrivateTmp=no")
            self.reload()
            self.machine.remove(path)
            self.reload()
            if time.monotonic() - begun < SETTLE_SECONDS:
                self.expect()
                return
            self.events()
        self.fail("this host is too slow")

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

    def test_new_and_above_the_limit(self):
        """Then it is an alert."""
        path = f"{ETC}/bare.service"
        self.machine.write(path, "[Service]\nExecStart=/bin/sleep infinity\n")
        self.machine.systemctl("start", "bare.service")
        event, = self.expect(("appeared", "bare.service", {}, None))
        self.assertEqual(event.causes[0], ("", "limit"))
        entry, = (entry for entry in self.journal_entries() if entry["EXPOSURED_ID"] == event.id)
        self.assertEqual(entry["PRIORITY"], "4")
        self.machine.systemctl("stop", "bare.service")

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
            told += [scenario.Event(message) for message in self.bus.collect(0.3)
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
        self.machine.kill(killed, signal.SIGKILL)
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


globals().update(case.for_each_tree(Regressions))
del Regressions

if __name__ == "__main__":
    raise SystemExit(tap.main())
