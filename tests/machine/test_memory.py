#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nothing that was told is lost, whatever happens to the process or its database."""

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import tempfile
import threading
import time

import bus
import case
import generate
import tap
from machine import remount_writable

ETC = "/etc/systemd/system"
FOLDER = "/var/lib/exposured"
DATABASE = f"{FOLDER}/exposured.db"
MANAGER = bus.Exposured.MANAGER
# Of the host's own release, and of each other one.
KILLS = int(os.environ.get("EXPOSURED_KILLS", "200"))
KILLS_ELSEWHERE = int(os.environ.get("EXPOSURED_KILLS", "40"))
SECONDS = 60
UNITS = 12
UNIT_TEXT = """[Unit]
ConditionPathExists=/nonexistent
[Service]
ExecStart=/bin/sleep infinity
PrivateTmp=yes
ProtectHome=yes
ProtectSystem=strict
"""


class Listener(threading.Thread):
    """Collects the events of the daemon, over all its lives."""

    def __init__(self, connection):
        super().__init__(daemon=True)
        self.bus, self.ended = connection, threading.Event()
        self.told = []
        self.bus.match(f"type='signal',interface='{MANAGER}',path='{bus.Exposured.PATH}'")

    def run(self):
        while not self.ended.is_set():
            for message in self.bus.collect(0.1):
                if message.fields.get(bus.INTERFACE) == MANAGER:
                    self.told.append((message.body[0], message.fields[bus.MEMBER], message.body[2], message.body[3]))

    def stop(self):
        self.ended.set()
        self.join()


class Stream(threading.Thread):
    """Weakens units, mends them and accepts them, one after the other, whatever becomes of the daemon meanwhile."""

    def __init__(self, test, seed):
        super().__init__(daemon=True)
        self.test, self.rng, self.ended = test, random.Random(seed), threading.Event()
        self.weak = dict.fromkeys((f"unit{number}.service" for number in range(UNITS)), False)
        self.accepted = []      # ids, as answered
        self.answered = threading.Event()       # just now: a good moment to kill
        self.n_changes, self.n_asked, self.problem = 0, 0, None

    def accept(self, unit):
        """No answer says nothing: it was killed before or after."""
        self.n_asked += 1
        try:
            with self.test.open_bus() as connection:
                self.accepted.append(bus.Exposured(connection).call("Accept", "sst", unit, "as it is", 0)[0])
            if self.rng.random() < 0.5:
                self.answered.set()
        except (bus.BusError, OSError):
            pass

    def change(self, unit):
        self.weak[unit] = not self.weak[unit]
        self.n_changes += 1
        self.test.change(unit.removesuffix(".service"), "PrivateTmp=no" if self.weak[unit] else "")

    def run(self):
        try:
            while not self.ended.is_set():
                unit = self.rng.choice(sorted(self.weak))
                if self.weak[unit] and self.rng.random() < 0.5:
                    self.accept(unit)
                    continue
                self.change(unit)
                self.ended.wait(self.rng.random() * 0.4)
        except Exception as problem:    # pylint: disable=broad-except
            self.problem = problem

    def stop(self):
        self.ended.set()
        self.join()
        if self.problem:
            raise self.problem


class Memory(case.MachineCase):
    @classmethod
    def prepare(cls):
        machine = cls.machine
        cls.seed = generate.random_seed()
        cls.rng = random.Random(cls.seed)
        cls.kills = KILLS if cls.tree == "/" else KILLS_ELSEWHERE
        tap.note(f"{cls.__name__}: EXPOSURED_SEED={cls.seed}")
        machine.write("/etc/exposured.conf.d/10-test.conf", "[Exposure]\nSettleSec=200ms\n")
        machine.write(f"{ETC}/exposured.service.d/10-test.conf",
                      "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=50ms\n")
        for number in range(UNITS):
            machine.write(f"{ETC}/unit{number}.service", UNIT_TEXT)
        machine.write(f"{ETC}/units.target", "[Unit]\n" + "".join(f"Wants=unit{n}.service\n" for n in range(UNITS)))
        machine.systemctl("daemon-reload")
        machine.systemctl("start", "units.target", "polkit.service")
        machine.systemctl("start", "exposured.service")
        cls.await_rows("baseline")

    def setUp(self):
        """Every test finds it running, with its database."""
        self.machine.systemctl("start", "exposured.service")
        self.await_rows("baseline")

    # What tests are made of

    @classmethod
    def sql(cls, text, *arguments):
        """Asks a copy, so that the daemon's own is not touched."""
        with tempfile.TemporaryDirectory() as folder:
            for suffix in ("", "-wal"):
                if os.path.exists(cls.machine.root + DATABASE + suffix):
                    shutil.copyfile(cls.machine.root + DATABASE + suffix, f"{folder}/copy.db{suffix}")
            with sqlite3.connect(f"{folder}/copy.db") as connection:
                return connection.execute(text, arguments).fetchall()

    @classmethod
    def await_true(cls, what, condition):
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                if condition():
                    return
            except (sqlite3.Error, FileNotFoundError, bus.BusError):
                pass
            time.sleep(0.05)
        raise AssertionError(f"not in {SECONDS} s: {what}\n{cls.machine.journal('exposured.service')[-3000:]}")

    @classmethod
    def await_rows(cls, table):
        cls.await_true(f"rows of {table}", lambda: cls.sql(f"SELECT count(*) FROM {table}")[0][0] > 0)

    def change(self, unit, text):
        path = f"{ETC}/{unit}.service.d/50-test.conf"
        if text:
            self.machine.write(path, f"[Service]\n{text}\n")
        else:
            self.machine.remove(path)
        self.machine.systemctl("daemon-reload")

    def status(self, name):
        with self.open_bus() as connection:
            return bus.Exposured(connection).get(name)

    def regressed(self):
        with self.open_bus() as connection:
            return {row[2] for row in bus.Exposured(connection).call("ListRegressions")[0]}

    def history(self):
        with self.open_bus() as connection:
            return bus.Exposured(connection).call("GetHistory", "ssu", "", "", 0)[0]

    def restart(self):
        self.machine.systemctl("restart", "exposured.service")

    def stop(self):
        self.machine.systemctl("stop", "exposured.service")

    # Tests

    def kill_once(self, stream):
        """At a random moment of its life, or right after an answer; returns whether there was one to kill."""
        deadline = time.monotonic() + SECONDS
        while not (pid := self.machine.main_pid("exposured.service")):
            self.assertLess(time.monotonic(), deadline, "it is not started again")
        stream.answered.clear()
        stream.answered.wait(self.rng.random() * 0.5)
        try:
            self.machine.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def assert_sound(self):
        # A copy that was made while it wrote may be torn, but not twice.
        verdicts = [self.sql("PRAGMA integrity_check") for _ in range(2)]
        self.assertIn([("ok",)], verdicts)

    def assert_each_once(self, rows, weak):
        """What happened to each unit: it got weaker, maybe that was accepted, it got better, it got weaker ..."""
        words = {unit: [] for unit in weak}
        for row in reversed(rows):
            if row[3] in words:
                self.assertEqual(row[4], [row[3]])
                words[row[3]].append(row[1])
        follows = {"regressed": {"accepted", "improved"}, "accepted": {"improved"}, "improved": {"regressed"}}
        for unit, told in words.items():
            for before, after in zip(["improved", *told], told):
                self.assertIn(after, follows[before], (unit, told))
            self.assertEqual(bool(told) and told[-1] != "improved", weak[unit], (unit, told))
        return {unit for unit, told in words.items() if told and told[-1] == "regressed"}

    def test_kill(self):
        listener = Listener(self.open_bus())
        self.addCleanup(listener.bus.close)
        listener.start()
        self.addCleanup(listener.stop)
        earlier, files = {row[0] for row in self.history()}, set(os.listdir(self.machine.root + FOLDER))
        stream = Stream(self, self.seed)
        self.addCleanup(stream.ended.set)
        stream.start()
        kills = 0
        while kills < self.kills:
            kills += self.kill_once(stream)
            self.assert_sound()
        stream.stop()
        weak = {unit for unit, is_weak in stream.weak.items() if is_weak}
        self.await_true("all of it to be told", lambda: self.is_told(weak))
        time.sleep(1)
        listener.stop()
        rows = [row for row in self.history() if row[0] not in earlier]
        self.assertLess(len(rows), 1000, "the history is longer than an answer")
        history = [row[0] for row in rows]
        self.assertEqual(len(history), len(set(history)))
        self.assertEqual(self.assert_each_once(rows, stream.weak), self.regressed())
        self.assertEqual([accepted for accepted in stream.accepted if history.count(accepted) != 1], [],
                         "answered, and not kept")
        told = [event[0] for event in listener.told]
        self.assertEqual(set(told) - set(history), set())
        self.assertEqual(set(history) - set(told), set(), "never told")
        self.assertEqual({name for name in os.listdir(self.machine.root + FOLDER) if "aside" in name} - files, set())
        tap.note(f"{type(self).__name__}: {kills} kills, {stream.n_changes} changes, {len(history)} events; of "
                 f"{stream.n_asked} acceptances {len(stream.accepted)} were answered; {len(told) - len(set(told))} told "
                 "again after a kill between telling and noting it")
        for unit in stream.weak:
            self.change(unit.removesuffix(".service"), "")
        self.await_true("no regression", lambda: not self.regressed())

    def is_told(self, weak):
        """Whether the state told last is the present one for each unit, and all was told."""
        last = {}
        for row in self.history():
            last.setdefault(row[3], row[1])
        return {unit for unit, word in last.items() if word in ("regressed", "accepted")} == weak and \
            self.sql("SELECT count(*) FROM event WHERE announced = 0")[0][0] == 0

    def break_database(self, breaker, complaint):
        """Breaks it while the daemon is down; it must go on, keep the broken file as it is, and say so."""
        self.stop()
        before = set(os.listdir(self.machine.root + FOLDER))
        breaker(self.machine.root + DATABASE)
        with open(self.machine.root + DATABASE, "rb") as file:
            broken = file.read()
        self.machine.systemctl("start", "exposured.service")
        self.await_rows("baseline")
        new = {name for name in os.listdir(self.machine.root + FOLDER) if "aside" in name} - before
        kept = min(new, key=len)
        with open(f"{self.machine.root}{FOLDER}/{kept}", "rb") as file:
            self.assertEqual(file.read(), broken)
        self.await_true("a word of it", lambda: f"could not be used and is kept as {FOLDER}/{kept};" in self.status("Status"))
        self.assertFalse(self.status("Healthy"))
        self.assertIn(f"{complaint}; it is kept as {FOLDER}/{kept}, a new one is made.", self.machine.journal("exposured.service"))

    def assert_remembers(self):
        self.change("unit1", "ProtectHome=no")
        self.await_true("a regression", lambda: "unit1.service" in self.regressed())
        self.await_true("its row", lambda: self.sql("SELECT count(*) FROM regression")[0][0] == len(self.regressed()))
        self.restart()
        self.assertIn("unit1.service", self.regressed())
        self.change("unit1", "")
        self.await_true("its end", lambda: not self.regressed())
        self.assertEqual((self.status("Status"), self.status("Healthy")), ("", True))

    def test_garbage(self):
        def garbage(path):
            with open(path, "wb") as file:
                file.write(b"this is no database" * 1000)
        self.break_database(garbage, "The database was damaged or not ours")
        self.assert_remembers()

    def test_truncated(self):
        def truncate(path):
            os.truncate(path, os.stat(path).st_size // 2 + 100)
        self.break_database(truncate, "The database was damaged or not ours")
        self.assert_remembers()

    def test_foreign(self):
        def foreign(path):
            os.unlink(path)
            with sqlite3.connect(path) as connection:
                connection.execute("CREATE TABLE mine (text TEXT)")
        self.break_database(foreign, "The database was damaged or not ours")
        self.assert_remembers()

    def test_newer_schema(self):
        def newer(path):
            with sqlite3.connect(path) as connection:
                connection.execute("PRAGMA user_version = 1000")
        self.break_database(newer, "The database is of a newer version")
        self.assert_remembers()

    def test_planted_link(self):
        victim = self.machine.root + "/etc/victim"
        with open(victim, "w") as file:
            file.write("precious")
        self.stop()
        for suffix in ("-wal", "-shm", ""):
            if os.path.lexists(self.machine.root + DATABASE + suffix):
                os.unlink(self.machine.root + DATABASE + suffix)
        os.symlink("/etc/victim", self.machine.root + DATABASE)
        self.machine.systemctl("start", "exposured.service")
        self.await_true("a complaint", lambda: "database" in self.status("Status"))
        self.assertFalse(self.status("Healthy"))
        with open(victim) as file:
            self.assertEqual(file.read(), "precious")
        self.change("unit2", "ProtectHome=no")
        self.await_true("a regression from memory", lambda: "unit2.service" in self.regressed())
        os.unlink(self.machine.root + DATABASE)
        self.await_true("recovery without help", lambda: self.status("Healthy"))
        self.await_true("what was told meanwhile", lambda: self.sql("SELECT count(*) FROM regression")[0][0] == len(self.regressed()))
        self.change("unit2", "")
        self.await_true("its end", lambda: not self.regressed())

    def test_taken_away(self):
        """The file goes while the daemon runs."""
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.machine.root + DATABASE + suffix)
        self.change("unit3", "ProtectHome=no")
        self.await_true("a regression", lambda: "unit3.service" in self.regressed())
        self.await_true("its row in a new file", lambda: self.sql("SELECT count(*) FROM regression")[0][0] == len(self.regressed()))
        self.change("unit3", "")
        self.await_true("its end", lambda: not self.regressed())

    def small_disk(self):
        """A disk of its own for the state, that can be full or read-only for all who see it."""
        self.stop()
        self.machine.run("mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", FOLDER)
        self.addCleanup(self.machine.run, "umount", FOLDER)
        self.addCleanup(self.stop)
        self.machine.run("chown", "exposured:", FOLDER)
        self.machine.systemctl("start", "exposured.service")
        connection = self.open_bus()
        self.addCleanup(connection.close)
        daemon = bus.Exposured(connection)
        self.await_true("a healthy start", lambda: daemon.get("Healthy"))
        self.await_true("first baselines", lambda: self.machine.run(
            "sh", "-c", f"test $(stat -c %s {DATABASE}-wal) -gt 100000", check=False).returncode == 0)
        return daemon

    def weaken_without_disk(self, daemon):
        self.change("unit4", "ProtectHome=no\nPrivateTmp=no")
        self.await_true("a regression from memory", lambda: "unit4.service" in self.regressed())
        self.await_true("a complaint", lambda: "database" in daemon.get("Status"))
        self.assertFalse(daemon.get("Healthy"))

    def mend_with_disk(self, daemon):
        self.await_true("recovery without help", lambda: daemon.get("Healthy"))
        self.assertEqual([row[1] for row in self.history() if row[3] == "unit4.service"], ["regressed"])
        self.restart()
        self.assertEqual(self.regressed(), {"unit4.service"})
        self.change("unit4", "")
        self.await_true("its end", lambda: not self.regressed())

    def test_read_only_disk(self):
        daemon = self.small_disk()
        self.stop()
        self.machine.run("mount", "-o", "remount,ro", FOLDER)
        self.machine.systemctl("start", "exposured.service")
        self.weaken_without_disk(daemon)
        self.machine.run("mount", "-o", "remount,rw", FOLDER)
        # The sandbox of the service has taken the mount over as it was.
        remount_writable(self.machine.main_pid("exposured.service"), FOLDER)
        self.mend_with_disk(daemon)

    def test_full_disk(self):
        daemon = self.small_disk()
        self.machine.run("dd", "if=/dev/zero", f"of={FOLDER}/filler", "bs=4k", check=False)
        self.weaken_without_disk(daemon)
        self.machine.run("rm", f"{FOLDER}/filler")
        self.mend_with_disk(daemon)


globals().update(case.for_each_tree(Memory))
del Memory

if __name__ == "__main__":
    raise SystemExit(tap.main())
