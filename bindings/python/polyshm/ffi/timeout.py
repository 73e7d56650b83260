# SPDX-License-Identifier: MIT
"""Timeouts, and how to let time pass."""

import math
import time

from . import abi
from .object import pinned_while

SECOND = 1_000_000_000

# Sleep so long before the next try: short at first, for a writer that is in the
# middle, then longer, for one that was stopped.
_NAP_LEAST = 50_000
_NAP_MOST = 1_000_000

# A signal that comes just before the core falls asleep does not wake it: look for
# handlers at least so often.
_SLICE = SECOND

_NEVER = 2**63 - 1


def to_timeout(seconds):
    """Seconds, or None for no end, to nanoseconds. What is not nothing does not
    become nothing."""
    if seconds is None:
        return abi.FOREVER
    try:
        seconds = math.ldexp(seconds, 0)  # any number, and no text
    except OverflowError:  # an int that no float can hold
        return 0 if seconds < 0 else abi.FOREVER
    if math.isnan(seconds):
        raise ValueError("a timeout is no number (NaN)")
    if seconds <= 0:
        return 0
    nanoseconds = seconds * 1e9 + 0.5
    return max(1, int(nanoseconds)) if nanoseconds < _NEVER else abi.FOREVER


def deadline_of(timeout):
    return _NEVER if timeout < 0 else time.monotonic_ns() + timeout


def left_until(deadline, most):
    """What is left until then, but no more than `most`."""
    return min(max(deadline - time.monotonic_ns(), 0), most)


def persist(items, status, attempt):
    """What attempt() answers as soon as that is not that its slot is held by
    another process, as the answer `status` was, or when the list's timeout is
    over. Meanwhile others run."""
    nap = _NAP_LEAST
    deadline = deadline_of(items._timeout)
    while status == abi.E_TIMEOUT:
        left = left_until(deadline, nap)
        if left == 0:
            break
        pinned_while(items._block, lambda: time.sleep(left / SECOND))
        nap = min(nap + nap // 2, _NAP_MOST)
        status = attempt()
    return status


def sleep_through(block, timeout, sleep):
    """What sleep(nanoseconds) answers in the end. It is a call that sleeps without
    the GIL; here are the moments in which signal handlers run, and may raise.
    """
    deadline = deadline_of(timeout)

    def work():
        while True:
            status = sleep(left_until(deadline, _SLICE))
            if status == abi.E_TIMEOUT and left_until(deadline, 1) == 0:
                return status
            if status not in (abi.E_TIMEOUT, abi.E_INTERRUPTED):
                return status

    return pinned_while(block, work)
