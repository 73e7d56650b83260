# SPDX-License-Identifier: MIT
"""polyshm.shared_memory has what stock Python's module has, by the same names and
for the same arguments; and stock's defects are not in it."""

import gc
import inspect
import os
import pickle
import struct
import subprocess
import sys
import unittest
from multiprocessing import resource_tracker
from multiprocessing import shared_memory as stock

import polyshm
from polyshm import shared_memory
from support import FOLDER, CleanCase, fresh_name, until


class Surface(CleanCase):
    # What stock keeps for itself, and no program can have a use for here.
    PRIVATE = {
        "SharedMemory": {
            "_fd": "no descriptor is kept",
            "_mmap": "the library maps the block",
            "_track": "an argument of the constructor decides",
        },
        "ShareableList": {
            "_set_packing_format_and_transform": "items change as a whole",
        },
    }

    @classmethod
    def setUpClass(cls):
        # The tracker process must not count as a left-over of the first test.
        resource_tracker.ensure_running()

    def check_names(self, ours, theirs, missing):
        for name in dir(theirs):
            if name in missing:
                continue
            self.assertTrue(hasattr(ours, name), name)

    def test_names(self):
        for kind, missing in self.PRIVATE.items():
            self.check_names(
                getattr(shared_memory, kind), getattr(stock, kind), missing
            )
        self.assertEqual(sorted(shared_memory.__all__), sorted(stock.__all__))
        for name in (
            "_USE_POSIX", "_make_filename", "_SHM_NAME_PREFIX", "_O_CREX",
            "_SHM_SAFE_NAME_LENGTH", "resource_tracker",
        ):  # fmt: skip
            mine = getattr(shared_memory, name)
            other = getattr(stock, name, mine)  # 3.9 has no resource_tracker
            if not callable(other):
                self.assertEqual(mine, other, name)
        self.assertRegex(shared_memory._make_filename(), "^/psm_[0-9a-f]{8}$")
        with self.assertRaises(AttributeError):
            shared_memory.nonsense
        self.assertIs(polyshm.SharedMemory, shared_memory.SharedMemory)
        self.assertIs(polyshm.ShareableList, shared_memory.ShareableList)

    def test_attributes_of_objects(self):
        ours = self.make(polyshm.ShareableList, [1, "a", b"b", None])
        theirs = stock.ShareableList([1, "a", b"b", None], name=fresh_name())
        try:
            missing = set(self.PRIVATE["ShareableList"])
            self.check_names(ours, theirs, missing)
            self.check_names(
                ours.shm, theirs.shm, {*self.PRIVATE["SharedMemory"], "_size"}
            )
            for name in dir(theirs):
                if name in missing or name.startswith("__") or name == "shm":
                    continue
                mine, other = getattr(ours, name), getattr(theirs, name)
                if not callable(other) and not isinstance(other, dict):
                    self.assertEqual(mine, other, name)
            for position, value in enumerate(theirs):
                self.assertEqual(
                    ours._get_packing_format(position),
                    theirs._get_packing_format(position),
                )
                self.assertEqual(
                    ours._get_back_transform(position)(b"x\0"),
                    theirs._get_back_transform(position)(b"x\0"),
                )
                self.assertEqual(
                    ours._extract_recreation_code(value),
                    theirs._extract_recreation_code(value),
                )
            for wrong in 4, -5:
                with self.assertRaises(IndexError):
                    ours._get_packing_format(wrong)
        finally:
            theirs.shm.close()
            theirs.shm.unlink()

    def test_signatures(self):
        for kind, method in (
            ("SharedMemory", "__init__"),
            ("SharedMemory", "close"),
            ("SharedMemory", "unlink"),
            ("ShareableList", "__init__"),
            ("ShareableList", "count"),
            ("ShareableList", "index"),
        ):
            mine, theirs = (
                inspect.signature(getattr(getattr(module, kind), method))
                for module in (shared_memory, stock)
            )
            ours = [
                (name, parameter.kind, parameter.default)
                for name, parameter in mine.parameters.items()
                if name in theirs.parameters and name != "self"
            ]
            wanted = [
                # None is neither: see the class.
                (
                    name,
                    parameter.kind,
                    None if name == "track" else parameter.default,
                )
                for name, parameter in theirs.parameters.items()
                if name != "self"
            ]
            self.assertEqual(ours, wanted, (kind, method))
        items = self.make(polyshm.ShareableList, [4, 5])
        self.assertEqual((items.count(value=5), items.index(value=5)), (1, 1))
        for wrong in (), (1, 2):
            with self.assertRaises(TypeError):
                items.index(*wrong)

    def test_drawn_names_that_are_taken(self):
        taken, free = "/" + fresh_name(), "/" + fresh_name()
        draw = shared_memory._make_filename
        self.addCleanup(setattr, shared_memory, "_make_filename", draw)
        for make in (
            lambda: polyshm.SharedMemory(create=True, size=1),
            lambda: polyshm.ShareableList(iter([1])),
        ):
            with polyshm.SharedMemory(taken[1:], create=True, size=1) as first:
                names = [taken, taken, free]
                shared_memory._make_filename = lambda: names.pop(0)
                made = make()
                self.assertEqual((made._name, made.name), (free, free[1:]))
                made.unlink()
                made.close()
            first.unlink()

    def test_class_attributes_that_subclasses_set(self):
        class Optional(polyshm.SharedMemory):
            _flags = os.O_CREAT | os.O_RDWR
            _mode = 0o640

        name = fresh_name()
        with Optional(name, size=5) as first:
            self.addCleanup(self.remove, name)
            mode = os.stat(os.path.join(FOLDER, name)).st_mode
            self.assertEqual(mode & 0o777, 0o640)
            first.buf[0] = 7
            with Optional(name, size=900) as second:
                self.assertEqual((second.size, second.buf[0]), (5, 7))
        with self.assertRaises(ValueError):
            Optional(fresh_name())  # of no size

        class Exclusive(polyshm.SharedMemory):
            _flags = os.O_CREAT | os.O_EXCL | os.O_RDWR

        with self.assertRaises(FileExistsError):
            Exclusive(name, size=5)
        with Exclusive(size=5) as drawn:
            drawn.unlink()

        class Bare(polyshm.SharedMemory):
            _prepend_leading_slash = False

        with Bare(name) as bare:
            self.assertEqual((bare._name, bare.name), (name, name))

    def test_the_name_that_unlink_removes_can_be_set(self):
        block = self.make(polyshm.SharedMemory, create=True, size=1)
        name = block._name
        block._name = name + "\0x"
        with self.assertRaisesRegex(ValueError, "null"):
            block.unlink()
        block._name = name
        block.unlink()

    def test_sizes_are_looked_at_only_to_create(self):
        name = self.make(polyshm.SharedMemory, create=True, size=5).name
        for size in 1.5, 2**70, True:
            with polyshm.SharedMemory(name, size=size) as block:
                self.assertEqual(block.size, 5)
        for size in 0.0, False:
            with self.assertRaisesRegex(ValueError, "different from zero"):
                polyshm.SharedMemory(create=True, size=size)

    def test_pickles_are_as_short_for_a_long_list(self):
        short = self.make(polyshm.ShareableList, [1])
        long = self.make(polyshm.ShareableList, range(400))
        self.assertEqual(
            len(pickle.dumps(short)) - len(short.name),
            len(pickle.dumps(long)) - len(long.name),
        )

    def test_subclasses_may_call_del(self):
        class Mine(polyshm.SharedMemory):
            def __del__(self):
                super().__del__()
                self.unlink()

        block = Mine(create=True, size=1)
        path = os.path.join(FOLDER, block.name)
        del block
        self.assertFalse(os.path.exists(path))

    def test_contexts_close_and_do_not_unlink(self):
        for kind, arguments in (
            (polyshm.SharedMemory, {"create": True, "size": 1}),
            (polyshm.ShareableList, {"sequence": [1]}),
        ):
            with self.make(kind, **arguments) as made:
                self.assertIsInstance(made, kind)
            block = getattr(made, "shm", made)
            self.assertIsNone(block.buf)
            self.assertTrue(os.path.exists(os.path.join(FOLDER, made.name)))

    def test_list_blocks(self):
        name = self.make(polyshm.ShareableList, [1, 2]).name
        (info,) = (i for i in polyshm.list_blocks() if i.name == name)
        self.assertEqual((info.kind, info.length), ("list", 2))


class Defects(CleanCase):
    """Each of stock's, by the example that shows it. Those of its tracker are in
    test_lifetime.py."""

    def test_trailing_nuls_survive(self):
        values = ["a\0", b"b\0\0", "\0", b"\0" * 8, "x" * 7 + "\0"]
        items = self.make(polyshm.ShareableList, values)
        other = self.attach(items)
        self.assertEqual(list(other), values)
        other[0], other[1] = b"c\0", "d\0\0\0"
        self.assertEqual(items[:2], [b"c\0", "d\0\0\0"])

    def test_text_is_stored_whole(self):
        values = ["é" * 7, "€" * 8, "😀" * 23, "日本語"]
        items = self.make(polyshm.ShareableList, values + ["behind"])
        self.assertEqual(list(items), values + ["behind"])

    def test_a_failed_assignment_keeps_the_old_value(self):
        items = self.make(polyshm.ShareableList, ["old", 5])
        for value in 2**63, -(2**63) - 1:
            for index in 0, 1:
                with self.assertRaises(struct.error):
                    items[index] = value
        self.assertEqual((list(items), items.format), (["old", 5], "8sq"))

    def test_indices_below_the_first(self):
        items = self.make(polyshm.ShareableList, [1, "two"])
        before = bytes(items.shm.buf)
        for index in -3, -4, -100, -(2**63), -(2**70):
            with self.assertRaisesRegex(IndexError, "^index out of range$"):
                items[index]
            with self.assertRaisesRegex(
                IndexError, "^assignment index out of range$"
            ):
                items[index] = 5
        self.assertEqual(bytes(items.shm.buf), before)

    def test_constructors_that_fail_leave_nothing(self):
        names = []

        def fresh():
            names.append(fresh_name())
            return names[-1]

        for error, work in (
            (TypeError, lambda: polyshm.SharedMemory(fresh(), True, 1.5)),
            (OverflowError, lambda: polyshm.SharedMemory(fresh(), True, 2**63)),
            (OSError, lambda: polyshm.SharedMemory(fresh(), True, 2**50)),
            (OSError, lambda: polyshm.SharedMemory(fresh() * 20, True, 1)),
            (ValueError, lambda: polyshm.SharedMemory(fresh() + "\0", True, 1)),
            (
                UnicodeEncodeError,
                lambda: polyshm.SharedMemory(fresh() + "\udc80", True, 1),
            ),
            (
                struct.error,
                lambda: polyshm.ShareableList([2**63], name=fresh()),
            ),
            (
                UnicodeEncodeError,
                lambda: polyshm.ShareableList(["\udc80"], name=fresh()),
            ),
            (KeyError, lambda: polyshm.ShareableList([[]], name=fresh())),
            (
                ValueError,
                lambda: polyshm.ShareableList(["x" * 10**7], name=fresh()),
            ),
        ):
            with self.assertRaises(error):
                work()
        left = [
            found
            for found in os.listdir(FOLDER)
            if any(found.startswith(name) for name in names)
        ]
        self.assertEqual((len(names), left), (10, []))

    def test_objects_with_views_go_silently(self):
        """Neither an `Exception ignored in`, nor a descriptor that stays."""
        program = """
import gc, os, sys
import polyshm
def count():
    return len(os.listdir("/proc/self/fd"))
polyshm.SharedMemory(create=True, size=1).unlink()
before = count()
views = []
for name in sys.argv[1:]:
    block = polyshm.SharedMemory(name)
    views.append(block.buf[1:])
    views.append(memoryview(block.buf))
    items = block = None
gc.collect()
assert count() == before, (count(), before)
left = polyshm.SharedMemory(sys.argv[1])
view = left.buf[:1]
"""
        blocks = [
            self.make(polyshm.SharedMemory, create=True, size=9)
            for _ in range(5)
        ]
        result = subprocess.run(
            [sys.executable, "-c", program, *(block.name for block in blocks)],
            capture_output=True,
            text=True,
        )
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_one_descriptor_at_most(self):
        def count():
            return len(os.listdir("/proc/self/fd"))

        before = count()
        blocks = [
            self.make(polyshm.SharedMemory, create=True, size=1)
            for _ in range(8)
        ]
        lists = [self.make(polyshm.ShareableList, [1]) for _ in range(8)]
        self.assertLessEqual(count() - before, 16)
        del blocks, lists
        gc.collect()
        self.assertEqual(count(), before)

    def test_the_tracker_and_odd_names(self):
        """Where Python's tracker would choke on a name, it does not hear of it,
        and the block goes away all the same."""
        program = """
import polyshm, sys
from multiprocessing import resource_tracker
told = []
register = resource_tracker.register
def note(name, kind):
    told.append(name)
    register(name, kind)
resource_tracker.register = note
for name in sys.argv[1:]:
    polyshm.SharedMemory(name, create=True, size=1)
    polyshm.SharedMemory(name).unlink()
    polyshm.ShareableList([1], name=name).close()
print(len(told))
"""
        names = [fresh_name() + odd for odd in (":x", "\n", "é", "x" * 255)]
        names[-1] = names[-1][:255]
        environment = {**os.environ, "POLYSHM_PYTHON_TRACKER": "1"}
        environment.pop("POLYSHM_TREE", None)
        result = subprocess.run(
            [sys.executable, "-c", program, *names],
            env=environment,
            capture_output=True,
            text=True,
        )
        self.assertEqual((result.stdout, result.stderr), ("0\n", ""))
        until(
            lambda: not any(
                os.path.exists(os.path.join(FOLDER, name)) for name in names
            )
        )


if __name__ == "__main__":
    unittest.main()
