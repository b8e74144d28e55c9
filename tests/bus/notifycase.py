# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of exposure-notify share. They are called with its path and that of exposurectl."""

import os
import shutil
import socket
import sys
import time
import unittest

from peer import PATIENCE, Peer
from privatebus import PrivateBus, Process
from service import Exposured, Notifications, pump

SKIPPED = 77
AGENT, CLIENT = sys.argv[1:3]
AGENT_NAME = "org.exposured.Notify1"


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def bus_id(address):
    """What a bus says of itself to who connects."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address.removeprefix("unix:path="))
        connection.sendall(f"\0AUTH EXTERNAL {str(os.geteuid()).encode().hex()}\r\n".encode())
        return connection.makefile("rb").readline().split()[1].decode()


class NotifyCase(unittest.TestCase):
    """A bus of the system and one of the session, both of the test's own; who is on them is up to the test."""

    maxDiff = None

    def setUp(self):
        self.system, self.session = PrivateBus(), PrivateBus()
        self.addCleanup(self.system.close)
        self.addCleanup(self.session.close)
        self.services = []
        self.peer = self.keep(Peer(self.session.address))

    def keep(self, peer):
        self.addCleanup(peer.close)
        return peer

    def environment(self, **more):
        return {"PATH": os.environ["PATH"], "HOME": self.session.folder, "LC_ALL": "C.UTF-8",
                "XDG_RUNTIME_DIR": self.session.folder, "DBUS_SYSTEM_BUS_ADDRESS": self.system.address,
                "DBUS_SESSION_BUS_ADDRESS": self.session.address} | {
                    key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")} | more

    def exposured(self, user=False):
        return self.serve(Exposured((self.session if user else self.system).address))

    def server(self, **options):
        return self.serve(Notifications(self.session.address, **options))

    def serve(self, service):
        self.services.append(service)
        return self.keep(service)

    def leave(self, service):
        """A service goes, without a word."""
        self.services.remove(service)
        service.close()

    def agent(self, login=False, **environment):
        """Started, and ready as far as its name on the bus says. At a login it would wait for both exposured."""
        if not login:
            self.log_in(environment.get("XDG_SESSION_ID", "-"))
        agent = Process([AGENT], env=self.environment(**environment))
        self.addCleanup(self.end, agent)
        self.until(lambda: self.peer.owner(AGENT_NAME), "no agent")
        return agent

    def log_in(self, session):
        """As if an agent had been in that session before; what one has written stays."""
        path = f"{self.session.folder}/exposure-notify/told"
        first = f"exposure-notify 1\nsession {bus_id(self.session.address)} {session}\n"
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        if not os.path.exists(path) or not read(path).startswith(first):
            with open(path, "w", encoding="utf-8") as f:
                f.write(f"{first}server \n")

    def end(self, agent):
        """It ends well, with nothing to complain of."""
        if agent.process.poll() is None:
            agent.stop()
        complaints = [line for line in agent.err.rest() if "Cannot reach" not in line]
        agent.close()
        self.assertEqual((agent.process.returncode, complaints), (0, []))

    def until(self, condition, what="it did not happen", patience=PATIENCE):
        pump(self.services, condition, patience, what)

    def settle(self, seconds=2.5):
        """Longer than the agent puts anything off that is new."""
        deadline = time.monotonic() + seconds
        pump(self.services, lambda: time.monotonic() >= deadline, seconds + PATIENCE)


def main():
    if not shutil.which("dbus-daemon"):
        print("dbus-daemon is not installed")
        sys.exit(SKIPPED)
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
