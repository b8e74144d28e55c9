# SPDX-License-Identifier: LGPL-2.1-or-later
"""Floods of messages in a machine, and what they do to others: see flood.c and reference.c, which run there."""

import os
import shutil
import struct
import subprocess
import threading

import bus
import machine

SOCKET = "/run/dbus/system_bus_socket"
FOLDER = "/usr/local/bin"
# The kernel counts what a user has under way, files in messages for one, over all machines at once: who floods is
# nobody else in any of them.
FLOODER = machine.USER_ID + 1000
HELLO = bus.compose(bus.CALL, "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello", "org.freedesktop.DBus")
PEER, PROPERTIES = "org.freedesktop.DBus.Peer", "org.freedesktop.DBus.Properties"
SECONDS = 300

REFERENCE = "org.exposured.Reference1"
POLICY = f"""<busconfig>
 <policy user="root"><allow own="{REFERENCE}"/></policy>
 <policy context="default"><allow send_destination="{REFERENCE}"/></policy>
</busconfig>
"""


def call(member, signature="", *arguments, path=bus.Exposured.PATH, interface=bus.Exposured.MANAGER,
         destination=bus.Exposured.NAME):
    """A call as a message."""
    return bus.compose(bus.CALL, path, interface, member, destination, signature, arguments)


def signal(destination, path, interface, member, signature="", *arguments):
    return bus.compose(bus.SIGNAL, path, interface, member, destination, signature, arguments)


def unit_path(name):
    return f"{bus.Exposured.PATH}/unit/{name.replace('_', '_5f').replace('.', '_2e').replace('-', '_2d')}"


PING_REFERENCE = call("Ping", path="/", interface=PEER, destination=REFERENCE)


def install(in_machine, build):
    """Puts the programs and who floods into the machine, and lets the bus know of the reference."""
    in_machine.run("systemd-sysusers", "-", input=f'u flooder {FLOODER} "Flooder" / /bin/sh\n')
    for name in ("flood", "reference"):
        shutil.copy(os.path.join(build, "tests", "machine", name), in_machine.path(f"{FOLDER}/exposured-{name}"))
    in_machine.write("/etc/dbus-1/system.d/exposured-reference.conf", POLICY)
    in_machine.run("busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                   "ReloadConfig")


class Program:
    """flood.c with a file of messages; it goes on until finish()."""

    number = 0

    def __init__(self, in_machine, mode, messages, *arguments, user):
        Program.number += 1
        path = f"/tmp/flood-{Program.number}"
        with open(in_machine.path(path), "wb") as file:
            for message in (HELLO, *messages):
                file.write(struct.pack("<I", len(message)) + message)
        self.process = in_machine.popen(f"{FOLDER}/exposured-flood", mode, SOCKET, path, *map(str, arguments), user=user,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def stop(self):
        machine.stop(self.process)

    def finish(self):
        """Ends it; returns the lines it had to say."""
        try:
            out = self.process.communicate(timeout=SECONDS)[0]
        finally:
            self.stop()
        if self.process.returncode != 0:
            raise AssertionError(f"the flood ended with {self.process.returncode}: {out}")
        return out.splitlines()


class Sender(Program):
    """Sends so many of these messages, and reads none."""

    def __init__(self, in_machine, messages, count, per_connection=0, fds=0):
        super().__init__(in_machine, "send", messages, count, per_connection, fds, user=FLOODER)

    def wait(self):
        """Until all are sent; the connection stays. Returns what it says about that."""
        line = self.process.stdout.readline().strip()
        if not line:
            raise AssertionError(f"the flood ended with {self.process.wait()}")
        return line


class Probe(Program):
    """Makes calls one at a time, as another client would."""

    def __init__(self, in_machine, *messages):
        super().__init__(in_machine, "probe", messages, user=False)

    def results(self):
        """Ends it. How many calls, how many refused, and the longest that one took (ms)."""
        rows = [[int(word) for word in line.split()] for line in self.finish()]
        return sum(row[0] for row in rows), sum(row[1] for row in rows), max(row[3] for row in rows) / 1000


class Reference:
    def __init__(self, in_machine):
        self.process = in_machine.popen(f"{FOLDER}/exposured-reference", stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise AssertionError("no reference")

    def stop(self):
        machine.stop(self.process)
        self.process.stdout.close()


def memory(pid):
    """What a process has in memory, in KB: all, and what is its own and no file's."""
    with open(f"/proc/{pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return tuple(int(fields[name].split()[0]) for name in ("VmRSS", "RssAnon"))


class Peak(threading.Thread):
    """The most that a process has in memory while this runs."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.ended = pid, memory(pid), threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.01):
            self.most = tuple(map(max, self.most, memory(self.pid)))

    def stop(self):
        self.ended.set()
        self.join()
        return self.most
