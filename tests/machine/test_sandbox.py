#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sandbox of the service as it is shipped: its score, what the running process has of it, and that everything
works inside."""

import glob
import json
import os
import re
import signal

import bus
import case
import machine as machines
import tap

UNIT = "exposured.service"
SHIPPED = f"/usr/lib/systemd/system/{UNIT}"
UNITS_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "units")
ETC, RUN = "/etc/systemd/system", "/run/systemd/system"
SANITIZER = f"{ETC}/{UNIT}.d/90-sanitizer.conf"
POLICY = "/etc/systemd/systemd-analyze-security.policy"
RULES = "/etc/polkit-1/rules.d/10-test.rules"
REGRESSED = "9df585e1135e45d3a6a6ede6f2ca507d"
# A start of the daemon takes a while under sanitizers on a busy host.
WATCHDOG = 10
SECONDS = 60

VICTIM = """[Unit]
ConditionPathExists=/nonexistent
[Service]
ExecStart=/bin/sleep infinity
PrivateTmp=yes
ProtectHome=yes
IPAddressDeny=any
"""

# Setting of the unit, and the namespace that it gives. Others are systemd's own.
NAMESPACES = {"PrivateMounts": "mnt", "PrivateNetwork": "net", "PrivateUsers": "user", "PrivateIPC": "ipc",
              "ProtectHostname": "uts"}
SHARED_NAMESPACES = {"cgroup", "pid", "time"}

# Where something can be written, and what can be executed. What is mounted below /sys and /proc is the kernel's.
WRITABLE = {"/proc", "/tmp", "/var/tmp", "/var/lib/exposured", "/dev/pts", "/dev/mqueue"}
EXECUTABLE = {"/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/usr/libexec/exposured", "/bin/kill"}
# systemd's own, for mounts into a running service and for notifications: read-only, no programs.
OF_SYSTEMD = ("/run/systemd/incoming", "/run/systemd/notify", "/run/host/")
NEEDED = ("/etc", "/usr", "/run/dbus", "/run/systemd")


class SandboxCase(case.MachineCase):
    """Machines with victims to weaken; every test finds the daemon running."""

    victims = ("plain",)

    @classmethod
    def prepare(cls):
        machine = cls.machine
        cls.install_newer()
        machine.write("/etc/exposured.conf.d/10-test.conf", "[Exposure]\nSettleSec=100ms\n")
        machine.write(f"{ETC}/{UNIT}.d/10-test.conf", "[Unit]\nStartLimitIntervalSec=0\n")
        for name in cls.victims:
            machine.write(f"{ETC}/{name}.service", VICTIM)
        machine.write(f"{ETC}/victims.target", "[Unit]\n" + "".join(f"Wants={name}.service\n" for name in cls.victims))
        machine.systemctl("daemon-reload")
        machine.systemctl("start", "victims.target", "polkit.service", UNIT)
        cls.await_history("ready", lambda rows: cls.remembers(cls.victims[-1]))

    @classmethod
    def install_newer(cls):
        """For sub-classes: settings beyond those that all releases know."""

    def setUp(self):
        self.machine.systemctl("start", UNIT)

    @classmethod
    def ask(cls, member, *arguments):
        """By a connection of its own: the bus may have been restarted."""
        with cls.open_bus() as connection:
            return bus.Exposured(connection).call(member, *arguments)

    @classmethod
    def get(cls, name):
        with cls.open_bus() as connection:
            return bus.Exposured(connection).get(name)

    @classmethod
    def remembers(cls, name):
        try:
            path, = cls.ask("GetUnit", "s", f"{name}.service")
            with cls.open_bus() as connection:
                return connection.get(bus.Exposured.NAME, path, bus.Exposured.UNIT, "Baseline") >= 0
        except bus.BusError:
            return False

    @classmethod
    def await_history(cls, what, condition, seconds=SECONDS):
        def holds():
            try:
                rows, = cls.ask("GetHistory", "ssu", "", "", 0)
            except (bus.BusError, OSError, EOFError):
                return None
            return condition(rows)
        try:
            return case.await_true(holds, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{cls.machine.journal(UNIT)[-3000:]}") from None

    def await_event(self, event, unit, path):
        """The causes of the event of that unit that has the path among its causes: path, word, time, lines."""
        def find(rows):
            for row in rows:
                if row[1] == event and row[3] == unit and any(path == cause[0] for cause in row[8]):
                    return row
            return None
        return self.await_history(f"{event} of {unit} by {path}", find)

    def show(self, name):
        return self.machine.output("systemctl", "show", "-P", name, UNIT).strip()

    def pid(self):
        pid = self.machine.main_pid(UNIT)
        self.assertGreater(pid, 0)
        return pid

    def reload(self):
        self.machine.systemctl("daemon-reload")

    def entries(self, *arguments):
        """Of the journal, with their fields."""
        self.machine.run("journalctl", "--sync", check=False)
        text = self.machine.output("journalctl", "-o", "json", "--no-pager", *arguments, check=False)
        return [json.loads(line) for line in text.splitlines()]

    def without_sanitizer(self):
        """The unit as it is shipped, for those who look at its settings; the process stays as it is."""
        if os.path.exists(self.machine.path(SANITIZER)):
            with open(self.machine.path(SANITIZER)) as file:
                text = file.read()
            self.machine.remove(SANITIZER)
            self.addCleanup(self.reload)
            self.addCleanup(self.machine.write, SANITIZER, text)
            self.reload()


class Shipped(SandboxCase):
    victims = ("weak", "fragment", "runtime", "persistent", "accepted", "kept", "linked", "unseen", "drop", "told",
               "journal")

    @classmethod
    def install_newer(cls):
        """What a build on this release would install; the plain unit is tested elsewhere."""
        version = cls.machine.systemd_version()
        for path in glob.glob(os.path.join(UNITS_FOLDER, "systemd-*.conf")):
            name = os.path.basename(path)
            if int(re.search(r"\d+", name)[0]) <= version:
                with open(path) as file:
                    cls.machine.write(f"{SHIPPED}.d/50-{name}", file.read())

    # What can be seen from outside

    def test_live(self):
        self.without_sanitizer()
        said = self.machine.output("systemd-analyze", "security", "--no-pager", UNIT)
        self.assertRegex(said, rf"Overall exposure level for {UNIT}: 0\.1 SAFE")
        path, = self.ask("GetUnit", "s", UNIT)

        def exposure():
            with self.open_bus() as connection:
                get = [connection.get(bus.Exposured.NAME, path, bus.Exposured.UNIT, name)
                       for name in ("Exposure", "Predicate")]
            return get == [0.1, "SAFE"]
        case.await_true(exposure, "score of its own")

    def test_offline(self):
        """The number is a limit of ten times the exposure."""
        self.without_sanitizer()
        self.machine.run("systemd-analyze", "security", "--offline=true", "--threshold=1", "--no-pager", SHIPPED)
        beyond = self.machine.run("systemd-analyze", "security", "--offline=true", "--threshold=0", "--no-pager",
                                  SHIPPED, check=False)
        self.assertEqual(beyond.returncode, 1, beyond.stdout)

    def test_nothing_to_complain_about(self):
        said = self.machine.run("systemd-analyze", "verify", "--man=no", SHIPPED)
        self.assertEqual((said.stdout, said.stderr), ("", ""))
        warnings = [entry["MESSAGE"] for entry in self.entries("-p", "warning", "_PID=1")
                    if any(UNIT in entry.get(field, "") for field in ("MESSAGE", "UNIT", "CONFIG_FILE"))]
        # "systemctl show" makes systemd read limits of a controller that a container has not.
        warnings = [text for text in warnings if not re.search("Failed to read .* for control group", text)]
        self.assertEqual(warnings, [])

    def test_newer_settings(self):
        known = {"PrivateTmpEx": (257, "disconnected"), "ProtectControlGroupsEx": (257, "strict"),
                 "PrivateBPF": (258, "yes")}
        for name, (version, value) in known.items():
            self.assertEqual(self.show(name), value if self.machine.systemd_version() >= version else "", name)

    def test_what_must_be_there(self):
        """Other architectures have no /lib64, others no merged /usr: all else may be missing."""
        with open(self.machine.path(SHIPPED)) as file:
            paths = re.findall(r"^(?:BindReadOnly|NoExec|Exec|ReadOnly|Inaccessible)Paths=(.*)$", file.read(), re.M)
        words = [word.removeprefix("+").split(":")[0] for line in paths for word in line.split() if word[0] != "-"]
        own = {"/", "/tmp", "/var/tmp", "/usr/lib", "/usr/libexec/exposured", "/var/lib/exposured"}
        self.assertEqual(set(words), own | set(NEEDED))

    def test_process(self):
        with open(f"/proc/{self.pid()}/status") as status:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in status)
        for key in ("Uid", "Gid"):
            self.assertNotIn("0", fields[key].split(), key)
        self.assertEqual(set(fields["Groups"].split()) - {fields["Gid"].split()[0]}, set())
        for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(fields[key], 16), 0, key)
        self.assertEqual((fields["NoNewPrivs"], fields["Seccomp"]), ("1", "2"))
        self.assertEqual(fields["Umask"], "0077")

    def test_namespaces(self):
        """In a container a namespace that cannot be had is left out without a word."""
        def link(pid, name):
            return os.readlink(f"/proc/{pid}/ns/{name}")
        pid, ours = self.pid(), self.machine.leader
        for setting, name in NAMESPACES.items():
            self.assertEqual(self.show(setting), "yes", setting)
            self.assertNotEqual(link(pid, name), link(ours, name), setting)
        own = {"cgroup"} if self.show("ProtectControlGroupsEx") == "strict" else set()
        for name in own:
            self.assertNotEqual(link(pid, name), link(ours, name), name)
        for name in SHARED_NAMESPACES - own:
            self.assertEqual(link(pid, name), link(ours, name), name)

    def test_limits(self):
        with open(f"/proc/{self.pid()}/limits") as limits:
            rows = [re.split(r"  +", line.strip()) for line in limits]
        self.assertIn(["0", "0"], [row[1:3] for row in rows if row[0] == "Max core file size"])
        self.assertEqual(self.show("TasksMax"), "4")
        with open(os.path.join(f"/proc/{self.pid()}", "status")) as status:
            threads = next(int(line.split()[1]) for line in status if line.startswith("Threads:"))
        self.assertLessEqual(threads, 4)

    def mounts(self):
        """Path to options, of the topmost mount at each path."""
        with open(f"/proc/{self.pid()}/mountinfo") as mounts:
            rows = [line.split() for line in mounts]
        return {row[4]: set(row[5].split(",")) for row in rows
                if not row[4].startswith(("/sys/", "/proc/"))}

    def test_mounts(self):
        mounts = self.mounts()
        for path in NEEDED:
            self.assertIn(path, mounts)
        self.assertEqual({path for path, options in mounts.items() if "rw" in options} - WRITABLE, set())
        programs = {path for path, options in mounts.items() if "noexec" not in options}
        self.assertEqual({path for path in programs - EXECUTABLE if not path.startswith(OF_SYSTEMD)}, set())
        for path, options in mounts.items():
            self.assertIn("nosuid", options, path)

    def test_nothing_else_is_in_sight(self):
        root = f"/proc/{self.pid()}/root"
        self.assertLessEqual(set(os.listdir(f"{root}/run")), {"dbus", "host", "systemd"})
        for path in ("/boot", "/home", "/mnt", "/media", "/sbin", "/var/log", "/var/cache"):
            self.assertFalse(os.path.exists(root + path), path)
        for path in ("/dev/shm", "/root"):
            self.assertEqual(os.stat(root + path).st_mode & 0o777, 0, path)

    def test_programs_do_not_run(self):
        """Not even as root, who would have to enter the sandbox for that."""
        inner = self.show("MainPID")
        for program in ("/bin/sh", "/usr/bin/env"):
            done = self.machine.run("nsenter", "-t", inner, "-m", program, check=False)
            self.assertEqual(done.returncode, 126, done)
            self.assertIn("Permission denied", done.stderr)

    def test_without_what_may_be_missing(self):
        """The root of the service is on a read-only file system, and neither /opt, /srv nor /usr/local is there."""
        machine = self.machine
        machine.systemctl("stop", UNIT)
        # systemd sees what is mounted here.
        machine.run("mount", "--bind", "/usr", "/usr")
        self.addCleanup(machine.run, "umount", "-l", "/usr")
        machine.run("rm", "-rf", "/opt", "/srv", "/usr/local")
        machine.run("mount", "-o", "remount,ro,bind", "/usr")
        self.addCleanup(machine.run, "mount", "-o", "remount,rw,bind", "/usr")
        self.addCleanup(machine.systemctl, "stop", UNIT)
        machine.systemctl("start", UNIT)
        self.assertEqual(self.get("Status"), "")

    # End to end: everything that a wall could be in the way of

    def test_name_status_and_store(self):
        with self.open_bus() as connection:
            owner, = connection.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                     "GetConnectionUnixProcessID", "s", bus.Exposured.NAME)
        self.assertEqual(str(owner), self.show("MainPID"))
        self.assertRegex(self.show("StatusText"), r"^\d+ units, \d+ regressed\.")
        path = self.weaken("kept", f"{ETC}/kept.service.d/50-test.conf")
        first = self.await_event("regressed", "kept.service", path)
        self.machine.systemctl("restart", UNIT)
        self.assertEqual(self.await_event("regressed", "kept.service", path), first)
        self.assertIn("kept.service", [row[2] for row in self.ask("ListRegressions")[0]])

    def weaken(self, name, path, line="PrivateTmp=no"):
        self.machine.write(path, f"[Service]\n{line}\n")
        self.reload()
        return path

    def test_journal(self):
        """The entry arrives with all its fields, also after the journal's sockets are others."""
        path = self.weaken("told", f"{ETC}/told.service.d/50-test.conf")
        row = self.await_event("regressed", "told.service", path)
        entry, = self.entries(f"EXPOSURED_ID={row[0]}")
        expected = {"MESSAGE_ID": REGRESSED, "PRIORITY": "4", "EXPOSURED_EVENT": "regressed",
                    "EXPOSURED_UNIT": "told.service", "EXPOSURED_CHECK": "PrivateTmp", "EXPOSURED_CAUSE": path,
                    "EXPOSURED_UNIT_COUNT": "1", "EXPOSURED_UNITS": "told.service", "_SYSTEMD_UNIT": UNIT,
                    "SYSLOG_IDENTIFIER": "exposured"}
        self.assertEqual({key: entry.get(key) for key in expected}, expected)
        sockets = ("systemd-journald.socket", "systemd-journald-dev-log.socket")
        self.machine.systemctl("stop", "systemd-journald.service", *sockets)
        self.machine.systemctl("start", *sockets)
        path = self.weaken("journal", f"{ETC}/journal.service.d/50-test.conf")
        row = self.await_event("regressed", "journal.service", path)
        # The new journald may not be up yet, nor asked to write.
        entry, = case.await_true(lambda: self.entries(f"EXPOSURED_ID={row[0]}"), "entry by the new sockets", SECONDS)
        self.assertEqual(entry["EXPOSURED_CAUSE"], path)

    def test_causes(self):
        """With the lines that differ: a drop-in in /etc, one in /run, the fragment."""
        for name, path in (("weak", f"{ETC}/weak.service.d/50-test.conf"), ("drop", f"{RUN}/drop.service.d/a.conf")):
            self.weaken(name, path)
            cause, = self.await_event("regressed", f"{name}.service", path)[8]
            self.assertEqual((cause[1], cause[3]), ("created", ["+PrivateTmp=no"]))
        path = f"{ETC}/fragment.service"
        self.machine.write(path, VICTIM.replace("ProtectHome=yes\n", ""))
        self.reload()
        cause, = self.await_event("regressed", "fragment.service", path)[8]
        self.assertEqual((cause[1], cause[3]), ("changed", ["-ProtectHome=yes"]))

    def test_links(self):
        """A unit that is linked from /srv is read, what is linked from elsewhere is named."""
        for name, folder, lines in (("linked", "/srv/units", ["-ProtectHome=yes"]), ("unseen", "/home/units", [])):
            link = f"{ETC}/{name}.service"
            self.machine.write(f"{folder}/{name}.service", VICTIM.replace("ProtectHome=yes\n", ""))
            self.machine.link(link, f"{folder}/{name}.service")
            self.reload()
            row = self.await_event("regressed", f"{name}.service", link)
            cause, = row[8]
            self.assertEqual((cause[1], cause[3]), ("relinked", lines), row)
            self.machine.write(f"{folder}/{name}.service", VICTIM)
            self.reload()
            cause, = self.await_event("improved", f"{name}.service", link)[8]
            self.assertEqual((cause[1], cause[3]), ("changed", [line.replace("-", "+") for line in lines]))

    def test_properties(self):
        """systemd makes the folders of both kinds when they are needed, and tells nobody."""
        for name, arguments, folder in (("persistent", (), "/etc/systemd/system.control"),
                                        ("runtime", ("--runtime",), "/run/systemd/system.control")):
            self.machine.remove(folder)
            self.machine.systemctl("set-property", *arguments, f"{name}.service", "IPAddressAllow=10.0.0.0/8")
            row = self.await_history(f"property of {name}", lambda rows: next(
                (row for row in rows if (row[1], row[3]) == ("regressed", f"{name}.service")), None))
            cause, = row[8]
            self.assertTrue(cause[0].startswith(f"{folder}/{name}.service.d/"), row)
            self.assertEqual(cause[1], "property")
            self.assertIn("+IPAddressAllow=10.0.0.0/8", cause[3])

    def test_acceptance(self):
        """polkit decides: by its defaults no, by a rule of the administrator yes."""
        self.machine.remove(RULES)
        path = self.weaken("accepted", f"{ETC}/accepted.service.d/50-test.conf")
        self.await_event("regressed", "accepted.service", path)
        refused = self.accept()
        self.assertEqual(refused.returncode, 1, refused)
        self.assertIn("accepted.service", [row[2] for row in self.ask("ListRegressions")[0]])
        self.machine.write(RULES, 'polkit.addRule(function(action, subject) {\n'
                           '  if (action.id == "org.exposured.Exposure1.accept" && subject.user == "tester")\n'
                           '    return polkit.Result.YES;\n});\n')
        self.addCleanup(self.machine.remove, RULES)
        self.machine.systemctl("restart", "polkit.service")
        allowed = self.accept()
        self.assertEqual((allowed.returncode, allowed.stderr), (0, ""))
        self.assertNotIn("accepted.service", [row[2] for row in self.ask("ListRegressions")[0]])
        row = self.await_history("acceptance", lambda rows: next((row for row in rows if row[1] == "accepted"), None))
        self.assertEqual((row[3], row[9], row[10]), ("accepted.service", "known", machines.USER_ID))

    def accept(self):
        return self.machine.run("exposurectl", "accept", "accepted", "--reason=known", check=False, user=True)

    def test_configuration_that_comes_later(self):
        """Made anew, and replaced by a rename; each wrong line is a warning with its place."""
        pid, paths = self.show("MainPID"), ("/etc/exposured.conf", "/etc/exposured.conf.d/20-test.conf")
        for path in paths:
            self.machine.remove(path)
        self.addCleanup(self.machine.systemctl, "reload", UNIT, check=False)
        for number, path in enumerate(paths + paths):
            self.addCleanup(self.machine.remove, path)
            self.machine.write(path, "[Exposure]\n" + "\n" * number + "NoSuchOption=1\n")
            self.machine.systemctl("reload", UNIT)
            place = f"{path}:{number + 2}:"
            case.await_true(lambda: place in self.machine.journal(UNIT), f"warning of {place}", SECONDS)
        self.assertEqual(self.show("MainPID"), pid)

    def test_policy_that_comes_later(self):
        for path in (POLICY, "/run/systemd/systemd-analyze-security.policy"):
            self.addCleanup(self.machine.remove, path)
            self.machine.write(path, '{"PrivateUsers": {"weight": 0}}')
            case.await_true(lambda: self.get("PolicyPath") == path, f"policy {path}", SECONDS)
            self.machine.remove(path)
            case.await_true(lambda: self.get("PolicyPath") == "", f"end of {path}", SECONDS)

    def test_bus_restarted(self):
        """Once the service, once the socket too, which is another one then."""
        pid = self.show("MainPID")
        for units in (("dbus.service",), ("dbus.socket", "dbus.service")):
            self.machine.systemctl("reset-failed", *units, check=False)
            self.machine.systemctl("stop", *units, check=False)
            self.machine.systemctl("start", *reversed(units))
            self.await_history(f"answer after a restart of {units}", lambda rows: True)
            self.assertEqual(self.show("MainPID"), pid)

    def test_telling_systemd(self):
        """After systemd was executed anew, too."""
        self.machine.systemctl("daemon-reexec")
        before = self.show("StatusText")
        name = f"late-{self.machine.systemd_version()}.service"
        self.machine.write(f"{ETC}/{name}", VICTIM.replace("ConditionPathExists=/nonexistent\n", ""))
        self.machine.systemctl("start", name)
        case.await_true(lambda: self.show("StatusText") != before, "another status", SECONDS)

    def test_watchdog(self):
        """A process that does not answer is replaced."""
        path = f"{ETC}/{UNIT}.d/20-watchdog.conf"
        self.addCleanup(self.machine.systemctl, "restart", UNIT)
        self.addCleanup(self.reload)
        self.addCleanup(self.machine.remove, path)
        self.machine.write(path, f"[Service]\nWatchdogSec={WATCHDOG}s\nTimeoutAbortSec=1s\n")
        self.reload()
        self.machine.systemctl("restart", UNIT)
        stopped = self.pid()
        self.machine.kill(stopped, signal.SIGSTOP)
        case.await_true(lambda: self.machine.main_pid(UNIT) not in (0, stopped), "another process", SECONDS)
        case.await_true(lambda: self.show("ActiveState") == "active", "an active service", SECONDS)
        self.assertGreaterEqual(int(self.show("NRestarts")), 1)
        self.assertIn("Watchdog timeout", "\n".join(
            entry["MESSAGE"] for entry in self.entries("_PID=1", f"UNIT={UNIT}")))
        self.await_history("answer", lambda rows: True)

    def test_it_tells_when_it_is_weakened_itself(self):
        path = self.weaken("exposured", f"{ETC}/{UNIT}.d/80-weak.conf", "PrivateNetwork=no")
        row = self.await_event("regressed", UNIT, path)
        self.assertEqual(row[7], [("PrivateNetwork", 0, 1)])
        self.machine.remove(path)
        self.reload()
        self.await_event("improved", UNIT, path)


class OtherBroker(SandboxCase):
    """What a message bus has to do with it, on the broker that the tests above do not have."""

    victims = ("kept", "accepted")
    weaken, accept = Shipped.weaken, Shipped.accept
    test_live = Shipped.test_live
    test_name_status_and_store = Shipped.test_name_status_and_store
    test_acceptance = Shipped.test_acceptance
    test_bus_restarted = Shipped.test_bus_restarted


BROKERS = ("dbus-broker", "dbus-daemon")
globals().update(case.for_each_tree(Shipped, BROKERS))
globals().update(case.for_each_tree(OtherBroker, BROKERS[::-1]))
del Shipped, OtherBroker, SandboxCase

if __name__ == "__main__":
    raise SystemExit(tap.main())
