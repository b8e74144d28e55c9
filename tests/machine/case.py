# SPDX-License-Identifier: LGPL-2.1-or-later
"""A test case with a machine of its own, for each tree."""

import os
import time
import unittest

import bus
import machine
import trees

SANITIZER_WORDS = ("AddressSanitizer", "LeakSanitizer", "runtime error:")


def build_folder():
    folder = os.environ.get("EXPOSURED_BUILD")
    if not folder:
        raise unittest.SkipTest("EXPOSURED_BUILD does not name a build")
    return folder


def required():
    return os.environ.get("EXPOSURED_REQUIRE_MACHINES") == "1"


def await_true(condition, what, seconds=15):
    """Asks until the answer is true, and returns it."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"no {what} within {seconds} s")
        time.sleep(0.02)
    return answer


class MachineCase(unittest.TestCase):
    """Sub-classes come from for_each_tree(). A machine that cannot be had is a skip, where it is required an error."""

    tree, broker, with_build = "/", "dbus-broker", True
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        build = build_folder() if cls.with_build else None
        cls.machine = machine.Machine(cls.tree, build, cls.broker)
        try:
            cls.machine.__enter__()
        except machine.CannotBoot as reason:
            if required():
                raise
            raise unittest.SkipTest(str(reason))
        cls.addClassCleanup(cls.machine.__exit__)
        cls.prepare()

    @classmethod
    def tearDownClass(cls):
        if cls.with_build:
            cls.check_the_end()

    @classmethod
    def check_the_end(cls):
        """Stopped, the daemon has ended well, and no sanitizer has said a word."""
        cls.machine.systemctl("stop", "exposured.service")
        cls.assert_sanitizers_silent("exposured.service")
        result = cls.machine.output("systemctl", "show", "-P", "Result", "exposured.service").strip()
        if result != "success":
            raise AssertionError(f"exposured.service: {result}\n{cls.machine.journal('exposured.service')[-4000:]}")

    @classmethod
    def assert_sanitizers_silent(cls, *units):
        for unit in units:
            text = cls.machine.journal(unit)
            for word in SANITIZER_WORDS:
                if word in text:
                    raise AssertionError(f"{unit}:\n{text[-6000:]}")

    @classmethod
    def prepare(cls):
        """For sub-classes: what their tests share."""

    @classmethod
    def connect(cls):
        """A connection to the machine's bus, closed with the class."""
        connection = cls.open_bus()
        cls.addClassCleanup(connection.close)
        return connection

    @classmethod
    def open_bus(cls):
        return bus.Bus(cls.machine.path("/run/dbus/system_bus_socket"))

    def assertNoDifferences(self, found, count):
        if found:
            self.fail(f"{len(found)} differences in {count}:\n" + "\n".join(found[:40]))


def for_each_tree(base, brokers=("dbus-broker", "dbus-daemon")):
    """A class for each tree; the brokers take turns, so that all are met."""
    classes = {}
    # The base itself is no test: del it after this call.
    for index, (label, path) in enumerate(trees.places()):
        name = f"{base.__name__}_{label}"
        classes[name] = type(name, (base,), {"tree": path, "broker": brokers[index % len(brokers)],
                                             "__module__": base.__module__})
    return classes
