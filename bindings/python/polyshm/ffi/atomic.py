# SPDX-License-Identifier: MIT
"""Lists: what is done in one step: counting, exchanging, snapshots."""

import ctypes

from . import abi
from .error import error_message, failure
from .library import quick
from .object import to_int64
from .timeout import persist
from .value import Values

_add = quick("polyshm_list_add")
_swap = quick("polyshm_list_swap")
_snapshot = quick("polyshm_list_snapshot")
_capacity = quick("polyshm_list_capacity")
_size = quick("polyshm_block_size")

# Up to so many items, their room is summed up; for more, the block's size will do.
_FEW = 1000


class Atomic:
    """For a list."""

    def add(self, /, index, delta=1):
        """Add to an int item in one step and return the sum.

        No addition is lost, whoever else adds at the same time. TypeError if the
        item is no int, OverflowError if the sum does not fit into 64 bits; the
        item keeps its value then.
        """
        index = self._position(index)
        delta = to_int64("delta", delta)
        total = ctypes.c_int64()
        out = ctypes.byref(total)
        status = _add(self._handle, index, delta, out)
        if status == abi.E_TIMEOUT:
            status = persist(
                self, status, lambda: _add(self._handle, index, delta, out)
            )
        if status == abi.OK:
            return total.value
        if status == abi.E_SPACE:
            raise OverflowError(error_message())
        raise self._item_failure(status)

    def swap(self, /, index, expected, desired):
        """Replace an int item in one step, if it still is `expected`.

        True if it was and is now `desired`; False if it is something else, which
        it keeps. TypeError if the item is no int.
        """
        index = self._position(index)
        expected = to_int64("expected", expected)
        desired = to_int64("desired", desired)
        before = ctypes.c_int64()
        out = ctypes.byref(before)
        status = _swap(self._handle, index, expected, desired, out)
        if status == abi.E_TIMEOUT:
            status = persist(
                self,
                status,
                lambda: _swap(self._handle, index, expected, desired, out),
            )
        if status == abi.OK:
            return before.value == expected
        raise self._item_failure(status)

    def snapshot(self, /, start=0, stop=None):
        """The items from start to stop, as a tuple, as they all were at one moment.

        The numbers are those of a slice. It is exact: each change by a polyshm
        process is before it or after it, and what was changed under the lock is
        seen as a whole or not at all. TimeoutError if there was no such moment in
        the list's `timeout`, say because somebody held the lock all the time.
        """
        first, end, _ = slice(start, stop).indices(len(self))
        count = max(end - first, 0)
        room = self._room(first, count)
        buffer = (ctypes.c_char * max(room, 1))()
        values = Values(count)

        def attempt():
            return _snapshot(
                self._handle, first, count, buffer, room, values.array
            )

        status = persist(self, attempt(), attempt)
        if status:
            raise failure(status)
        return tuple(values.objects(buffer))

    def _room(self, first, count):
        if count > _FEW:
            return _size(self._block)
        capacity = ctypes.c_uint64()
        room = 0
        for i in range(first, first + count):
            status = _capacity(self._handle, i, ctypes.byref(capacity))
            if status:
                raise failure(status)
            room += capacity.value
        return room
