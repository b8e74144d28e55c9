#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""exposurectl monitor: what it prints, what it survives, and what it does not believe."""

import json
import os
import signal
import subprocess

from clientcase import HOSTILE, MOCK, UNSAFE, ClientCase, main
from privatebus import PATIENCE

LEFT = "exposured left the bus; waiting for it to come back."
BROKEN = "The connection to the bus broke; waiting for it to come back."
BACK = "exposured is back; changes in between are not shown."

CHECKS = [{"json_field": "PrivateTmp", "before": 0, "after": 1}, {"json_field": "UMask", "before": 10, "after": 2},
          {"json_field": "RemoveIPC", "before": 1, "after": None}]


class MonitorCase(ClientCase):
    def monitor(self, *arguments, **more):
        """Starts a monitor, and waits until it would see everything."""
        process = self.start("monitor", *arguments, **more)
        self.assertEqual(process.err.next(), "Waiting for changes.")
        return process


class Events(MonitorCase):
    def test_json(self):
        monitor = self.monitor("--json=short")
        for member, event in [("Regressed", "regressed"), ("Improved", "improved"), ("Changed", "changed"),
                              ("Appeared", "appeared"), ("Gone", "gone"), ("Accepted", "accepted"), ("Model", "model")]:
            self.mock.tell(f"emit {member} nginx.service")
            self.assertEqual(json.loads(monitor.out.next()), {
                "event": event, "id": "0123456789abcdef", "time": 1700000000000001, "unit": "nginx.service",
                "units": ["nginx.service", "other.service"], "baseline": "2.8", "exposure": "5.1", "checks": CHECKS,
                "causes": [{"path": "/etc/systemd/system/nginx.service.d/50-tmp.conf", "change": "modified",
                            "time": 1700000000000000, "lines": ["-PrivateTmp=yes", "+PrivateTmp=no"]}]})
        self.assertEqual(monitor.stop(), 0)
        self.assertEqual((monitor.out.rest(), monitor.err.rest()), ([], []))

    def test_text(self):
        monitor = self.monitor()
        self.mock.tell("emit Regressed nginx.service")
        self.assertEqual([monitor.out.next() for _ in range(8)], [
            "2023-11-14 22:13:20 ▲ nginx.service regressed: 2.8 → 5.1 MEDIUM [0123456789abcdef]",
            "    the same in other.service",
            "    ✗ PrivateTmp: badness 0 → 1",
            "    ✓ UMask: badness 10 → 2",
            "    ✓ RemoveIPC: badness 1 → n/a",
            "    /etc/systemd/system/nginx.service.d/50-tmp.conf modified at 2023-11-14 22:13:20",
            "        -PrivateTmp=yes",
            "        +PrivateTmp=no"])

    def test_new_and_above_the_limit(self):
        monitor = self.monitor()
        self.mock.tell("emit Appeared above-limit.service")
        lines = [monitor.out.next() for _ in range(6)]
        self.assertEqual((lines[0], lines[5]), (
            "2023-11-14 22:13:20 ✗ above-limit.service appeared: 2.8 → 5.1 MEDIUM [0123456789abcdef]",
            "    more exposed than new units may be at 2023-11-14 22:13:20"))
        self.mock.tell("emit Appeared nginx.service")
        while not (line := monitor.out.next()).startswith("2023"):
            pass
        self.assertIn("● nginx.service appeared", line)

    def test_other_kinds(self):
        monitor = self.monitor()
        self.mock.tell("emit Accepted nginx.service")
        self.assertEqual(monitor.out.next(),
                         "2023-11-14 22:13:20 ✓ nginx.service accepted: 2.8 → 5.1 MEDIUM [0123456789abcdef]")
        monitor = self.monitor()
        self.mock.tell("emit Model none")
        self.assertEqual([monitor.out.next(), monitor.out.next()],
                         ["2023-11-14 22:13:20 ● scoring model changed: 1 unit rated differently [0123456789abcdef]",
                          "    in other.service"])

    def test_text_without_utf8(self):
        monitor = self.monitor(environment=self.environment(LC_ALL="C"))
        self.mock.tell("emit Improved nginx.service")
        self.assertEqual(monitor.out.next(),
                         "2023-11-14 22:13:20 v nginx.service improved: 2.8 -> 5.1 MEDIUM [0123456789abcdef]")

    def test_hostile(self):
        text, objects = self.monitor(), self.monitor("--json=short")
        self.mock.tell("emit Changed hostile.service")
        line = objects.out.next()
        event = json.loads(line)
        self.assertEqual((event["unit"], event["causes"][0]["lines"][1]), (HOSTILE, HOSTILE))
        for shown in [line, *(text.out.next() for _ in range(8))]:
            self.assertNotRegex(shown, UNSAFE)

    def test_pretty_json(self):
        monitor = self.monitor("--json=pretty")
        self.mock.tell("emit Gone nginx.service")
        lines = [monitor.out.next()]
        while lines[-1] != "}":
            lines.append(monitor.out.next())
        self.assertEqual(json.loads("\n".join(lines))["event"], "gone")

    def test_quiet(self):
        monitor = self.start("monitor", "--quiet", "--json=short")
        # Nothing tells that it is ready, so it is told until it hears.
        while monitor.out.queue.empty():
            self.mock.tell("emit Gone nginx.service")
        self.mock.quit()
        self.assertEqual(monitor.stop(), 0)
        self.assertEqual(monitor.err.rest(), [])


class Survival(MonitorCase):
    def next_event(self, monitor, mock, unit):
        mock.tell(f"emit Changed {unit}")
        return json.loads(monitor.out.next())["unit"]

    def assert_broken(self, monitor):
        """A bus that ends may still tell that the daemon left it."""
        line = monitor.err.next()
        self.assertEqual(monitor.err.next() if line == LEFT else line, BROKEN)

    def test_restart_of_the_daemon(self):
        monitor = self.monitor("--json=short")
        self.assertEqual(self.next_event(monitor, self.mock, "a.service"), "a.service")
        for n in range(3):
            self.mock.quit()
            self.assertEqual(monitor.err.next(), LEFT)
            self.mock = self.start_mock()
            self.assertEqual(monitor.err.next(), BACK)
            self.assertEqual(self.next_event(monitor, self.mock, f"{n}.service"), f"{n}.service")
        self.assertEqual(monitor.stop(), 0)

    def test_restart_of_the_bus(self):
        monitor = self.monitor("--json=short")
        for n in range(2):
            self.bus.stop()
            self.mock.wait()
            self.assert_broken(monitor)
            self.bus.start()
            self.assertEqual(monitor.err.next(), "The bus is back; waiting for exposured.")
            self.mock = self.start_mock()
            self.assertEqual(monitor.err.next(), BACK)
            self.assertEqual(self.next_event(monitor, self.mock, f"{n}.service"), f"{n}.service")
        self.assertEqual(monitor.stop(), 0)

    def test_end_without_the_bus(self):
        monitor = self.monitor()
        self.bus.stop()
        self.assert_broken(monitor)
        self.assertEqual(monitor.stop(), 0)
        self.bus.start()


class End(MonitorCase):
    def test_signals(self):
        for number in signal.SIGINT, signal.SIGTERM:
            monitor = self.monitor()
            self.assertEqual(monitor.stop(number), 0)
            self.assertEqual(monitor.err.rest(), [])

    def test_reader_that_goes_away(self):
        """At once: not with the next event, which may never come."""
        reader, writer = os.pipe()
        monitor = self.start("monitor", stdout=writer)
        os.close(writer)
        self.assertEqual(monitor.err.next(), "Waiting for changes.")
        os.close(reader)
        self.assertEqual(monitor.wait(), 0)
        self.assertEqual(monitor.err.rest(), [])

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            monitor = self.monitor(stdout=full)
        self.mock.tell("emit Gone nginx.service")
        self.assertEqual(monitor.wait(), 1)
        self.assertEqual(monitor.err.rest(), ["Cannot print an event: No space left on device."])

    def test_file(self):
        """A file cannot be watched, and need not be."""
        path = f"{self.bus.folder}/events"
        with open(path, "wb") as file:
            monitor = self.monitor("--json=short", stdout=file)
        beside = self.monitor("--json=short")
        self.mock.tell("emit Gone a.service")
        beside.out.next()
        self.mock.quit()
        self.assertEqual(monitor.err.next(), LEFT)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(json.loads(file.read())["unit"], "a.service")
        self.assertEqual(monitor.stop(), 0)


class Forged(MonitorCase):
    def test_signals_of_others(self):
        """What others send to the monitor alone gets past the bus, and not past the monitor."""
        monitor = self.monitor("--json=short")
        subprocess.run([MOCK, "--forge"], env=self.environment(), timeout=PATIENCE, check=True)
        self.mock.tell("emit Regressed true.service")
        self.assertEqual(json.loads(monitor.out.next())["unit"], "true.service")
        self.assertEqual(monitor.stop(), 0)
        self.assertEqual((monitor.out.rest(), monitor.err.rest()), ([], []))

    def test_signals_while_the_daemon_is_away(self):
        monitor = self.monitor("--json=short")
        self.mock.quit()
        self.assertEqual(monitor.err.next(), LEFT)
        subprocess.run([MOCK, "--forge"], env=self.environment(), timeout=PATIENCE, check=True)
        self.mock = self.start_mock()
        self.assertEqual(monitor.err.next(), BACK)
        self.mock.tell("emit Regressed true.service")
        self.assertEqual(json.loads(monitor.out.next())["unit"], "true.service")


class Start(MonitorCase):
    with_mock = False

    def test_starts_the_daemon(self):
        self.bus.offer("org.exposured.Exposure1", f"{os.path.abspath(MOCK)} --activated")
        monitor = self.monitor()
        self.assertEqual(monitor.stop(), 0)


if __name__ == "__main__":
    main()
