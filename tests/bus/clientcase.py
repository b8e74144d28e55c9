# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of exposurectl share. They are called with its path, and that of the mock daemon."""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest

from privatebus import PATIENCE, Mock, PrivateBus, Process

SKIPPED = 77

# Whatever a terminal might obey or be confused by: controls but for newline, C1, delete, and all that is invisible or
# changes the order of text.
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
                    "\U000e0000-\U000e007f]")

# As mock-exposured.c has it.
HOSTILE = '\x1b]0;owned\a\x9b31m\u202e\u2066 😨 "quoted\\" é日本e\u0301\u200b\U000e0041\t\n'

CLIENT, MOCK = sys.argv[1:3]


class ClientCase(unittest.TestCase):
    """A bus of its own, and on it the mock; sub-classes may want another bus policy, or no mock."""

    policy = ""
    with_mock = True
    mock_arguments = ()

    def setUp(self):
        self.bus = PrivateBus(self.policy)
        self.addCleanup(self.bus.close)
        self.mock = self.start_mock() if self.with_mock else None

    def environment(self, **more):
        """Nothing of the caller's that changes what is printed."""
        return {"PATH": os.environ["PATH"], "HOME": self.bus.folder, "TZ": "UTC", "LC_ALL": "C.UTF-8", "TERM": "xterm",
                "DBUS_SYSTEM_BUS_ADDRESS": self.bus.address} | {
                    key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")} | more

    def start_mock(self):
        mock = Mock(MOCK, self.environment(), *self.mock_arguments)
        self.addCleanup(mock.close)
        return mock

    def start(self, *arguments, environment=None, **more):
        """Starts the client to go on beside the test."""
        process = Process([CLIENT, *arguments], env=environment or self.environment(), **more)
        self.addCleanup(process.close)
        return process

    def run_client(self, *arguments, **environment):
        """Exit status, output and complaints."""
        result = subprocess.run([CLIENT, *arguments], env=self.environment(**environment), stdin=subprocess.DEVNULL,
                                capture_output=True, timeout=PATIENCE, check=False)
        return result.returncode, result.stdout.decode(), result.stderr.decode()

    def output(self, *arguments, status=0, **environment):
        """The output of a call that ends with that status and complains of nothing."""
        actual, out, err = self.run_client(*arguments, **environment)
        self.assertEqual((actual, err), (status, ""), arguments)
        return out

    def json(self, *arguments, status=0, **environment):
        return json.loads(self.output(*arguments, "--json=short", status=status, **environment))

    def assert_sentence(self, text, arguments=()):
        """One line that begins and ends as a sentence does, or gives a hint."""
        self.assertRegex(text, r"\A[A-Za-z][^\n]{15,}\n\Z", arguments)
        self.assertNotRegex(text.removesuffix("\n"), UNSAFE, arguments)

    def refusal(self, *arguments, status=1, **environment):
        """The sentence of a call that fails with that status and prints nothing else."""
        actual, out, err = self.run_client(*arguments, **environment)
        self.assertEqual((actual, out), (status, ""), (arguments, err))
        self.assert_sentence(err, arguments)
        return err.removesuffix("\n")


def main():
    if not shutil.which("dbus-daemon"):
        print("dbus-daemon is not installed")
        sys.exit(SKIPPED)
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
