# SPDX-License-Identifier: MIT
"""Lists: opening them, their items, and iteration."""

import ctypes
import functools
import struct

from . import abi, scratch
from .atomic import Atomic
from .block import Block
from .error import dead, failure, pinned
from .library import bare, quick, slow
from .lock import ListOwner, Locking
from .object import Handled, natural, to_index
from .search import Search
from .timeout import persist, to_timeout
from .value import (
    NUMBERS,
    STORABLE,
    Values,
    classify,
    out_of_range,
    refuse,
    to_name,
)
from .wait import Waiting
from .window import LOCKED, Window, text_format, word_of

_c_open = slow("polyshm_list_open")
_c_create = slow("polyshm_list_create")
_c_close = quick("polyshm_list_close")
_c_free = quick("polyshm_list_free")
_c_timeout = quick("polyshm_list_timeout")
_c_length = quick("polyshm_list_length")
_c_block = quick("polyshm_list_block")
_c_block_name = quick("polyshm_block_name")
_c_capacity = quick("polyshm_list_capacity")
_c_get = bare("polyshm_list_get")
_c_set = bare("polyshm_list_set")
_c_set_value = quick("polyshm_list_set")

_OUTSIDE = 2**63  # an index of no item
_NOTHING = object()

# The names that the hot paths use, without a look into a module.
_INT, _FLOAT, _BOOL = abi.INT, abi.FLOAT, abi.BOOL
_STRING, _BYTES, _NONE = abi.STRING, abi.BYTES, abi.NONE
_NUMBERS = NUMBERS
_FORMAT_INT, _FORMAT_FLOAT = word_of(b"q"), word_of(b"d")
_FORMAT_BOOL, _FORMAT_NONE = word_of(b"xxxxxxx?"), word_of(b"xxxxxx?x")
_ROOM, _CAPACITY = scratch.ROOM, scratch.CAPACITY
_take_get, _give_get = scratch.gets.pop, scratch.gets.append
_take_number, _give_number = scratch.numbers.pop, scratch.numbers.append
_take_text, _give_text = scratch.texts.pop, scratch.texts.append


class _NoLength:
    """The length of a list whose __init__ never ran."""

    def __index__(self):
        raise dead()

    __gt__ = __lt__ = lambda self, other: self.__index__()


class List(Handled, Search, Atomic, Locking, Waiting):
    """What ShareableList is made of."""

    _block = ctypes.c_void_p()
    _length = _NoLength()
    _view = None  # what the open window has; () if there is none to open
    _timeout = 0  # nanoseconds, or FOREVER; that of the handle is 0

    def __init__(self, name, values, flags, slot_capacity, mode):
        self._must_be_fresh()
        name = to_name(name)
        flags = natural(flags, 32, "flags")
        options = abi.polyshm_list_options(
            struct_size=ctypes.sizeof(abi.polyshm_list_options),
            slot_capacity=natural(slot_capacity, 64, "capacity"),
            mode=natural(mode, 32, "mode"),
        )
        handle, block = ctypes.c_void_p(), ctypes.c_void_p()
        owner = ListOwner(_c_free, handle, block)  # first, so that no handle is lost
        if values is None:
            status = _c_open(name, flags, ctypes.byref(handle))
        else:
            status = self._make(name, values, flags, options, handle)
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

    @staticmethod
    def _make(name, values, flags, options, handle):
        values = tuple(values)
        for value in values:  # of all that is wrong with them, types come first
            if type(value) not in STORABLE:
                raise refuse(value)
        classified = [classify(value, False) for value in values]
        converted = Values(len(classified))
        converted.fill(classified)
        return _c_create(
            name,
            converted.array,
            len(classified),
            flags,
            ctypes.byref(options),
            ctypes.byref(handle),
        )

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

    def capacity(self, index):
        """How many bytes of text the item of this index has room for."""
        capacity = ctypes.c_uint64()
        index = natural(index, 64, "index")
        status = _c_capacity(self._handle, index, ctypes.byref(capacity))
        if status:
            raise self._failure(status)
        return capacity.value

    def lend_block(self, block):
        """Make a fresh Block object stand for the block beneath. It must keep this
        list alive."""
        if not isinstance(block, Block) or "_handle" in block.__dict__:
            raise TypeError("a fresh Block is needed")
        if not self._handle:
            raise dead()
        block._handle = self._block
        block._lender = self

    # ------------------------------------------------------------- indices

    def _item_failure(self, status):
        """For failures that concern one item."""
        if status == abi.E_RANGE:
            return IndexError("index out of range")
        return self._failure(status)

    def _position(self, key, also=""):
        """Negative indices count from the end; what is still negative, is none of
        an item."""
        if not hasattr(type(key), "__index__"):
            raise TypeError(
                f"list indices must be integers{also}, not {type(key).__name__}"
            )
        index = to_index(key)
        if index < 0:
            index += len(self)
        return _OUTSIDE if index < 0 else index

    def _where(self, key):
        """What stands in brackets: a position, or the range that a slice means."""
        if isinstance(key, slice):
            return range(*key.indices(len(self)))
        return self._position(key, " or slices")

    # ------------------------------------------------------------- reading

    def __len__(self):
        return self._length

    def _call_get(self, index):
        """The item of an index, from the library."""
        if self._view is None:
            self._open_window()
        try:
            pad = _take_get()
        except IndexError:
            pad = scratch.new()
        position, value, types, words, floats, text, buffer = pad
        position.value = index
        status = _c_get(self._handle, position, buffer, _CAPACITY, value)
        if status:
            _give_get(pad)
            return self._get_slowly(index, status)
        kind = types[0]
        if kind == _INT:
            item = words[1]
        elif kind == _STRING:
            item = text[:words[2]]
            _give_get(pad)
            return item.decode()
        elif kind == _FLOAT:
            item = floats[1]
        elif kind == _BYTES:
            item = text[:words[2]]
        else:
            item = words[1] != 0 if kind == _BOOL else None
        _give_get(pad)
        return item

    def _get_slowly(self, index, status):
        """Where a slot is held, or its text does not fit the buffer."""
        pad = scratch.new()
        position, value, types, words, floats, text, buffer = pad
        position.value = index
        capacity = _CAPACITY
        if status == abi.E_SPACE:
            capacity = ctypes.c_uint64(self.capacity(index))
            text = (ctypes.c_char * capacity.value)()

        def attempt():
            return _c_get(self._handle, position, text, capacity, value)

        status = persist(self, attempt(), attempt)
        if status == abi.E_SPACE and capacity is _CAPACITY:
            return self._get_slowly(index, status)
        if status:
            raise self._item_failure(status)
        kind = types[0]
        if kind == _STRING:
            return text[:words[2]].decode()
        if kind == _BYTES:
            return text[:words[2]]
        if kind == _FLOAT:
            return floats[1]
        if kind == _NONE:
            return None
        return words[1] != 0 if kind == _BOOL else words[1]

    def _open_window(self):
        with Window.gate:
            if self._handle and self._view is None:
                self._view = self._window.open(self._block, self._length)

    def _close_window(self):
        with Window.gate:
            self._view = None
            self._window.close()

    def __getitem__(self, key):
        view = self._view  # window.py says what happens here
        if not view or type(key) is not int or not 0 <= key < self._length:
            return self._get(key)
        (raw, words, ints, floats,
         data, end, formats, codes, sequences, exacts) = view  # fmt: skip
        item = _NOTHING
        try:
            sequence = words[sequences + key]
            kind = words[formats + key]
            code = raw[codes + key]
            first = words[key + 1]
            last = words[key + 2]
            if sequence & LOCKED or first & 7 or first >= end:
                pass
            elif kind == _FORMAT_INT and code == 0:
                item = ints[data + (first >> 3)]
            elif last & 7 or not first < last <= end:
                pass
            elif kind == _FORMAT_FLOAT and code == 0:
                item = floats[data + (first >> 3)]
            elif code == 1 or code == 2:
                width, unpack = text_format(kind)
                if width <= last - first and not words[exacts + key]:
                    item = unpack(raw, 8 * data + first)[0].rstrip(b"\0")
            elif kind == _FORMAT_NONE and code == 3:
                item = None
            elif kind == _FORMAT_BOOL and code == 0:
                item = words[data + (first >> 3)] >> 56 != 0
            if words[sequences + key] == sequence and item is not _NOTHING:
                return item.decode() if code == 1 else item
        except (ValueError, IndexError, struct.error):
            pass  # it was closed, or is corrupt
        return self._call_get(key)

    def _get(self, key):
        """Where there is no window, or the key is no index of an item."""
        if type(key) is int and 0 <= key < self._length:
            return self._call_get(key)
        where = self._where(key)
        if type(where) is range:
            return [List.__getitem__(self, index) for index in where]
        return self._call_get(where)

    def __iter__(self):
        # map() is C, and goes on after an item that raised, from any thread.
        return map(functools.partial(List.__getitem__, self), range(self._length))

    # ------------------------------------------------------------- writing

    def __setitem__(self, key, value):
        if type(key) is not int or not 0 <= key < self._length:
            return self._set_slowly(key, value)
        kind = type(value)
        number = _NUMBERS.get(kind)
        if number is not None:
            try:
                pad = _take_number()
            except IndexError:
                pad = scratch.new()
            position, argument, types, words, floats, _, _ = pad
            types[0] = number
            if number == _FLOAT:
                floats[1] = value
            else:
                try:
                    words[1] = value or 0
                except ValueError:
                    raise out_of_range() from None
            position.value = key
            status = _c_set(self._handle, position, argument)
            _give_number(pad)
        elif kind is str or kind is bytes:
            data = value.encode() if kind is str else value
            size = len(data)
            if size > _ROOM:
                return self._set_slowly(key, value)
            try:
                pad = _take_text()
            except IndexError:
                pad = scratch.new_text()
            position, argument, types, words, _, text, _ = pad
            types[0] = _STRING if kind is str else _BYTES
            words[2] = size
            text.raw = data
            position.value = key
            status = _c_set(self._handle, position, argument)
            _give_text(pad)
        else:
            return self._set_slowly(key, value)
        if status:
            self._set_slowly(key, value)

    def _set_slowly(self, key, value):
        """Where the key is no index of an item, the value none of the few that are
        set at once, or the first try failed."""
        where = self._where(key)
        if type(where) is range:
            return self._set_slice(where, value)
        try:
            known = classify(value, True)
            if known is None:
                raise refuse(value)
        except Exception:
            if where >= len(self):
                raise IndexError("assignment index out of range") from None
            raise
        status = self._set_classified(where, [known])
        if status == abi.E_RANGE:
            raise IndexError("assignment index out of range")
        if status:
            raise self._set_failure(status)

    def _set_failure(self, status):
        """Setting an item that is there failed."""
        if status == abi.E_SPACE:
            return ValueError("bytes/str item exceeds available storage")
        return self._failure(status)

    def _set_classified(self, index, classified):
        values = Values(1)
        values.fill(classified)

        def attempt():
            return _c_set_value(self._handle, index, values.array)

        return persist(self, attempt(), attempt)

    def _set_slice(self, span, values):
        """No item is set unless all of them can be."""
        values = tuple(values)
        if len(values) != len(span):
            raise ValueError(
                f"attempt to assign sequence of size {len(values)} to slice of "
                f"size {len(span)}"
            )
        classified = []
        for index, value in zip(span, values):
            known = classify(value, True)
            if known is None:
                raise refuse(value)
            if len(known[2] or b"") > List.capacity(self, index):
                raise self._set_failure(abi.E_SPACE)
            classified.append(known)
        for index, known in zip(span, classified):
            status = self._set_classified(index, [known])
            if status:
                raise self._set_failure(status)

    def __delitem__(self, key):
        raise TypeError("the items of a shared list cannot be deleted")
