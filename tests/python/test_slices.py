# SPDX-License-Identifier: MIT
"""Slices of lists, read and assigned; and how much room items have."""

import itertools
import random
import struct
import unittest
from multiprocessing import resource_tracker
from multiprocessing import shared_memory as stock

from polyshm import ClosedError, ShareableList
from support import CleanCase

BOUNDS = None, 0, 1, 3, 6, 7, 8, -1, -3, -7, -9, 2**70, -(2**70)


class Slices(CleanCase):
    @classmethod
    def setUpClass(cls):
        # The tracker process must not count as a left-over of a test.
        resource_tracker.ensure_running()

    def setUp(self):
        super().setUp()
        self.plain = [0, "one", b"two", 3.5, None, True, "seven77"]
        self.items = self.make(ShareableList, self.plain, capacity=16)
        self.addCleanup(self.items.close)

    def test_reading(self):
        for bounds in itertools.product(
            BOUNDS, BOUNDS, (None, 1, 2, -1, -3, 2**70)
        ):
            key = slice(*bounds)
            found = self.items[key]
            self.assertIs(type(found), list)
            self.assertEqual(found, self.plain[key], bounds)
        self.assertEqual(self.make(ShareableList, [])[:], [])

    def test_assigning(self):
        chosen = random.Random(5)
        for bounds in itertools.product(BOUNDS, BOUNDS, (None, 2, -1)):
            key = slice(*bounds)
            values = [
                chosen.choice((7, -1.5, None, "x" * 16, b"\0" * 9, False))
                for _ in self.plain[key]
            ]
            self.items[key] = values
            for index, value in zip(range(7)[key], values):
                self.plain[index] = value
            self.assertEqual(list(self.items), self.plain, bounds)

    def test_any_iterable_will_do(self):
        self.items[:3] = iter("abc")
        self.items[3:5] = (8, 9)
        self.items[5:] = {"k": 1, "l": 2}
        self.assertEqual(list(self.items), ["a", "b", "c", 8, 9, "k", "l"])
        self.items[::-1] = self.items
        self.items[1:4] = self.items[3:6]
        self.assertEqual(list(self.items), ["l", 8, "c", "b", "c", "b", "a"])

    def check_unchanged(self, error, text, key, values):
        with self.assertRaisesRegex(error, text):
            self.items[key] = values
        self.assertEqual(list(self.items), self.plain)

    def test_the_length_never_changes(self):
        for key, values in (
            (slice(1, 3), [1]), (slice(1, 3), [1, 2, 3]), (slice(0, 0), [1]),
            (slice(None, None, 2), [1, 2, 3]), (slice(None), []),
            (slice(5, 99), [1, 2, 3]),
        ):  # fmt: skip
            self.check_unchanged(
                ValueError, "attempt to assign sequence of size", key, values
            )
        with self.assertRaisesRegex(TypeError, "cannot be deleted"):
            del self.items[1:2]

    def test_none_or_all(self):
        """What is wrong with one value keeps the others from being set."""
        for error, wrong in (
            (ValueError, "x" * 17),
            (ValueError, b"x" * 17),
            (ValueError, "€" * 6),
            (struct.error, 2**63),
            (KeyError, []),
            (UnicodeEncodeError, "\udc80"),
        ):
            for position in range(7):
                values = [5] * 7
                values[position] = wrong
                self.check_unchanged(error, "", slice(None), values)

    def test_what_is_no_slice(self):
        self.check_unchanged(TypeError, "not iterable", slice(0, 1), 5)
        self.check_unchanged(
            ValueError, "step cannot be zero", slice(0, 1, 0), [1]
        )
        self.check_unchanged(TypeError, "indices", slice(0, "x"), [1])
        for wrong in slice("x", 1), slice(0, 1, 1.5):
            with self.assertRaises(TypeError):
                self.items[wrong]

    def test_a_sequence_that_closes_the_list(self):
        def values():
            yield 1
            self.items.close()
            yield 2

        with self.assertRaises(ClosedError):
            self.items[:2] = values()

    def test_closed_and_read_only(self):
        reader = self.attach(self.items, read_only=True)
        self.assertEqual(reader[2:], self.plain[2:])
        with self.assertRaises(PermissionError):
            reader[:2] = [1, 2]
        self.assertEqual(list(reader), self.plain)
        reader.close()
        for use in (
            lambda: reader[1:3],
            lambda: reader.__setitem__(slice(1, 3), [1, 2]),
        ):
            with self.assertRaises(ClosedError):
                use()
        fresh = ShareableList.__new__(ShareableList)
        for use in (
            lambda: fresh[1:3],
            lambda: fresh.__setitem__(slice(1, 3), [1, 2]),
        ):
            with self.assertRaisesRegex(ValueError, "not initialised"):
                use()

    def test_stock_reads_what_was_assigned(self):
        theirs = stock.ShareableList(name=self.items.name)
        resource_tracker.unregister(theirs.shm._name, "shared_memory")
        self.addCleanup(theirs.shm.close)
        self.items[1:6:2] = ["é", -(2**63), b"b"]
        self.assertEqual(
            list(theirs), [0, "é", b"two", -(2**63), None, b"b", "seven77"]
        )


class Room(CleanCase):
    def test_capacity(self):
        items = self.make(ShareableList, [1, "x" * 8, b"", None])
        self.assertEqual([items.capacity(i) for i in range(4)], [8, 16, 8, 8])
        self.assertEqual(
            [items.capacity(-i) for i in (1, 2, 3, 4)], [8, 8, 16, 8]
        )
        for wrong in 4, -5, 2**70:
            with self.assertRaisesRegex(IndexError, "index out of range"):
                items.capacity(wrong)
        for wrong in 1.0, "1", None, slice(1):
            with self.assertRaises(TypeError):
                items.capacity(wrong)
        items[1] = "y" * items.capacity(1)
        with self.assertRaises(ValueError):
            items[1] = "y" * (items.capacity(1) + 1)

    def test_reserved(self):
        items = self.make(ShareableList, [1, "x" * 70], capacity=64)
        self.assertEqual([items.capacity(i) for i in range(2)], [64, 72])


if __name__ == "__main__":
    unittest.main()
