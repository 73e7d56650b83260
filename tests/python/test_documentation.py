# SPDX-License-Identifier: MIT
"""What the standard library's documentation of multiprocessing.shared_memory
shows in examples works alike when the module is imported from polyshm."""

import importlib.util
import multiprocessing
import os
import subprocess
import sys
import unittest

from polyshm import shared_memory
from support import CleanCase, end

NUMPY = importlib.util.find_spec("numpy") is not None
END = "end of the answer"


class Shell:
    """A Python that somebody types into."""

    def __init__(self):
        environment = {**os.environ, "PYTHONSTARTUP": "", "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-q", "-i"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # the prompts
            text=True,
            env=environment,
        )

    def type(self, line):
        """What it answers to a line."""
        self.process.stdin.write(f"{line}\nprint({END!r})\n")
        self.process.stdin.flush()
        answer = []
        for said in self.process.stdout:
            if said.strip() == END:
                return "".join(answer).rstrip("\n")
            answer.append(said)
        raise AssertionError(f"the shell ended at {line!r}: {answer}")

    def leave(self):
        rest, _ = self.process.communicate()
        return self.process.returncode, rest


def square(items, start, stop):
    for position in range(start, stop):
        items[position] = items[position] ** 2


class Documentation(CleanCase):
    def tearDown(self):
        # Its server would stay until we end, with descriptors of ours.
        from multiprocessing import forkserver, resource_tracker

        if getattr(forkserver._forkserver, "_forkserver_pid", None):
            forkserver._forkserver._stop()
        if getattr(resource_tracker._resource_tracker, "_pid", None):
            resource_tracker._resource_tracker._stop()

    def shell(self):
        shell = Shell()
        self.addCleanup(end, shell.process)
        return shell

    @unittest.skipUnless(NUMPY, "there is no numpy: pip install numpy")
    def test_one_array_in_two_shells(self):
        first, second = self.shell(), self.shell()
        for shell in first, second:
            shell.type("import numpy as np")
            shell.type("from polyshm import shared_memory")

        first.type("plain = np.array([2, 3, 5, 7, 11, 13])")
        first.type(
            "block = shared_memory.SharedMemory(create=True, size=plain.nbytes)"
        )
        first.type(
            "shared = np.ndarray(plain.shape, dtype=plain.dtype, buffer=block.buf)"
        )
        first.type("shared[:] = plain[:]")
        self.assertEqual(first.type("shared"), "array([ 2,  3,  5,  7, 11, 13])")
        self.assertEqual(first.type("type(shared)"), "<class 'numpy.ndarray'>")
        name = first.type("block.name")
        self.assertRegex(name, r"^'psm_[0-9a-f]{8}'$")
        self.addCleanup(self.remove, name.strip("'"))

        second.type(f"block = shared_memory.SharedMemory(name={name})")
        second.type(
            "shared = np.ndarray((6,), dtype=np.int64, buffer=block.buf)"
        )
        self.assertEqual(
            second.type("shared"), "array([ 2,  3,  5,  7, 11, 13])"
        )
        second.type("shared[-1] = 777")
        changed = "array([  2,   3,   5,   7,  11, 777])"
        self.assertEqual(second.type("shared"), changed)
        self.assertEqual(first.type("shared"), changed)

        second.type("del shared")
        second.type("block.close()")
        self.assertEqual(second.leave(), (0, ""))
        # Nobody's exit takes the block away from others, nor from newcomers.
        self.assertEqual(first.type("shared"), changed)
        third = self.shell()
        third.type("from polyshm import shared_memory")
        self.assertEqual(
            third.type(f"len(shared_memory.SharedMemory({name}).buf)"), "48"
        )
        self.assertEqual(third.leave(), (0, ""))

        first.type("del shared")
        first.type("block.close()")
        first.type("block.unlink()")
        self.assertEqual(first.leave(), (0, ""))
        with self.assertRaises(FileNotFoundError):
            shared_memory.SharedMemory(name.strip("'"))

    @unittest.skipUnless(NUMPY, "there is no numpy: pip install numpy")
    def test_an_array_outlives_its_block(self):
        import numpy

        block = self.make(shared_memory.SharedMemory, create=True, size=80)
        array = numpy.ndarray((10,), dtype=numpy.int64, buffer=block.buf)
        array[:] = range(10)
        del block
        self.assertEqual(array.sum(), 45)

    def test_two_processes_work_on_one_list(self):
        for method in "fork", "spawn", "forkserver":
            with self.subTest(method):
                context = multiprocessing.get_context(method)
                items = self.make(shared_memory.ShareableList, range(2000))
                workers = [
                    context.Process(target=square, args=(items, start, stop))
                    for start, stop in ((0, 1000), (1000, 2000))
                ]
                for worker in workers:
                    worker.start()
                for worker in workers:
                    worker.join()
                    self.assertEqual(worker.exitcode, 0)
                self.assertEqual(sum(items), sum(i * i for i in range(2000)))
                items.shm.close()
                items.shm.unlink()

    def test_two_handles_on_one_block(self):
        block = self.make(shared_memory.SharedMemory, create=True, size=12)
        self.assertIs(type(block.buf), memoryview)
        again = shared_memory.SharedMemory(block.name)
        block.buf[:3] = bytearray([9, 8, 7])
        block.buf[3] = 200
        self.assertEqual(list(again.buf[:5]), [9, 8, 7, 200, 0])
        again.buf[:5] = b"hello"
        self.assertEqual(bytes(block.buf[:5]), b"hello")
        again.close()
        block.close()
        block.unlink()

    def test_two_lists_of_one_name(self):
        one = self.make(shared_memory.ShareableList, range(5))
        two = shared_memory.ShareableList(name=one.shm.name)
        self.assertEqual(
            repr(two), f"ShareableList([0, 1, 2, 3, 4], name={one.shm.name!r})"
        )
        two[-1] = -7
        self.assertEqual(one[-1], -7)
        one.shm.close()
        two.shm.close()
        two.shm.unlink()

    def test_a_list_of_many_types(self):
        values = ["text", b"bytes", -1.25, 100, None, True, 42]
        items = self.make(shared_memory.ShareableList, values)
        self.assertEqual([type(item) for item in items], [*map(type, values)])
        items[2] = "seven"
        self.assertEqual(items[2], "seven")
        with self.assertRaisesRegex(ValueError, "exceeds available storage"):
            items[2] = "more text than there is room for"
        self.assertEqual(items[2], "seven")
        self.assertEqual(len(items), 7)
        self.assertEqual((items.index(42), items.count(b"text")), (6, 0))
        items.shm.close()
        items.shm.unlink()


if __name__ == "__main__":
    unittest.main()
