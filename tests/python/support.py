# SPDX-License-Identifier: MIT
"""What the Python tests share."""

import os
import secrets
import unittest

FOLDER = "/dev/shm"


def fresh_name():
    return f"polyshm-test-{os.getpid()}-{secrets.token_hex(4)}"


class CleanCase(unittest.TestCase):
    """A test that leaves no name and no descriptor behind."""

    def setUp(self):
        names = set(os.listdir(FOLDER))
        descriptors = len(os.listdir("/proc/self/fd"))
        # Registered first, so that it runs after all other cleanups.
        self.addCleanup(self.check_left, names, descriptors)

    def check_left(self, names, descriptors):
        mine = f"-{os.getpid()}-"
        left = {name for name in os.listdir(FOLDER) if mine in name} - names
        self.assertEqual(left, set())
        self.assertEqual(len(os.listdir("/proc/self/fd")), descriptors)

    def make(self, kind, *arguments, **keywords):
        """An object with a fresh name, unlinked when the test ends."""
        made = kind(*arguments, name=fresh_name(), **keywords)
        self.addCleanup(self.remove, made.name)
        return made

    @staticmethod
    def remove(name):
        try:
            os.unlink(os.path.join(FOLDER, name))
        except FileNotFoundError:
            pass
