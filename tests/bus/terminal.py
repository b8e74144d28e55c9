# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a program on a terminal and gives what it wrote there."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios

from privatebus import PATIENCE


def _read_all(fd):
    """What is written until the last process on the terminal is gone."""
    written = b""
    while True:
        ready, _, _ = select.select([fd], [], [], PATIENCE)
        if not ready:
            raise AssertionError(f"nothing more came after {written!r}")
        try:
            data = os.read(fd, 65536)
        except OSError:
            return written
        if not data:
            return written
        written += data


def run_on_terminal(command, environment, columns=80, rows=50):
    """Gives exit status and text, its line ends as the program wrote them."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
                               start_new_session=True)
    os.close(theirs)
    try:
        written = _read_all(ours)
        return process.wait(PATIENCE), written.decode().replace("\r\n", "\n")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)
