# SPDX-License-Identifier: MIT
"""Over ctypes, items are read without the library where that is safe: the same
comes out as from the library, whatever the bytes are and whoever changes them.
"""

import os
import random
import sys
import threading
import unittest

import polyshm
from polyshm import ShareableList, SharedMemory, core
from support import CleanCase, Trailer, area_size, until

SEED = int(os.environ.get("POLYSHM_TEST_SEED", "1"))
ROUNDS = int(os.environ.get("POLYSHM_TEST_ROUNDS", "4000"))
VALUES = [
    0, -1, 2**63 - 1, -(2**63), 0.0, -2.5, float("inf"), True, False, None, "",
    "x" * 24, "é", "zero at the end\0", b"", b"bytes", b"\0\0", b"\xff" * 24,
]  # fmt: skip

try:
    from polyshm.ffi import window
except ImportError:
    window = None


def read(function, *arguments):
    """What it returns or raises, in a form that can be compared."""
    try:
        value = function(*arguments)
        return type(value), repr(value)
    except Exception as error:
        return type(error), str(error)


@unittest.skipUnless(polyshm.backend == "ctypes", "it is ctypes' alone")
@unittest.skipUnless(window and window._IS_SAFE, "not on this machine")
class Window(CleanCase):
    def setUp(self):
        super().setUp()
        self.items = self.make(ShareableList, VALUES, capacity=24)
        self.addCleanup(self.items.close)
        self.open(self.items)
        self.assertTrue(self.items._view)

    @staticmethod
    def open(items):
        for _ in range(window.READS_BEFORE + 1):
            items[0]

    def count_calls(self):
        """A list that grows by the index of each item that the library reads."""
        calls = []
        inherited = core.List._call_get
        items = self.items

        class Counting(type(items)):
            def _call_get(self, index):
                calls.append(index)
                return inherited(self, index)

        items.__class__ = Counting
        return calls

    def check_same(self, said=None):
        for index in range(len(VALUES)):
            self.assertEqual(
                read(self.items.__getitem__, index),
                read(self.items._call_get, index),
                (index, said),
            )

    def test_it_is_used(self):
        calls = self.count_calls()
        self.assertEqual(list(self.items), VALUES)
        # Zeros at the end of a text are the library's business.
        self.assertEqual(
            [VALUES[i] for i in calls], ["zero at the end\0", b"\0\0"]
        )

    def test_types_that_change(self):
        randomly = random.Random(SEED)
        for _ in range(ROUNDS // 10):
            index = randomly.randrange(len(VALUES))
            value = randomly.choice(VALUES)
            self.items[index] = value
            self.assertEqual(
                read(self.items.__getitem__, index), (type(value), repr(value))
            )
        self.check_same()

    def test_a_slot_that_is_being_changed(self):
        self.items.timeout = 0
        trailer = self.look_behind(self.items)
        other = self.attach(self.items)
        other[0] = 5  # it draws a token
        calls = self.count_calls()
        for word in (1 << 31, 1 << 25, 77 << 25 | 12345):
            trailer.hold(0, word)
            del calls[:]
            read(self.items.__getitem__, 0)
            self.assertEqual(calls, [0], hex(word))
            trailer.release(0)
        self.assertEqual(self.items[0], 5)

    def test_any_bytes(self):
        """Bytes that are changed at random mean the same to both."""
        randomly = random.Random(SEED)
        block = SharedMemory(self.items.name)
        self.addCleanup(block.close)
        self.items.timeout = 0
        good = bytes(block.buf)
        self.assertEqual(self.items[0], 0)
        area = area_size(block.buf)
        trailer = (area + 63) // 64 * 64
        # Not the sequence words: the library repairs what it takes for theirs.
        first_sequence = trailer + Trailer(self.items).sequences
        parts = (
            range(16, 8 * (len(VALUES) + 2)),
            range(8 * (len(VALUES) + 2), area - 9 * len(VALUES)),
            range(area - 9 * len(VALUES), area),
            range(first_sequence + 8 * len(VALUES) + 8, block.size),
        )
        for turn in range(ROUNDS):
            changed = {}
            for _ in range(randomly.choice((1, 1, 2, 5))):
                place = randomly.choice(randomly.choice(parts))
                changed[place] = randomly.choice(
                    (0, 1, 2, 3, 7, 8, 16, 255, ord("s"), ord("q"), ord("9"))
                )
            for place, byte in changed.items():
                block.buf[place] = byte
            self.check_same((turn, changed))
            for place in changed:
                block.buf[place] = good[place]
        self.assertEqual(list(self.items), VALUES)

    def test_a_frame_that_does_not_add_up(self):
        block = SharedMemory(self.items.name)
        self.addCleanup(block.close)
        good = bytes(block.buf)
        length = len(VALUES)
        trailer = (area_size(block.buf) + 63) // 64 * 64
        for place in (
            0, 7, 8 * (length + 1), 8 * (length + 1) + 5, trailer, trailer + 8,
            trailer + 24, trailer + 30, trailer + 32,
        ):  # fmt: skip
            reader = self.attach(self.items)
            block.buf[place] ^= 0x5A
            self.open(reader)
            self.assertEqual(read(reader.__getitem__, 0), (int, "0"), place)
            self.assertEqual(reader._view, (), place)
            block.buf[place] = good[place]

    def test_closing_beside_readers(self):
        """They get ClosedError, and the close is not refused for their sake."""
        for _ in range(20):
            reader = ShareableList(name=self.items.name)
            self.open(reader)
            begun = threading.Event()
            errors = []

            def work():
                try:
                    while True:
                        for index in range(len(VALUES)):
                            reader[index]
                        begun.set()
                except Exception as error:
                    errors.append(error)

            threads = [threading.Thread(target=work) for _ in range(3)]
            for thread in threads:
                thread.start()
            begun.wait()
            reader.close()
            for thread in threads:
                thread.join()
            self.assertEqual(
                [type(error) for error in errors], [polyshm.ClosedError] * 3
            )

    def test_a_close_that_is_refused(self):
        view = self.items.shm.buf[3:]
        for _ in range(3):
            with self.assertRaises(polyshm.BusyError):
                self.items.close()
            self.assertEqual(list(self.items), VALUES)
        view.release()
        self.items.close()
        self.assertRaises(polyshm.ClosedError, lambda: self.items[0])

    def test_whole_values_beside_writers(self):
        """Each value is one that somebody wrote, not a mixture."""
        values = [
            "a" * 24,
            "b" * 7,
            12345,
            -(2**60) + 7,
            2.5,
            None,
            b"c" * 24,
            True,
        ]
        program = """
import sys, random, polyshm
items = polyshm.ShareableList(name=sys.argv[1])
values = eval(sys.argv[2])
print("ready", flush=True)
while not items[1]:
    items[0] = random.choice(values)
"""
        shared = self.make(ShareableList, ["", False], capacity=24)
        shared[0] = values[0]
        self.open(shared)
        writers = [
            self.peer(program, shared.name, repr(values)) for _ in range(2)
        ]
        for writer in writers:
            self.assertEqual(writer.stdout.readline(), "ready\n")
        known = {(type(value), value) for value in values}
        seen = set()

        def look():
            for _ in range(2000):
                value = shared[0]
                self.assertIn((type(value), value), known)
                seen.add((type(value), value))
            return len(seen) == len(known)

        until(look)
        shared[1] = True
        for writer in writers:
            writer.communicate()
            self.assertEqual(writer.returncode, 0)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        ROUNDS = int(sys.argv.pop(1))
    unittest.main()
