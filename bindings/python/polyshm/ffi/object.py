# SPDX-License-Identifier: MIT
"""What blocks and lists have in common: the library's handle, and pins."""

import ctypes
import functools
import operator
import sys

from . import abi
from .error import dead, failure
from .library import quick

_pin = quick("polyshm_block_pin")
_unpin = quick("polyshm_block_unpin")


class Owner:
    """Gives a handle back when nobody needs it any more.

    It is apart from the object that has the handle, so that no __del__ of a
    subclass stands in its way. `pointers` are set to NULL, which the library
    knows: within a cycle that is cleared away, there may be calls after it.
    """

    __slots__ = ("free", "pointers")

    def __init__(self, free, *pointers):
        self.free = free
        self.pointers = pointers

    def __del__(self):
        self.free(self.pointers[0])
        for pointer in self.pointers:
            pointer.value = None


class Handled:
    """An object with a handle. Until __init__ ran, that is NULL."""

    _handle = ctypes.c_void_p()

    def _must_be_fresh(self):
        if "_handle" in self.__dict__:
            raise RuntimeError("the object is initialised already")

    def _failure(self, status):
        if status == abi.E_INVALID and not self._handle:
            return dead()
        return failure(status)


def pinned_while(block, work):
    """What work() returns. Other threads may run in it: who closes the block
    meanwhile is told that it is in use."""
    address = ctypes.c_void_p()
    size = ctypes.c_uint64()
    try:
        # A signal handler may raise at once: what was pinned has its address.
        status = _pin(block, ctypes.byref(address), ctypes.byref(size))
        if status:
            raise failure(status)
        return work()
    finally:
        if address:
            _unpin(block)


@functools.lru_cache(maxsize=64)
def _bytes(size):
    """The type of so many bytes: made anew, it takes longer than all the rest."""
    return ctypes.c_char * size


class Pin:
    """Holds a block's mapping, whatever happens to the object that has it."""

    __slots__ = ("block", "address", "size")

    def __init__(self, block):
        # A copy: the object's own becomes NULL when it goes.
        self.block = ctypes.c_void_p(block.value)
        self.address = ctypes.c_void_p()
        self.size = ctypes.c_uint64()

    def take(self):
        return _pin(
            self.block, ctypes.byref(self.address), ctypes.byref(self.size)
        )

    def exporter(self, size):
        """What memoryviews of the first bytes are made of. It keeps the pin."""
        exporter = _bytes(size).from_address(self.address.value)
        exporter.pin = self
        return exporter

    def __del__(self):
        if self.address:
            _unpin(self.block)


# ------------------------------------------------------------------- arguments


def natural(number, bits, what):
    """An argument that C takes as an unsigned number of so many bits."""
    if type(number) is not int:
        number = operator.index(number)
    if not 0 <= number < 1 << bits:
        raise OverflowError(f"{what} is out of range: {number}")
    return number


def to_index(key):
    """Like PyNumber_AsSsize_t(): huge ones are clipped."""
    return min(max(operator.index(key), -sys.maxsize - 1), sys.maxsize)


def to_int64(name, number):
    index = operator.index(number)
    if not -(2**63) <= index < 2**63:
        raise OverflowError(f"{name} does not fit into 64 bits: {number!r}")
    return index
