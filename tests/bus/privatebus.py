# SPDX-License-Identifier: LGPL-2.1-or-later
"""A message bus of a test's own, and what runs on it."""

import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading

# What takes longer has failed: everything waited for here happens within milliseconds.
PATIENCE = 30

CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
 <type>session</type>
 <listen>unix:path={folder}/bus</listen>
 <auth>EXTERNAL</auth>
 <limit name="max_replies_per_connection">100000</limit>
 <servicedir>{folder}/services</servicedir>
 <policy context="default">
  <allow own="*"/>
  <allow user="*"/>
  <allow send_destination="*"/>
  <allow send_type="signal"/>
  <allow receive_sender="*"/>
  {policy}
 </policy>
</busconfig>
"""


class Lines:
    """The lines of a pipe as they come, read beside the test."""

    def __init__(self, stream):
        self.queue = queue.Queue()
        self.thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self.thread.start()

    def _read(self, stream):
        with stream:
            for line in stream:
                self.queue.put(line)
        self.queue.put(None)

    def next(self):
        """The next line without its newline; None at the end."""
        try:
            line = self.queue.get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError("nothing came") from None
        return None if line is None else line.decode().removesuffix("\n")

    def rest(self):
        """All lines up to the end."""
        lines = []
        while (line := self.next()) is not None:
            lines.append(line)
        return lines


class Process:
    """A program with its output and its complaints as lines."""

    def __init__(self, command, **arguments):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=arguments.pop("stdout", subprocess.PIPE),
                                        stderr=subprocess.PIPE, **arguments)
        self.out = Lines(self.process.stdout) if self.process.stdout else None
        self.err = Lines(self.process.stderr)

    def wait(self):
        return self.process.wait(PATIENCE)

    def stop(self, number=signal.SIGTERM):
        """Sends a signal, and gives the exit status."""
        self.process.send_signal(number)
        return self.wait()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()


class Mock(Process):
    """A stand-in for the daemon; see mock-exposured.c for what it understands."""

    def __init__(self, program, environment, *arguments):
        super().__init__([program, *arguments], env=environment)
        assert self.out.next() == "ready", self.err.rest()

    def tell(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        answer = self.out.next()
        assert answer == "done", answer

    def quit(self):
        self.process.stdin.write(b"quit\n")
        self.process.stdin.flush()
        self.wait()


class PrivateBus:
    """A dbus-daemon in a folder of its own, where services may be put that it can start."""

    def __init__(self, policy=""):
        self.folder = tempfile.mkdtemp(prefix="exposured-bus-")
        os.chmod(self.folder, 0o711)
        os.mkdir(f"{self.folder}/services")
        with open(f"{self.folder}/bus.conf", "w", encoding="utf-8") as f:
            f.write(CONFIGURATION.format(folder=self.folder, policy=policy))
        self.address = f"unix:path={self.folder}/bus"
        self.process = None
        self.start()

    def start(self):
        reader, writer = os.pipe()
        command = ["dbus-daemon", f"--config-file={self.folder}/bus.conf", "--nofork", "--nopidfile",
                   f"--print-address={writer}"]
        self.process = subprocess.Popen(command, pass_fds=[writer], stderr=subprocess.DEVNULL,
                                        env=os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": self.address})
        os.close(writer)
        with os.fdopen(reader) as f:
            assert f.readline(), "no bus"

    def stop(self):
        """It is a fault if it had ended before; how it did says by whose hand."""
        ended = self.process.poll()
        self.process.terminate()
        self.process.wait()
        assert ended is None, f"the bus ended before it was told to, with status {ended}"
        if os.path.exists(f"{self.folder}/bus"):
            os.unlink(f"{self.folder}/bus")

    def offer(self, name, command):
        """Has the bus start a program when its name is asked for."""
        with open(f"{self.folder}/services/{name}.service", "w", encoding="utf-8") as f:
            f.write(f"[D-BUS Service]\nName={name}\nExec={command}\n")

    def close(self):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder)
