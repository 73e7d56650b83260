# SPDX-License-Identifier: MIT
"""Waiting for lists in asyncio: a thread sleeps for each wait that is pending.

Nobody can wake such a thread but a change of its list, so it sleeps in slices
and looks in between whether it is still wanted.
"""

import threading
import time
import weakref

from . import core

SLICE = 0.05  # seconds


class _Waiter(threading.Thread):
    def __init__(self, items, index, deadline, seen, loop):
        super().__init__(name=f"polyshm wait {items.name}", daemon=True)
        self.items = items
        self.index = index
        self.deadline = deadline
        self.seen = seen
        self.loop = loop
        self.outcome = loop.create_future()
        self.wanted = True

    def run(self):
        try:
            answer = self.outcome.set_result, self.sleep()
        except Exception as error:
            answer = self.outcome.set_exception, error
        try:
            self.loop.call_soon_threadsafe(self.settle, *answer)
        except RuntimeError:
            pass  # the loop was closed, nobody listens

    def sleep(self):
        while self.wanted:
            left = SLICE
            if self.deadline is not None:
                left = min(left, self.deadline - time.monotonic())
            if self.items.wait(self.index, left, seen=self.seen):
                return True
            if left <= 0:
                break
        return False

    def settle(self, set_answer, answer):
        if not self.outcome.done():
            set_answer(answer)


def _deadline(timeout):
    if timeout is None or timeout >= threading.TIMEOUT_MAX:
        return None
    if timeout != timeout:
        raise ValueError("a timeout is no number (NaN)")
    return time.monotonic() + max(timeout, 0)


async def wait(items, index, timeout, seen):
    """The coroutine behind ShareableList.wait_async()."""
    import asyncio  # takes longer than all of polyshm, and few need it

    deadline = _deadline(timeout)
    if items.wait(index, 0, seen=seen):
        return True
    waiter = _Waiter(items, index, deadline, seen, asyncio.get_running_loop())
    # A waiter keeps its list; the list must not keep it.
    items.__dict__.setdefault("_waiters", weakref.WeakSet()).add(waiter)
    waiter.start()
    try:
        return await waiter.outcome
    finally:
        waiter.wanted = False


def settle(items):
    """Before the list is closed: end what nobody listens to any more."""
    for waiter in tuple(items.__dict__.get("_waiters", ())):
        if waiter.wanted:
            raise core.BusyError("cannot close exported pointers exist")
        waiter.join()
