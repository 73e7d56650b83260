# SPDX-License-Identifier: MIT
"""A /dev/shm of one MiB: what does not fit is an error when it is made, in every
language, and leaves nothing; without the reservation it is a bus error later."""

import os
import shutil
import signal
import subprocess
import sys
import unittest

C_PEER = sys.argv.pop(1)
LUA = os.environ["POLYSHM_LUA_EXECUTABLE"]
SANITIZED = "san.so" in os.environ.get("LD_PRELOAD", "")
SIZE = 4 << 20

# The mount goes with its namespace.
SMALL = 'mount -t tmpfs -o size=1M,mode=1777 tmpfs /dev/shm && exec "$@"'
UNSHARE = ["unshare", "--mount", "sh", "-c", SMALL, "sh"]

PYTHON_PROGRAM = """
import os, sys, polyshm
try:
    block = polyshm.SharedMemory(
        create=True, size=int(sys.argv[1]), sparse=sys.argv[2] == "sparse")
    block.buf[:] = bytes(len(block.buf))
except OSError as error:
    print(error.errno == 28, error)
try:
    items = polyshm.ShareableList([0], capacity=int(sys.argv[1]))
except OSError as error:
    print(error.errno == 28, error)
print(os.listdir("/dev/shm"))
"""
LUA_PROGRAM = """
local polyshm = require "polyshm"
local size = math.tointeger(arg[1])
local block, message, code = polyshm.SharedMemory {
  create = true, size = size, sparse = arg[2] == "sparse"}
if block then block:write(0, ("x"):rep(size)) end
print(code == polyshm.E_SPACE, message)
local _, message, code = polyshm.ShareableList({0}, {capacity = size})
print(code == polyshm.E_SPACE, message)
os.execute 'echo "[$(ls /dev/shm)]"'
"""


def run(*words, text=""):
    return subprocess.run(
        [*UNSHARE, *map(str, words)],
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def may_mount():
    return shutil.which("unshare") is not None and run("true").returncode == 0


@unittest.skipUnless(may_mount(), "needs the right to mount")
class Space(unittest.TestCase):
    def check_message(self, line):
        self.assertRegex(line, r"no room for a block of \d{7} bytes")
        self.assertRegex(line, r"\d{6,7} bytes are free in /dev/shm")
        self.assertIn("--shm-size", line)

    def check(self, result, last):
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        *lines, left = result.stdout.splitlines()
        self.assertEqual(left, last)
        for line in lines:
            self.assertRegex(line, "(?i)^true")
            self.check_message(line)
        self.assertEqual(len(lines), 2)

    def check_death(self, result):
        """The reservation is needed."""
        if SANITIZED:
            self.assertIn("BUS", result.stderr)
        else:
            self.assertEqual(result.returncode, -signal.SIGBUS)

    def test_python(self):
        program = [sys.executable, "-c", PYTHON_PROGRAM]
        self.check(run(*program, SIZE, "reserved"), "[]")
        self.check_death(run(*program, SIZE, "sparse"))

    def test_lua(self):
        program = [LUA, "-"]
        self.check(run(*program, SIZE, "reserved", text=LUA_PROGRAM), "[]")
        self.check_death(run(*program, SIZE, "sparse", text=LUA_PROGRAM))

    def test_c(self):
        commands = f"block small 4096\nblock large {SIZE}\nblock next 4096\n"
        result = run(C_PEER, text=commands)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        first, failed, last = result.stdout.splitlines()
        self.assertEqual((first, last), ("ok", "ok"))
        self.assertIn("POLYSHM_E_SPACE", failed)
        self.check_message(failed)
        commands = f"sparse large {SIZE}\ntouch large\n"
        self.check_death(run(C_PEER, text=commands))


if __name__ == "__main__":
    unittest.main()
