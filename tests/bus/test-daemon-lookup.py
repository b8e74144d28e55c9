#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Work that clients cause: look-ups of units that are not loaded, and sweeps. All of it is bounded."""

import time

from daemoncase import ERROR, MANAGER, NAME, PATH, DaemonCase, main
from peer import BusError, Peer, other_users

LOOKUPS_PER_USER, LOOKUPS = 16, 64
RESCANS_PER_USER, RESCANS = 16, 64
ONE_CLIENT = 8
USERS = other_users()


class Case(DaemonCase):
    def setUp(self):
        super().setUp()
        self.start()

    def client(self, user=0):
        """A client of that user; root may be many."""
        client = Peer(self.bus.address, user)
        self.addCleanup(client.close)
        return client

    def assert_refused(self, peer, serial, error):
        with self.assertRaises(BusError) as caught:
            peer.answer(serial)
        self.assertEqual(caught.exception.name, f"{ERROR}{error}")

    def arrived(self, *clients):
        """Until what these have called so far has had its turn: users take turns, but the calls of one stay in order."""
        for client in clients:
            self.call("ListUnits", peer=client)

    def fill(self, limit, per_user, member, *arguments):
        """As many calls as may wait, by as few users as can be, each on two connections; (client, serial) of each."""
        if len(USERS) < limit // per_user:
            self.skipTest("only root can be many users")
        calls = []
        for user in USERS[:limit // per_user]:
            clients = self.client(user), self.client(user)
            calls += [(clients[i % 2], self.send(member, *arguments, peer=clients[i % 2])) for i in range(per_user)]
            self.arrived(*clients)
        self.assertEqual(len(calls), limit)
        return calls

    def check_limit_for_one(self, per_user, member, *arguments):
        """One user has it on all connections together, and another user has his own. Returns what then waits."""
        if len(USERS) < 2:
            self.skipTest("only root can be many users")
        first, second, other = self.client(USERS[0]), self.client(USERS[0]), self.client(USERS[1])
        clients = first, second
        calls = [(clients[i % 2], self.send(member, *arguments, peer=clients[i % 2])) for i in range(per_user)]
        self.arrived(*clients)
        for client in clients:
            self.assert_refused(client, self.send(member, *arguments, peer=client), "LimitExceeded")
        calls.append((other, self.send(member, *arguments, peer=other)))
        self.arrived(other)
        self.assertEqual(other.answers, {})
        return calls


class Lookup(Case):
    def test_unit_on_disk(self):
        self.systemd.write("file.service")
        self.systemd.set("file.service", "PrivateNetwork", "b", True)
        unit = self.call("AssessUnit", "s", "file.service")[0]
        self.assertEqual((unit["Name"], unit["FragmentPath"]), ("file.service", "/usr/lib/systemd/system/file.service"))
        self.assertLess(unit["Exposure"], 9.6)
        self.assertEqual(len(unit["Findings"]), 81)
        self.assertEqual(set(unit) - {"Findings"}, set(self.get_all("a.service")))
        # each question makes systemd load it: there is one
        calls = [call for call in self.asked() if call.unit]
        self.assertEqual([(call.member, call.argument, call.unit) for call in calls], [("GetAll", "", "file.service")])
        self.assertEqual((self.get("LookupCount"), self.get("UnitCount")), (1, 3))
        self.assertEqual(self.names(), list(self.units))
        self.assertEqual([(m.member, m.body) for m in self.heard()], [])

    def test_alias(self):
        self.systemd.write("alias.service")
        self.systemd.set("alias.service", "Id", "s", "real.service", "Unit")
        self.assertEqual(self.call("AssessUnit", "s", "alias.service")[0]["Name"], "real.service")

    def test_template(self):
        self.systemd.write("t@test-instance.service")
        self.assertEqual(self.call("AssessUnit", "s", "t@.service")[0]["Name"], "t@test-instance.service")
        self.assertEqual(self.asked_about(), ["t@test-instance.service"])
        self.systemd.load("t@test-instance.service")
        self.wait_until(lambda: "t@test-instance.service" in self.names())
        self.systemd.forget()
        self.call("AssessUnit", "s", "t@.service")
        self.assertEqual(self.asked_about(), [])

    def test_what_cannot_be_assessed(self):
        for load_state, error in (("masked", "UnitMasked"), ("bad-setting", "UnitBadSetting"),
                                  ("error", "UnitBadSetting"), ("not-found", "NoSuchUnit"), ("stub", "NoSuchUnit"),
                                  ("merged", "NoSuchUnit")):
            with self.subTest(load_state):
                self.systemd.write(f"{load_state}.service", load_state)
                self.assertIn(f"{load_state}.service",
                              self.refused(f"{ERROR}{error}", "AssessUnit", "s", f"{load_state}.service"))
        self.refused(f"{ERROR}NoSuchUnit", "AssessUnit", "s", "nosuch.service")

    def test_odd_answers(self):
        self.systemd.write("odd.service")
        self.systemd.set("odd.service", "UMask", "s", "0022")
        self.assertIn("UMask", self.refused(f"{ERROR}UnitBadSetting", "AssessUnit", "s", "odd.service"))
        self.systemd.rule("wrong", "GetAll", "odd.service")
        self.refused(f"{ERROR}UnitBadSetting", "AssessUnit", "s", "odd.service")
        self.systemd.rule("org.freedesktop.DBus.Error.AccessDenied", "GetAll", "odd.service")
        self.assertIn("org.freedesktop.DBus.Error.AccessDenied",
                      self.refused(f"{ERROR}NoSuchUnit", "AssessUnit", "s", "odd.service"))
        self.assertTrue(self.get("Healthy"))

    def test_names(self):
        for name in ("", "a", "a.socket", "@.service", "a b.service", "é.service", "x" * 300 + ".service",
                     "x" * 240 + "@.service"):
            self.refused(f"{ERROR}InvalidName", "AssessUnit", "s", name)
        self.assertEqual(self.asked(), [])

    def test_one_at_a_time(self):
        self.systemd.rule("hold", "GetAll")
        waiting = [self.send("AssessUnit", "s", f"n{i}.service") for i in range(ONE_CLIENT)]
        self.systemd.wait_for_call("GetAll")
        self.heard()
        self.assertEqual(self.systemd.in_flight(), [1, 1])
        begin = time.monotonic()
        self.systemd.rule("", "GetAll")
        for serial in waiting:
            self.assert_refused(self.peer, serial, "NoSuchUnit")
        # 50 a second; the first did not have to wait
        self.assertGreater(time.monotonic() - begin, (ONE_CLIENT - 2) / 50)
        self.assertEqual(self.asked_about(), [f"n{i}.service" for i in range(ONE_CLIENT)])
        self.assertEqual(self.get("LookupCount"), ONE_CLIENT)

    def test_limit_for_one(self):
        self.systemd.rule("hold", "GetAll")
        calls = self.check_limit_for_one(LOOKUPS_PER_USER, "AssessUnit", "s", "nosuch.service")
        # a unit that is loaded costs nothing
        calls[0][0].call(NAME, PATH, MANAGER, "AssessUnit", "s", "a.service")
        self.systemd.rule("", "GetAll")
        for client, serial in calls:
            self.assert_refused(client, serial, "NoSuchUnit")
        self.refused(f"{ERROR}NoSuchUnit", "AssessUnit", "s", "nosuch.service")

    def test_limit_for_all(self):
        self.systemd.rule("hold", "GetAll")
        calls = self.fill(LOOKUPS, LOOKUPS_PER_USER, "AssessUnit", "s", "nosuch.service")
        self.refused(f"{ERROR}LimitExceeded", "AssessUnit", "s", "nosuch.service")
        self.systemd.rule("", "GetAll")
        for client, serial in calls:
            self.assert_refused(client, serial, "NoSuchUnit")
        self.refused(f"{ERROR}NoSuchUnit", "AssessUnit", "s", "nosuch.service")

    def test_caller_leaves(self):
        """Only what was under way is asked; what waited is forgotten."""
        self.systemd.rule("hold", "GetAll")
        client, another = self.client(), self.client()
        for i in range(ONE_CLIENT):
            self.send("AssessUnit", "s", f"n{i}.service", peer=client)
        self.systemd.wait_for_call("GetAll")
        kept = self.send("AssessUnit", "s", "kept.service", peer=another)
        self.arrived(another)
        client.close()
        serial = self.send("AssessUnit", "s", "other.service")
        self.systemd.rule("", "GetAll")
        self.assert_refused(another, kept, "NoSuchUnit")
        self.assert_refused(self.peer, serial, "NoSuchUnit")
        self.assertEqual(self.asked_about(), ["n0.service", "kept.service", "other.service"])
        self.assertEqual(self.get("LookupCount"), 3)
        self.barrier()

    def test_no_room(self):
        """It waits for an answer of systemd then, and not by looking again and again."""
        self.systemd.rule("hold", "GetAll")
        for unit in ("d.service", "e.service"):
            self.systemd.load(unit)
        rescan = self.send("Rescan")
        self.wait_until(lambda: self.systemd.in_flight()[0] == 4)
        serial = self.send("AssessUnit", "s", "nosuch.service")
        self.heard()
        before = self.switches()
        time.sleep(0.5)
        self.assertLess(self.switches() - before, 50)
        self.systemd.rule("", "GetAll")
        self.assert_refused(self.peer, serial, "NoSuchUnit")
        self.peer.answer(rescan)

    def switches(self):
        """How often the daemon has gone to sleep."""
        with open(f"/proc/{self.daemon.process.process.pid}/status") as status:
            return int(dict(line.split(":") for line in status)["voluntary_ctxt_switches"])

    def test_sweep_meanwhile(self):
        """Neither waits for the other."""
        self.systemd.rule("hold", "GetAll", "nosuch.service")
        lookup = self.send("AssessUnit", "s", "nosuch.service")
        self.systemd.wait_for_call("GetAll", unit="nosuch.service")
        self.call("Rescan")
        self.systemd.rule("", "GetAll", "nosuch.service")
        self.assert_refused(self.peer, lookup, "NoSuchUnit")

        self.systemd.rule("hold", "GetAll", "b.service")
        rescan = self.send("Rescan")
        self.systemd.wait_for_call("GetAll", unit="b.service")
        self.refused(f"{ERROR}NoSuchUnit", "AssessUnit", "s", "nosuch.service")
        self.systemd.rule("", "GetAll", "b.service")
        self.peer.answer(rescan)
        self.assertLessEqual(self.systemd.in_flight()[1], 4)


class Rescan(Case):
    def test_reads_everything(self):
        self.systemd.set("b.service", "PrivateNetwork", "b", True)
        self.systemd.load("new.service", announce=False)
        self.systemd.unload("c.service", announce=False)
        self.call("Rescan")
        self.assertEqual(self.finding("b.service", "PrivateNetwork"), "good")
        self.assertEqual(self.names(), ["a.service", "b.service", "new.service"])
        self.assertEqual(self.get("ScanCount"), 2)
        calls = self.asked()
        self.assertEqual(len([call for call in calls if call.member == "GetAll"]), 3)
        self.assertEqual([call.argument for call in calls if not call.unit], ["*.service"])

    def test_shared(self):
        """One sweep for all who ask before it begins."""
        self.call("Rescan")
        other = self.client()
        calls = [(peer, self.send("Rescan", peer=peer)) for peer in (self.peer, self.peer, other, other)]
        for peer, serial in calls:
            peer.answer(serial)
        self.assertEqual(self.get("ScanCount"), 3)

    def test_late(self):
        """A sweep may have read already what changed since: who asks during it waits for the next one."""
        self.systemd.rule("hold", "GetAll", "c.service")
        first = self.send("Rescan")
        self.systemd.wait_for_call("GetAll", unit="c.service")
        self.heard()
        self.systemd.set("a.service", "PrivateNetwork", "b", True)
        late = [self.send("Rescan") for _ in range(2)]
        self.heard()
        self.systemd.rule("", "GetAll", "c.service")
        self.peer.answer(first)
        self.assertEqual(self.finding("a.service", "PrivateNetwork"), "bad")
        for serial in late:
            self.peer.answer(serial)
        self.assertEqual(self.finding("a.service", "PrivateNetwork"), "good")
        self.assertEqual(self.get("ScanCount"), 3)

    def test_rest(self):
        """The next one waits until systemd has had its rest."""
        begin = time.monotonic()
        self.call("Rescan")
        self.call("Rescan")
        self.assertGreater(time.monotonic() - begin, 0.9)
        self.assertEqual(self.get("ScanCount"), 3)

    def test_limit_for_one(self):
        self.systemd.rule("hold", "ListUnitsByPatterns")
        calls = self.check_limit_for_one(RESCANS_PER_USER, "Rescan")
        self.systemd.rule("", "ListUnitsByPatterns")
        for client, serial in calls:
            client.answer(serial)

    def test_limit_for_all(self):
        self.systemd.rule("hold", "ListUnitsByPatterns")
        calls = self.fill(RESCANS, RESCANS_PER_USER, "Rescan")
        self.refused(f"{ERROR}LimitExceeded", "Rescan")
        self.systemd.rule("", "ListUnitsByPatterns")
        for client, serial in calls:
            client.answer(serial)
        # one sweep for those who asked before it began, one for the rest
        self.assertIn(self.get("ScanCount"), (2, 3))

    def test_caller_leaves(self):
        self.systemd.rule("hold", "ListUnitsByPatterns")
        client = self.client()
        self.send("Rescan", peer=client)
        self.systemd.wait_for_call("ListUnitsByPatterns")
        client.close()
        serial = self.send("Rescan")
        self.systemd.rule("", "ListUnitsByPatterns")
        self.peer.answer(serial)

    def test_failing_list(self):
        """It is answered when the sweep is done, however often that took."""
        self.systemd.rule("org.freedesktop.DBus.Error.Failed", "ListUnitsByPatterns")
        serial = self.send("Rescan")
        self.daemon.wait_for_line("list of units")
        self.systemd.rule("", "ListUnitsByPatterns")
        self.peer.answer(serial)
        self.assertTrue(self.get("Healthy"))


main()
