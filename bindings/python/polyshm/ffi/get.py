# SPDX-License-Identifier: MIT
"""Lists: indices, and reading items."""

import ctypes
import functools
import struct

from . import abi, scratch
from .library import bare, quick
from .object import natural, to_index
from .timeout import persist
from .window import LOCKED, READS_BEFORE, Window, text_format, word_of

_c_capacity = quick("polyshm_list_capacity")
_c_get = bare("polyshm_list_get")

_OUTSIDE = 2**63  # an index of no item
_NOTHING = object()

# The names that the hot paths use, without a look into a module.
_INT, _FLOAT, _BOOL = abi.INT, abi.FLOAT, abi.BOOL
_STRING, _BYTES, _NONE = abi.STRING, abi.BYTES, abi.NONE
_FORMAT_INT, _FORMAT_FLOAT = word_of(b"q"), word_of(b"d")
_FORMAT_BOOL, _FORMAT_NONE = word_of(b"xxxxxxx?"), word_of(b"xxxxxx?x")
_CAPACITY = scratch.CAPACITY
_take, _give = scratch.gets.pop, scratch.gets.append


class Getting:
    """For a list."""

    _view = None  # what the open window has; () if there is none to open
    _reads = 0  # before

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

    def _capacity(self, index):
        capacity = ctypes.c_uint64()
        status = _c_capacity(self._handle, index, ctypes.byref(capacity))
        if status:
            raise self._failure(status)
        return capacity.value

    def capacity(self, index):
        """How many bytes of text the item of this index has room for."""
        return self._capacity(natural(index, 64, "index"))

    # ------------------------------------------------------------- reading

    def __len__(self):
        return self._length

    def _call_get(self, index):
        """The item of an index, from the library."""
        if self._view is None:
            self._reads += 1
            if self._reads > READS_BEFORE:
                self._open_window()
        try:
            pad = _take()
        except IndexError:
            pad = scratch.new()
        position, value, types, words, floats, text, buffer = pad
        position.value = index
        status = _c_get(self._handle, position, buffer, _CAPACITY, value)
        if status:
            _give(pad)
            return self._get_slowly(index, status)
        kind = types[0]
        if kind == _INT:
            item = words[1]
        elif kind == _STRING:
            item = text[: words[2]]
            _give(pad)
            return item.decode()
        elif kind == _FLOAT:
            item = floats[1]
        elif kind == _BYTES:
            item = text[: words[2]]
        else:
            item = words[1] != 0 if kind == _BOOL else None
        _give(pad)
        return item

    def _get_slowly(self, index, status):
        """Where a slot is held, or its text does not fit the buffer."""
        pad = scratch.new()
        position, value, types, words, floats, text, buffer = pad
        position.value = index
        capacity = _CAPACITY
        if status == abi.E_SPACE:
            capacity = ctypes.c_uint64(self._capacity(index))
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
            return text[: words[2]].decode()
        if kind == _BYTES:
            return text[: words[2]]
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
            return [Getting.__getitem__(self, index) for index in where]
        return self._call_get(where)

    def __iter__(self):
        # map() is C, and goes on after an item that raised, from any thread.
        return map(
            functools.partial(Getting.__getitem__, self), range(self._length)
        )
