#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon and the bus itself: a bus that goes, comes back, is not there, or does not want us."""

import os
import select
import socket
import time

from daemoncase import NAME, DaemonCase, main, unit_path
from peer import DBUS, Peer


class Restart(DaemonCase):
    def restart(self):
        self.bus.stop()
        self.peer.close()
        self.bus.start()
        self.systemd.reconnect()
        self.peer = self.connect_soon()

    def connect_soon(self):
        """A client, once the daemon has its name again."""
        peer = self.connect()
        deadline = time.monotonic() + 30
        while not peer.owner(NAME):
            self.assertLess(time.monotonic(), deadline)
        return peer

    def test_it_comes_back(self):
        self.start()
        self.daemon.told_so_far()
        for round_ in range(3):
            self.restart()
            self.wait_until(lambda: self.get("State") == "current" and self.get("Healthy"))
            self.assertEqual(self.names(), list(self.units))
            # both sides know of each other again
            self.barrier()
            self.systemd.set("a.service", "PrivateNetwork", "b", round_ % 2 == 0)
            self.reload()
            self.assertEqual(self.finding("a.service", "PrivateNetwork"), "bad" if round_ % 2 else "good")
        self.assertNotIn("READY=1", self.daemon.told_so_far())
        self.assertGreater(self.get("CallCount"), 3 * 13)

    def test_signals_after_it(self):
        self.start()
        self.restart()
        self.wait_until(lambda: self.get("State") == "current")
        self.peer.all_signals()
        self.systemd.load("new.service")
        self.peer.signal("InterfacesAdded", lambda m: m.body[0] == unit_path("new.service"))

    def test_while_calls_are_under_way(self):
        self.start()
        self.systemd.rule("hold")
        self.send("AssessUnit", "s", "nosuch.service")
        self.send("Rescan")
        self.systemd.wait_for_call("GetAll", unit="nosuch.service")
        self.systemd.rule("")
        self.systemd.rule("hold", "GetAll")
        self.restart()
        self.systemd.rule("", "GetAll")
        self.wait_until(lambda: self.get("State") == "current")
        self.barrier()

    def test_while_it_is_away(self):
        """Nothing is lost, and it ends when it is asked to."""
        self.start()
        self.bus.stop()
        self.daemon.wait_for_line("Cannot connect to the bus")
        self.daemon.wait_for("STATUS=")
        status, _log = self.daemon.end()
        self.assertEqual(status, 0)
        self.bus.start()
        self.systemd.reconnect()

    def test_another_has_the_name_then(self):
        self.start()
        self.bus.stop()
        self.daemon.wait_for_line("Cannot connect to the bus")
        self.daemon.process.process.send_signal(19)  # SIGSTOP: it shall not be the first
        self.bus.start()
        other = Peer(self.bus.address)
        self.addCleanup(other.close)
        self.assertEqual(other.call(*DBUS, "RequestName", "su", NAME, 4), [1])
        self.daemon.process.process.send_signal(18)
        self.assertEqual(self.daemon.process.wait(), 1)
        self.assertEqual([line for line in self.daemon.process.err.rest() if "name" in line],
                         [f"Another process has the name {NAME}."])
        self.systemd.reconnect()


class Start(DaemonCase):
    def test_bus_comes_later(self):
        self.bus.stop()
        daemon = self.launch()
        daemon.wait_for_line("Cannot connect to the bus")
        self.bus.start()
        daemon.wait_for("READY=1")
        self.peer = self.connect()
        self.systemd.reconnect()
        self.assertEqual(self.names(), list(self.units))

    def test_second_instance(self):
        self.start()
        second = self.launch()
        self.assertEqual(second.process.wait(), 1)
        self.assertEqual([line for line in second.process.err.rest() if "systemd" not in line],
                         [f"Another process has the name {NAME}."])
        self.assertNotIn("READY=1", second.told_so_far())
        self.assertEqual(self.names(), list(self.units))


class Forbidden(DaemonCase):
    policy = f'<deny own="{NAME}"/>'

    def test_name(self):
        daemon = self.launch()
        self.assertEqual(daemon.process.wait(), 1)
        lines = [line for line in daemon.process.err.rest() if NAME in line]
        self.assertEqual(len(lines), 1)
        self.assertRegex(lines[0], f"^The bus refuses us the name {NAME}: ")
        self.assertNotIn("READY=1", daemon.told_so_far())


class Broken(DaemonCase):
    """Sockets that are no bus."""

    def setUp(self):
        super().setUp()
        self.path = f"{self.bus.folder}/broken"
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(self.listener.close)
        self.listener.bind(self.path)
        self.listener.listen(64)

    def broken_launch(self):
        return self.launch(DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={self.path}")

    def accept(self, seconds):
        if select.select([self.listener], [], [], seconds)[0]:
            return self.listener.accept()[0]
        return None

    def test_closes_at_once(self):
        """It is tried again, but not as fast as it can."""
        daemon = self.broken_launch()
        deadline, n = time.monotonic() + 2, 0
        while time.monotonic() < deadline:
            connection = self.accept(0.1)
            if connection:
                # only once it has been written to was it a connection for the daemon
                connection.recv(1)
                connection.close()
                n += 1
        self.assertGreater(n, 1)
        self.assertLess(n, 30)
        self.assertEqual(daemon.end()[0], 0)

    def test_says_nothing(self):
        daemon = self.broken_launch()
        connection = self.accept(30)
        self.addCleanup(connection.close)
        self.assertTrue(connection.recv(1))
        self.assertEqual(daemon.end()[0], 0)

    def test_says_nonsense(self):
        daemon = self.broken_launch()
        for answer in (b"REJECTED\r\n", b"\0" * 100, b"OK \r\nERROR\r\n" * 100, os.urandom(4096)):
            connection = self.accept(30)
            connection.recv(1)
            connection.sendall(answer)
            connection.close()
        self.assertEqual(daemon.end()[0], 0)


main()
