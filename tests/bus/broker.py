# SPDX-License-Identifier: LGPL-2.1-or-later
"""A dbus-broker of a test's own."""

import os
import shutil
import socket
import subprocess
import sys

from privatebus import PrivateBus

JOURNAL = "/run/systemd/journal/socket"

# The launcher takes its socket as systemd would give it.
START = """
import os, sys
os.environ["LISTEN_PID"] = str(os.getpid())
os.execvp(sys.argv[1], sys.argv[1:])
"""


class PrivateBroker(PrivateBus):
    """The same bus by the other program. It needs a journal to talk to, so it needs a view of its own."""

    def __init__(self, policy=""):
        os.makedirs(os.path.dirname(JOURNAL), exist_ok=True)
        if os.path.exists(JOURNAL):
            os.unlink(JOURNAL)
        self.journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.journal.bind(JOURNAL)
        super().__init__(policy)

    def start(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(f"{self.folder}/bus")
            os.chmod(f"{self.folder}/bus", 0o777)
            listener.listen(64)
            listener.set_inheritable(True)
            self.process = subprocess.Popen(
                [sys.executable, "-c", START, "dbus-broker-launch", "--scope=user",
                 f"--config-file={self.folder}/bus.conf"],
                preexec_fn=lambda: os.dup2(listener.fileno(), 3), pass_fds=[3, listener.fileno()],
                stderr=subprocess.DEVNULL, env=os.environ | {
                    "LISTEN_FDS": "1", "DBUS_SYSTEM_BUS_ADDRESS": self.address,
                    "DBUS_SESSION_BUS_ADDRESS": self.address})

    def close(self):
        try:
            super().close()
        finally:
            self.journal.close()


def missing():
    """What of it is not installed, or nothing."""
    return "" if shutil.which("dbus-broker-launch") else "dbus-broker is not installed"
