# SPDX-License-Identifier: MIT
"""Many threads on one list and one block, and children of every start method.

A free-threaded Python turns its lock on when it imports the extension, which
does not declare that it can do without; these tests then run as elsewhere.
"""

import multiprocessing
import random
import sys
import sysconfig
import threading
import unittest

from polyshm import ClosedError, ShareableList, SharedMemory
from support import Background, CleanCase

THREADS = 8


class Threads(CleanCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(1e-5)

    def run_all(self, work, count=THREADS):
        threads = [Background(work, number) for number in range(count)]
        return [thread.result() for thread in threads]

    def test_every_operation_at_once(self):
        """On one list: no value that nobody wrote, and no crash."""
        values = [0, -1, 2.5, "a" * 30, b"\0" * 40, "é" * 12, None, True]
        items = self.make(ShareableList, values, capacity=40)

        def work(number):
            chosen = random.Random(number)
            for _ in range(400):
                index = chosen.randrange(8)
                kind = chosen.randrange(9)
                if kind < 3:
                    items[index] = chosen.choice(values)
                elif kind == 3:
                    items[2:5] = chosen.choices(values, k=3)
                elif kind == 4:
                    found = items[chosen.randrange(4) :]
                    assert all(item in values for item in found), found
                elif kind == 5:
                    assert all(item in values for item in items)
                elif kind == 6:
                    items.count(None), 2.5 in items, repr(items), items.format
                elif kind == 7:
                    assert len(items.snapshot()) == 8
                else:
                    assert items[index] in values

        self.run_all(work)
        items.close()

    def test_handles_come_and_go(self):
        items = self.make(ShareableList, [0] * 4)
        block = self.make(SharedMemory, create=True, size=64)

        def work(number):
            for _ in range(60):
                with ShareableList(name=items.name) as mine:
                    mine.add(number % 4)
                with SharedMemory(block.name) as mine:
                    mine.buf[number] = number
                assert items.shm.size and items.shm.name == items.name

        self.run_all(work)
        self.assertEqual(sum(items), 60 * THREADS)
        self.assertEqual(list(block.buf[:THREADS]), list(range(THREADS)))

    def close_under(self, make, use, count=20):
        """Close what other threads are just using: an error is all they get."""
        for _ in range(count):
            made = make()
            started = threading.Barrier(4)

            def work(number):
                started.wait()
                if number == 0:
                    while True:
                        try:
                            return made.close()
                        except BufferError:  # somebody was in the middle
                            pass
                try:
                    while True:
                        use(made)
                except (ClosedError, TypeError, ValueError):
                    return None

            self.run_all(work, 4)

    def test_closing_a_list_that_others_read(self):
        items = self.make(ShareableList, ["x" * 300, 1, 2.5])
        attach = lambda: ShareableList(name=items.name)  # noqa: E731
        for use in (
            lambda sl: sl[0],
            lambda sl: sl.__setitem__(1, 7),
            lambda sl: sl[:],
            lambda sl: sl.__setitem__(slice(1, 3), [1, 2.5]),
            lambda sl: list(sl),
            lambda sl: sl.index(2.5),
            lambda sl: sl.add(1),
            lambda sl: sl.snapshot(),
            lambda sl: sl.format,
        ):
            items[1] = 1
            self.close_under(attach, use, 5)

    def test_closing_a_block_that_others_read(self):
        block = self.make(SharedMemory, create=True, size=4096)
        attach = lambda: SharedMemory(block.name)  # noqa: E731
        for use in (
            lambda mine: mine.buf[5],
            lambda mine: bytes(mine.buf[:100]),
            lambda mine: mine.view("d", (4, 4)).tolist(),
        ):
            self.close_under(attach, use)

    def test_closing_by_many_at_once(self):
        name = self.make(SharedMemory, create=True, size=64).name
        for _ in range(50):
            made = SharedMemory(name)
            self.run_all(lambda number: made.close())
            self.assertIsNone(made.buf)

    def test_close_waits_for_nobody_who_sleeps(self):
        """It is told that the list is in use, and the sleeper sleeps on."""
        items = self.make(ShareableList, [0])
        sleeper = Background(lambda: items.wait(0, 30))
        while True:
            try:
                probe = self.attach(items)
                probe[0] += 1
                if not sleeper.is_alive():
                    break
            finally:
                probe.close()
        self.assertTrue(sleeper.result())


class Interpreter(unittest.TestCase):
    @unittest.skipUnless(
        sysconfig.get_config_var("Py_GIL_DISABLED"), "this Python has its lock"
    )
    def test_the_extension_turns_the_lock_on(self):
        if "polyshm._core" not in sys.modules:
            self.skipTest("the extension is not in use")
        self.assertTrue(sys._is_gil_enabled())


# ------------------------------------------------------------------ children


def work_in_child(items, block, number):
    """Arguments come pickled, or as they are after a fork."""
    for _ in range(100):
        items.add(0)
    with items.lock(timeout=60):
        items[1:3] = [items[1] + 1, f"child {number}"]
    block.buf[number] = number + 1
    items.close()
    block.close()


def make_in_child(connection):
    items = ShareableList(["made", "by a child"])
    connection.send(items)
    connection.recv()
    items.unlink()
    connection.send("gone")


class Children(CleanCase):
    """Of each start method. What such a child needs of its parent, a resource
    tracker and a fork server, is started before things are counted."""

    def setUp(self):
        for method in "spawn", "forkserver":
            child = multiprocessing.get_context(method).Process(target=int)
            child.start()
            child.join(60)
            child.close()
        super().setUp()

    def each(self):
        for method in "fork", "spawn", "forkserver":
            with self.subTest(method=method):
                yield multiprocessing.get_context(method)

    def test_they_share_what_they_get(self):
        for context in self.each():
            items = self.make(ShareableList, [0, 0, "x" * 20])
            block = self.make(SharedMemory, create=True, size=4)
            children = [
                context.Process(
                    target=work_in_child, args=(items, block, number)
                )
                for number in range(4)
            ]
            for child in children:
                child.start()
            for child in children:
                child.join(60)
                self.assertEqual(child.exitcode, 0)
                child.close()
            self.assertEqual(items[:2], [400, 4])
            self.assertRegex(items[2], "^child [0-3]$")
            self.assertEqual(bytes(block.buf), b"\1\2\3\4")

    def test_they_hand_over_what_they_make(self):
        for context in self.each():
            ours, theirs = context.Pipe()
            child = context.Process(target=make_in_child, args=(theirs,))
            child.start()
            with ours.recv() as items:
                self.assertEqual(list(items), ["made", "by a child"])
                ours.send("seen")
                self.assertEqual(ours.recv(), "gone")
            child.join(60)
            self.assertEqual(child.exitcode, 0)
            child.close()
            ours.close()
            theirs.close()


if __name__ == "__main__":
    unittest.main()
