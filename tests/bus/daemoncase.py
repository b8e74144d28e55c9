# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the daemon share: the daemon itself, on a bus of its own with a service manager that obeys.

They are called with "daemon" or "broker" (which program the bus is), and the paths of exposured and fake-systemd.
"""

import collections
import contextlib
import os
import queue
import re
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import unittest

import broker
import isolate
from peer import DBUS, PATIENCE, PROPERTIES, BusError, Peer
from privatebus import PrivateBus, Process

SKIPPED = 77
MARKER = "SO-FAR"
# So many messages the daemon handles in one turn of its loop at most; see pump.c.
TURN_MESSAGES = 32
CONFIGURATION = "/run/exposured.conf"
KIND, DAEMON, FAKE = sys.argv[1:4]

NAME, PATH = "org.exposured.Exposure1", "/org/exposured/Exposure1"
MANAGER, UNIT = "org.exposured.Exposure1.Manager", "org.exposured.Exposure1.Unit"
ERROR = "org.exposured.Exposure1.Error."
SYSTEMD = "org.freedesktop.systemd1"


def unit_path(name):
    """The object of a unit, as sd_bus_path_encode() has it."""
    return f"{PATH}/unit/" + re.sub(rb"[^A-Za-z0-9]", lambda m: b"_%02x" % m[0][0], name.encode()).decode()


Call = collections.namedtuple("Call", "member argument unit sender during_reload unloaded")


class Systemd:
    """Orders to the fake manager, and what it saw. See fake-control.c."""

    def __init__(self, bus, *more):
        self.process = Process([FAKE, bus.address, *more])
        assert self.process.out.next() == "ready", self.process.err.rest()
        self.bus = bus
        self.senders = {}
        self.peer = self.connect()

    def connect(self):
        peer = Peer(self.bus.address)
        peer.match("type='signal',interface='org.exposured.Test1'")
        return peer

    def reconnect(self):
        """After a restart of the bus: until the manager is there again."""
        self.peer.close()
        self.peer = self.connect()
        deadline = time.monotonic() + PATIENCE
        while not (self.peer.owner("org.exposured.Test1") and self.peer.owner(SYSTEMD)):
            assert time.monotonic() < deadline, "the manager has not come back"

    def _tell(self, *arguments):
        return self.peer.call("org.exposured.Test1", "/org/exposured/Test1", "org.exposured.Test1", *arguments)

    def load(self, name, load_state="loaded", announce=True):
        self._tell("Load", "ssb", name, load_state, announce)

    def unload(self, name, announce=True):
        self._tell("Unload", "sb", name, announce)

    def write(self, name, load_state="loaded"):
        self._tell("Write", "ss", name, load_state)

    def set(self, unit, name, signature, value, interface="Service"):
        self._tell("Set", "sssv", unit, interface, name, (signature, value))

    def omit(self, unit, name):
        self._tell("Omit", "ss", unit, name)

    def reset(self, unit, name):
        self._tell("Reset", "ss", unit, name)

    def emit(self, member, unit):
        self._tell("Emit", "ss", member, unit)

    def reloading(self, active, tell=True):
        self._tell("Reloading", "bb", active, tell)

    def rule(self, action, member="", unit=""):
        self._tell("Rule", "sss", member, unit, action)

    def slow(self, seconds):
        self._tell("Slow", "t", round(seconds * 10**6))

    def leave(self):
        self._tell("Leave")

    def come_back(self):
        self._tell("Return")

    def version(self, version):
        self._tell("Version", "s", version)

    def calls(self):
        """The calls since forget(); the bus itself has some, too."""
        return [call for row in self._tell("Calls")[0] if not self._is_bus((call := Call(*row)).sender)]

    def _is_bus(self, sender):
        if sender not in self.senders:
            try:
                self.senders[sender] = self.peer.call(*DBUS, "GetConnectionUnixProcessID", "s", sender)[0]
            except BusError:
                self.senders[sender] = 0
        return self.senders[sender] == self.bus.process.pid

    def in_flight(self):
        """Calls that wait now, and the most there were at once."""
        return self._tell("InFlight")

    def forget(self):
        self.peer.all_signals()
        self._tell("Forget")

    def wait_for_call(self, member, argument="", unit=""):
        """Until such a call comes."""
        return self.peer.signal("Called", lambda m: m.body[0] == member and argument in m.body[1] and
                                unit in m.body[2]).body

    def close(self):
        if self.process.process.returncode is not None:
            return
        self.peer.close()
        status = self.process.stop() if self.process.process.poll() is None else self.process.wait()
        complaints = self.process.err.rest()
        self.process.close()
        assert status == 0, complaints


class Daemon:
    """The daemon, and what it tells its manager: that is read beside the test, or it would have to wait."""

    def __init__(self, environment, *arguments, wrapper=()):
        self.folder = tempfile.mkdtemp(prefix="exposured-daemon-")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(f"{self.folder}/notify")
        self.told = queue.Queue()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        os.mkdir(f"{self.folder}/state")
        self.process = Process([*wrapper, DAEMON, *arguments], env={
            "NOTIFY_SOCKET": f"{self.folder}/notify", "STATE_DIRECTORY": f"{self.folder}/state"} | environment)

    def _read(self):
        while text := self.notify.recv(4096):
            self.told.put(text.decode())

    def wait_for(self, text):
        """Until it tells that; returns all it told since the last time."""
        told = []
        while not told or text not in told[-1]:
            try:
                told.append(self.told.get(timeout=PATIENCE))
            except queue.Empty:
                raise AssertionError(f"it told {told}, and not {text}") from None
        return told

    def told_so_far(self):
        # What was sent before that was read, too.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as marker:
            marker.sendto(MARKER.encode(), f"{self.folder}/notify")
        return self.wait_for(MARKER)[:-1]

    def wait_for_line(self, text):
        """Until it writes such a line to its log; returns that."""
        while (line := self.process.err.next()) is not None:
            if text in line:
                return line
        raise AssertionError(f"it ended without a word of {text}")

    def end(self):
        """Asks it to end; returns its exit status and the rest of its log."""
        status = self.process.stop() if self.process.process.poll() is None else self.process.wait()
        return status, self.process.err.rest()

    def close(self):
        self.process.close()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", f"{self.folder}/notify")
        self.thread.join()
        self.notify.close()
        shutil.rmtree(self.folder)


class DaemonCase(unittest.TestCase):
    """A bus and a manager with these units; start() brings the daemon."""

    units = ("a.service", "b.service", "c.service")
    policy = ""
    wrapper = ()        # what starts it, with its command line behind

    def setUp(self):
        self.bus = (broker.PrivateBroker if KIND == "broker" else PrivateBus)(self.policy)
        self.addCleanup(self.bus.close)
        self.systemd = Systemd(self.bus)
        self.addCleanup(self.systemd.close)
        for unit in self.units:
            self.systemd.load(unit, announce=False)
        self.daemon = self.peer = None

    def environment(self, **more):
        return {"PATH": os.environ["PATH"], "HOME": self.bus.folder, "LC_ALL": "C.UTF-8",
                "DBUS_SYSTEM_BUS_ADDRESS": self.bus.address} | {
                    key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")} | more

    def launch(self, *arguments, **environment):
        """Starts a daemon and waits for nothing."""
        daemon = Daemon(self.environment(**environment), *arguments, wrapper=self.wrapper)
        self.addCleanup(self.finish, daemon)
        return daemon

    def finish(self, daemon):
        """It has to end as it should, in every test that does not see to it itself."""
        try:
            if daemon.process.process.poll() is None:
                status, log = daemon.end()
                self.assertEqual(status, 0, log)
        finally:
            daemon.close()

    def start(self, *arguments, **environment):
        """The daemon, ready and quiet; what was asked until then is forgotten."""
        self.peer = self.connect()
        self.daemon = self.launch(*arguments, **environment)
        self.daemon.wait_for("READY=1")
        self.settle()
        self.heard()
        self.systemd.forget()

    def connect(self):
        """A client that hears all the daemon says."""
        peer = Peer(self.bus.address)
        self.addCleanup(peer.close)
        peer.match(f"type='signal',sender='{NAME}'")
        return peer

    @contextlib.contextmanager
    def asleep(self):
        """What comes meanwhile is read before any answer of the bus to a question about it."""
        self.daemon.process.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.daemon.process.process.send_signal(signal.SIGCONT)

    def settle(self):
        """Until the daemon has no more to ask, as far as it says."""
        while self.get("State") != "current":
            self.peer.signal("PropertiesChanged", lambda m: m.path == PATH)

    def call(self, member, *arguments, peer=None):
        return (peer or self.peer).call(NAME, PATH, MANAGER, member, *arguments)

    def send(self, member, *arguments, peer=None):
        """Calls without waiting; answer() of the peer has the rest."""
        return (peer or self.peer).send(NAME, PATH, MANAGER, member, *arguments)

    def refused(self, error, member, *arguments):
        """Calls, and has to be refused with this; returns the sentence."""
        with self.assertRaises(BusError) as caught:
            self.call(member, *arguments)
        self.assertEqual(caught.exception.name, error)
        text = str(caught.exception).removeprefix(f"{error}: ")
        self.assertRegex(text, r"(?s)\A[A-Z'].+\.\Z")
        return text

    def get(self, name, unit=None):
        path, interface = (unit_path(unit), UNIT) if unit else (PATH, MANAGER)
        return self.peer.call(NAME, path, PROPERTIES, "Get", "ss", interface, name)[0]

    def get_all(self, unit=None):
        path, interface = (unit_path(unit), UNIT) if unit else (PATH, MANAGER)
        return self.peer.call(NAME, path, PROPERTIES, "GetAll", "s", interface)[0]

    def names(self, member="ListAllUnits"):
        return [row[0] for row in self.call(member)[0]]

    def exposure(self, unit):
        return next(row[1] for row in self.call("ListAllUnits")[0] if row[0] == unit)

    def finding(self, unit, check):
        """The result of one check of a unit."""
        return next(row[2] for row in self.get("Findings", unit) if row[0] == check)

    def wait_until(self, condition):
        """Asks again and again until that is so."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), deadline, "it did not happen")

    def heard(self):
        """The signals of all that has happened. What is put off to the next turn of the daemon's loop is in it."""
        serials = [self.peer.send(NAME, PATH, "org.freedesktop.DBus.Peer", "Ping") for _ in range(2 * TURN_MESSAGES + 1)]
        for serial in serials:
            self.peer.answer(serial)
        return self.peer.all_signals()

    def swept(self, cause):
        """Does what causes a sweep, and waits until it has ended. The signals that came by it."""
        before = self.get("ScanCount")
        self.peer.all_signals()
        cause()
        self.wait_until(lambda: self.get("ScanCount") > before)
        return self.heard()

    def reload(self):
        """A reload of the manager, and the sweep after it."""
        def cause():
            self.systemd.reloading(True)
            self.systemd.reloading(False)
        return self.swept(cause)

    def barrier(self):
        """Lets the daemon handle all that was sent to it, and do what it wants to about it: a unit comes and goes."""
        path = unit_path("barrier.service")
        self.systemd.load("barrier.service")
        self.peer.signal("InterfacesAdded", lambda m: m.body[0] == path)
        self.systemd.unload("barrier.service")
        self.peer.signal("InterfacesRemoved", lambda m: m.body[0] == path)

    def asked(self):
        """What was asked since the last time, the barrier's units aside."""
        calls = [call for call in self.systemd.calls()
                 if "barrier.service" not in (call.unit, call.argument)]
        self.systemd.forget()
        return calls

    def asked_about(self):
        """The units that were asked about: a list of names, now and then, asks about none."""
        return [call.unit for call in self.asked() if call.unit]


def changed(signals, path):
    """What PropertiesChanged told of an object, changed or invalidated."""
    names = set()
    for message in signals:
        if message.member == "PropertiesChanged" and message.path == path:
            names |= set(message.body[1]) | set(message.body[2])
    return names


def configure(**options):
    """Writes exposured.conf, in a view of its own."""
    with open(CONFIGURATION, "w", encoding="utf-8") as f:
        f.write("[Exposure]\n" + "".join(f"{name}={value}\n" for name, value in options.items()))


def skip(reason):
    print(reason)
    sys.exit(1 if os.environ.get("EXPOSURED_REQUIRE_BUSES") == "1" else SKIPPED)


def main(needs_view=False):
    """needs_view: the tests write to /etc and /run, of a view of their own."""
    if KIND == "broker" and broker.missing():
        skip(broker.missing())
    if not shutil.which("dbus-daemon"):
        skip("dbus-daemon is not installed")
    reason = isolate.enter()
    if reason and (needs_view or KIND == "broker"):
        skip(f"no view of its own can be had: {reason}")
    if not reason:
        configure(SettleSec="0")
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
