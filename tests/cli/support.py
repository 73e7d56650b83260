# SPDX-License-Identifier: MIT
"""What the tests of the program that are no cases share."""

import contextlib
import os
import secrets
import subprocess
import sys
import unittest

FOLDER = "/dev/shm"
SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
TOOLS = os.path.normpath(os.path.join(SOURCES, "tools"))

# The programs under test: see main().
programs = {}

PRIVATE = 'mount -t tmpfs -o "$1" tmpfs /dev/shm && shift && exec "$@"'
IS_PRIVATE = "POLYSHM_TEST_IS_PRIVATE"


def private_folder(options=""):
    """What to put before a command so that it has a /dev/shm of its own, where
    no other process looks into its blocks; None if that cannot be had."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *user, "--mount", "bash", "-c", PRIVATE, "-",
               options or "mode=1777"]  # fmt: skip
    try:
        tried = subprocess.run([*command, "true"], capture_output=True)
    except FileNotFoundError:
        return None
    return command if tried.returncode == 0 else None


class CommandCase(unittest.TestCase):
    """A test with a name for its blocks, which are removed in the end."""

    def setUp(self):
        self.name = f"cli-{secrets.token_hex(4)}"
        self.addCleanup(self.remove_blocks)

    def remove_blocks(self):
        for file in os.listdir(FOLDER):
            if file.startswith(self.name):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(FOLDER, file))

    def maker(self, *words):
        subprocess.run([programs["maker"], *words], check=True)

    def polyshm(self, *words):
        """What it prints; it must work."""
        return subprocess.run(
            [programs["polyshm"], *words],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    def exists(self, name):
        return os.path.exists(os.path.join(FOLDER, name))


def main():
    """Run the caller's tests: its arguments are the program and the maker."""
    before = None if IS_PRIVATE in os.environ else private_folder()
    if before:
        os.environ[IS_PRIVATE] = "1"
        command = [*before, sys.executable, "-W", "error", *sys.argv]
        os.execvp(command[0], command)
    programs["polyshm"], programs["maker"] = sys.argv[1:3]
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
