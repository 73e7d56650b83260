# SPDX-License-Identifier: MIT
import gc
import math
import pickle
import struct
import threading
import unittest
import weakref

from polyshm import (
    ClosedError,
    CorruptError,
    ShareableList,
    SharedMemory,
    VersionError,
)
from support import CleanCase, area_size

MIXED = ["howdy", b"HoWdY", -273.154, 100, None, True, 42]


class Items(CleanCase):
    def test_every_type_comes_back_exactly(self):
        values = [
            0, 1, -1, 2**63 - 1, -(2**63), True, False, None,
            0.0, -0.0, 1.5, math.inf, -math.inf, 5e-324, 1.7976931348623157e308,
            "", "x", "seven77", "eight888", "é" * 7, "日本語", "😀", "x" * 9999,
            b"", b"x", b"a\0b", b"\xff\xfe", bytes(range(1, 256)),
        ]
        items = self.make(ShareableList, values)
        for given, got in zip(values, items):
            self.assertIs(type(got), type(given))
            self.assertEqual(got, given)
        self.assertEqual(math.copysign(1, items[9]), -1)
        self.assertTrue(math.isnan(self.make(ShareableList, [math.nan])[0]))
        self.assertEqual(len(items), len(values))

    def test_the_longest_string(self):
        items = self.make(ShareableList, ["x" * 9_999_991])
        self.assertEqual(items[0], "x" * 9_999_991)
        with self.assertRaises(ValueError):
            ShareableList(["x" * 9_999_992])

    def test_sequences(self):
        self.assertEqual(list(self.make(ShareableList, "ab")), ["a", "b"])
        self.assertEqual(list(self.make(ShareableList, b"ab")), [97, 98])
        self.assertEqual(list(self.make(ShareableList, {"k": 1})), ["k"])
        self.assertEqual(list(self.make(ShareableList, (1, 2))), [1, 2])
        self.assertEqual(
            list(self.make(ShareableList, (i for i in range(3)))), [0, 1, 2]
        )
        for empty in ((), [], "", 0):
            items = self.make(ShareableList, empty)
            self.assertEqual((len(items), list(items)), (0, []))
        copy = self.make(ShareableList, self.make(ShareableList, MIXED))
        self.assertEqual(list(copy), MIXED)
        with self.assertRaises(TypeError):
            ShareableList(5)

    def test_types_that_lists_do_not_hold(self):
        class Text(str):
            pass

        for wrong in ([], {}, object(), Text("x"), 1j, bytearray(b"x")):
            with self.assertRaises(KeyError) as caught:
                ShareableList([1, wrong])
            self.assertEqual(caught.exception.args, (type(wrong),))
        with self.assertRaises(struct.error):
            ShareableList([2**63])
        with self.assertRaises(UnicodeEncodeError):
            ShareableList(["\udc80"])

    def test_reserved_room(self):
        items = self.make(ShareableList, [1, "x", None], capacity=60)
        self.assertEqual([items.capacity(i) for i in range(3)], [64] * 3)
        items[0] = "y" * 64
        self.assertEqual(items[0], "y" * 64)


class Indexing(CleanCase):
    def setUp(self):
        super().setUp()
        self.items = self.make(ShareableList, MIXED)
        self.addCleanup(self.items.close)

    def test_indices(self):
        for i in range(-7, 7):
            self.assertEqual(self.items[i], MIXED[i])
        self.assertEqual(self.items[True], MIXED[1])
        for i in (7, -8, 100, -100, 2**62, -(2**62), 2**70, -(2**70)):
            with self.assertRaises(IndexError):
                self.items[i]
            with self.assertRaises(IndexError):
                self.items[i] = 1
            with self.assertRaises(IndexError):
                self.items[i] = []
        for wrong in ("0", 1.0, None, [], slice(0, 1, "x")):
            with self.assertRaises(TypeError):
                self.items[wrong]
            with self.assertRaises(TypeError):
                self.items[wrong] = 1
        with self.assertRaises(TypeError):
            del self.items[0]
        self.assertEqual(list(self.items), MIXED)
        empty = self.make(ShareableList, [])
        for i in (0, -1):
            with self.assertRaises(IndexError):
                empty[i]

    def test_type_changes(self):
        new = [3, "some", b"bytes", 2.5, True, None, "\u20ac\u20ac"]
        for index in range(7):
            for value in new:
                self.items[index] = value
                self.assertEqual(self.items[index], value)
                self.assertIs(type(self.items[index]), type(value))

    def test_a_failed_set_keeps_the_old_value(self):
        class Number(int):
            pass

        for error, wrong in (
            (ValueError, "123456789"),
            (ValueError, b"123456789"),
            (ValueError, "\u20ac" * 3),
            (struct.error, 2**63),
            (struct.error, -(2**63) - 1),
            (KeyError, []),
            (KeyError, Number(1)),
            (UnicodeEncodeError, "\udc80"),
        ):
            for index in range(7):
                with self.assertRaises(error):
                    self.items[index] = wrong
        self.assertEqual(list(self.items), MIXED)

    def test_str_and_bytes_subclasses_may_be_set(self):
        class Text(str):
            pass

        self.items[0] = Text("x")
        self.assertIs(type(self.items[0]), str)

    def test_index_count_contains(self):
        items = self.make(
            ShareableList, [1, True, 1.0, 0, False, None, "1", b"1", 2.0**70]
        )
        plain = list(items)
        for value in [
            1, True, 1.0, 0, None, "1", b"1", 2**70, 2.0**70, 5, "zz", b"zz",
            2**71, 1j, object(), [], float("nan"), complex(1, 0), "1\0",
        ]:
            with self.subTest(value=value):
                self.assertEqual(items.count(value), plain.count(value))
                self.assertEqual(value in items, value in plain)
                if value in plain:
                    self.assertEqual(items.index(value), plain.index(value))
                else:
                    with self.assertRaises(ValueError):
                        items.index(value)
        exact = self.make(ShareableList, [2**53 + 1])
        self.assertNotIn(float(2**53), exact)

        class Angry:
            def __eq__(self, other):
                raise ZeroDivisionError

        with self.assertRaises(ZeroDivisionError):
            Angry() in items

    def test_iteration(self):
        self.assertEqual(list(self.items), MIXED)
        self.assertEqual(list(reversed(self.items)), MIXED[::-1])
        iterator = iter(self.items)
        self.assertIs(iter(iterator), iterator)
        list(iterator)
        self.assertEqual(list(iterator), [])
        self.items.shm.close()
        with self.assertRaises(ClosedError):
            list(self.items)


class Handles(CleanCase):
    def test_attach_by_name(self):
        items = self.make(ShareableList, MIXED)
        other = ShareableList(name=items.shm.name)
        other[0] = "changed"
        self.assertEqual(items[0], "changed")
        with self.assertRaises(FileExistsError):
            ShareableList([1], name=items.name)
        with self.assertRaises(FileNotFoundError):
            ShareableList(name=items.name + "x")

    def test_shm(self):
        items = self.make(ShareableList, [1])
        block = items.shm
        self.assertIs(items.shm, block)
        self.assertEqual(block.name, items.name)
        self.assertGreater(block.size, 41)
        self.assertEqual(area_size(block.buf), 41)
        self.assertEqual(bytes(block.buf[:8]), struct.pack("q", 1))
        del items
        gc.collect()
        self.assertEqual(bytes(block.buf[:8]), struct.pack("q", 1))

    def test_a_cycle_is_collected(self):
        items = self.make(ShareableList, [1])
        items.myself = items
        gone = weakref.ref(items)
        del items
        gc.collect()
        self.assertIsNone(gone())

    def test_closed(self):
        items = self.make(ShareableList, MIXED)
        view = items.shm.buf[1:2]
        with self.assertRaises(BufferError):
            items.shm.close()
        view.release()
        items.shm.close()
        items.close()
        for use in (
            lambda: items[0],
            lambda: items.__setitem__(0, 1),
            lambda: items.index(1),
            lambda: items.count(1),
            lambda: 1 in items,
            lambda: items.capacity(0),
        ):
            with self.assertRaises(TypeError):
                use()
            with self.assertRaises(ValueError):
                use()
        self.assertEqual(len(items), 7)
        self.assertEqual(
            repr(items), f"ShareableList(<closed>, name={items.name!r})"
        )
        self.assertIsNone(items.shm.buf)
        self.assertEqual(list(pickle.loads(pickle.dumps(items))), MIXED)

    def test_pickle(self):
        items = self.make(ShareableList, MIXED)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            copy = pickle.loads(pickle.dumps(items, protocol))
            copy[3] = protocol
            self.assertEqual(items[3], protocol)

    def test_repr_and_generic_alias(self):
        items = self.make(ShareableList, [1, "x"])
        self.assertEqual(
            repr(items), f"ShareableList([1, 'x'], name={items.name!r})"
        )
        self.assertEqual(ShareableList[int].__args__, (int,))

    def test_read_only(self):
        items = self.make(ShareableList, [1])
        reader = ShareableList(name=items.name, read_only=True)
        self.assertEqual(reader[0], 1)
        with self.assertRaises(PermissionError):
            reader[0] = 2
        self.assertTrue(reader.shm.buf.readonly)

    def test_never_initialised(self):
        items = ShareableList.__new__(ShareableList)
        for use in (
            lambda: items[0],
            lambda: items.__setitem__(0, 1),
            lambda: len(items),
            lambda: iter(items),
            lambda: 1 in items,
            lambda: items.index(1),
            lambda: items.count(1),
        ):
            with self.assertRaisesRegex(ValueError, "not initialised"):
                use()

    def test_subclass(self):
        class Named(ShareableList):
            def first(self):
                return self[0]

        items = self.make(Named, MIXED)
        self.assertEqual((items.first(), list(items)), ("howdy", MIXED))
        self.assertTrue(repr(items).startswith("Named("))

    def test_threads(self):
        items = self.make(ShareableList, list(range(8)))
        errors = []

        def work(index):
            try:
                for i in range(2000):
                    items[index] = i
                    if items[index] != i or len(list(items)) != 8:
                        errors.append(i)
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])


class Hostile(CleanCase):
    def make_block(self, content):
        block = self.make(SharedMemory, create=True, size=len(content))
        block.buf[:] = content
        return block

    def test_no_list(self):
        for content in (
            b"x",
            bytes(15),
            struct.pack("2q", -1, 0),
            struct.pack("2q", 1, 0),
            struct.pack("2q", 2**62, 0),
            struct.pack("3q", 1, 0, -8) + bytes(30),
            struct.pack("3q", 1, 0, 4) + bytes(30),
            b"\xff" * 100,
        ):
            block = self.make_block(content)
            with self.assertRaises(CorruptError):
                ShareableList(name=block.name)

    def test_the_layout_of_38(self):
        old = struct.pack("2q", 1, 8) + struct.pack("q", 5) + b"q\0\0\0\0\0\0\0\0"
        with self.assertRaisesRegex(VersionError, "3.8"):
            ShareableList(name=self.make_block(old).name)

    def test_a_slot_that_turns_bad(self):
        items = self.make(ShareableList, ["text", 5])
        buf = items.shm.buf
        good = bytes(buf)
        formats = 8 * 4 + 16
        for position, content in (
            (8, struct.pack("q", 8)),
            (16, struct.pack("q", -8)),
            (16, struct.pack("q", 4)),
            (16, struct.pack("q", 2**62)),
            (formats, b"9999999s"),
            (formats, b"s\0\0\0\0\0\0\0"),
            (formats, b"8\0\0\0\0\0\0\0"),
            (formats, b"8sx\0\0\0\0\0"),
            (formats, b"\xff" * 8),
            (formats + 16, b"\4"),
            (formats + 16, b"\0"),
        ):
            with self.subTest(position=position, content=content):
                buf[position:position + len(content)] = content
                with self.assertRaises(CorruptError):
                    items[0]
                with self.assertRaises(CorruptError):
                    items.index("nothing")
                buf[:] = good
        self.assertEqual(list(items), ["text", 5])

    def test_undecodable_text_is_that_items_error(self):
        items = self.make(ShareableList, ["text", 5])
        start = 8 * 4
        items.shm.buf[start:start + 4] = b"\xc3\xc3\xc3\xc3"
        with self.assertRaises(UnicodeDecodeError):
            items[0]
        self.assertEqual(items[1], 5)
        items[0] = "again"
        self.assertEqual(items[0], "again")


if __name__ == "__main__":
    unittest.main()
