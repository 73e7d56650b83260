# SPDX-License-Identifier: MIT
"""Blocks: opening them, and the memoryviews on them."""

import ctypes
import functools

from . import abi
from .error import failure, pinned
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
def _bytes(size):
    """The type of so many bytes: made anew, it takes longer than all the rest."""
    return ctypes.c_char * size


class Block(Handled):
    """What SharedMemory is made of."""

    _lender = None  # the list whose block this is

    def __init__(self, name, size, flags, mode):
        self._must_be_fresh()
        name = to_name(name)
        size = natural(size, 64, "size")
        flags = natural(flags, 32, "flags")
        options = abi.polyshm_block_options(
            ctypes.sizeof(abi.polyshm_block_options), natural(mode, 32, "mode")
        )
        handle = ctypes.c_void_p()
        owner = Owner(_free, handle)  # first, so that no handle is lost
        status = _open(
            name, size, flags, ctypes.byref(options), ctypes.byref(handle)
        )
        if status:
            raise failure(status)
        self._owner = owner
        self._handle = handle

    def _known(self):
        if not self._handle:
            raise self._failure(abi.E_INVALID)
        return self._handle

    @property
    def name(self):
        return _name(self._known()).decode()

    @property
    def size(self):
        return _size(self._known())

    @property
    def flags(self):
        return _flags(self._known())

    def close(self):
        if self._lender is not None:
            self._lender._close_window()
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
        exporter = _bytes(pin.size.value).from_address(pin.address.value)
        exporter.pin = pin
        view = memoryview(exporter).cast("B")
        if _flags(pin.block) & abi.READ_ONLY:
            view = view.toreadonly()
        return view
