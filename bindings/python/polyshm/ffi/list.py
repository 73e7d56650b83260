# SPDX-License-Identifier: MIT
"""Lists: opening and closing them."""

import ctypes

from . import abi
from .atomic import Atomic
from .block import Block
from .error import dead, failure, pinned
from .get import Getting
from .library import quick, slow
from .lock import ListOwner, Locking
from .object import Handled, natural
from .search import Search
from .set import Setting
from .timeout import to_timeout
from .value import STORABLE, Values, classify, refuse, to_name
from .wait import Waiting
from .window import Window

_c_open = slow("polyshm_list_open")
_c_create = slow("polyshm_list_create")
_c_close = quick("polyshm_list_close")
_c_free = quick("polyshm_list_free")
_c_timeout = quick("polyshm_list_timeout")
_c_length = quick("polyshm_list_length")
_c_block = quick("polyshm_list_block")
_c_block_name = quick("polyshm_block_name")


class _NoLength:
    """The length of a list whose __init__ never ran."""

    def __index__(self):
        raise dead()

    __gt__ = __lt__ = lambda self, other: self.__index__()


def new_options(slot_capacity, mode):
    return abi.polyshm_list_options(
        struct_size=ctypes.sizeof(abi.polyshm_list_options),
        slot_capacity=natural(slot_capacity, 64, "capacity"),
        mode=natural(mode, 32, "mode"),
    )


def to_values(values):
    """A new list's values as C takes them."""
    values = tuple(values)
    for value in values:  # of all that is wrong with them, types come first
        if type(value) not in STORABLE:
            raise refuse(value)
    classified = [classify(value, False) for value in values]
    converted = Values(len(classified))
    converted.fill(classified)
    return converted


class List(Handled, Getting, Setting, Search, Atomic, Locking, Waiting):
    """What ShareableList is made of."""

    _block = ctypes.c_void_p()
    _length = _NoLength()
    _timeout = 0  # nanoseconds, or FOREVER; that of the handle is 0

    def __init__(self, name, values, flags, slot_capacity, mode):
        self._must_be_fresh()
        name = to_name(name)
        flags = natural(flags, 32, "flags")
        options = new_options(slot_capacity, mode)

        def make(handle):
            if values is None:
                return _c_open(name, flags, ctypes.byref(handle))
            converted = to_values(values)
            return _c_create(
                name,
                converted.array,
                len(converted.array),
                flags,
                ctypes.byref(options),
                ctypes.byref(handle),
            )

        self._adopt(make, failure)

    def _adopt(self, make, failure):
        """What make(handle) makes becomes this fresh object's."""
        handle, block = ctypes.c_void_p(), ctypes.c_void_p()
        owner = ListOwner(
            _c_free, handle, block
        )  # first, so that no handle is lost
        status = make(handle)
        if status == abi.OK:
            # No call may sleep while it has the GIL; timeout.py sleeps instead.
            status = _c_timeout(handle, 0)
        if status:
            raise failure(status)
        block.value = _c_block(handle)
        self._owner = owner
        self._handle = handle
        self._block = block
        self._length = _c_length(handle)
        self._window = Window()

    @property
    def name(self):
        if not self._handle:
            raise dead()
        return _c_block_name(self._block).decode()

    @property
    def timeout(self):
        """How many seconds a call other than lock() and wait() may sleep until it
        gets at an item that a live process holds, before it raises TimeoutError
        with nothing changed. None has no end."""
        return None if self._timeout < 0 else self._timeout / 1e9

    @timeout.setter
    def timeout(self, seconds):
        self._timeout = to_timeout(seconds)

    @timeout.deleter
    def timeout(self):
        raise AttributeError("timeout cannot be deleted")

    def close(self):
        if not self._handle:
            raise dead()
        with Window.gate:
            self._close_window()
            status = _c_close(self._handle)
        if status == abi.E_BUSY and not self._owner.is_locked:
            raise pinned()
        if status:
            raise self._failure(status)

    def lend_block(self, block):
        """Make a fresh Block object stand for the block beneath. It must keep this
        list alive."""
        if not isinstance(block, Block) or "_handle" in block.__dict__:
            raise TypeError("a fresh Block is needed")
        if not self._handle:
            raise dead()
        block._take(self._block)
        block._lender = self
