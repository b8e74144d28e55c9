#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files that the daemon follows: its configuration, the policy, and the properties that are set for units."""

import json
import os
import shutil
import signal
import time

from daemoncase import CONFIGURATION, ERROR, PATH, DaemonCase, changed, configure, main, unit_path

ETC_POLICY = "/etc/systemd/systemd-analyze-security.policy"
RUN_POLICY = "/run/systemd/systemd-analyze-security.policy"

# Beside a check of this weight no other one counts.
HEAVY = 10**7


class Case(DaemonCase):
    def setUp(self):
        self.clear()
        self.addCleanup(self.clear)
        super().setUp()

    def clear(self):
        """Nothing of an earlier test is left."""
        configure(SettleSec="0")
        for folder in ("/etc/systemd", "/run/systemd/system.control", "/run/systemd/transient", f"{CONFIGURATION}.d",
                       "/etc/exposured.conf.d"):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (RUN_POLICY, "/etc/exposured.conf"):
            if os.path.lexists(file):
                os.unlink(file)
        os.makedirs("/run/systemd", exist_ok=True)

    def write(self, path, text):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        # a surrogate stands for a byte that is no UTF-8
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as f:
            f.write(text)

    def write_policy(self, path=RUN_POLICY, **weights):
        self.write(path, json.dumps({check: {"weight": weight} for check, weight in weights.items()}))

    def hang_up(self):
        self.daemon.told_so_far()
        self.daemon.process.process.send_signal(signal.SIGHUP)
        self.daemon.wait_for("READY=1")


class Configuration(Case):
    def test_units_max(self):
        configure(UnitsMax=2)
        self.start()
        self.assertEqual((len(self.names()), self.get("UnitCount"), self.get("Healthy")), (2, 2, False))
        self.assertIn("UnitsMax", self.get("Status"))
        self.systemd.rule("hold", "ListUnitsByPatterns")
        configure(UnitsMax=3)
        self.hang_up()
        # until it is known which these are, some are missing
        self.assertEqual((self.get("Healthy"), "UnitsMax" in self.get("Status")), (False, True))
        self.systemd.rule("", "ListUnitsByPatterns")
        self.wait_until(lambda: self.get("Healthy") and self.get("State") == "current")
        self.assertEqual(self.names(), list(self.units))

    def test_lookups_per_second(self):
        configure(LookupsPerSecond=4)
        self.start()
        begin = time.monotonic()
        for _ in range(3):
            self.refused(f"{ERROR}NoSuchUnit", "AssessUnit", "s", "nosuch.service")
        self.assertGreater(time.monotonic() - begin, 0.45)
        configure(LookupsPerSecond=1000)
        self.hang_up()
        self.refused(f"{ERROR}NoSuchUnit", "AssessUnit", "s", "nosuch.service")
        begin = time.monotonic()
        for _ in range(20):
            self.refused(f"{ERROR}NoSuchUnit", "AssessUnit", "s", "nosuch.service")
        self.assertLess(time.monotonic() - begin, 4)

    def test_call_timeout(self):
        """A manager that does not answer in time is one that refused."""
        configure(CallTimeoutSec="1s")
        self.start()
        self.systemd.rule("hold", "GetAll", "b.service")
        begin = time.monotonic()
        self.reload()
        self.assertGreater(time.monotonic() - begin, 0.9)
        self.assertTrue(self.get("Stale", "b.service"))
        self.systemd.rule("", "GetAll", "b.service")
        self.wait_until(lambda: self.get("Healthy"))

    def test_log_level(self):
        configure(LogLevel="err")
        self.start()
        self.systemd.set("b.service", "UMask", "s", "0022")
        self.reload()
        configure(LogLevel="info")
        self.hang_up()
        self.assertEqual(self.daemon.end()[1], ["Configuration and policy are read again."])

    def test_wrong_lines(self):
        self.write("/etc/exposured.conf.d/x.conf", "[Exposure]\nUnitsMax=many\nUnitsMax=2\nNosuch=1\n")
        self.peer = self.connect()
        self.daemon = self.launch()
        self.assertRegex(self.daemon.wait_for_line("x.conf"), r"\A/etc/exposured\.conf\.d/x\.conf:2: UnitsMax ")
        self.assertRegex(self.daemon.wait_for_line("x.conf"), r"\A/etc/exposured\.conf\.d/x\.conf:4: ")
        self.daemon.wait_for("READY=1")
        self.assertEqual(self.get("UnitCount"), 2)
        os.unlink("/etc/exposured.conf.d/x.conf")
        self.write("/etc/exposured.conf", "UnitsMax=1\n")
        self.hang_up()
        self.daemon.wait_for_line("/etc/exposured.conf:1: ")
        self.call("Rescan")
        self.assertEqual(self.names(), list(self.units))

    def test_rereading_changes_nothing(self):
        self.start()
        before = self.get_all("a.service")
        self.hang_up()
        self.assertEqual(self.heard(), [])
        self.assertEqual(self.get_all("a.service"), before)


class Policy(Case):
    def causes(self):
        """Waits for the event of another policy: which file, and what befell it."""
        return [(path, change) for path, change, _, _ in self.peer.signal("Model").body[7]]

    def test_comes_changes_and_goes(self):
        self.start()
        plain = self.exposure("a.service")
        self.write_policy(PrivateNetwork=HEAVY)
        self.assertEqual(self.causes(), [(RUN_POLICY, "created")])
        self.assertEqual(self.get("PolicyPath"), RUN_POLICY)
        self.assertEqual(self.exposure("a.service"), 10.0)
        # nothing has become weaker: it is judged by other rules, that is all
        self.assertEqual((self.get("Baseline", "a.service"), self.get("Regressed", "a.service")), (10.0, False))

        self.write_policy(KeyringMode=HEAVY)
        self.assertEqual(self.causes(), [(RUN_POLICY, "changed")])
        self.assertEqual(self.exposure("a.service"), 0.1)
        os.unlink(RUN_POLICY)
        self.assertEqual(self.causes(), [(RUN_POLICY, "removed")])
        self.assertEqual((self.get("PolicyPath"), self.exposure("a.service")), ("", plain))
        # systemd has no part in this
        self.assertEqual(self.asked(), [])
        self.assertEqual(self.get("RegressedCount"), 0)

    def test_there_from_the_beginning(self):
        self.write_policy(PrivateNetwork=0)
        self.start()
        self.assertEqual(self.get("PolicyPath"), RUN_POLICY)
        self.assertEqual(self.finding("a.service", "PrivateNetwork"), "not-applicable")
        self.assertNotIn("Model", {m.member for m in self.heard()})

    def test_precedence(self):
        """Its folder need not be there before."""
        self.start()
        self.write_policy(PrivateNetwork=0)
        self.wait_until(lambda: self.get("PolicyPath") == RUN_POLICY)
        self.write_policy(ETC_POLICY, PrivateUsers=0)
        self.wait_until(lambda: self.get("PolicyPath") == ETC_POLICY)
        self.assertEqual(self.finding("a.service", "PrivateNetwork"), "bad")
        self.assertEqual(self.finding("a.service", "PrivateUsers"), "not-applicable")
        shutil.rmtree("/etc/systemd")
        self.wait_until(lambda: self.get("PolicyPath") == RUN_POLICY)
        os.rename(RUN_POLICY, f"{RUN_POLICY}.old")
        self.wait_until(lambda: self.get("PolicyPath") == "")
        os.unlink(f"{RUN_POLICY}.old")

    def test_broken(self):
        self.start()
        plain = self.exposure("a.service")
        for text in ("{", "[]", '{"UMask": {"description_bad": "\udcff"}}', '{"UMask": {"weight": 5}} x'):
            with self.subTest(ascii(text)):
                self.write(RUN_POLICY, text)
                self.wait_until(lambda: not self.get("Healthy"))
                self.assertIn("policy", self.get("Status"))
                self.assertEqual(self.exposure("a.service"), plain)
                self.write_policy(PrivateNetwork=HEAVY)
                self.wait_until(lambda: self.get("Healthy"))
                self.assertEqual(self.exposure("a.service"), 10.0)

    def test_link(self):
        """Whatever it leads to is followed, at every step of the way."""
        here, way, there = "/run/systemd/here", "/run/systemd/way/policy", "/run/systemd/there/policy"
        self.write_policy(there, PrivateNetwork=HEAVY)
        os.makedirs(os.path.dirname(way))
        os.symlink("../there/policy", way)
        os.symlink(way, here)
        self.start()
        plain = self.exposure("a.service")
        os.symlink("here", RUN_POLICY)
        self.wait_until(lambda: self.exposure("a.service") == 10.0)
        self.write_policy(there, KeyringMode=HEAVY)
        self.wait_until(lambda: self.exposure("a.service") == 0.1)
        os.unlink(way)
        self.wait_until(lambda: not self.get("Healthy"))
        self.assertIn(RUN_POLICY, self.get("Status"))
        self.assertEqual((self.get("PolicyPath"), self.exposure("a.service")), ("", plain))
        self.write_policy(way, PrivateNetwork=HEAVY)
        self.wait_until(lambda: self.exposure("a.service") == 10.0)
        self.assertTrue(self.get("Healthy"))
        os.unlink(here)
        os.symlink(there, here)
        self.wait_until(lambda: self.exposure("a.service") == 0.1)

    def test_link_to_itself(self):
        self.start()
        os.symlink(RUN_POLICY, RUN_POLICY)
        self.wait_until(lambda: not self.get("Healthy"))
        self.assertIn(RUN_POLICY, self.get("Status"))
        os.unlink(RUN_POLICY)
        self.wait_until(lambda: self.get("Healthy"))

    def test_unreadable(self):
        self.start()
        os.mkdir(RUN_POLICY)
        self.wait_until(lambda: not self.get("Healthy"))
        self.assertEqual(self.get("Status"), f"{RUN_POLICY} cannot be read (Is a directory); the built-in policy is used.")
        os.rmdir(RUN_POLICY)
        self.wait_until(lambda: self.get("Healthy"))

    def test_texts(self):
        self.start()
        self.write(RUN_POLICY, json.dumps({"PrivateNetwork": {"description_bad": "\x1b[31m\u202e é 😨\n"}}))
        self.wait_until(lambda: self.get("PolicyPath"))
        row = next(row for row in self.get("Findings", "a.service") if row[0] == "PrivateNetwork")
        self.assertEqual(row[7], "\x1b[31m\u202e é 😨\n")
        self.call("AssessUnit", "s", "a.service")

    def test_what_changed_is_told(self):
        self.start()
        self.write_policy(PrivateNetwork=HEAVY)
        self.wait_until(lambda: self.get("PolicyPath"))
        signals = self.heard()
        self.assertIn("PolicyPath", changed(signals, PATH))
        for unit in self.units:
            self.assertGreaterEqual(changed(signals, unit_path(unit)), {"Exposure", "Findings", "Baseline"})
        # the same in other words is no change
        self.write(RUN_POLICY, json.dumps({"PrivateNetwork": {"weight": HEAVY}}, indent=4))
        self.hang_up()
        self.barrier()
        signals = [m for m in self.heard() if m.path != PATH and "barrier" not in m.path]
        self.assertEqual(signals, [])


class Properties(Case):
    """"systemctl set-property" sends no signal, but leaves files."""

    def set_property(self, folder, unit, name="50-x.conf"):
        self.write(f"{folder}/{unit}.d/{name}", "[Service]\n")

    def test_first_of_all(self):
        self.start()
        for folder in ("/run/systemd/system.control", "/etc/systemd/system.control", "/run/systemd/transient"):
            with self.subTest(folder):
                state = self.finding("b.service", "PrivateNetwork")
                self.systemd.set("b.service", "PrivateNetwork", "b", state == "bad")
                self.set_property(folder, "b.service")
                self.wait_until(lambda: self.finding("b.service", "PrivateNetwork") != state)
                self.barrier()
                calls = self.asked()
                self.assertEqual({call.unit for call in calls}, {"b.service"})
                self.assertLess(len(calls), 4 * 6)

    def test_one_after_the_other(self):
        self.start()
        for i in range(5):
            self.systemd.set("b.service", "DropInPaths", "as", [f"/run/{i}.conf"], "Unit")
            self.set_property("/run/systemd/system.control", "b.service", f"50-{i}.conf")
            self.peer.signal("PropertiesChanged", lambda m, i=i: m.body[1].get("DropInPaths") == [f"/run/{i}.conf"])
        shutil.rmtree("/run/systemd/system.control/b.service.d")
        self.systemd.reset("b.service", "DropInPaths")
        self.set_property("/run/systemd/system.control", "b.service")
        self.wait_until(lambda: self.get("DropInPaths", "b.service") == [])

    def test_units_that_are_not_loaded(self):
        self.start()
        self.set_property("/run/systemd/system.control", "nosuch.service")
        self.set_property("/run/systemd/system.control", "a.socket")
        self.barrier()
        self.assertEqual(self.asked(), [])

    def test_during_a_reload(self):
        self.start()
        self.systemd.reloading(True)
        self.wait_until(lambda: self.get("State") == "reloading")
        self.set_property("/run/systemd/system.control", "b.service")
        self.heard()
        self.assertEqual(self.asked(), [])
        self.systemd.reloading(False)
        self.wait_until(lambda: self.get("State") == "current")
        self.assertEqual([call for call in self.asked() if call.during_reload], [])

    def test_a_folder_above_is_renamed(self):
        self.set_property("/run/systemd/system.control", "b.service")
        self.start()
        os.rename("/run/systemd", "/run/systemd.old")
        self.addCleanup(shutil.rmtree, "/run/systemd.old")
        self.systemd.set("b.service", "PrivateNetwork", "b", True)
        self.set_property("/run/systemd/system.control", "b.service", "60-y.conf")
        self.wait_until(lambda: self.finding("b.service", "PrivateNetwork") == "good")


class Unfollowed(Case):
    """The kernel gives no watches at all."""

    wrapper = ("unshare", "--user", "--map-root-user", "sh", "-c",
               'echo 0 > /proc/sys/user/max_inotify_watches && exec "$0" "$@"')

    def test_it_goes_on_and_says_so(self):
        self.start()
        self.assertFalse(self.get("Healthy"))
        self.assertRegex(self.get("Status"), r"\A/etc/systemd/\S+ cannot be followed \(.+\); .+\.\Z")
        self.daemon.wait_for_line("Cannot follow /run/systemd/system.control")
        self.systemd.set("b.service", "PrivateNetwork", "b", True)
        self.call("Rescan")
        self.assertEqual(self.finding("b.service", "PrivateNetwork"), "good")
        self.write_policy(PrivateNetwork=0)
        self.hang_up()
        self.assertEqual(self.finding("b.service", "PrivateNetwork"), "not-applicable")


main(needs_view=True)
