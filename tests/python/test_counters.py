# SPDX-License-Identifier: MIT
"""add(), swap(), snapshot(), exact strings, and slots that somebody holds."""

import signal
import threading
import time
import unittest
from multiprocessing import resource_tracker
from multiprocessing import shared_memory as stock

import polyshm
from polyshm import ShareableList, UnsupportedError
from support import PATIENCE, Background, CleanCase, fresh_name

BIG = 2**63 - 1
SMALL = -(2**63)


class Add(CleanCase):
    def test_the_sum_is_returned(self):
        items = self.make(ShareableList, [5, 10])
        self.assertEqual(items.add(0), 6)
        self.assertEqual(items.add(0, 10), 16)
        self.assertEqual(items.add(-1, -30), -20)
        self.assertEqual(items.add(index=0, delta=0), 16)
        self.assertEqual(items.add(True, True), -19)
        self.assertEqual(list(items), [16, -19])

    def test_overflow_changes_nothing(self):
        items = self.make(ShareableList, [BIG, SMALL, 1])
        for index, delta in (
            (0, 1), (0, BIG), (1, -1), (1, SMALL), (2, BIG),
        ):
            with self.assertRaises(OverflowError):
                items.add(index, delta)
        for delta in (2**63, SMALL - 1, 10**30):
            with self.assertRaisesRegex(OverflowError, "delta"):
                items.add(2, delta)
        self.assertEqual(list(items), [BIG, SMALL, 1])
        self.assertEqual(items.add(0, SMALL), -1)
        self.assertEqual(items.add(1, BIG), -1)

    def test_only_ints(self):
        values = [1.5, True, None, "12", b"12"]
        items = self.make(ShareableList, [*values, 1])
        for index in range(len(values)):
            with self.assertRaises(TypeError):
                items.add(index)
            with self.assertRaises(TypeError):
                items.swap(index, 0, 1)
        self.assertEqual(list(items), [*values, 1])
        for delta in (1.0, "1", None, []):
            with self.assertRaises(TypeError):
                items.add(5, delta)
        self.assertEqual(items[5], 1)

    def test_ints_of_other_kinds(self):
        class Number:
            def __index__(self):
                return 3

        items = self.make(ShareableList, [1])
        self.assertEqual(items.add(0, Number()), 4)
        self.assertTrue(items.swap(0, 4, Number()))

    def test_indices(self):
        items = self.make(ShareableList, [1, 2])
        for index in (2, -3, 2**62, -(2**62), 2**70):
            with self.assertRaises(IndexError):
                items.add(index)
            with self.assertRaises(IndexError):
                items.swap(index, 1, 1)
        for index in ("0", 0.0, None):
            with self.assertRaises(TypeError):
                items.add(index)

    def test_arguments(self):
        items = self.make(ShareableList, [1])
        for arguments, keywords in (
            ((), {}),
            ((0, 1, 2), {}),
            ((0,), {"index": 0}),
            ((0,), {"step": 1}),
            ((), {"delta": 1}),
        ):
            with self.assertRaises(TypeError):
                items.add(*arguments, **keywords)
        with self.assertRaises(TypeError):
            items.swap(0, 1)
        self.assertEqual(items[0], 1)

    def test_threads_lose_nothing(self):
        items = self.make(ShareableList, [0, 0])

        def count():
            for _ in range(5000):
                items.add(0)
                items.add(1, -2)

        threads = [Background(count) for _ in range(4)]
        for thread in threads:
            thread.result()
        self.assertEqual(list(items), [20_000, -40_000])

    def test_processes_lose_nothing(self):
        items = self.make(ShareableList, [0])

        def count():
            for _ in range(5000):
                items.add(0, 3)
            return 0

        program = (
            "import sys, polyshm\n"
            "items = polyshm.ShareableList(name=sys.argv[1])\n"
            "for _ in range(5000):\n"
            "    items.add(0, 3)\n"
            "print('done')\n"
        )
        children = [self.fork(count) for _ in range(2)]
        peer = self.peer(program, items.name)
        count()
        for child in children:
            self.check_child(child)
        self.assertEqual(peer.stdout.read(), "done\n")
        self.assertEqual(items[0], 60_000)


class Swap(CleanCase):
    def test_only_what_is_expected(self):
        items = self.make(ShareableList, [5, SMALL])
        self.assertIs(items.swap(0, 4, 9), False)
        self.assertEqual(items[0], 5)
        self.assertIs(items.swap(0, 5, 9), True)
        self.assertEqual(items[0], 9)
        self.assertIs(items.swap(index=-1, expected=SMALL, desired=BIG), True)
        self.assertIs(items.swap(1, SMALL, 0), False)
        self.assertEqual(list(items), [9, BIG])
        for numbers in ((2**63, 0), (0, 2**63)):
            with self.assertRaises(OverflowError):
                items.swap(0, *numbers)
        for numbers in ((1.0, 0), (0, "1"), (None, 0)):
            with self.assertRaises(TypeError):
                items.swap(0, *numbers)

    def test_one_of_many_wins(self):
        items = self.make(ShareableList, [0])
        rounds = 300

        def race():
            return sum(items.swap(0, i, i + 1) for i in range(rounds))

        threads = [Background(race) for _ in range(3)]
        wins = sum(thread.result() for thread in threads)
        self.assertEqual(wins, items[0])


class Snapshot(CleanCase):
    def test_the_values(self):
        values = [
            1, -2.5, True, None, "", "text", b"bytes", "é" * 200, b"x" * 3000,
            "nul\0", b"\0\0",
        ]
        items = self.make(ShareableList, values)
        got = items.snapshot()
        self.assertIs(type(got), tuple)
        self.assertEqual(got, tuple(values))
        self.assertEqual([type(v) for v in got], [type(v) for v in values])

    def test_bounds_are_a_slices(self):
        values = list(range(6))
        items = self.make(ShareableList, values)
        bounds = [None, 0, 1, 5, 6, 7, -1, -6, -7, 2**70, -(2**70)]
        for start in bounds:
            for stop in bounds:
                self.assertEqual(
                    items.snapshot(start, stop), tuple(values[start:stop])
                )
        self.assertEqual(items.snapshot(4), (4, 5))
        self.assertEqual(items.snapshot(stop=2), (0, 1))
        for wrong in ("0", 1.0):
            with self.assertRaises(TypeError):
                items.snapshot(wrong)
        self.assertEqual(self.make(ShareableList, []).snapshot(), ())

    def test_what_changes_together_is_seen_together(self):
        items = self.make(ShareableList, [100, 0, "x" * 8, True], timeout=None)
        program = (
            "import sys, polyshm\n"
            "items = polyshm.ShareableList(name=sys.argv[1])\n"
            "while items[3]:\n"
            "    with items.lock():\n"
            "        items.add(0, -1)\n"
            "        items[2] = 'abcdefgh'[items[0] % 8] * 8\n"
            "        items.add(1, 1)\n"
        )
        peer = self.peer(program, items.name)
        before = 0
        for _ in range(100):
            items.wait(1, PATIENCE)
            one, other, text = items.snapshot(stop=3)
            self.assertEqual(one + other, 100)
            self.assertEqual(text, "abcdefgh"[one % 8] * 8)
            self.assertGreaterEqual(other, before)
            before = other
        items[3] = False
        self.assertEqual(peer.wait(PATIENCE), 0)
        self.assertGreater(before, 0)

    def test_time_is_up_while_the_lock_is_held(self):
        items = self.make(ShareableList, [1], timeout=0.05)
        other = self.attach(items)
        with other.lock():
            self.assertEqual(other.snapshot(), (1,))
            with self.assertRaises(TimeoutError):
                Background(items.snapshot).result()
        self.assertEqual(items.snapshot(), (1,))


class Exact(CleanCase):
    VALUES = ["a\0", "\0", "\0\0\0", "a\0\0b\0", b"a\0", b"\0", b"\0" * 8, "plain"]

    def test_zeros_at_the_end_are_kept(self):
        items = self.make(ShareableList, self.VALUES, capacity=8)
        self.assertEqual(list(items), self.VALUES)
        self.assertEqual(list(self.attach(items)), self.VALUES)
        for value in self.VALUES:
            items[0] = value
            self.assertEqual(items[0], value)
            self.assertIs(type(items[0]), type(value))
            self.assertEqual(items.index(value), 0)
        self.assertNotIn("a", items)
        self.assertEqual(items.count(b"a\0"), 1)
        with self.assertRaises(ValueError):
            items[0] = "12345678\0"

    def test_a_stock_write_is_noticed(self):
        items = self.make(ShareableList, ["a\0\0\0", b"b\0\0\0"])
        theirs = stock.ShareableList(name=items.name)
        resource_tracker.unregister(theirs.shm._name, "shared_memory")
        self.addCleanup(theirs.shm.close)
        self.assertEqual(list(theirs), ["a", b"b"])
        theirs[0], theirs[1] = "xy", b"z"
        self.assertEqual(list(items), ["xy", b"z"])
        theirs[0] = 7
        self.assertEqual(items.add(0), 8)
        self.assertEqual(theirs[0], 8)
        items[1] = b"c\0"
        self.assertEqual((items[1], theirs[1]), (b"c\0", b"c"))

    @classmethod
    def setUpClass(cls):
        resource_tracker.ensure_running()


class Held(CleanCase):
    """A slot that a live process has locked and does not unlock."""

    def setUp(self):
        super().setUp()
        self.items = self.make(ShareableList, [1, "text", 3])
        self.addCleanup(self.items.close)
        self.trailer = self.look_behind(self.items)
        self.owner = self.attach(self.items)
        self.token = self.trailer.token_of(self.owner)

    def test_time_is_up_with_nothing_changed(self):
        items = self.items
        items.timeout = 0.05
        self.trailer.hold(0, self.token)
        for change in (
            lambda: items.add(0),
            lambda: items.swap(0, 1, 2),
            lambda: items.__setitem__(0, 2),
            lambda: items.__setitem__(0, "text"),
        ):
            begin = time.monotonic()
            with self.assertRaises(TimeoutError):
                change()
            self.assertGreaterEqual(time.monotonic() - begin, 0.05)
        # The core does not sleep on its own, with the interpreter in its hands.
        items.timeout = 0
        begin = time.monotonic()
        for _ in range(20):
            with self.assertRaises(TimeoutError):
                items.add(0)
        self.assertLess(time.monotonic() - begin, 10)
        # Reading waits for nobody, and other items are free.
        self.assertEqual(items[0], 1)
        self.assertEqual(items.add(2), 4)
        self.trailer.release(0)
        self.assertEqual(items.add(0), 2)

    def test_others_run_until_it_is_free(self):
        items = self.items
        items.timeout = None
        for change in (
            lambda: items.add(0),
            lambda: items.__setitem__(0, "text"),
            lambda: items.__setitem__(0, 5),
            lambda: items.swap(0, 5, 6),
        ):
            begun = threading.Event()

            def free():
                begun.wait()
                time.sleep(0.02)
                self.trailer.release(0)

            self.trailer.hold(0, self.token)
            thread = Background(free)
            begun.set()
            change()
            thread.result()
        self.assertEqual(items[0], 6)

    def test_a_dead_owner_is_no_obstacle(self):
        self.trailer.hold(0, self.token)
        self.owner.close()
        self.items.timeout = 0
        self.assertEqual(self.items.add(0), 2)

    def test_it_cannot_be_closed_meanwhile(self):
        self.trailer.hold(0, self.token)
        for _ in range(1000):
            items = self.attach(self.items, timeout=None)
            thread = Background(items.add, 0)
            try:
                items.close()
            except polyshm.BusyError:
                break
            # The thread had not begun.
            with self.assertRaises(polyshm.ClosedError):
                thread.result()
        else:
            self.fail("it could always be closed")
        self.trailer.release(0)
        self.assertEqual(thread.result(), 2)

    def test_handlers_run(self):
        class Enough(Exception):
            pass

        def ring(number, frame):
            raise Enough

        self.items.timeout = None
        self.trailer.hold(0, self.token)
        before = signal.signal(signal.SIGALRM, ring)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        with self.assertRaises(Enough):
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            self.items.add(0)
        self.trailer.release(0)
        self.assertEqual(self.items[0], 1)

    def test_the_property(self):
        items = self.items
        self.assertEqual(items.timeout, 1.0)
        for given, got in (
            (2, 2.0), (0.07, 0.07), (None, None), (0, 0.0), (-1, 0.0),
            (float("inf"), None), (10**400, None), (-(10**400), 0.0),
            (1e-12, 1e-9),
        ):
            items.timeout = given
            self.assertEqual(items.timeout, got)
        for error, wrong in (
            (ValueError, float("nan")), (TypeError, "1"), (TypeError, [])
        ):
            with self.assertRaises(error):
                items.timeout = wrong
            with self.assertRaises(error):
                ShareableList([1], name=fresh_name(), timeout=wrong)
        with self.assertRaises(AttributeError):
            del items.timeout
        self.assertEqual(self.attach(items, timeout=None).timeout, None)


class Refused(CleanCase):
    @classmethod
    def setUpClass(cls):
        resource_tracker.ensure_running()

    def test_lists_of_stock_python(self):
        theirs = stock.ShareableList([1, "x"], name=fresh_name())
        self.addCleanup(theirs.shm.unlink)
        self.addCleanup(theirs.shm.close)
        ours = ShareableList(name=theirs.shm.name)
        ours[0] += 1
        self.assertEqual(theirs[0], 2)
        ours.timeout = 5
        for use in (
            lambda: ours.add(0),
            lambda: ours.swap(0, 2, 3),
            lambda: ours.lock(timeout=0),
            lambda: ours.snapshot(),
            lambda: ours.version(),
            lambda: ours.version(0),
            lambda: ours.wait(timeout=0),
            lambda: ours.wait(0, 0, seen=1),
            lambda: ours.wait_async(),
        ):
            with self.assertRaises(UnsupportedError) as caught:
                use()
            self.assertIsInstance(caught.exception, NotImplementedError)
        self.assertEqual(list(ours), [2, "x"])

    def test_read_only(self):
        items = self.make(ShareableList, [1])
        reader = self.attach(items, read_only=True)
        for use in (
            lambda: reader.add(0),
            lambda: reader.swap(0, 1, 2),
            lambda: reader.lock(),
        ):
            with self.assertRaises(PermissionError):
                use()
        self.assertEqual(reader.snapshot(), (1,))

    def test_closed_and_never_initialised(self):
        closed = self.make(ShareableList, [1])
        closed.close()
        for items, error in (
            (closed, polyshm.ClosedError),
            (ShareableList.__new__(ShareableList), ValueError),
        ):
            for use in (
                lambda: items.add(0),
                lambda: items.swap(0, 1, 2),
                lambda: items.lock(),
                lambda: items.snapshot(),
                lambda: items.version(),
                lambda: items.wait(),
                lambda: items.wait_async(),
            ):
                with self.assertRaises(error):
                    use()


if __name__ == "__main__":
    unittest.main()
