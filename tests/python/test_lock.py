# SPDX-License-Identifier: MIT
import gc
import signal
import time
import unittest
import warnings

import polyshm
from polyshm import BusyError, ShareableList
from support import Background, CleanCase, until

HOLDER = """
import sys, polyshm
items = polyshm.ShareableList(name=sys.argv[1])
lock = items.lock()
print("locked", flush=True)
sys.stdin.readline()
lock.unlock()
print("unlocked", flush=True)
sys.stdin.readline()
"""


def is_locked(items):
    """Whether somebody holds the lock; from a thread of its own, since this
    one may be the holder."""

    def look():
        try:
            items.lock(timeout=0).unlock()
            return False
        except TimeoutError:
            return True

    return Background(look).result()


class LockCase(CleanCase):
    def setUp(self):
        super().setUp()
        self.items = self.make(ShareableList, [0, 0])
        self.addCleanup(self.items.close)
        self.other = self.attach(self.items)
        self.trailer = self.look_behind(self.items)


class Holding(LockCase):
    def test_with(self):
        with self.items.lock() as lock:
            self.assertIsInstance(lock, polyshm.Lock)
            self.assertIs(lock.recovered, False)
            self.assertTrue(is_locked(self.other))
        self.assertFalse(is_locked(self.other))
        with self.assertRaises(ZeroDivisionError), self.items.lock(timeout=1):
            1 / 0
        self.assertFalse(is_locked(self.other))

    def test_it_is_taken_by_the_call(self):
        lock = self.items.lock(timeout=None)
        self.assertTrue(is_locked(self.other))
        lock.unlock()
        self.assertFalse(is_locked(self.other))

    def test_unlocking_twice(self):
        with self.items.lock() as lock:
            lock.unlock()
            lock.unlock()
            with self.other.lock(timeout=0):
                lock.unlock()
                self.assertTrue(is_locked(self.items))
        with self.assertRaises(RuntimeError):
            with lock:
                self.fail("it is not held any more")

    def test_relocking(self):
        with self.items.lock():
            for timeout in (0, 5, None):
                with self.assertRaises(BusyError) as caught:
                    self.items.lock(timeout)
                self.assertIsInstance(caught.exception, RuntimeError)
            self.assertTrue(is_locked(self.other))
        with self.items.lock(timeout=0):
            pass

    def test_it_excludes_nobody_from_reading_and_setting(self):
        with self.items.lock():
            self.other[0] = 5
            self.assertEqual(self.other.add(0), 6)
            self.assertEqual(Background(self.other.add, 0).result(), 7)
            self.assertEqual(self.items[0], 7)

    def test_time_is_up(self):
        with self.other.lock():
            for timeout in (0, -1, 0.05, 1.1):
                begin = time.monotonic()
                with self.assertRaises(TimeoutError):
                    Background(self.items.lock, timeout).result()
                self.assertGreaterEqual(time.monotonic() - begin, timeout)

    def test_arguments(self):
        for error, wrong in (
            (ValueError, float("nan")), (TypeError, "1"), (TypeError, [])
        ):
            with self.assertRaises(error):
                self.items.lock(wrong)
        for timeout in (float("inf"), 10**400, 1e300, None, 0):
            with self.items.lock(timeout=timeout):
                pass
        with self.assertRaises(TypeError):
            self.items.lock(1, 2)
        with self.assertRaises(TypeError):
            polyshm.Lock()

    def test_closing(self):
        lock = self.items.lock()
        for close in (self.items.close, self.items.shm.close):
            with self.assertRaises(BusyError) as caught:
                close()
            self.assertNotIn("exported pointers", str(caught.exception))
        self.assertIsInstance(caught.exception, BufferError)
        self.assertEqual(list(self.items), [0, 0])
        lock.unlock()
        self.items.close()


class Dropping(LockCase):
    def test_a_dropped_lock_is_given_back(self):
        lock = self.items.lock()
        self.assertTrue(is_locked(self.other))
        del lock
        self.assertIs(self.other.lock(timeout=0).recovered, False)

    def test_it_keeps_its_list(self):
        lock = self.attach_unkept().lock()
        gc.collect()
        self.assertTrue(is_locked(self.items))
        lock.unlock()
        self.assertFalse(is_locked(self.items))

    def attach_unkept(self):
        return ShareableList(name=self.items.name)

    def test_a_cycle(self):
        items = self.attach_unkept()
        items.kept = items.lock()
        del items
        gc.collect()
        self.assertIs(self.items.lock(timeout=0).recovered, False)

    def test_another_threads_lock(self):
        items = self.attach_unkept()
        lock = Background(items.lock).result()
        with self.assertRaises(RuntimeError):
            lock.unlock()
        self.assertTrue(is_locked(self.other))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del lock
        self.assertEqual([w.category for w in caught], [ResourceWarning])
        self.assertTrue(is_locked(self.other))
        # Its handle's end is the end of the lock, too.
        del items
        self.assertIs(self.other.lock(timeout=0).recovered, True)
        self.assertIs(self.other.lock(timeout=0).recovered, False)


class Peers(LockCase):
    def test_threads_exclude_each_other(self):
        def work(items):
            for _ in range(300):
                with items.lock():
                    value = items[0]
                    items[1] = value
                    items[0] = value + 1

        threads = [
            Background(work, items)
            for items in (self.items, self.items, self.other)
        ]
        for thread in threads:
            thread.result()
        self.assertEqual(list(self.items), [900, 899])

    def test_processes_exclude_each_other(self):
        def work():
            for _ in range(500):
                with self.items.lock():
                    value = self.items[0]
                    self.items[1] = value
                    self.items[0] = value + 1
            return 0

        children = [self.fork(work) for _ in range(3)]
        work()
        for child in children:
            self.check_child(child)
        self.assertEqual(list(self.items), [2000, 1999])

    def test_a_forked_child_does_not_have_its_parents_lock(self):
        lock = self.items.lock()

        def try_it():
            nonlocal lock
            refused = 0
            try:
                self.items.lock(timeout=0)
            except TimeoutError:
                refused += 1
            try:
                lock.unlock()
            except RuntimeError:
                refused += 1
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                lock = None
            return refused if caught == [] else 50

        self.check_child(self.fork(try_it), 2)
        self.assertTrue(is_locked(self.other))
        lock.unlock()
        self.assertFalse(is_locked(self.other))

    def test_a_killed_holder(self):
        peer = self.peer(HOLDER, self.items.name)
        self.assertEqual(peer.stdout.readline(), "locked\n")
        with self.assertRaises(TimeoutError):
            self.items.lock(timeout=0.02)
        waiter = Background(lambda: self.items.lock(timeout=60).recovered)
        peer.kill()
        self.assertIs(waiter.result(), True)
        # The thread that took it dropped it, too.
        with self.items.lock(timeout=0) as lock:
            self.assertIs(lock.recovered, False)

    def test_a_lock_that_is_given_back_wakes(self):
        peer = self.peer(HOLDER, self.items.name)
        self.assertEqual(peer.stdout.readline(), "locked\n")
        waiter = Background(lambda: self.items.lock().recovered)
        until(self.trailer.lock_is_waited_for)
        peer.stdin.write("\n")
        peer.stdin.flush()
        self.assertIs(waiter.result(), False)
        self.assertEqual(peer.stdout.readline(), "unlocked\n")

    def test_others_run_while_a_thread_waits(self):
        with self.items.lock():
            waiter = Background(lambda: self.items.lock().unlock())
            until(self.trailer.lock_is_waited_for)
            with self.assertRaises(BusyError):
                self.items.close()
            self.assertTrue(waiter.is_alive())
        waiter.result()


class Signals(LockCase):
    def test_ctrl_c(self):
        program = (
            "import signal, sys, polyshm\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "items = polyshm.ShareableList(name=sys.argv[1])\n"
            "try:\n"
            "    items.lock()\n"
            "except KeyboardInterrupt:\n"
            "    print('interrupted')\n"
        )
        with self.items.lock():
            peer = self.peer(program, self.items.name)
            until(self.trailer.lock_is_waited_for)
            peer.send_signal(signal.SIGINT)
            self.assertEqual(peer.stdout.read(), "interrupted\n")

    def test_handlers_that_raise_nothing(self):
        """They run, and the wait goes on for what is left of its time."""
        self.other_lock = self.other.lock()
        rings = []

        def ring(number, frame):
            rings.append(time.monotonic())
            if len(rings) == 3:
                self.other_lock.unlock()

        before = signal.signal(signal.SIGALRM, ring)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        self.addCleanup(signal.setitimer, signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        with self.items.lock(timeout=60) as lock:
            self.assertIs(lock.recovered, False)
        self.assertGreaterEqual(len(rings), 3)


if __name__ == "__main__":
    unittest.main()
