# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the tests of a file and tells their results in the Test Anything Protocol, each as soon as it is known."""

import argparse
import sys
import traceback
import unittest

import machine


class TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.number = 0

    def _tell(self, word, test, reason="", details=""):
        self.number += 1
        name = test.id().removeprefix("__main__.").replace("#", "")
        print(f"{word} {self.number} - {name}{reason}")
        for line in details.splitlines():
            print(f"# {line}")
        sys.stdout.flush()

    def addSuccess(self, test):
        super().addSuccess(test)
        self._tell("ok", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._tell("ok", test, f" # SKIP {reason.splitlines()[0]}")

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self._tell("not ok", test, details=self.failures[-1][1])

    def addError(self, test, error):
        super().addError(test, error)
        self._tell("not ok", test, details=self.errors[-1][1])

    def addSubTest(self, test, part, error):
        super().addSubTest(test, part, error)
        if error is not None:
            self._tell("not ok", part, details="".join(traceback.format_exception(*error)))


def note(text):
    """Something to read beside the results."""
    for line in text.splitlines():
        print(f"# {line}", flush=True)


def classes(module, part):
    """Every K-th of N test classes of a module, where part is "K/N"."""
    found = sorted((value for value in vars(module).values()
                    if isinstance(value, type) and issubclass(value, unittest.TestCase)), key=lambda one: one.__name__)
    number, parts = (int(text) for text in part.split("/"))
    return found[number - 1::parts]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", default="1/1", help="K/N: only every K-th of N classes")
    parser.add_argument("names", nargs="*", help="classes or tests of this file; else all")
    arguments = parser.parse_args()
    machine.exit_on_signals()
    module, loader = sys.modules["__main__"], unittest.TestLoader()
    if arguments.names:
        suite = loader.loadTestsFromNames(arguments.names, module)
    else:
        suite = unittest.TestSuite(map(loader.loadTestsFromTestCase, classes(module, arguments.part)))
    print("TAP version 13", flush=True)
    result = TapResult()
    suite.run(result)
    print(f"1..{result.number}", flush=True)
    return 0 if result.wasSuccessful() and result.number > 0 else 1
