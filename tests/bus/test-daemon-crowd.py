#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many connections that call at the same moment: whom the daemon knows already is answered all the same."""

import struct
import time

from daemoncase import MANAGER, NAME, PATH, DaemonCase, main
from peer import DBUS, PROPERTIES, REPLY, BusError, Peer, compose_call, other_users

USERS, PER_USER = 4, 100


class Crowd(DaemonCase):
    def setUp(self):
        super().setUp()
        self.users = other_users()[:USERS]
        if len(self.users) < USERS:
            self.skipTest("other users cannot be had")
        self.start()
        self.assertEqual(self.names(), list(self.units))

    def connect_crowd(self):
        crowd = [Peer(self.bus.address, user) for user in self.users for _ in range(PER_USER)]
        for peer in crowd:
            self.addCleanup(peer.close)
        return crowd

    def send_list(self, peer):
        return peer.send(NAME, PATH, MANAGER, "ListUnits")

    def in_order(self, peer):
        """Until the bus has passed on what that peer sent."""
        peer.owner(NAME)

    def test_who_is_known_is_answered(self):
        crowd = self.connect_crowd()
        for _ in range(2):
            with self.asleep():
                for peer in crowd:
                    self.send_list(peer)
                    self.in_order(peer)
                serial = self.send_list(self.peer)
                self.in_order(self.peer)
            self.assertEqual([row[0] for row in self.peer.answer(serial)[0]], list(self.units))

    def test_the_crowd_is_answered(self):
        """Each has one call."""
        crowd = self.connect_crowd()
        with self.asleep():
            serials = [self.send_list(peer) for peer in crowd]
            for peer in crowd:
                self.in_order(peer)
        refused = 0
        for peer, serial in zip(crowd, serials):
            try:
                self.assertEqual([row[0] for row in peer.answer(serial)[0]], list(self.units))
            except BusError as error:
                self.assertTrue(error.name.endswith("LimitExceeded"), error)
                refused += 1
        self.assertEqual(refused, 0)


class Refusals(DaemonCase):
    """Who goes on after he was refused many times is not answered, for a moment: answers cost the bus as much as calls,
    and all others would wait behind them."""
    COUNT = 10000
    # As in turns.c: so many refusals in so many seconds.
    MOST, PERIOD, WAITING_MAX = 512, 0.05, 128

    KINDS = {
        "no more may wait": (MANAGER, "ListUnits"),
        "not a name": (MANAGER, "AssessUnit", "s", "nothing"),
        "no name either": (MANAGER, "GetUnit", "s", "nothing"),
        "no id": (MANAGER, "GetEventUnits", "s", ""),
        "no event": (MANAGER, "GetHistory", "ssu", "", "x" * 1000, 0),
        "no reason": (MANAGER, "Accept", "sst", "a.service", "", 0),
        "no arguments": ("org.freedesktop.DBus.Introspectable", "Introspect", "s", ""),
        "no interface": (PROPERTIES, "GetAll", "s", "x" * 256),
        "no property": (PROPERTIES, "Get", "ss", MANAGER, "x" * 256),
        "no path": ("org.freedesktop.DBus.Peer", "Ping"),
    }

    @staticmethod
    def compose(path, serial, interface, member, signature="", *arguments):
        return compose_call(path, interface, member, NAME, signature, arguments, serial)

    @staticmethod
    def is_of_the_daemon(answer):
        return answer is not None and answer.sender != DBUS[0]

    @staticmethod
    def is_answered(client, sent):
        """One of the calls since then."""
        sent.append(client.send(NAME, PATH, MANAGER, "ListUnits"))
        client.all_signals()
        return any(serial in client.answers and client.answers[serial].kind == REPLY for serial in sent)

    def test_who_goes_on(self):
        users = other_users()
        if not users:
            self.skipTest("other users cannot be had")
        self.start()
        other = Peer(self.bus.address, users[0])
        self.addCleanup(other.close)
        for what, call in self.KINDS.items():
            with self.subTest(what):
                client = self.connect()
                path = PATH + "/a" * 2000 if what == "no path" else PATH
                # The daemon knows whose connection that is.
                client.call(NAME, PATH, MANAGER, "ListUnits")
                serials = range(client.serial + 1, client.serial + 1 + self.COUNT)
                client.serial += self.COUNT
                calls = b"".join(self.compose(path, serial, *call) for serial in serials)
                begin = time.monotonic()
                client.socket.sendall(calls)
                # That one is forwarded, by who is the user that is refused here.
                other.call(NAME, PATH, PROPERTIES, "GetAll", "s", MANAGER)
                # That is answered in the end, and then all that came before has been looked at.
                again = []
                self.wait_until(lambda client=client, again=again: self.is_answered(client, again))
                elapsed = time.monotonic() - begin
                # dbus-daemon refuses most of them itself.
                answered = sum(self.is_of_the_daemon(client.answers.get(serial)) for serial in serials)
                self.assertGreater(answered, 0)
                self.assertLessEqual(answered, (self.MOST + self.WAITING_MAX) * (elapsed // self.PERIOD + 2))
                client.close()


class Appetite(DaemonCase):
    """Who never has many calls waiting, but the next as soon as one is answered. A bus that holds back what others sent
    looks like that, too: it passes on a few at a time."""
    units = tuple(f"u{i}.service" for i in range(200))
    AT_A_TIME, SECONDS = 8, 1.5
    # What is left for reading is more than this.
    SHARE_MAX = 0.6

    def processor_time(self):
        with open(f"/proc/{self.daemon.process.process.pid}/schedstat") as file:
            return int(file.read().split()[0]) / 1e9

    def drain(self, peer, data):
        """Takes what has come. How many answers there are, and what is left of the next one."""
        data += peer.socket.recv(1 << 20)
        n = 0
        while len(data) >= 16:
            body, _, fields = struct.unpack_from("<III", data, 4)
            size = 16 + (fields + 7) // 8 * 8 + body
            if len(data) < size:
                break
            data, n = data[size:], n + 1
        return n, data

    def test_there_is_time_to_read(self):
        self.start()
        peer = self.connect()
        waiting, answered, data = 0, 0, b""
        before, begin = self.processor_time(), time.monotonic()
        while time.monotonic() - begin < self.SECONDS:
            while waiting < self.AT_A_TIME:
                peer.send(NAME, PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
                waiting += 1
            n, data = self.drain(peer, data)
            waiting -= n
            answered += n
        share = (self.processor_time() - before) / (time.monotonic() - begin)
        print(f"# {answered} answers, {share:.2f} of a processor")
        self.assertLess(share, self.SHARE_MAX)
        self.assertGreater(answered, self.AT_A_TIME)


if __name__ == "__main__":
    main(needs_view=True)
