# SPDX-License-Identifier: MIT
"""Runs CPython's tests of shared memory in one start method, for
cpython_suite.py, in an interpreter where polyshm has been put into the place of
multiprocessing.shared_memory. Writes what came of them to a file, as JSON."""

import json
import signal
import sys
import unittest

CLASSES = "WithProcessesTestSharedMemory", "TestResourceTracker"


class Result(unittest.TextTestResult):
    """Keeps [test, outcome, text] of all tests; the worst of its subtests is a
    test's outcome."""

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.outcomes = {}

    def note(self, test, outcome, text=""):
        test = getattr(test, "test_case", test)
        name = f"{type(test).__name__}.{test._testMethodName}"
        if outcome == "failed" or name not in self.outcomes:
            self.outcomes[name] = outcome, text

    def addSuccess(self, test):
        super().addSuccess(test)
        self.note(test, "passed")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note(test, "skipped", reason)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.note(test, "failed", self.failures[-1][1])

    def addError(self, test, error):
        super().addError(test, error)
        self.note(test, "failed", self.errors[-1][1])

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.note(test, "failed", (self.failures + self.errors)[-1][1])


def main():
    output, method, patience = sys.argv[1:4]
    # One of them is interrupted, which who runs us in the background ignores.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from test import _test_multiprocessing as tests
    from test import support

    if patience != "0":
        support.LONG_TIMEOUT = float(patience)
    tests.install_tests_in_module_dict(globals(), method)
    suite = unittest.TestSuite(
        unittest.defaultTestLoader.loadTestsFromTestCase(globals()[name])
        for name in CLASSES
    )
    result = unittest.TextTestRunner(
        resultclass=Result, verbosity=2, buffer=False
    ).run(suite)
    with open(output, "w") as file:
        json.dump(result.outcomes, file)


if __name__ == "__main__":
    main()
