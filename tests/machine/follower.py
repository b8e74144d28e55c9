# SPDX-License-Identifier: LGPL-2.1-or-later
"""Follows the daemon's list, so that it can be told when it became what it should be."""

import threading
import time

import bus
import exposures

# How often the daemon is asked for its list.
PERIOD = 0.01
# How long it may be away.
START_SECONDS = 15
# How long its list must have been the same before the peer asks.
QUIET = 0.3


class Follower(threading.Thread):
    """Asks the daemon for its list all the time, and keeps when it changed: [(since, list or None)]."""

    def __init__(self, connect):
        super().__init__(daemon=True)
        self.connect, self.connection = connect, None
        self.seen, self.ended, self.changed = [], threading.Event(), threading.Condition()
        self.raw = self.units = None

    def run(self):
        while not self.ended.wait(PERIOD):
            units = self._ask()
            with self.changed:
                if not self.seen or self.seen[-1][1] != units:
                    self.seen.append((time.monotonic(), units))
                    self.changed.notify_all()
        if self.connection:
            self.connection.close()

    def _ask(self):
        try:
            if not self.connection:
                self.connection = self.connect()
            reply = bus.Exposured(self.connection).ask_units()
            if reply.raw != self.raw:
                self.raw, self.units = reply.raw, bus.Exposured.as_rows(reply)
            return self.units
        except bus.BusError:
            return None
        except OSError:
            self.connection = None
            return None

    def stop(self):
        self.ended.set()
        self.join()

    def when(self, wanted, seconds):
        """Since when wanted(list) is true, waiting for it for some time; None when it is not."""
        with self.changed:
            found = self.changed.wait_for(lambda: self.seen and wanted(self.seen[-1][1]), seconds)
            return self.seen[-1][0] if found else None

    def equal_since(self, wanted, seconds):
        """Since when the list is as wanted, waiting for it for some time; None when it is not."""
        return self.when(lambda units: units == wanted, seconds)

    def await_quiet(self, seconds):
        """Returns when there is a list that has not changed for this time."""
        with self.changed:
            self.changed.wait_for(lambda: self.seen and self.seen[-1][1] is not None, START_SECONDS)
            known = -1
            while known != len(self.seen):
                known = len(self.seen)
                self.changed.wait_for(lambda: len(self.seen) != known, seconds)

    def settle(self, machine, seconds, user=False):
        """Seconds from now until the daemon's list is the peer's. The peer keeps systemd busy while it asks: the daemon
        goes first."""
        start = time.monotonic()
        self.await_quiet(QUIET)
        while True:
            peer = {unit: row[:2] for unit, row in exposures.peer_list(machine, user).items()}
            since = self.equal_since(peer, 2)
            if since is not None:
                return max(0.0, since - start)
            if time.monotonic() - start > seconds:
                found = exposures.differences(peer, self.last())
                raise exposures.NotEqual(f"{len(found)} differences in {len(peer)} units after {seconds} s:\n"
                                         + "\n".join(found[:20]))

    def last(self):
        with self.changed:
            return self.seen[-1][1] or {}

    def forget(self):
        with self.changed:
            del self.seen[:-1]
