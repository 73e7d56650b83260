# SPDX-License-Identifier: MIT
"""version(), wait() and wait_async()."""

import asyncio
import gc
import signal
import threading
import time
import unittest
import weakref

from polyshm import BusyError, ShareableList
from support import PATIENCE, Background, CleanCase, until

WAITER = """
import signal, sys, polyshm
signal.signal(signal.SIGINT, signal.default_int_handler)
items = polyshm.ShareableList(name=sys.argv[1])
try:
    print(items.wait(*map(int, sys.argv[2:])))
except KeyboardInterrupt:
    print("interrupted")
"""


class WaitCase(CleanCase):
    def setUp(self):
        super().setUp()
        self.items = self.make(ShareableList, [0, "text", 2])
        self.addCleanup(self.items.close)
        self.other = self.attach(self.items)
        self.trailer = self.look_behind(self.items)


class Version(WaitCase):
    def test_it_changes_with_every_change(self):
        items = self.items
        for index, change in (
            (0, lambda: items.add(0)),
            (0, lambda: items.swap(0, 1, 2)),
            (0, lambda: items.__setitem__(0, 2)),
            (0, lambda: items.__setitem__(0, "x")),
            (-2, lambda: self.other.__setitem__(1, "y")),
        ):
            one, all_of_them = items.version(index), items.version()
            change()
            self.assertNotEqual(items.version(index), one)
            self.assertNotEqual(items.version(), all_of_them)
            self.assertEqual(items.version(), self.other.version(None))

    def test_it_stays_otherwise(self):
        items = self.items
        before = [items.version(i) for i in range(3)]
        items.add(2)
        items[0], items.snapshot(), items.index("text")
        with items.lock():
            pass
        self.assertIs(items.swap(0, 7, 8), False)
        with self.assertRaises(ValueError):
            items[1] = "x" * 100
        after = [items.version(index=i) for i in range(3)]
        self.assertEqual(after[:2], before[:2])
        self.assertNotEqual(after[2], before[2])

    def test_arguments(self):
        for index in (3, -4, 2**70):
            with self.assertRaises(IndexError):
                self.items.version(index)
            with self.assertRaises(IndexError):
                self.items.wait(index, 0)
        for index in ("0", 1.0):
            with self.assertRaises(TypeError):
                self.items.version(index)
            with self.assertRaises(TypeError):
                self.items.wait(index, 0)


class Wait(WaitCase):
    def test_nothing_happens(self):
        for index in (None, 0, 1, -1):
            for timeout in (0, -1, 0.02, 1e-9):
                begin = time.monotonic()
                self.assertIs(self.items.wait(index, timeout), False)
                self.assertGreaterEqual(time.monotonic() - begin, timeout)
        self.assertIs(
            self.items.wait(0, 0, seen=self.items.version(0)), False
        )
        self.assertIs(
            self.items.wait(timeout=0, seen=self.items.version()), False
        )

    def test_a_long_time(self):
        """Longer than what is slept at a time."""
        begin = time.monotonic()
        self.assertIs(self.items.wait(0, 1.1), False)
        self.assertGreaterEqual(time.monotonic() - begin, 1.1)

    def test_what_was_not_seen_counts(self):
        for index in (None, 0):
            seen = self.items.version(index)
            self.other.add(0)
            self.assertIs(self.items.wait(index, seen=seen), True)
            self.assertIs(self.items.wait(index, 0, seen=seen), True)
            self.assertIs(self.items.wait(index, 0, seen=None), False)

    def test_a_thread_of_this_process_wakes(self):
        """Which it could not if the waiting one kept the interpreter."""
        for index in (None, 0, 1):
            for waiting in (self.items, self.attach(self.items)):
                thread = Background(waiting.wait, index, PATIENCE)
                until(self.trailer.is_waited_for)
                self.other[index or 0] = 5
                self.assertIs(thread.result(), True)
            self.other[0] = self.other[1] = 0
        self.assertEqual(self.trailer.word(self.trailer.WAITING), 0)

    def test_other_items_do_not_wake(self):
        thread = Background(self.items.wait, 1, PATIENCE)
        until(self.trailer.is_waited_for)
        for _ in range(100):
            self.other.add(0)
            self.other.add(2)
        self.assertTrue(thread.is_alive())
        self.other[1] = "x"
        self.assertIs(thread.result(), True)

    def test_the_main_thread_sleeps_and_others_run(self):
        def work():
            until(self.trailer.is_waited_for)
            self.other.add(0)

        thread = Background(work)
        self.assertIs(self.items.wait(0), True)
        thread.result()

    def test_another_process(self):
        for arguments in ((), ("0", str(PATIENCE))):
            peer = self.peer(WAITER, self.items.name, *arguments)
            until(self.trailer.is_waited_for)
            self.items.add(0)
            self.assertEqual(peer.stdout.read(), "True\n")
            peer.wait()

    def test_a_fork(self):
        child = self.fork(lambda: 0 if self.items.wait(0, PATIENCE) else 1)
        until(self.trailer.is_waited_for)
        self.items.add(0)
        self.check_child(child)

    def test_a_read_only_list(self):
        reader = self.attach(self.items, read_only=True)
        self.assertIs(reader.wait(timeout=0.02), False)
        for index in (None, 0):
            seen = reader.version(index)
            thread = Background(
                lambda: reader.wait(index, PATIENCE, seen=seen)
            )
            self.other.add(0)
            self.assertIs(thread.result(), True)

    def test_ping_pong_loses_nothing(self):
        """As the documents say: first the version, then the value."""
        rounds = 300

        def play(items, mine, theirs):
            for i in range(1, rounds + 1):
                items[mine] = i
                while True:
                    seen = items.version(theirs)
                    if items[theirs] >= i:
                        break
                    self.assertTrue(items.wait(theirs, PATIENCE, seen=seen))
            return 0

        self.items[2] = 0
        child = self.fork(lambda: play(self.items, 2, 0))
        play(self.items, 0, 2)
        self.check_child(child)
        self.assertEqual((self.items[0], self.items[2]), (rounds, rounds))

    def test_it_cannot_be_closed_meanwhile(self):
        thread = Background(self.items.wait, 0, PATIENCE)
        until(self.trailer.is_waited_for)
        for close in (self.items.close, self.items.shm.close):
            with self.assertRaisesRegex(
                BusyError, "cannot close exported pointers exist"
            ):
                close()
        self.other.add(0)
        thread.result()
        self.items.close()

    def test_a_wait_keeps_its_list(self):
        waiting = ShareableList(name=self.items.name)
        thread = Background(waiting.wait, 0, PATIENCE)
        del waiting
        gc.collect()
        until(self.trailer.is_waited_for)
        self.other.add(0)
        self.assertIs(thread.result(), True)

    def test_arguments(self):
        items = self.items
        for error, wrong in (
            (ValueError, float("nan")), (TypeError, "1"), (TypeError, [])
        ):
            with self.assertRaises(error):
                items.wait(0, wrong)
        for error, wrong in (
            (OverflowError, -1), (OverflowError, 2**64), (TypeError, "1"),
        ):
            with self.assertRaises(error):
                items.wait(0, 0, seen=wrong)
        seen = items.version(0)
        items.add(0)
        for timeout in (None, float("inf"), 10**400, 1e300, 0):
            self.assertIs(items.wait(0, timeout, seen=seen), True)
        with self.assertRaises(TypeError):
            items.wait(0, 0, seen)


class Signals(WaitCase):
    def test_ctrl_c(self):
        for arguments in ((), ("1",), ("1", "3600")):
            peer = self.peer(WAITER, self.items.name, *arguments)
            until(self.trailer.is_waited_for)
            peer.send_signal(signal.SIGINT)
            self.assertEqual(peer.stdout.read(), "interrupted\n")
            peer.wait()
            # It took its name off the list of those who wait.
            self.assertFalse(self.trailer.is_waited_for())

    def ring(self, handler):
        before = signal.signal(signal.SIGALRM, handler)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        self.addCleanup(signal.setitimer, signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)

    def test_handlers_that_raise_nothing(self):
        """They run, and the wait goes on."""
        rings = []

        def ring(number, frame):
            rings.append(1)
            if len(rings) == 3:
                self.other.add(0)

        self.ring(ring)
        self.assertIs(self.items.wait(0, PATIENCE), True)
        self.assertGreaterEqual(len(rings), 3)

    def test_handlers_do_not_make_it_longer_or_shorter(self):
        self.ring(lambda number, frame: None)
        begin = time.monotonic()
        self.assertIs(self.items.wait(0, 0.1), False)
        self.assertGreaterEqual(time.monotonic() - begin, 0.1)

    def test_handlers_that_raise(self):
        def ring(number, frame):
            raise ZeroDivisionError

        self.ring(ring)
        with self.assertRaises(ZeroDivisionError):
            self.items.wait()
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.items.close()


class Async(WaitCase):
    def run_async(self, work):
        return asyncio.run(asyncio.wait_for(work(), PATIENCE))

    def test_the_loop_goes_on(self):
        async def work():
            task = asyncio.create_task(self.items.wait_async(0))
            ticks = 0
            while not self.trailer.is_waited_for() or ticks < 10:
                await asyncio.sleep(0)
                ticks += 1
            self.assertFalse(task.done())
            self.other.add(0)
            self.assertIs(await task, True)

        self.run_async(work)

    def test_what_counts_is_a_change_since_the_call(self):
        async def work():
            for index in (None, 0, 1):
                waiting = self.items.wait_async(index)
                self.other[index or 0] = 5
                self.assertIs(await waiting, True)
                seen = self.items.version(index)
                self.other[index or 0] = 6
                self.assertIs(
                    await self.items.wait_async(index, seen=seen), True
                )

        self.run_async(work)

    def test_time_is_up(self):
        async def work():
            for timeout in (0, -1, 0.01, 0.12, -(10**400)):
                self.assertIs(
                    await self.items.wait_async(0, timeout), False
                )
            with self.assertRaises(ValueError):
                await self.items.wait_async(0, float("nan"))
            with self.assertRaises(TypeError):
                await self.items.wait_async(0, "1")
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(self.items.wait_async(0), 0.01)

        self.run_async(work)

    def test_cancelling(self):
        async def work():
            for timeout in (None, 10**400, 3600):
                task = asyncio.create_task(self.items.wait_async(0, timeout))
                await asyncio.sleep(0)
                with self.assertRaises(BusyError):
                    self.items.close()
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
            # The thread that slept for it is no obstacle.
            self.items.close()

        self.run_async(work)
        self.assertEqual(threading.active_count(), 1)

    def test_many(self):
        async def work():
            tasks = [
                asyncio.create_task(self.items.wait_async(None if i % 2 else 0))
                for i in range(50)
            ]
            await asyncio.sleep(0)
            self.other.add(0)
            self.assertEqual(await asyncio.gather(*tasks), [True] * 50)

        self.run_async(work)

    def test_a_loop_that_ends_first(self):
        async def work():
            asyncio.create_task(self.items.wait_async(0))
            await asyncio.sleep(0)

        self.run_async(work)
        self.items.close()

    def test_nothing_is_kept(self):
        def use():
            items = ShareableList(name=self.items.name)

            async def work():
                self.assertIs(await items.wait_async(0, 0.01), False)

            self.run_async(work)
            until(lambda: threading.active_count() == 1)
            return weakref.ref(items)

        self.assertIsNone(use()())


if __name__ == "__main__":
    unittest.main()
