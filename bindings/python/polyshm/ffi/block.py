# SPDX-License-Identifier: MIT
"""Blocks: opening them, and the memoryviews on them."""

import ctypes
import functools
import operator

from . import abi
from .error import dead, failure, pinned
from .library import quick, slow
from .object import Handled, Owner, Pin, natural
from .value import to_name

_open = slow("polyshm_block_open")
_close = quick("polyshm_block_close")
_free = quick("polyshm_block_free")
_name = quick("polyshm_block_name")
_size = quick("polyshm_block_size")
_flags = quick("polyshm_block_flags")


@functools.lru_cache(maxsize=64)
def _options(mode):
    """A pointer to a new block's options, which nobody changes."""
    size = ctypes.sizeof(abi.polyshm_block_options)
    return ctypes.byref(abi.polyshm_block_options(size, mode))


class _Unknown:
    """Hidden by the objects' own attribute, as soon as they have one."""

    def __get__(self, instance, owner):
        raise dead()


class Block(Handled):
    """What SharedMemory is made of."""

    _nbytes = _Unknown()
    _lender = None  # the list whose block this is

    def __init__(self, name, size, flags, mode):
        self._must_be_fresh()
        name = to_name(name)
        size = natural(size, 64, "size")
        flags = natural(flags, 32, "flags")
        options = _options(natural(mode, 32, "mode"))
        handle = ctypes.c_void_p()
        owner = Owner(_free, handle)  # first, so that no handle is lost
        status = _open(name, size, flags, options, ctypes.byref(handle))
        if status:
            raise failure(status)
        self._owner = owner
        self._take(handle)

    def _take(self, handle):
        self._handle = handle
        self._nbytes = _size(handle)

    def _known(self):
        if not self._handle:
            raise self._failure(abi.E_INVALID)
        return self._handle

    @property
    def name(self):
        return _name(self._known()).decode()

    size = property(operator.attrgetter("_nbytes"))

    @property
    def flags(self):
        return _flags(self._known())

    def close(self):
        if self._lender is not None:
            return self._lender.close()
        status = _close(self._handle)
        if status == abi.E_BUSY:
            raise pinned()
        if status:
            raise self._failure(status)

    def view(self):
        """A new view of all bytes, which holds the mapping on its own."""
        pin = Pin(self._handle)
        status = pin.take()
        if status:
            raise self._failure(status)
        exporter = pin.exporter(pin.size.value)
        view = memoryview(exporter).cast("B")
        if _flags(pin.block) & abi.READ_ONLY:
            view = view.toreadonly()
        return view
