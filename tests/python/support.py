# SPDX-License-Identifier: MIT
"""What the Python tests share."""

import ctypes
import os
import secrets
import signal
import struct
import subprocess
import sys
import threading
import time
import unittest

from polyshm import ShareableList, SharedMemory

FOLDER = "/dev/shm"
PATIENCE = 60  # seconds, for what must happen; no test waits so long in vain


def fresh_name():
    return f"polyshm-test-{os.getpid()}-{secrets.token_hex(4)}"


class CleanCase(unittest.TestCase):
    """A test that leaves no name and no descriptor behind."""

    def setUp(self):
        # Its first tracked block gives a process some descriptors for good.
        SharedMemory(create=True, size=1).unlink()
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

    def attach(self, items, **keywords):
        """Another handle on a list, closed when the test ends."""
        other = ShareableList(name=items.name, **keywords)
        self.addCleanup(other.close)
        return other

    def look_behind(self, items):
        trailer = Trailer(items)
        self.addCleanup(trailer.block.close)
        return trailer

    def peer(self, program, *arguments):
        """Another process, which runs a Python program and dies with us."""
        process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=_die_with_parent,
        )
        self.addCleanup(end, process)
        return process

    def fork(self, work):
        """A forked child that leaves with what `work` returns."""
        child = os.fork()
        if child == 0:
            code = 100
            try:
                _die_with_parent()
                code = work()
            finally:
                os._exit(code)
        return child

    def check_child(self, child, code=0):
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), code)


_prctl = ctypes.CDLL(None).prctl


def _die_with_parent():
    _prctl(1, signal.SIGKILL)


def end(process):
    process.kill()
    process.communicate()


def until(condition):
    """Wait until it holds: for things that tell nobody."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not happen")
        time.sleep(0.001)


class Background(threading.Thread):
    """A thread whose result, or exception, is that of result()."""

    def __init__(self, work, *arguments):
        super().__init__(daemon=True)
        self.work = work, arguments
        self.start()

    def run(self):
        work, arguments = self.work
        del self.work
        try:
            self.outcome = work(*arguments)
            self.error = None
        except BaseException as error:
            self.error = error

    def result(self):
        self.join(PATIENCE)
        if self.is_alive():
            raise AssertionError("the thread did not end")
        if self.error is not None:
            raise self.error
        return self.outcome


def area_size(buf):
    """How many bytes of a list's block are CPython's."""
    length, = struct.unpack_from("q", buf)
    data_size, = struct.unpack_from("q", buf, 8 * (length + 1))
    return 8 * (length + 2) + data_size + 9 * length


class Trailer:
    """The words behind a list's own bytes, as core/doc/format.md has them."""

    LOCK, RESERVED, WAITING = 64, 72, 128
    WAITED, TOKEN = 1 << 31, (1 << 25) - 1

    def __init__(self, items):
        self.block = SharedMemory(items.name)
        self.begin = (area_size(self.block.buf) + 63) // 64 * 64
        assert self.block.buf[self.begin:self.begin + 8] == b"polyshm\0"
        self.sequences, = struct.unpack_from("Q", self.block.buf, self.begin + 24)

    def word(self, position):
        return struct.unpack_from("Q", self.block.buf, self.begin + position)[0]

    def put(self, position, word):
        struct.pack_into("Q", self.block.buf, self.begin + position, word)

    def is_waited_for(self):
        return self.word(self.WAITING) != 0

    def lock_is_waited_for(self):
        return self.word(self.LOCK) & self.WAITED != 0

    def hold(self, index, token):
        """Lock a slot as its owner does who is just changing it."""
        position = self.sequences + 8 * index
        self.put(position, self.word(position) >> 32 << 32 | token)

    def release(self, index):
        self.hold(index, 0)

    def token_of(self, items):
        """What stands for this handle, which is alive until it is closed."""
        with items.lock():
            return self.word(self.LOCK) & self.TOKEN
