# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of what the daemon remembers share: a daemon with a database, that may end and start again."""

import os
import signal
import sqlite3
import time

from daemoncase import DaemonCase, configure

EVENTS = ("Regressed", "Improved", "Changed", "Accepted", "Appeared", "Gone", "Model")
PLAIN, BETTER = 9.6, 9.1


class Case(DaemonCase):
    def setUp(self):
        configure(SettleSec="0")
        super().setUp()
        self.state = f"{self.bus.folder}/state"
        os.mkdir(self.state)
        self.ears = self.connect()
        for unit in self.units:
            self.protect(unit)

    def protect(self, unit, on=True, setting="PrivateNetwork"):
        self.systemd.set(unit, setting, "b", on)

    def begin(self, **environment):
        self.start(STATE_DIRECTORY=self.state, **environment)

    def stop(self):
        self.assertEqual(self.daemon.end()[0], 0)

    def again(self, **environment):
        self.stop()
        self.begin(**environment)

    def kill(self):
        self.daemon.process.process.send_signal(signal.SIGKILL)
        self.daemon.process.process.wait()

    def expire(self):
        """All acceptances end while the daemon is down. It is there again when that has been kept."""
        self.stop()
        self.sql("UPDATE acceptance SET until = ?", (int(time.time() * 10**6),))
        self.begin()
        self.wait_until(lambda: not self.sql("SELECT * FROM acceptance"))

    def forget(self):
        """What was told until now is of no interest; all of it was told."""
        self.wait_until(lambda: not self.sql("SELECT id FROM event WHERE announced = 0"))
        self.ears.all_signals()

    def assert_told(self, *expected):
        """What was told since the last time: words, and the unit that each is about."""
        told = []

        def hear():
            told.extend((m.member, m.body[2]) for m in self.ears.all_signals() if m.member in EVENTS)
            return len(told) >= len(expected)
        self.wait_until(hear)
        self.heard()
        hear()
        self.assertEqual(sorted(told), sorted(expected))

    def open(self):
        return {unit for row in self.call("ListRegressions")[0] for unit in row[3]}

    def weaken(self, *units):
        for unit in units:
            self.protect(unit, False)
        self.reload()
        self.wait_until(lambda: self.open() >= set(units))

    def write(self, path, text):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def accept(self, unit, seconds=0):
        until = int((time.time() + seconds) * 10**6) if seconds else 0
        return self.call("Accept", "sst", unit, "because", until)[0]

    def history(self, unit=""):
        return [(row[1], row[3]) for row in reversed(self.call("GetHistory", "ssu", unit, "", 0)[0])]

    def sql(self, *statement):
        database = sqlite3.connect(f"{self.state}/exposured.db", timeout=30)
        try:
            with database:
                return database.execute(*statement).fetchall()
        finally:
            database.close()
