# SPDX-License-Identifier: MIT
"""Blocks as numbers: SharedMemory.view(), and numpy where it is installed."""

import ctypes
import gc
import struct
import sys
import unittest

from polyshm import ClosedError, SharedMemory
from support import CleanCase

try:
    import numpy
except ImportError:
    numpy = None

OTHER_ORDER = ">" if sys.byteorder == "little" else "<"
OWN_ORDER = "<" if sys.byteorder == "little" else ">"


class Views(CleanCase):
    def setUp(self):
        super().setUp()
        self.block = self.make(SharedMemory, create=True, size=96)
        self.addCleanup(self.block.close)

    def check(self, dtype, character):
        with self.block.view(dtype) as view:
            size = struct.calcsize(character)
            self.assertEqual(view.itemsize, size, dtype)
            # Of the same size, they may have another letter.
            kinds = "bhilqn", "BHILQNP", "fd", "?", "c"
            (kind,) = (kind for kind in kinds if character in kind)
            self.assertIn(view.format, kind, dtype)
            self.assertEqual((view.ndim, len(view)), (1, 96 // size))

    def test_types(self):
        for character in "bBhHiIlLqQnNfdP?c":
            self.check(character, character)
            self.check("@" + character, character)
        for name, character in (
            ("i1", "b"), ("u1", "B"), ("i2", "h"), ("u2", "H"), ("i4", "i"),
            ("u4", "I"), ("i8", "q"), ("u8", "Q"), ("f4", "f"), ("f8", "d"),
            ("b1", "?"), ("S1", "c"),
        ):  # fmt: skip
            self.check(name, character)
            self.check(OWN_ORDER + name, character)
            self.check("=" + name, character)
        for name in "|u1", "|b1", "|S1", ">u1", "<i1", OTHER_ORDER + "b1":
            self.check(name, {"u": "B", "b": "?", "S": "c", "i": "b"}[name[1]])
        for name, character in (
            ("int8", "b"), ("uint16", "H"), ("int32", "i"), ("uint64", "Q"),
            ("float32", "f"), ("float64", "d"), ("bool", "?"), ("int", "q"),
            ("float", "d"), (int, "q"), (float, "d"), (bool, "?"),
            (OWN_ORDER + "d", "d"), (OWN_ORDER + "q", "q"),
        ):  # fmt: skip
            self.check(name, character)

    def test_types_there_are_not(self):
        for wrong in (
            "", "<", "f3", "i16", "complex128", "U4", "M8", "dd", "2d", "x",
            "<l", "=L", "<n", str, bytes, complex, object,
        ):  # fmt: skip
            with self.assertRaisesRegex(ValueError, "unknown dtype"):
                self.block.view(wrong)
        for wrong in OTHER_ORDER + "f8", OTHER_ORDER + "i4", "!d":
            with self.assertRaisesRegex(ValueError, "byte order"):
                self.block.view(wrong)
        for wrong in None, 3, b"d", ["d"]:
            with self.assertRaisesRegex(TypeError, "dtype must be"):
                self.block.view(wrong)

    def test_shapes(self):
        for shape, expected in (
            (None, (12,)), (3, (3,)), ((3,), (3,)), ([2, 3], (2, 3)),
            ((2, 3, 2), (2, 3, 2)), (0, (0,)), ((), ()), (12, (12,)),
        ):  # fmt: skip
            with self.block.view("d", shape) as view:
                self.assertEqual(view.shape, expected)
        for wrong in -1, (2, -3), (2, 0), (0, 2):
            with self.assertRaisesRegex(ValueError, "shape"):
                self.block.view("d", wrong)
        for wrong in 13, (3, 5), 2**70:
            with self.assertRaisesRegex(ValueError, "do not fit"):
                self.block.view("d", wrong)
        for wrong in 1.5, "3", (1.5,):
            with self.assertRaises(TypeError):
                self.block.view("d", wrong)

    def test_offsets(self):
        self.block.buf[:] = bytes(range(96))
        with self.block.view("H", 2, 6) as view:
            self.assertEqual(
                view.tolist(),
                list(struct.unpack_from("2H", bytes(range(96)), 6)),
            )
        with self.block.view("d", offset=88) as view:
            self.assertEqual(view.shape, (1,))
        with self.block.view("d", offset=96) as view:
            self.assertEqual(view.shape, (0,))
        for wrong in 97, -8, 2**70:
            with self.assertRaisesRegex(ValueError, "outside"):
                self.block.view("B", 0, wrong)
        for dtype, wrong in ("d", 4), ("H", 1), ("i", 2):
            with self.assertRaisesRegex(ValueError, "misaligned"):
                self.block.view(dtype, 1, wrong)
        with self.assertRaisesRegex(ValueError, "do not fit"):
            self.block.view("d", 2, 88)
        with self.assertRaises(TypeError):
            self.block.view("d", 1, 0.0)

    def test_a_rest_needs_a_shape(self):
        block = self.make(SharedMemory, create=True, size=20)
        with self.assertRaisesRegex(ValueError, "give a shape"):
            block.view("d")
        with block.view("d", 2) as view:
            self.assertEqual(len(view), 2)

    def test_they_are_the_blocks_bytes(self):
        with self.block.view("q", (3, 4)) as view:
            view[2, 3] = -5
            self.assertEqual(
                self.block.buf[88:].tobytes(), struct.pack("q", -5)
            )
            with self.assertRaises(BufferError):
                self.block.close()
        reader = SharedMemory(self.block.name, read_only=True)
        with reader.view("q") as view:
            self.assertEqual(view[11], -5)
            with self.assertRaises(TypeError):
                view[0] = 1

    def test_a_closed_block_has_none(self):
        self.block.close()
        with self.assertRaises(ClosedError):
            self.block.view()
        with self.assertRaises(ClosedError):
            self.block.__array_interface__

    def test_they_outlive_the_block(self):
        block = SharedMemory(self.block.name)
        foreign = (ctypes.c_int * 4).from_buffer(block.view("i", 4))
        del block
        gc.collect()
        foreign[3] = 9
        with self.block.view("i") as view:
            self.assertEqual(view[3], 9)


@unittest.skipUnless(numpy, "numpy is not installed")
class Arrays(CleanCase):
    def test_the_types_of_numpy(self):
        block = self.make(SharedMemory, create=True, size=96)
        for dtype in (
            numpy.float64, numpy.int32, numpy.uint8, numpy.bool_,
            numpy.dtype("f4"), numpy.dtype("u8"), numpy.dtype("int16"),
        ):  # fmt: skip
            array = numpy.asarray(block.view(dtype, (2, 3), 8))
            self.assertEqual((array.dtype, array.shape), (dtype, (2, 3)))
        with self.assertRaisesRegex(ValueError, "unknown dtype"):
            block.view(numpy.dtype([("a", "i4")]))
        with self.assertRaisesRegex(ValueError, "byte order"):
            block.view(numpy.dtype(OTHER_ORDER + "f8"))

    def test_a_block_is_an_array_of_bytes(self):
        block = self.make(SharedMemory, create=True, size=5)
        array = numpy.asarray(block)
        self.assertEqual((array.dtype, array.shape), (numpy.uint8, (5,)))
        array[:] = 7
        self.assertEqual(bytes(block.buf), b"\7" * 5)
        reader = SharedMemory(block.name, read_only=True)
        self.assertFalse(numpy.asarray(reader).flags.writeable)

    def test_an_array_outlives_its_block(self):
        for make in (
            lambda block: numpy.ndarray((4,), "f8", buffer=block.buf),
            lambda block: numpy.frombuffer(block.buf, "f8"),
            lambda block: numpy.asarray(block.view("f8")),
            lambda block: numpy.asarray(block).view("f8"),
        ):
            block = self.make(SharedMemory, create=True, size=32)
            other = SharedMemory(block.name)
            array = make(block)
            with self.assertRaises(BufferError):
                block.close()
            array[3] = 1
            del block
            gc.collect()
            array[3] = 2.5
            self.assertEqual(other.view("d")[3], 2.5)
            self.assertEqual(array.sum(), 2.5)

    def test_lists_become_arrays(self):
        from polyshm import ShareableList

        items = self.make(ShareableList, [1.5, 2.5, 3.5])
        self.assertEqual(numpy.asarray(items).tolist(), [1.5, 2.5, 3.5])
        self.assertEqual(numpy.asarray(items[1:]).tolist(), [2.5, 3.5])


if __name__ == "__main__":
    unittest.main()
