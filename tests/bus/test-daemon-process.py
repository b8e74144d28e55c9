#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon as a process: options, signals, and what it tells the manager that started it."""

import signal
import socket
import subprocess
import tempfile

from daemoncase import DAEMON, PATIENCE, DaemonCase, main


class Options(DaemonCase):
    units = ()

    def run_daemon(self, *arguments):
        result = subprocess.run([DAEMON, *arguments], env=self.environment(), capture_output=True, text=True,
                                timeout=PATIENCE, check=False)
        return result.returncode, result.stdout, result.stderr

    def test_help(self):
        for option in ("--help", "-h", "--he"):
            status, out, err = self.run_daemon(option)
            self.assertEqual((status, err), (0, ""))
            for word in ("--help", "--version", "--system", "--user", "exposured(8)"):
                self.assertIn(word, out)

    def test_version(self):
        status, out, err = self.run_daemon("--version")
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out, r"\Aexposured \d+[^\n]*\n\Z")

    def test_wrong(self):
        for arguments in (("--nosuch",), ("-x",), ("--system=yes",), ("now",), ("--user", "now"), ("",)):
            status, out, err = self.run_daemon(*arguments)
            self.assertEqual((status, out), (2, ""), arguments)
            self.assertRegex(err, r"\A[^\n]+\n\Z", arguments)


class Notification(DaemonCase):
    def fields(self, messages):
        return [tuple(line.split("=", 1)) for message in messages for line in message.splitlines()]

    def test_ready(self):
        """Only when it can be asked, and there is something to tell."""
        self.systemd.rule("hold", "GetAll")
        self.peer = self.connect()
        self.daemon = self.launch()
        self.systemd.wait_for_call("GetAll")
        self.assertNotIn("READY=1", self.daemon.told_so_far())
        self.assertEqual(self.peer.owner("org.exposured.Exposure1"), "")
        self.systemd.rule("", "GetAll")
        told = self.daemon.wait_for("READY=1")
        self.assertEqual(self.names(), list(self.units))
        self.assertEqual(self.fields(told).count(("READY", "1")), 1)
        if "STATUS=3 units, 0 regressed." not in told:
            self.daemon.wait_for("STATUS=3 units, 0 regressed.")

    def test_reload_before_it_is_ready(self):
        """It is not ready again then, either."""
        self.systemd.rule("hold", "GetAll")
        self.peer = self.connect()
        self.daemon = self.launch()
        self.systemd.wait_for_call("GetAll")
        self.daemon.process.process.send_signal(signal.SIGHUP)
        self.daemon.wait_for_line("Configuration and policy are read again.")
        self.assertEqual(self.peer.owner("org.exposured.Exposure1"), "")
        self.systemd.rule("", "GetAll")
        told = self.fields(self.daemon.wait_for("READY=1"))
        self.assertEqual((told.count(("READY", "1")), told.count(("RELOADING", "1"))), (1, 0))
        self.assertEqual(self.names(), list(self.units))

    def test_status(self):
        self.start()
        self.systemd.load("new.service")
        self.daemon.wait_for("STATUS=4 units, 0 regressed.")
        self.systemd.set("b.service", "UMask", "s", "0022")
        self.reload()
        self.assertRegex(self.daemon.wait_for("could not be read")[-1],
                         r"\ASTATUS=4 units, 0 regressed\. [A-Z0-9].+\.\Z")

    def test_nothing_is_told_twice(self):
        """What its manager hears costs that time."""
        self.start()
        self.heard()
        self.daemon.told_so_far()
        for _ in range(3):
            self.reload()
        self.heard()
        self.assertEqual(self.daemon.told_so_far(), [])

    def test_one_is_singular(self):
        for unit in self.units[1:]:
            self.systemd.unload(unit, announce=False)
        self.start()
        self.systemd.set("a.service", "UMask", "s", "0022")
        self.reload()
        self.assertEqual(self.daemon.wait_for("could not be read")[-1],
                         "STATUS=1 unit, 0 regressed. 1 unit could not be read; its score may be old.")

    def test_reload(self):
        self.start()
        self.daemon.told_so_far()
        for _ in range(2):
            self.daemon.process.process.send_signal(signal.SIGHUP)
            told = self.fields(self.daemon.wait_for("READY=1"))
            begin = told.index(("RELOADING", "1"))
            self.assertEqual(told[begin + 1][0], "MONOTONIC_USEC")
            self.assertRegex(told[begin + 1][1], r"\A\d+\Z")
            self.assertEqual(told[-1], ("READY", "1"))
        self.barrier()
        self.assertEqual(self.asked(), [])

    def test_end(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                self.start()
                self.daemon.told_so_far()
                self.assertEqual(self.daemon.process.stop(number), 0)
                self.assertIn("STOPPING=1", self.daemon.told_so_far())
                log = [line for line in self.daemon.process.err.rest() if not line.startswith("The manager is")]
                self.assertEqual(log, [])
                self.assertEqual(self.peer.owner("org.exposured.Exposure1"), "")


class Deaf(DaemonCase):
    """Its manager reads nothing of what it is told."""

    def test_nothing_waits_for_it(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
            deaf.bind(f"{folder}/notify")
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as full:
                full.setblocking(False)
                with self.assertRaises(BlockingIOError):
                    while True:
                        full.sendto(b"X_FULL=1", f"{folder}/notify")
            self.peer = self.connect()
            self.daemon = self.launch(NOTIFY_SOCKET=f"{folder}/notify", WATCHDOG_USEC="200000")
            self.wait_until(lambda: self.peer.owner("org.exposured.Exposure1"))
            for i in range(3):
                self.systemd.load(f"new{i}.service")
                self.wait_until(lambda: f"new{i}.service" in self.names())
            deaf.settimeout(PATIENCE)
            told = []
            while "STATUS=6 units, 0 regressed." not in told or "WATCHDOG=1" not in told:
                told.append(deaf.recv(4096).decode())
            states = [text for text in told if text not in ("X_FULL=1", "WATCHDOG=1")]
            self.assertEqual(states, ["READY=1", "STATUS=6 units, 0 regressed."])


class End(DaemonCase):
    """It ends when it is told to, whatever it is about."""

    def assert_ends(self):
        self.assertEqual(self.daemon.end()[0], 0)

    def test_at_once(self):
        for _ in range(20):
            self.daemon = self.launch()
            # before that it is no more than a process that has not set up its signals
            self.daemon.told_so_far()
            self.daemon.process.process.send_signal(signal.SIGTERM)
            self.assertIn(self.daemon.process.wait(), (0, -signal.SIGTERM))

    def test_before_the_manager_is_there(self):
        self.systemd.leave()
        self.daemon = self.launch()
        self.daemon.wait_for_line("No systemd on this bus yet")
        self.assert_ends()

    def test_during_the_first_scan(self):
        self.systemd.rule("hold", "GetAll")
        self.daemon = self.launch()
        self.systemd.wait_for_call("GetAll")
        self.assert_ends()

    def test_with_calls_waiting(self):
        self.start()
        self.systemd.rule("hold")
        calls = [self.send("AssessUnit", "s", "nosuch.service"), self.send("Rescan")]
        self.systemd.wait_for_call("GetAll")
        self.assert_ends()
        for serial in calls:
            with self.assertRaisesRegex(Exception, "NoReply"):
                self.peer.answer(serial)

    def test_during_a_reload(self):
        self.start()
        self.systemd.reloading(True)
        self.wait_until(lambda: self.get("State") == "reloading")
        self.assert_ends()

    def test_without_anyone_to_tell(self):
        self.peer = self.connect()
        self.daemon = self.launch(NOTIFY_SOCKET="")
        self.wait_until(lambda: self.peer.owner("org.exposured.Exposure1"))
        self.assertEqual(self.names(), list(self.units))
        self.assert_ends()


main()
