# SPDX-License-Identifier: LGPL-2.1-or-later
"""Services of a test's own on a private bus: they answer when the test lets them, with what it wants."""

import select
import struct
import time

from peer import DBUS, PATIENCE, Peer, machine_bus

OWNER = 1


class Service(Peer):
    """Has a name; calls of it go to handle(), and are kept."""

    def __init__(self, address, name):
        self.calls = []
        super().__init__(address)
        assert self.call(*DBUS, "RequestName", "su", name, 0)[0] == OWNER

    def take(self):
        message = self._message()
        if message is None:
            return False
        if message.kind == machine_bus.CALL:
            self.calls.append(message)
            self.handle(message)
        elif message.kind == machine_bus.SIGNAL:
            self.signals.append(message)
        else:
            self.answers[message.fields[machine_bus.REPLY_SERIAL]] = message
        return True

    def handle(self, message):
        """For sub-classes."""

    def members(self):
        return [message.member for message in self.calls]

    def _send(self, kind, fields, signature, arguments):
        body = machine_bus.Writer()
        for part, argument in zip(machine_bus.split(signature), arguments):
            body.put(part, argument)
        if signature:
            fields = [*fields, (machine_bus.SIGNATURE, ("g", signature))]
        self.serial += 1
        head = machine_bus.Writer()
        head.data += struct.pack("<cBBBII", b"l", kind, 1, 1, len(body.data), self.serial)
        head.put("a(yv)", fields)
        head.align(8)
        self.socket.sendall(bytes(head.data + body.data))

    def reply(self, message, signature="", *arguments):
        self._send(machine_bus.REPLY, [(machine_bus.REPLY_SERIAL, ("u", message.serial)),
                                       (machine_bus.DESTINATION, ("s", message.sender))], signature, arguments)

    def refuse(self, message, name, text):
        self._send(machine_bus.ERROR, [(machine_bus.REPLY_SERIAL, ("u", message.serial)),
                                       (machine_bus.ERROR_NAME, ("s", name)),
                                       (machine_bus.DESTINATION, ("s", message.sender))], "s", [text])


def pump(services, condition, patience=PATIENCE, what="it did not happen"):
    """Lets the services work until that is so."""
    deadline = time.monotonic() + patience
    while True:
        for service in services:
            while service.take():
                pass
        if condition():
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise AssertionError(f"{what}; {[(type(s).__name__, s.members()) for s in services]}")
        for service in select.select(services, [], [], min(left, 0.05))[0]:
            service._receive()  # pylint: disable=protected-access


class Exposured(Service):
    """A daemon with the regressions that the test gives it."""

    PATH, INTERFACE = "/org/exposured/Exposure1", "org.exposured.Exposure1.Manager"
    ROW = "stsasdda(stt)a(sstas)"

    def __init__(self, address):
        self.rows, self.accepted, self.refusal, self.silent = [], [], None, False
        super().__init__(address, "org.exposured.Exposure1")

    def handle(self, message):
        if message.member == "ListRegressions" and not self.silent:
            self.reply(message, f"a({self.ROW})", self.rows)
        elif message.member == "Accept":
            self.accepted.append(tuple(message.body))
            if self.refusal:
                self.refuse(message, *self.refusal)
            else:
                self.reply(message, "s", "accepted-id")

    def tell(self, member="Regressed", row=None):
        row = row or (self.rows[-1] if self.rows else regression("none.service"))
        self.emit(self.PATH, self.INTERFACE, member, self.ROW, *row)

    def add(self, row):
        """A new regression, with its signal."""
        self.rows.append(row)
        self.tell(row=row)

    def mend(self, row, member="Improved"):
        self.rows.remove(row)
        self.tell(member, row)


def regression(unit, id=None, units=None, before=2.8, after=5.1, path="/etc/systemd/system/a.conf", change="created",
               checks=("PrivateNetwork",), lines=()):
    return (id or f"id-{unit}", 1, unit, units or [unit], before, after, [(name, 0, 1) for name in checks],
            [(path, change, 1, list(lines))])


class Notifications(Service):
    """A notification server as a test wants it: answers can be held back, or be rubbish."""

    CAPABILITIES = ("actions", "body", "body-markup")

    def __init__(self, address, capabilities=CAPABILITIES):
        self.capabilities, self.shown, self.texts, self.last = capabilities, {}, [], 0
        self.closed, self.silent, self.rubbish = [], False, None
        super().__init__(address, "org.freedesktop.Notifications")

    def handle(self, message):
        if message.member == "Notify":
            self.texts.append(Shown(message.body))
        if self.silent:
            return
        if message.member == "GetCapabilities":
            self.reply(message, "as", list(self.capabilities))
        elif message.member == "Notify":
            self.notify(message)
        elif message.member == "CloseNotification":
            self.closed.append(message.body[0])
            self.close_notification(message.body[0], 3)

    def notify(self, message):
        if self.rubbish:
            self.reply(message, *self.rubbish)
            return
        shown = Shown(message.body)
        if shown.replaces not in self.shown:
            self.last += 1
        shown.id = shown.replaces if shown.replaces in self.shown else self.last
        self.shown[shown.id] = shown
        self.reply(message, "u", shown.id)

    def _emit(self, member, signature, *arguments):
        self.emit("/org/freedesktop/Notifications", "org.freedesktop.Notifications", member, signature, *arguments)

    def close_notification(self, id, reason=2):
        if self.shown.pop(id, None):
            self._emit("NotificationClosed", "uu", id, reason)

    def click(self, id, action, token=None):
        """As a person would: the notification is gone after that."""
        if token:
            self._emit("ActivationToken", "us", id, token)
        self._emit("ActionInvoked", "us", id, action)
        self.close_notification(id)


class Shown:
    """The arguments of Notify."""

    def __init__(self, body):
        (self.app, self.replaces, self.icon, self.title, self.body, actions, self.hints, self.timeout) = body
        self.actions = dict(zip(actions[::2], actions[1::2]))
        self.id = 0

    @property
    def urgency(self):
        return self.hints["urgency"]

    def __repr__(self):
        return f"{self.title!r} {self.body!r}"
