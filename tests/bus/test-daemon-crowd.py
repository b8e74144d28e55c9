#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many connections that call at the same moment: whom the daemon knows already is answered all the same."""

import contextlib
import signal
import struct
import time

from daemoncase import MANAGER, NAME, PATH, DaemonCase, main
from peer import BusError, Peer, other_users

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

    @contextlib.contextmanager
    def asleep(self):
        """What comes meanwhile is read before any answer of the bus to a question about it."""
        self.daemon.process.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.daemon.process.process.send_signal(signal.SIGCONT)

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
