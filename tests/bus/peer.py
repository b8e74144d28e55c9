# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of the bus that does what no proper client would do: many calls at once, signals in other names."""

import os
import pwd
import select
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "machine"))

# pylint: disable=wrong-import-position
import bus as machine_bus  # noqa: E402
import nonsense  # noqa: E402, F401
from bus import BusError  # noqa: E402, F401

PATIENCE = 30
DBUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
PROPERTIES = "org.freedesktop.DBus.Properties"
REPLY = machine_bus.REPLY


def can_be(user):
    """Whether this process may be that user for a while: not where it is root by name alone."""
    if os.geteuid() != 0:
        return False
    try:
        os.seteuid(user)
    except OSError:
        return False
    os.seteuid(0)
    return True


def other_users():
    """Users that a connection may be made as; a bus takes only those that there are."""
    return [user.pw_uid for user in pwd.getpwall() if user.pw_uid != os.geteuid() and can_be(user.pw_uid)]


def compose_call(*fields):
    """A call as bytes, see machine_bus.compose()."""
    return machine_bus.compose(machine_bus.CALL, *fields)


class Peer(machine_bus.Bus):
    """Signals and answers are kept until they are asked for."""

    def __init__(self, address, uid=0):
        self.answers = {}
        super().__init__(address.removeprefix("unix:path="), uid)

    def call(self, *arguments):
        return self.answer(self.send(*arguments))

    def answer(self, serial):
        """The results of a call that was sent; raises what it was refused with."""
        self.wait(lambda: serial in self.answers)
        message = self.answers.pop(serial)
        if message.kind == machine_bus.ERROR:
            raise BusError(message.fields.get(machine_bus.ERROR_NAME, ""), (message.body or [""])[0])
        return message.body

    def take(self):
        """Sorts what was received. Whether there was anything."""
        message = self._message()
        if message is None:
            return False
        if message.kind == machine_bus.SIGNAL:
            self.signals.append(message)
        elif message.kind in (machine_bus.REPLY, machine_bus.ERROR):
            self.answers[message.fields[machine_bus.REPLY_SERIAL]] = message
        return True

    def wait(self, condition, patience=PATIENCE):
        """Until that is so."""
        deadline = time.monotonic() + patience
        while not condition():
            if self.take():
                continue
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                raise AssertionError(f"it did not happen; signals: {[(m.member, m.body) for m in self.signals]}")
            self._receive()

    def signal(self, member, matches=lambda message: True, patience=PATIENCE):
        """The first signal of that name of which that is true; those before it are forgotten."""
        found = []

        def come():
            while self.signals and not found:
                message = self.signals.pop(0)
                if message.member == member and matches(message):
                    found.append(message)
            return found

        self.wait(come, patience)
        return found[0]

    def all_signals(self):
        """What came before this very moment: the bus keeps the order."""
        self.call(*DBUS, "GetId")
        while self.take():
            pass
        signals, self.signals = self.signals, []
        return signals

    def emit(self, path, interface, member, signature="", *arguments, destination=None):
        """Sends a signal, to everyone or to one."""
        fields = [(machine_bus.PATH, ("o", path)), (machine_bus.INTERFACE, ("s", interface)),
                  (machine_bus.MEMBER, ("s", member))]
        if destination:
            fields.append((machine_bus.DESTINATION, ("s", destination)))
        body = machine_bus.Writer()
        for kind, argument in zip(machine_bus.split(signature), arguments):
            body.put(kind, argument)
        if signature:
            fields.append((machine_bus.SIGNATURE, ("g", signature)))
        self.serial += 1
        head = machine_bus.Writer()
        head.data += struct.pack("<cBBBII", b"l", machine_bus.SIGNAL, 1, 1, len(body.data), self.serial)
        head.put("a(yv)", fields)
        head.align(8)
        self.socket.sendall(bytes(head.data + body.data))

    def owner(self, name):
        """The unique name behind a name, or nothing."""
        try:
            return self.call(*DBUS, "GetNameOwner", "s", name)[0]
        except BusError:
            return ""
