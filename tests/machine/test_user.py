#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An instance for a user: real user managers with lingering, each with an exposured of its own."""

import json
import os
import signal
import statistics

import bus
import case
import changes
import exposures
import follower
import generate
import machine as machines
import tap

USER, OTHER = machines.USER_ID, machines.USER_ID + 1
# So many instances run at the same time.
CROWD = [machines.USER_ID + 10 + number for number in range(int(os.environ.get("EXPOSURED_USERS", "8")))]
UNITS = 60
# On the host's release; on the others half of them.
CHANGES = int(os.environ.get("EXPOSURED_USER_CHANGES", "32"))
SECONDS = 30
SERVICE = "exposured.service"
HOME, RUNTIME = machines.home(USER), f"/run/user/{USER}"
FOLDERS = (f"{HOME}/.config/systemd/user", f"{RUNTIME}/systemd/user", "/etc/systemd/user")
POLICY = "/etc/systemd/systemd-analyze-security.policy"
EXPOSURECTL = ("exposurectl", "--user")
DBUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
# What the sandbox leaves, by the version of systemd from which on it is so; in tenths.
SCORES = ((252, 10), (262, 6))
NAMESPACES = ("user", "mnt", "net", "ipc", "uts")

HARDENED = """[Service]
ExecStart=/bin/sleep infinity
PrivateTmp=yes
ProtectHome=yes
NoNewPrivileges=yes
IPAddressDeny=any
"""
# As in exposured(8).
NO_NAMESPACES = "[Service]\nPrivateUsers=no\nPrivateDevices=no\nCapabilityBoundingSet=~\n"


class User(case.MachineCase):
    @classmethod
    def prepare(cls):
        cls.seed = generate.random_seed()
        tap.note(f"{cls.__name__}: EXPOSURED_SEED={cls.seed}, systemd {cls.machine.systemd_version()}, {cls.broker}")
        cls.machine.write("/etc/exposured.conf.d/10-test.conf", "[Exposure]\nSettleSec=500ms\n")
        cls.machine.start_sessions(USER, OTHER)
        cls.sanitized = machines.is_sanitized(case.build_folder())
        cls.units = (f"unit{number}.service" for number in range(100))

    @classmethod
    def check_the_end(cls):
        """Stopped, each instance has ended well."""
        for uid in (USER, OTHER):
            cls.user_systemctl("stop", SERVICE, user=uid)
            text = cls.journal(uid)
            for word in case.SANITIZER_WORDS:
                assert word not in text, text[-6000:]
            assert cls.show("Result", uid) == "success", text[-4000:]

    def setUp(self):
        """Every test finds it running, and the folders as they were: random units stay away from the others."""
        self.user_systemctl("reset-failed", SERVICE, check=False)
        self.user_systemctl("start", SERVICE)

    def write_generated(self, generator):
        """Until the end of the test."""
        self.addCleanup(self.user_systemctl, "daemon-reload")
        for path in [*generator.files, *generator.links]:
            self.addCleanup(self.machine.remove, path)
        generator.write(self.machine)
        self.user_systemctl("daemon-reload")
        self.user_systemctl("start", generate.LOADER)

    # What tests are made of

    @classmethod
    def user_systemctl(cls, *arguments, user=USER, check=True):
        return cls.machine.systemctl("--user", *arguments, user=user, check=check)

    @classmethod
    def show(cls, name, user=USER):
        return cls.user_systemctl("show", "-P", name, SERVICE, user=user).stdout.strip()

    @classmethod
    def journal(cls, uid, *arguments):
        """As that user sees it."""
        cls.machine.run("journalctl", "--sync", check=False)
        return cls.machine.output("journalctl", "--user", "-u", SERVICE, "--no-pager", *arguments, user=uid)

    @classmethod
    def open_bus(cls, uid=USER):
        return bus.Bus(cls.machine.path(f"/run/user/{uid}/bus"), uid)

    def connect_as(self, uid=USER):
        connection = self.open_bus(uid)
        self.addCleanup(connection.close)
        return connection

    def ctl(self, *arguments, user=USER, **options):
        return self.machine.run(*EXPOSURECTL, *arguments, user=user, check=False, **options)

    def json(self, *arguments, user=USER):
        return json.loads(self.ctl(*arguments, "--json=short", user=user).stdout)

    def write_unit(self, name, text=HARDENED, uid=USER, mode=0o644):
        path = os.path.normpath(f"{machines.home(uid)}/.config/systemd/user/{name}")
        self.machine.run("mkdir", "-p", os.path.dirname(path), user=uid)
        self.machine.write(path, text, mode)
        self.machine.run("chown", f"{uid}:{uid}", path)
        return path

    def new_unit(self, uid=USER):
        """A running unit with a baseline that is kept."""
        name = next(self.units)
        self.write_unit(name, uid=uid)
        self.user_systemctl("daemon-reload", user=uid)
        self.user_systemctl("start", name, user=uid)
        case.await_true(lambda: self.json("history", name, user=uid), f"history of {name}", SECONDS)
        return name

    def weaken(self, name, uid=USER):
        """Returns the file that did it, which none but its owner may read, and the regression."""
        path = self.write_unit(name, HARDENED.replace("ProtectHome=yes\n", ""), uid, 0o600)
        self.user_systemctl("daemon-reload", user=uid)
        return path, self.await_regression(name, uid)

    def await_regression(self, name, uid=USER):
        rows = case.await_true(lambda: self.json("regressions", name, user=uid), f"regression of {name}", SECONDS)
        self.assertEqual(len(rows), 1, rows)
        return rows[0]

    def await_events(self, name, *events):
        """The events of a unit, newest first."""
        wanted = list(events)
        case.await_true(lambda: [row["event"] for row in self.json("history", name)] == wanted, f"{wanted}", SECONDS)
        return self.json("history", name)

    # How it is started

    def test_it_is_started_by_its_bus(self):
        self.assertEqual(self.user_systemctl("is-enabled", SERVICE, check=False).stdout.strip(), "disabled")
        self.user_systemctl("preset", SERVICE)
        self.assertEqual(self.user_systemctl("is-enabled", SERVICE, check=False).stdout.strip(), "disabled")
        self.user_systemctl("stop", SERVICE)
        done = self.ctl("list")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(SERVICE, done.stdout)
        self.assertEqual(self.show("ActiveState"), "active")

    def test_enabled_it_starts_with_the_manager(self):
        self.user_systemctl("enable", SERVICE, user=OTHER)
        self.addCleanup(self.user_systemctl, "disable", SERVICE, user=OTHER)
        self.machine.systemctl("restart", f"user@{OTHER}.service")
        case.await_true(lambda: self.show("ActiveState", OTHER) == "active", "start", SECONDS)
        self.assertIn(SERVICE, self.ctl("list", user=OTHER).stdout)

    def test_it_ends_with_the_manager(self):
        self.user_systemctl("start", SERVICE, user=OTHER)
        self.machine.systemctl("restart", f"user@{OTHER}.service")
        self.assertNotIn("Failed with result", self.journal(OTHER, "-o", "cat"))

    def test_hung_it_is_started_again(self):
        path = f"{RUNTIME}/systemd/user/{SERVICE}.d/50-watchdog.conf"
        self.addCleanup(self.user_systemctl, "daemon-reload")
        self.addCleanup(self.machine.remove, os.path.dirname(path))
        self.machine.write(path, "[Service]\nWatchdogSec=2s\nLimitCORE=0\n")
        self.user_systemctl("daemon-reload")
        self.user_systemctl("restart", SERVICE)
        pid = self.show("MainPID")
        self.machine.kill(self.machine.main_pid(SERVICE, user=True), signal.SIGSTOP)
        case.await_true(lambda: self.show("MainPID") not in (pid, "0") and self.show("ActiveState") == "active",
                        "another process", SECONDS)
        self.assertEqual(self.ctl("status").returncode, 0)

    def test_reload(self):
        pid, path = self.show("MainPID"), f"{HOME}/.config/exposured.conf.d/90-test.conf"
        self.addCleanup(self.machine.remove, path)
        self.write_unit("../../exposured.conf.d/90-test.conf", "[Exposure]\nNoSuchOption=1\n", mode=0o600)
        self.user_systemctl("reload", SERVICE)
        case.await_true(lambda: f"{path}:2" in self.journal(USER), "warning", SECONDS)
        self.assertEqual(self.show("MainPID"), pid)

    # What it says

    def test_verbs(self):
        unit = self.new_unit()
        for arguments, status in ((("list",), 0), (("list", "--all"), 0), (("show", unit), 0), (("regressions", unit), 0),
                                  (("history",), 0), (("history", unit), 0), (("status",), 0), (("rescan",), 0),
                                  (("show", "no-such"), 1), (("accept", unit, "--reason=x"), 1)):
            done = self.ctl(*arguments)
            self.assertEqual(done.returncode, status, (arguments, done.stderr))
        self.assertEqual(self.json("status")["scope"], "user")

    def test_every_score(self):
        machine, user = self.machine, True
        generator = generate.Generator(self.seed, UNITS, generate.USER_FOLDERS, "usergen")
        self.write_generated(generator)
        machine.load_shipped(user)
        exposures.await_equal(machine, user, SECONDS)
        names = self.user_systemctl("list-units", "--all", "--type=service", "--plain", "--no-legend").stdout
        names = {line.split()[0] for line in names.splitlines() if line.split()[1] == "loaded"}
        names = sorted(names | set(generator.loaded) | set(generator.unloaded))
        peer = exposures.peer_checks(machine, names, user)
        self.assertNoDifferences(exposures.differences(peer, exposures.our_checks(machine, names, user)), len(names))
        checks = sum(len(found) for found in peer.values() if found)
        tap.note(f"{type(self).__name__}: {checks} checks of {len(names)} units of a user's manager")

    def test_random_changes(self):
        self.write_unit("first.service")
        generator = generate.Generator(self.seed, UNITS, FOLDERS, densities=generate.SPARSE)
        self.write_generated(generator)
        made, times = changes.Changes(self.machine, generator, FOLDERS, user=True), []
        self.addCleanup(lambda: [self.machine.remove(path) for path in (*made.written, POLICY)])
        watcher = follower.Follower(self.open_bus)
        watcher.start()
        self.addCleanup(watcher.stop)
        for number in range(CHANGES if self.tree == "/" else CHANGES // 2):
            watcher.forget()
            what = made.one()
            try:
                times.append(watcher.settle(self.machine, SECONDS, user=True))
            except exposures.NotEqual as problem:
                self.fail(f"change {number}, {what}: {problem}")
        tap.note(f"{type(self).__name__}: {len(times)} changes at {len(watcher.last())} units, equal again after "
                 f"{statistics.median(times):.3f} s (median), {max(times):.3f} s (longest)")

    def test_policy(self):
        """That of the system, as systemd-analyze --user has it, and none of the user's."""
        policy = json.dumps({"PrivateNetwork": {"weight": 20000}})
        before = exposures.await_equal(self.machine, True)
        self.addCleanup(self.machine.remove, POLICY)
        self.write_unit(f"../{os.path.basename(POLICY)}", policy)
        self.user_systemctl("reload", SERVICE)
        self.assertEqual(exposures.await_equal(self.machine, True), before)
        self.machine.write(POLICY, policy)
        self.assertNotEqual(exposures.await_equal(self.machine, True), before)

    # What it remembers and tells

    def test_regression(self):
        connection = self.connect_as()
        connection.match(f"type='signal',interface='{bus.Exposured.MANAGER}',member='Regressed'")
        unit = self.new_unit()
        monitor = self.machine.popen("stdbuf", "-oL", *EXPOSURECTL, "monitor", "--json=short", user=USER, stdout=-1,
                                     text=True)
        self.addCleanup(machines.stop, monitor)
        self.ctl("status")
        path, row = self.weaken(unit)
        self.assertEqual((row["unit"], row["checks"]), (unit, [{"json_field": "ProtectHome", "before": 0, "after": 10}]))
        self.assertEqual([(cause["path"], cause["change"], cause["lines"]) for cause in row["causes"]],
                         [(path, "changed", ["-ProtectHome=yes"])])
        told = [message.body[0] for message in connection.collect(1) if message.body[2:3] == [unit]]
        self.assertEqual(told, [row["id"]])
        shown = next(event for event in map(json.loads, monitor.stdout)
                     if (event["event"], event["unit"]) == ("regressed", unit))
        self.assertEqual(shown["id"], row["id"])
        self.assertEqual(self.ctl("regressions").returncode, 3)
        self.assertEqual(self.await_events(unit, "regressed", "appeared")[0]["id"], row["id"])
        self.assert_in_the_journal(row)

    def assert_in_the_journal(self, row):
        text = self.journal(USER, "-o", "json", f"EXPOSURED_ID={row['id']}")
        entry, = map(json.loads, text.splitlines())
        told = {name: entry.get(name) for name in ("EXPOSURED_SCOPE", "EXPOSURED_UNIT", "_SYSTEMD_USER_UNIT", "_UID")}
        self.assertEqual(told, {"EXPOSURED_SCOPE": "user", "EXPOSURED_UNIT": row["unit"],
                                "_SYSTEMD_USER_UNIT": SERVICE, "_UID": str(USER)})
        self.machine.run("journalctl", "--update-catalog")
        explained = self.journal(USER, "-x", f"EXPOSURED_ID={row['id']}")
        self.assertIn(f"exposurectl --user accept {row['unit']}", explained)
        self.assertIn('"systemctl --user daemon-reload"', explained)

    def test_acceptance(self):
        unit = self.new_unit()
        self.weaken(unit)
        done = self.ctl("accept", unit, "--reason=mine", "--json=short")
        self.assertEqual(done.returncode, 0, done.stderr)
        row = self.await_events(unit, "accepted", "regressed", "appeared")[0]
        self.assertEqual((row["reason"], row["uid"]), ("mine", USER))
        self.assertEqual(self.json("regressions", unit), [])

    def test_it_remembers(self):
        unit = self.new_unit()
        _, row = self.weaken(unit)
        self.user_systemctl("restart", SERVICE)
        self.assertEqual(self.await_regression(unit)["id"], row["id"])
        pid = self.show("MainPID")
        self.machine.kill(self.machine.main_pid(SERVICE, user=True), signal.SIGKILL)
        case.await_true(lambda: self.show("MainPID") not in (pid, "0"), "another process", SECONDS)
        self.assertEqual(self.await_regression(unit)["id"], row["id"])
        self.await_events(unit, "regressed", "appeared")

    def test_property_set_at_run_time(self):
        for options, folder in (((), f"{HOME}/.config"), (("--runtime",), RUNTIME)):
            unit = self.new_unit()
            self.user_systemctl("set-property", *options, unit, "IPAddressAllow=10.0.0.0/8")
            row = self.await_regression(unit)
            cause, = row["causes"]
            self.assertEqual(cause["change"], "property")
            self.assertTrue(cause["path"].startswith(f"{folder}/systemd/user.control/{unit}.d/"), cause)
            # A second time: the folder is there now, and is followed itself.
            self.user_systemctl("set-property", *options, unit, "IPAddressAllow=")
            self.await_events(unit, "improved", "regressed", "appeared")

    def test_transient(self):
        self.machine.run("systemd-run", "--user", "--quiet", "--unit=passing", "-p", "PrivateTmp=yes", "sleep",
                         "infinity", user=USER)
        self.addCleanup(self.user_systemctl, "stop", "passing.service")
        exposures.await_equal(self.machine, True)
        self.user_systemctl("set-property", "passing.service", "IPAddressDeny=any")
        exposures.await_equal(self.machine, True)

    # Where its files are, and whose

    def state_folder(self, uid=USER):
        """systemd gives services of users another one since 254."""
        below = ".local/state" if self.machine.systemd_version() >= 254 else ".config"
        return f"{machines.home(uid)}/{below}/exposured"

    def test_files_of_its_own(self):
        folder = self.state_folder()
        case.await_true(lambda: os.path.exists(f"{self.machine.root}{folder}/exposured.db"), "database", SECONDS)
        text = self.machine.output("find", folder, "-printf", "%U:%G %m %P\\n")
        self.assertIn(f"{USER}:{USER} 700 ", text.splitlines())
        names = [line.split(" ") for line in text.splitlines() if not line.endswith(" ")]
        self.assertIn("exposured.db", [name for _, _, name in names])
        self.assertEqual({(owner, mode) for owner, mode, _ in names}, {(f"{USER}:{USER}", "600")})

    def run_by_hand(self, **variables):
        """Without the unit: its exit status or None, that of a client, and what it said until it was told to end."""
        self.user_systemctl("stop", SERVICE)
        program = self.user_systemctl("show", "-P", "ExecStart", SERVICE).stdout.partition("path=")[2].partition(" ")[0]
        connection = self.connect_as()
        process = self.machine.popen(program, "--user", user=USER, env=variables, stderr=-1, text=True)
        try:
            case.await_true(lambda: process.poll() is not None or connection.call(*DBUS, "NameHasOwner", "s",
                                                                                  bus.Exposured.NAME)[0],
                            f"answer with {variables}", SECONDS)
            status = process.poll()
            listed = self.ctl("list").returncode if status is None else None
        finally:
            machines.stop(process)
        return status, listed, process.stderr.read()

    def is_database_in(self, folder):
        return os.path.exists(f"{self.machine.root}{folder}/exposured.db")

    def test_odd_environment(self):
        """Unset, relative, with a slash at its end, a link, and missing folders above."""
        self.machine.run("sh", "-c", f"cd {HOME} && mkdir real && ln -s real link && chown -h {USER}:{USER} real link")
        for variables, folder in (({}, f"{HOME}/.local/state"), ({"XDG_STATE_HOME": "relative/path"}, None),
                                  ({"XDG_STATE_HOME": f"{HOME}/far/below/"}, f"{HOME}/far/below"),
                                  ({"XDG_STATE_HOME": f"{HOME}/link"}, f"{HOME}/real"),
                                  ({"XDG_STATE_HOME": "", "HOME": f"{HOME}/real"}, f"{HOME}/real/.local/state"),
                                  ({"XDG_CONFIG_HOME": "relative", "XDG_STATE_HOME": f"{HOME}/a"}, f"{HOME}/a"),
                                  ({"XDG_CONFIG_HOME": "/x" * 3000, "XDG_STATE_HOME": f"{HOME}/b"}, f"{HOME}/b")):
            status, listed, said = self.run_by_hand(**variables)
            self.assertEqual((status, listed), (None, 0), (variables, said))
            self.assertTrue(self.is_database_in(f"{folder or HOME + '/.local/state'}/exposured"), variables)
        mode = self.machine.output("stat", "-c", "%a %u", f"{HOME}/far", f"{HOME}/far/below/exposured")
        self.assertEqual(mode.splitlines(), [f"700 {USER}"] * 2)

    def test_no_place_for_the_database(self):
        for variables in ({"XDG_STATE_HOME": "", "HOME": ""}, {"XDG_STATE_HOME": "/x" * 3000},
                          {"XDG_STATE_HOME": "relative", "HOME": "relative"}):
            status, _, said = self.run_by_hand(**variables)
            self.assertEqual(status, 1, said)
            self.assertIn("database", said)

    def test_no_session(self):
        done = self.machine.run(*EXPOSURECTL, "list", user=USER, check=False,
                                env={"XDG_RUNTIME_DIR": "", "DBUS_SESSION_BUS_ADDRESS": ""})
        self.assertEqual(done.returncode, 1)
        self.assertIn("user bus", done.stderr)

    # Others

    def test_another_user(self):
        unit = self.new_unit()
        self.weaken(unit)
        folder = self.state_folder()
        for command in (("busctl", f"--address=unix:path={RUNTIME}/bus", "list"), ("ls", folder),
                        ("cat", f"{folder}/exposured.db")):
            self.assertNotEqual(self.machine.run(*command, user=OTHER, check=False).returncode, 0, command)
        self.assertNotIn(unit, self.ctl("list", user=OTHER).stdout)
        self.assertNotIn(unit, self.ctl("history", user=OTHER).stdout)
        self.assertNotIn(unit, self.machine.output("journalctl", "-b", "--no-pager", user=OTHER, check=False))
        with self.assertRaises(OSError):
            self.open_bus_of(USER, OTHER)
        with self.assertRaises(OSError):
            self.open_bus_of(USER, 0)

    def open_bus_of(self, owner, uid):
        bus.Bus(self.machine.path(f"/run/user/{owner}/bus"), uid).close()

    def test_the_system_instance_beside_it(self):
        self.machine.systemctl("start", SERVICE)
        self.addCleanup(self.machine.systemctl, "stop", SERVICE)
        ours, theirs = self.ctl("list").stdout, self.machine.output("exposurectl", "list")
        self.assertIn("systemd-journald.service", theirs)
        self.assertNotIn("systemd-journald.service", ours)

    def test_from_root(self):
        """As systemctl does it: a program on the other side's bus, started for that user."""
        unit = self.new_unit()
        for verb in (("list",), ("show", unit), ("regressions", unit), ("history",), ("status",)):
            done = self.machine.run("exposurectl", "-M", "tester@.host", "--user", *verb, check=False)
            self.assertEqual(done.returncode, 0, done)
        self.weaken(unit)
        self.machine.run("exposurectl", "-M", "tester@.host", "--user", "accept", unit, "--reason=for them")
        row = self.await_events(unit, "accepted", "regressed", "appeared")[0]
        self.assertEqual(row["uid"], USER)

    def test_many_users(self):
        self.machine.start_sessions(*CROWD)
        for uid in CROWD:
            self.ctl("status", user=uid)
        unit = self.new_unit(CROWD[0])
        self.weaken(unit, CROWD[0])
        for uid in CROWD[1:]:
            self.assertEqual(self.json("regressions", user=uid), [], uid)
        sizes = [resident(self.machine.main_pid(SERVICE, user=uid)) for uid in CROWD]
        tap.note(f"{type(self).__name__}: RSS of {len(sizes)} instances in KB: {sizes}")
        self.machine.systemctl("stop", *(f"user@{uid}.service" for uid in CROWD))

    # Its sandbox

    def test_sandbox(self):
        if self.sanitized:
            self.skipTest("a sanitizer loosens it")
        row = next(row for row in self.json("list", SERVICE))
        score = [tenths for version, tenths in SCORES if self.machine.systemd_version() >= version][-1]
        self.assertEqual(row["exposure"], f"{score // 10}.{score % 10}")
        pid = self.machine.main_pid(SERVICE, user=True)
        for name in NAMESPACES:
            self.assertNotEqual(os.readlink(f"/proc/{pid}/ns/{name}"),
                                os.readlink(f"/proc/{self.machine.leader}/ns/{name}"), name)
        with open(f"/proc/{pid}/status") as file:
            status = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))

    def test_no_user_namespaces(self):
        """Where users get none, the drop-in of the manual page lets it start."""
        uid, path = OTHER, f"/etc/systemd/system/user@{OTHER}.service.d/50-test.conf"
        self.addCleanup(self.machine.systemctl, "restart", f"user@{uid}.service")
        self.addCleanup(self.machine.systemctl, "daemon-reload")
        self.addCleanup(self.machine.remove, path)
        self.machine.write(path, "[Service]\nRestrictNamespaces=~user\n")
        self.machine.systemctl("daemon-reload")
        self.machine.systemctl("restart", f"user@{uid}.service")
        self.assertNotEqual(self.user_systemctl("start", SERVICE, user=uid, check=False).returncode, 0)
        self.assertIn("217", self.show("ExecMainStatus", uid))
        drop_in = self.write_unit(f"{SERVICE}.d/no-namespaces.conf", NO_NAMESPACES, uid)
        self.addCleanup(self.machine.remove, drop_in)
        self.user_systemctl("daemon-reload", user=uid)
        self.user_systemctl("reset-failed", SERVICE, user=uid, check=False)
        self.user_systemctl("start", SERVICE, user=uid)
        self.assertIn(SERVICE, self.ctl("list", user=uid).stdout)


def resident(pid):
    """Kilobytes."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


globals().update(case.for_each_tree(User))
del User

if __name__ == "__main__":
    raise SystemExit(tap.main())
