# SPDX-License-Identifier: MIT
"""Lists: versions, and sleeping until they change."""

import ctypes

from . import abi
from .library import quick, slow
from .timeout import sleep_through, to_timeout

_version = quick("polyshm_list_version")
_slot_version = quick("polyshm_list_slot_version")
_wait = slow("polyshm_list_wait")
_slot_wait = slow("polyshm_list_slot_wait")


def _to_version(seen):
    """Like PyLong_AsUnsignedLongLong()."""
    if not isinstance(seen, int):
        raise TypeError("an integer is required")
    if seen < 0:
        raise OverflowError("can't convert negative int to unsigned")
    if seen >= 2**64:
        raise OverflowError("int too big to convert")
    return seen


class Waiting:
    """For a list."""

    def _get_version(self, position, version):
        if position is None:
            return _version(self._handle, ctypes.byref(version))
        return _slot_version(self._handle, position, ctypes.byref(version))

    def version(self, /, index=None):
        """A number that changes whenever a polyshm process changes the item, or
        without an index any item. That of the whole list takes the longer, the
        longer the list is. It is made for wait(seen=...)."""
        position = None if index is None else self._position(index)
        version = ctypes.c_uint64()
        status = self._get_version(position, version)
        if status:
            raise self._item_failure(status)
        return version.value

    def wait(self, /, index=None, timeout=None, *, seen=None):
        """Sleep until the item, or without an index any item, is changed by a
        polyshm process. True if it was, False if the timeout, in seconds, is
        over; None waits for ever. Ctrl-C interrupts it, and other threads run.

        What counts is a change since version() answered `seen`, or without one
        since the call. No change is lost in a loop that takes the version first,
        then looks at the value, then waits with that version:

            while True:
                seen = sl.version(0)
                if sl[0] == "ready":
                    break
                sl.wait(0, seen=seen)

        Stock Python's changes wake nobody. A list attached with read_only=True
        looks every 10 ms.
        """
        position = None if index is None else self._position(index)
        timeout = to_timeout(timeout)
        version = ctypes.c_uint64()
        status = self._get_version(position, version)
        seen = version.value if seen is None else _to_version(seen)
        if status == abi.OK and seen == version.value:
            status = abi.E_TIMEOUT
            if timeout != 0:
                status = self._sleep(position, seen, timeout)
        if status == abi.OK:
            return True
        if status == abi.E_TIMEOUT:
            return False
        raise self._item_failure(status)

    def _sleep(self, position, seen, timeout):
        version = ctypes.byref(ctypes.c_uint64())
        if position is None:

            def sleep(left):
                return _wait(self._handle, seen, left, version)

        else:

            def sleep(left):
                return _slot_wait(self._handle, position, seen, left, version)

        return sleep_through(self._block, timeout, sleep)
