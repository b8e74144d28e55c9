# SPDX-License-Identifier: LGPL-2.1-or-later
"""A small D-Bus client, so that a test on the host can speak to the bus of a machine without a detour.

It calls, answers nothing, and collects signals. Messages it sends are little endian; what it reads may be either.
"""

import os
import select
import socket
import struct
import time

CALL, REPLY, ERROR, SIGNAL = 1, 2, 3, 4
# A flag of calls: a test starts what it wants to run, and what it stopped stays so.
NO_AUTO_START = 2
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE = range(1, 9)
FIXED = {"y": "B", "n": "h", "q": "H", "i": "i", "u": "I", "x": "q", "t": "Q", "d": "d", "h": "I"}
ALIGNMENT = {"y": 1, "g": 1, "v": 1, "n": 2, "q": 2, "x": 8, "t": 8, "d": 8, "(": 8, "{": 8}
SECONDS = 60


class BusError(Exception):
    """The other side answered with an error; `name` is the D-Bus name of it."""

    def __init__(self, name, text):
        super().__init__(f"{name}: {text}")
        self.name = name


def split(signature):
    """A signature as the list of its single complete types."""
    types, i = [], 0
    while i < len(signature):
        end = type_end(signature, i)
        types.append(signature[i:end])
        i = end
    return types


def type_end(signature, i):
    if signature[i] == "a":
        return type_end(signature, i + 1)
    if signature[i] not in "({":
        return i + 1
    depth = 0
    while True:
        depth += (signature[i] in "({") - (signature[i] in ")}")
        i += 1
        if depth == 0:
            return i


class Writer:
    def __init__(self):
        self.data = bytearray()

    def align(self, to):
        self.data += bytes(-len(self.data) % to)

    def put(self, kind, value):
        self.align(ALIGNMENT.get(kind[0], 4))
        if kind in FIXED:
            self.data += struct.pack("<" + FIXED[kind], value)
        elif kind == "b":
            self.data += struct.pack("<I", bool(value))
        elif kind in "so":
            raw = value.encode()
            self.data += struct.pack("<I", len(raw)) + raw + b"\0"
        elif kind == "g":
            self.data += bytes([len(value)]) + value.encode() + b"\0"
        elif kind == "v":
            self.put("g", value[0])
            self.put(*value)
        elif kind[0] == "a":
            self.put_array(kind[1:], value)
        else:
            for part, item in zip(split(kind[1:-1]), value):
                self.put(part, item)

    def put_array(self, kind, values):
        at = len(self.data)
        self.data += bytes(4)
        self.align(ALIGNMENT.get(kind[0], 4))
        start = len(self.data)
        for value in values.items() if kind[0] == "{" else values:
            self.put(kind, value)
        struct.pack_into("<I", self.data, at, len(self.data) - start)


class Reader:
    def __init__(self, data, order, at=0):
        self.data, self.order, self.at = data, order, at

    def align(self, to):
        self.at += -self.at % to

    def fixed(self, code):
        value = struct.unpack_from(self.order + code, self.data, self.at)[0]
        self.at += struct.calcsize(code)
        return value

    def text(self, length):
        value = self.data[self.at:self.at + length].decode(errors="replace")
        self.at += length + 1
        return value

    def get(self, kind):
        self.align(ALIGNMENT.get(kind[0], 4))
        if kind in FIXED:
            return self.fixed(FIXED[kind])
        if kind == "b":
            return bool(self.fixed("I"))
        if kind in "so":
            return self.text(self.fixed("I"))
        if kind == "g":
            return self.text(self.fixed("B"))
        if kind == "v":
            return self.get(self.get("g"))
        if kind[0] == "a":
            return self.get_array(kind[1:])
        return tuple(self.get(part) for part in split(kind[1:-1]))

    def get_array(self, kind):
        length = self.fixed("I")
        self.align(ALIGNMENT.get(kind[0], 4))
        end, values = self.at + length, []
        while self.at < end:
            values.append(self.get(kind))
        return dict(values) if kind[0] == "{" else values


class Message:
    """A received message; `time` is when it was read, `raw` the arguments as they came."""

    def __init__(self, data):
        self.order = "<" if data[0:1] == b"l" else ">"
        reader = Reader(data, self.order, 12)
        self.time = time.monotonic()
        self.flags = data[2]
        self.kind, self.serial = data[1], struct.unpack_from(self.order + "I", data, 8)[0]
        self.fields = dict(reader.get("a(yv)"))
        reader.align(8)
        self.raw = data[reader.at:]
        self.member = self.fields.get(MEMBER, "")
        self.interface = self.fields.get(INTERFACE, "")
        self.path = self.fields.get(PATH, "")
        self.sender = self.fields.get(SENDER, "")

    @property
    def body(self):
        """The list of its arguments."""
        reader = Reader(self.raw, self.order)
        return [reader.get(kind) for kind in split(self.fields.get(SIGNATURE, ""))]


def compose(kind, path, interface, member, destination=None, signature="", arguments=(), serial=1,
            flags=NO_AUTO_START):
    """A call or a signal as it goes over the wire; fields that are empty are left out."""
    body, head = Writer(), Writer()
    for part, argument in zip(split(signature), arguments):
        body.put(part, argument)
    fields = [(field, (signature_of, value)) for field, signature_of, value in (
        (PATH, "o", path), (INTERFACE, "s", interface), (MEMBER, "s", member), (DESTINATION, "s", destination),
        (SIGNATURE, "g", signature)) if value]
    head.data += struct.pack("<cBBBII", b"l", kind, flags, 1, len(body.data), serial)
    head.put("a(yv)", fields)
    head.align(8)
    return bytes(head.data + body.data)


def connect(path, uid):
    """A socket, by a child: who connects is who the other side sees, and users are of processes, not of threads."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.chdir(os.path.dirname(path))
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            connection.connect(os.path.basename(path))
            status = 0
        finally:
            os._exit(status)
    if os.waitpid(child, 0)[1] != 0:
        connection.close()
        raise ConnectionError(f"cannot connect to {path} as user {uid}")
    return connection


class Bus:
    """A connection to a bus by the path of its socket, as root or as another user."""

    def __init__(self, path, uid=0):
        self.buffer, self.serial, self.signals = b"", 0, []
        self.socket = connect(path, uid)
        self.socket.settimeout(SECONDS)
        self._authenticate(uid)
        self.name = self.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello")[0]

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.socket.close()

    def fileno(self):
        return self.socket.fileno()

    def _authenticate(self, uid):
        identity = str(uid).encode().hex()
        self.socket.sendall(f"\0AUTH EXTERNAL {identity}\r\n".encode())
        if not self._line().startswith(b"OK"):
            raise ConnectionError("the bus does not take our identity")
        self.socket.sendall(b"BEGIN\r\n")

    def _line(self):
        while b"\r\n" not in self.buffer:
            self._receive()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def _receive(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError("the bus has closed the connection")
        self.buffer += data

    def _message(self):
        """The next message of the buffer, or None when it is not whole yet."""
        if len(self.buffer) < 16:
            return None
        order = "<" if self.buffer[0:1] == b"l" else ">"
        body, fields = (struct.unpack_from(order + "I", self.buffer, at)[0] for at in (4, 12))
        size = 16 + fields + -fields % 8 + body
        if len(self.buffer) < size:
            return None
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return Message(data)

    def send(self, destination, path, interface, member, signature="", *arguments):
        """Sends a call and does not wait; returns its serial."""
        self.serial += 1
        self.socket.sendall(compose(CALL, path, interface, member, destination, signature, arguments, self.serial))
        return self.serial

    def call(self, *arguments):
        """Calls and returns the list of results."""
        return self.ask(*arguments).body

    def ask(self, *arguments):
        """Calls and returns the reply as a message; signals that come meanwhile are kept."""
        return self.await_reply(self.send(*arguments))

    def await_reply(self, serial):
        while True:
            message = self._message()
            if message is None:
                self._receive()
            elif message.kind == SIGNAL:
                self.signals.append(message)
            elif message.fields.get(REPLY_SERIAL) == serial:
                if message.kind == ERROR:
                    raise BusError(message.fields.get(ERROR_NAME, ""), (message.body or [""])[0])
                return message

    def get(self, destination, path, interface, name):
        return self.call(destination, path, "org.freedesktop.DBus.Properties", "Get", "ss", interface, name)[0]

    def match(self, rule):
        self.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", "s", rule)

    def collect(self, seconds):
        """The signals that came so far and come within this time; calls too, for a monitor."""
        deadline, came = time.monotonic() + seconds, False
        while True:
            while (message := self._message()) is not None:
                if message.kind in (CALL, SIGNAL):
                    self.signals.append(message)
            left = deadline - time.monotonic()
            if (left < 0 and came) or not select.select([self.socket], [], [], max(0, left))[0]:
                break
            self._receive()
            came = True
        collected, self.signals = self.signals, []
        return collected


class Systemd:
    """The calls to a service manager that the tests need."""

    NAME, PATH, MANAGER = "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"

    def __init__(self, bus):
        self.bus = bus

    def call(self, member, *arguments):
        return self.bus.call(self.NAME, self.PATH, self.MANAGER, member, *arguments)

    def subscribe(self):
        self.bus.match(f"type='signal',sender='{self.NAME}'")
        self.call("Subscribe")


class Exposured:
    """The calls to the daemon that the tests need."""

    NAME, PATH = "org.exposured.Exposure1", "/org/exposured/Exposure1"
    MANAGER, UNIT = "org.exposured.Exposure1.Manager", "org.exposured.Exposure1.Unit"

    def __init__(self, bus):
        self.bus = bus

    def call(self, member, *arguments):
        return self.bus.call(self.NAME, self.PATH, self.MANAGER, member, *arguments)

    def get(self, name):
        return self.bus.get(self.NAME, self.PATH, self.MANAGER, name)

    def units(self):
        """name to (exposure as text, predicate), as the overview shows them"""
        return self.as_rows(self.ask_units())

    def ask_units(self):
        return self.bus.ask(self.NAME, self.PATH, self.MANAGER, "ListUnits")

    @staticmethod
    def as_rows(message):
        return {row[0]: (f"{row[1]:.1f}", row[2]) for row in message.body[0]}
