# SPDX-License-Identifier: LGPL-2.1-or-later
"""Floods of messages in a machine, and what they do to others: see flood.c, which runs there."""

import os
import shutil
import struct
import subprocess

import bus
import machine

SOCKET = "/run/dbus/system_bus_socket"
PROGRAM = "/usr/local/bin/exposured-flood"
HELLO = bus.compose(bus.CALL, "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello", "org.freedesktop.DBus")
SECONDS = 300


def call(member, signature="", *arguments, path=bus.Exposured.PATH, interface=bus.Exposured.MANAGER,
         destination=bus.Exposured.NAME):
    """A call as a message."""
    return bus.compose(bus.CALL, path, interface, member, destination, signature, arguments)


def install(in_machine, build):
    shutil.copy(os.path.join(build, "tests", "machine", "flood"), in_machine.path(PROGRAM))


class Program:
    """flood.c with a file of messages; it goes on until finish()."""

    number = 0

    def __init__(self, in_machine, mode, messages, *arguments, user):
        Program.number += 1
        path = f"/tmp/flood-{Program.number}"
        with open(in_machine.path(path), "wb") as file:
            for message in (HELLO, *messages):
                file.write(struct.pack("<I", len(message)) + message)
        self.process = in_machine.popen(PROGRAM, mode, SOCKET, path, *map(str, arguments), user=user,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def finish(self):
        """Ends it; returns the lines it had to say."""
        try:
            out = self.process.communicate(timeout=SECONDS)[0]
        finally:
            machine.stop(self.process)
        if self.process.returncode != 0:
            raise AssertionError(f"the flood ended with {self.process.returncode}: {out}")
        return out.splitlines()


class Sender(Program):
    """Sends so many of these messages, and reads none."""

    def __init__(self, in_machine, messages, count, per_connection=0, fds=0):
        super().__init__(in_machine, "send", messages, count, per_connection, fds, user=True)

    def wait(self):
        """Until all are sent; the connection stays. Returns what it says about that."""
        line = self.process.stdout.readline().strip()
        if not line:
            raise AssertionError(f"the flood ended with {self.process.wait()}")
        return line


class Probe(Program):
    """Makes calls one at a time, as another client would; results() has (count, refused, mean, worst) of each, times in
    milliseconds."""

    def __init__(self, in_machine, messages, user=False):
        super().__init__(in_machine, "probe", messages, user=user)

    def results(self):
        rows = [[int(word) for word in line.split()] for line in self.finish()]
        return [(count, refused, mean / 1000, worst / 1000) for count, refused, mean, worst in rows]


def memory(pid):
    """What a process has in memory, in KB: all, and what is its own."""
    with open(f"/proc/{pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return tuple(int(fields[name].split()[0]) for name in ("VmRSS", "RssAnon"))
