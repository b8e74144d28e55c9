#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""exposurectl's verbs against a mock of the daemon: what they print, and how they end."""

import json
import os
import socket
import sys

from clientcase import HOSTILE, MOCK, UNSAFE, ClientCase, main

PREFIX = "/org/exposured/Exposure1/unit"

# What the mock says, as (unit, exposure, predicate, face, baseline, regressed, path), by name.
UNITS = [
    ("closed.service", "0.0", "PERFECT", "😇", "0.4", False, "closed_2eservice"),
    ("dbus-broker.service", "8.7", "EXPOSED", "🙁", "8.7", False, "dbus_2dbroker_2eservice"),
    ("exposured.service", "0.1", "SAFE", "😀", "0.1", False, "exposured_2eservice"),
    ("getty@tty1.service", "9.6", "UNSAFE", "😨", "9.6", False, "getty_40tty1_2eservice"),
    ("mnt\\x2ddata@é.service", "7.4", "MEDIUM", "😐", "7.4", False, "mnt_5cx2ddata_40_c3_a9_2eservice"),
    ("nginx.service", "5.1", "MEDIUM", "😐", "2.8", True, "nginx_2eservice"),
    ("open.service", "10.0", "DANGEROUS", "🤢", "10.0", True, "open_2eservice"),
    ("systemd-logind.service", "2.8", "OK", "🙂", "2.8", False, "systemd_2dlogind_2eservice"),
]
ONESHOT = ("systemd-tmpfiles.service", "9.4", "UNSAFE", "😨", "9.4", False, "systemd_2dtmpfiles_2eservice")


# When some of them were read last, after the mock's beginning of time.
BEGINNING = 1700000000000000
READ = {"closed.service": 1, "getty@tty1.service": 2, "nginx.service": 3, "systemd-tmpfiles.service": 4}


def as_object(row, stale=()):
    keys = ("unit", "exposure", "predicate", "happy", "baseline", "regressed")
    read = READ.get(row[0])
    return dict(zip(keys, row)) | {"last_read": BEGINNING + read if read else None, "stale": row[0] in stale,
                                   "path": f"{PREFIX}/{row[-1]}"}


class List(ClientCase):
    def test_text(self):
        wanted = """\
UNIT                   EXPOSURE PREDICATE HAPPY BASELINE
closed.service              0.0 PERFECT   😇         0.4
dbus-broker.service         8.7 EXPOSED   🙁         8.7
exposured.service           0.1 SAFE      😀         0.1
getty@tty1.service          9.6 UNSAFE    😨         9.6
mnt\\x2ddata@é.service       7.4 MEDIUM    😐         7.4
nginx.service               5.1 MEDIUM    😐         2.8 ▲ regressed
open.service               10.0 DANGEROUS 🤢        10.0 ▲ regressed
systemd-logind.service      2.8 OK        🙂         2.8

8 units listed: 1 DANGEROUS, 1 UNSAFE, 1 EXPOSED, 2 MEDIUM, 1 OK, 1 SAFE, 1 PERFECT.
2 regressed. Pass --all to see oneshot units, too.
"""
        self.assertEqual(self.output("list"), wanted)
        self.assertEqual(self.output(), wanted)

    def test_text_without_utf8(self):
        text = self.output("--no-legend", "list", "nginx", "mnt*", LC_ALL="C")
        self.assertEqual(text, "mnt\\x2ddata@\\u00e9.service 7.4 MEDIUM :-| 7.4\n"
                               "nginx.service              5.1 MEDIUM :-| 2.8 ! regressed\n")

    def test_json(self):
        self.assertEqual(self.json("list"), [as_object(row) for row in UNITS])
        self.assertEqual(json.loads(self.output("--json=pretty")), [as_object(row) for row in UNITS])
        self.assertEqual(len(self.output("--json=short").splitlines()), 1)
        self.assertEqual(self.json("list", "nginx", LC_ALL="C")[0]["happy"], ":-|")

    def test_all(self):
        self.assertEqual(self.json("list", "--all"), [as_object(row) for row in [*UNITS, ONESHOT]])
        self.assertNotIn("oneshot", self.output("list", "-a"))

    def test_stale(self):
        stale = ("getty@tty1.service", "nginx.service", "systemd-tmpfiles.service")
        self.mock.tell("stale")
        self.assertEqual(self.json("list", "--all"), [as_object(row, stale) for row in [*UNITS, ONESHOT]])
        self.assertEqual(self.output("list", "--no-legend", "getty@*", "nginx"),
                         "getty@tty1.service 9.6 UNSAFE 😨 9.6 stale\n"
                         "nginx.service      5.1 MEDIUM 😐 2.8 ▲ regressed, stale\n")
        self.assertIn("2 regressed. 2 stale: systemd could not be asked since something may have changed. Pass",
                      self.output("list"))
        self.assertEqual([row["stale"] for row in self.json("list", "nginx", "open", "--sort=exposure")], [False, True])

    def test_older_daemon(self):
        self.mock.tell("old")
        self.assertEqual(self.json("list"), [as_object(row) | {"last_read": None} for row in UNITS])

    def names(self, *arguments):
        return [row["unit"] for row in self.json("list", *arguments)]

    def test_patterns(self):
        self.assertEqual(self.names("nginx"), ["nginx.service"])
        self.assertEqual(self.names("nginx.service", "nginx"), ["nginx.service"])
        self.assertEqual(self.names("*d.service"), ["closed.service", "exposured.service", "systemd-logind.service"])
        self.assertEqual(self.names("ope?.service", "closed"), ["closed.service", "open.service"])
        self.assertEqual(self.names("mnt\\x2ddata@é"), ["mnt\\x2ddata@é.service"])
        self.assertEqual(self.names("systemd-tmpfiles"), [])
        self.assertEqual(self.names("systemd-tmpfiles", "-a"), ["systemd-tmpfiles.service"])

    def test_no_match(self):
        self.assertEqual(self.json("list", "nosuch"), [])
        self.assertEqual(self.output("list", "nosuch*", "--all"),
                         "UNIT EXPOSURE PREDICATE HAPPY BASELINE\n\n0 units listed.\n")
        self.assertEqual(self.output("list", "nosuch*", "--no-legend"), "")

    def test_regressed(self):
        self.assertEqual(self.names("--regressed"), ["nginx.service", "open.service"])
        self.assertEqual(self.names("--regressed", "nginx", "closed"), ["nginx.service"])
        self.assertEqual(self.names("--regressed", "closed"), [])

    def test_order(self):
        by_exposure = [row[0] for row in sorted(UNITS, key=lambda row: (-float(row[1]), row[0]))]
        self.assertEqual(self.names("--sort=exposure"), by_exposure)
        self.assertEqual(self.names("--sort=exposure", "-r"), by_exposure[::-1])
        self.assertEqual(self.names("--sort=unit", "--reverse"), [row[0] for row in UNITS][::-1])

    def test_threshold(self):
        self.assertIn(" 1 above 9.9.", self.output("list", "--threshold=9.9", status=3))
        self.assertEqual(len(self.json("list", "--threshold=0", status=3)), len(UNITS))
        self.assertNotIn("above", self.output("list", "--threshold=10"))
        self.output("list", "nginx", "--threshold=5.1")
        self.output("list", "nginx", "--threshold=5.0", status=3)
        self.output("list", "nosuch", "--threshold=0")


class LargeList(ClientCase):
    mock_arguments = ("5000",)

    def test_five_thousand_units(self):
        rows = self.json("list", "generated-*")
        self.assertEqual([row["unit"] for row in rows], [f"generated-{i:05}.service" for i in range(5000)])
        self.assertEqual([row["exposure"] for row in rows], [f"{i % 101 // 10}.{i % 101 % 10}" for i in range(5000)])
        lines = self.output("list", "--no-legend", "--all").splitlines()
        self.assertEqual(len(lines), 5009)
        self.assertEqual(len(self.output("list").splitlines()), 5008 + 4)


class Show(ClientCase):
    def test_text(self):
        text = self.output("show", "nginx")
        header, checks = text.split("\n\n")[:2]
        self.assertEqual(header, """\
● nginx.service
   Exposure: 5.1 MEDIUM 😐
   Baseline: 2.8 ▲ regressed
      Since: """ + header.split("Since: ")[1].split("\n")[0] + """
   Fragment: /usr/lib/a.service
    Drop-In: /etc/a.service.d/10-first.conf
             /etc/a.service.d/20-second.conf
  Last read: """ + header.split("Last read: ")[1])
        self.assertRegex(header, r"Last read: Tue 2023-11-14 22:13:21 UTC; \d+y( \w+)? ago\Z")
        self.assertRegex(header, r"Since: Tue 2023-11-14 22:13:20 UTC; .* ago\n")
        rows = checks.splitlines()[1:]
        self.assertEqual(len(rows), 81)
        self.assertEqual([row[0] for row in rows], sorted((row[0] for row in rows), key="✗✓ ".index))
        self.assertRegex(checks, r"(?m)^✗ PrivateUsers= +0\.4 An intruder .* PrivateUsers=yes$")
        self.assertTrue(text.endswith("\n→ Overall exposure level for nginx.service: 5.1 MEDIUM 😐\n"))

    def test_without_legend(self):
        rows = self.output("show", "nginx", "--no-legend").splitlines()
        self.assertEqual(len(rows), 81)
        self.assertEqual({row[0] for row in rows}, {"✗", "✓", " "})

    def test_json(self):
        unit = self.json("show", "nginx")
        findings = unit.pop("findings")
        self.assertEqual(unit, {
            "unit": "nginx.service", "exposure": "5.1", "predicate": "MEDIUM", "happy": "😐", "baseline": "2.8",
            "regressed": True, "since": 1700000000123456, "oneshot": False, "path": f"{PREFIX}/nginx_2eservice",
            "fragment_path": "/usr/lib/a.service", "last_read": 1700000001000000, "stale": False,
            "drop_in_paths": ["/etc/a.service.d/10-first.conf", "/etc/a.service.d/20-second.conf"]})
        self.assertEqual(len({finding["json_field"] for finding in findings}), 81)
        for finding in findings:
            self.assertEqual(set(finding), {"json_field", "name", "set", "badness", "weight", "range", "exposure",
                                            "description", "setting"})
            self.assertEqual(finding["exposure"] is None, finding["set"] is not False, finding)
            self.assertEqual(finding["badness"], finding["range"] if finding["set"] is False else 0, finding)
        self.assertEqual({finding["set"] for finding in findings}, {True, False, None})
        shares = [finding["exposure"] for finding in findings if finding["set"] is False]
        self.assertEqual(shares, sorted(shares, reverse=True))
        self.assertEqual(set(shares), {"0.5", "0.4", "0.3", "0.2"})

    def test_several_units(self):
        self.assertEqual([unit["unit"] for unit in self.json("show", "nginx", "open.service")],
                         ["nginx.service", "open.service"])
        text = self.output("show", "nginx", "open")
        self.assertEqual(text, self.output("show", "nginx") + "\n\n" + self.output("show", "open"))

    def test_units_that_are_not_loaded(self):
        unit = self.json("show", "foo@.service")
        self.assertEqual((unit["unit"], unit["path"]), ("foo@.service", None))

    def test_refusals(self):
        for name, sentence in {
            "missing": "Unit missing.service not found.",
            "masked": "Unit masked.service is masked.",
            "broken.service": "Unit broken.service has a bad setting.",
            "a.socket": "a.socket is not the name of a service unit.",
            "limited": "Too many look-ups are waiting.",
            "away": "systemd cannot be asked: \\x1b[31m.",
        }.items():
            self.assertEqual(self.refusal("show", name), sentence)
            self.assertEqual(self.refusal("show", name, "--json=short"), sentence)

    def test_one_of_several_is_refused(self):
        status, out, err = self.run_client("show", "missing", "nginx", "masked", "--json=short")
        self.assertEqual((status, [unit["unit"] for unit in json.loads(out)]), (1, ["nginx.service"]))
        self.assertEqual(err, "Unit missing.service not found.\nUnit masked.service is masked.\n")
        status, out, err = self.run_client("show", "missing", "nginx")
        self.assertEqual((status, out), (1, self.output("show", "nginx")))

    def test_threshold(self):
        self.output("show", "nginx", "--threshold=5.1")
        self.output("show", "nginx", "--threshold=5.0", status=3)
        self.output("show", "exposured", "nginx", "--threshold=5.0", status=3)
        self.assertEqual(self.run_client("show", "nginx", "missing", "--threshold=5.0")[0], 1)


class Status(ClientCase):
    def test_healthy(self):
        status = self.json("status")
        self.assertEqual(status, {
            "version": "0.1", "scope": "system", "systemd_version": "262 (262-1)", "state": "current", "healthy": True,
            "status": "", "unit_count": 9, "regressed_count": 2, "policy_path": "", "last_scan": 1700000000000000,
            "last_scan_duration": 38400, "scan_count": 7, "read_count": 7, "call_count": 7, "failed_call_count": 7,
            "reload_count": 7, "lookup_count": 7})
        text = self.output("status")
        self.assertIn("● exposured 0.1\n     Health: healthy\n", text)
        self.assertIn("\n      Units: 9 loaded, 2 regressed\n", text)
        self.assertRegex(text, r"\n  Last scan: Tue 2023-11-14 22:13:20 UTC; .* ago, took 38\.4ms\n")

    def test_unhealthy(self):
        self.mock.tell("unhealthy")
        self.assertIs(self.json("status", status=3)["healthy"], False)
        self.assertIn("     Health: not healthy\n     Status: No answer\\x1b[0m\n", self.output("status", status=3))


class Rescan(ClientCase):
    def test_result(self):
        self.assertEqual(self.output("rescan"), "Read 9 units in 38.4ms.\n")
        self.assertEqual(self.json("rescan"), {"units": 9, "duration": 38400})

    def test_takes_its_time(self):
        """A sweep may last longer than any other call may."""
        environment = self.environment(SYSTEMD_BUS_TIMEOUT="2s")
        self.mock.tell("hold")
        rescan = self.start("rescan", environment=environment)
        self.assertEqual(self.mock.out.next(), "Rescan")
        self.assertEqual(self.refusal("list", SYSTEMD_BUS_TIMEOUT="2s"), "exposured did not answer in time.")
        self.assertEqual(self.mock.out.next(), "ListUnits")
        self.assertIsNone(rescan.process.poll())
        self.mock.tell("release")
        self.assertEqual(rescan.out.next(), "Read 9 units in 38.4ms.")
        self.assertEqual(rescan.wait(), 0)


class Usage(ClientCase):
    with_mock = False

    def test_wrong_usage(self):
        for arguments in (
            ["nonsense"], ["lis"], [""], ["show"], ["show", ""], ["show", "a", ""], ["list", ""], ["status", "a"],
            ["rescan", "a"], ["monitor", "a"], ["help", "a"], ["--nonsense"], ["list", "--nonsense"], ["-x"], ["--no"],
            ["--all=yes"], ["--json"], ["--json="], ["--json=long"], ["--sort=name"], ["--threshold=50"],
            ["--threshold=5.55"], ["--threshold="], ["-H"], ["--host="], ["-H", "-oProxyCommand=x"], ["-M", "-x"],
            ["--user", "--host=h"], ["show", "a", "--all"], ["monitor", "--threshold=5"], ["status", "--sort=unit"],
            ["\x1b[31mred"], ["--\x1b[31mred"], ["--json=\x9b31m"], ["-\xff"],
        ):
            self.refusal(*arguments, status=2)

    def test_help_and_version(self):
        self.assertRegex(self.output("--version"), r"\Aexposurectl \d[^\n]*\n\Z")
        self.assertEqual(self.output("-h"), self.output("help"))
        self.assertEqual(self.output("show", "--help"), self.output("--help"))
        self.assertLessEqual(max(map(len, self.output("--help").splitlines())), 80)


class Absent(ClientCase):
    with_mock = False
    verbs = (["list"], ["show", "a", "b"], ["regressions"], ["history"], ["history", "a"],
             ["accept", "a", "--reason=x"], ["accept", "*", "b", "--reason=x"], ["monitor"], ["status"], ["rescan"])

    def assert_absent(self, sentence, **environment):
        for verb in self.verbs:
            self.assertEqual(self.refusal(*verb, **environment), sentence, verb)

    def test_no_daemon(self):
        self.assert_absent("exposured is not running, and the bus cannot start it; is it installed?")

    def test_daemon_that_cannot_start(self):
        self.bus.offer("org.exposured.Exposure1", "/bin/false")
        for verb in self.verbs:
            self.assertRegex(self.refusal(*verb), "^exposured could not be started: .* exited with status 1.$")

    def test_no_bus(self):
        self.assert_absent("Cannot reach the system bus: No such file or directory.",
                           DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={self.bus.folder}/nothing")

    def test_bus_that_is_dead(self):
        path = f"{self.bus.folder}/dead"
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(path)
            self.assert_absent("Cannot reach the system bus: Connection refused.",
                               DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={path}")

    def test_no_user_bus(self):
        self.assertEqual(self.refusal("list", "--user"), "There is no user bus: neither $DBUS_SESSION_BUS_ADDRESS nor "
                                                         "$XDG_RUNTIME_DIR is set.")

    def test_no_machine(self):
        self.assertRegex(self.refusal("list", "-M", "no-such-machine"),
                         "^Cannot reach the system bus of machine 'no-such-machine': ")


class Denied(ClientCase):
    policy = '<deny send_destination="org.exposured.Exposure1"/>'

    def test_denied(self):
        for verb in Absent.verbs:
            self.assertRegex(self.refusal(*verb), "^Access to exposured is denied: ")


class Started(ClientCase):
    """The bus starts the daemon when it is asked for."""

    with_mock = False

    def test_started_by_the_bus(self):
        self.bus.offer("org.exposured.Exposure1", f"{os.path.abspath(MOCK)} --activated")
        self.assertEqual(len(self.json("list")), len(UNITS))

    def test_user_bus(self):
        self.bus.offer("org.exposured.Exposure1", f"{os.path.abspath(MOCK)} --activated")
        self.assertEqual(len(self.json("list", "--user", DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nonexistent",
                                       DBUS_SESSION_BUS_ADDRESS=self.bus.address)), len(UNITS))


class Elsewhere(ClientCase):
    """Over ssh, for which a program stands in that joins its input and output to the bus."""

    SSH = f"""#!{sys.executable}
import os, selectors, socket, sys
open(os.environ["SSH_ARGUMENTS"], "w").write(" ".join(sys.argv[1:]))
bus = socket.socket(socket.AF_UNIX)
bus.connect(os.environ["SSH_BUS"])
ways = selectors.DefaultSelector()
ways.register(0, selectors.EVENT_READ, lambda data: bus.sendall(data))
ways.register(bus, selectors.EVENT_READ, lambda data: os.write(1, data))
while True:
    for key, _ in ways.select():
        data = os.read(key.fd, 65536)
        if not data:
            sys.exit(0)
        key.data(data)
"""

    def test_host(self):
        path = f"{self.bus.folder}/ssh"
        with open(path, "w", encoding="utf-8") as f:
            f.write(self.SSH)
        os.chmod(path, 0o755)
        environment = {"PATH": f"{self.bus.folder}:{os.environ['PATH']}", "SSH_BUS": f"{self.bus.folder}/bus",
                       "SSH_ARGUMENTS": f"{self.bus.folder}/arguments",
                       "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}
        self.assertEqual(len(self.json("list", "-H", "admin@far.example", **environment)), len(UNITS))
        with open(environment["SSH_ARGUMENTS"], encoding="utf-8") as f:
            self.assertRegex(f.read(), r"-- admin@far\.example systemd-stdio-bridge")
        self.assertEqual(self.json("show", "nginx", "--host=far.example", **environment)["unit"], "nginx.service")


class Hostile(ClientCase):
    def test_text(self):
        text = self.output("show", "hostile")
        self.assertNotRegex(text, UNSAFE)
        self.assertIn("\\x1b]0;owned\\x07\\u009b31m\\u202e\\u2066 😨 \"quoted\\\" é日本e\u0301\\u200b\\U000e0041\\x09\\x0a", text)
        self.assertIn("Stale: ", text)
        self.assertNotRegex(self.output("show", "hostile", LC_ALL="C"), "[^\x20-\x7e\n]")

    def test_json(self):
        unit = self.json("show", "hostile")
        self.assertEqual(unit["unit"], HOSTILE)
        self.assertEqual(unit["drop_in_paths"][1], HOSTILE)
        self.assertEqual(unit["findings"][0]["description"], HOSTILE)
        for form in ("short", "pretty"):
            self.assertNotRegex(self.output("show", "hostile", f"--json={form}"), UNSAFE)

    def test_json_without_utf8(self):
        """To a terminal of eight bits, parts of characters of UTF-8 are controls."""
        self.assertEqual(self.json("show", "hostile", LC_ALL="C"), self.json("show", "hostile") | {"happy": ":-{"})
        self.assertNotRegex(self.output("show", "hostile", "--json=short", LC_ALL="C"), "[^\x20-\x7e\n]")


if __name__ == "__main__":
    main()
