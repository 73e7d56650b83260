# SPDX-License-Identifier: MIT
"""Lists: looking for values."""

import ctypes
import sys

from . import abi, scratch
from .library import bare
from .timeout import persist
from .value import NUMBERS, Values, classify

_find = bare("polyshm_list_find")

_FLOAT, _STRING, _BYTES = abi.FLOAT, abi.STRING, abi.BYTES
_NUMBERS = NUMBERS
_ROOM = scratch.ROOM
_take, _give = scratch.searches.pop, scratch.searches.append


class Search:
    """For a list."""

    def _search(self, value, start=0):
        """The index of the next match at or after `start`, or -1."""
        kind = type(value)
        number = _NUMBERS.get(kind)
        data = b""
        if number is None:
            if kind is bytes:
                data, number = value, _BYTES
            elif kind is str and value.isascii():  # what is not may be no UTF-8
                data, number = value.encode(), _STRING
            if number is None or len(data) > _ROOM:
                return self._search_slowly(value, start)
        try:
            pad = _take()
        except IndexError:
            pad = scratch.new_search()
        begin, wanted, types, words, floats, text, address, found, out = pad
        types[0] = number
        words[2] = len(data)
        if number == _FLOAT:
            floats[1] = value
        elif number == _STRING or number == _BYTES:
            text.raw = data
            words[1] = address
        else:
            try:
                words[1] = value or 0
            except ValueError:  # an int too large for a slot may equal a float
                return self._search_slowly(value, start)
        begin.value = start
        status = _find(self._handle, begin, wanted, out)
        index = found.value
        _give(pad)
        if not status:
            return index
        if status == abi.E_NOT_FOUND:
            return -1
        return self._search_slowly(value, start)

    def _search_slowly(self, value, start):
        """Any value. One of a type that lists hold is searched for in C; anything
        else decides itself, item by item, what it equals."""
        length = len(self)
        try:
            known = classify(value, False)
        except Exception:  # no text, or an int too large
            known = None
        if known is None:
            for index in range(start, length):
                item = self._call_get(index)
                if value is item or value == item:
                    return index
            return -1

        values = Values(1)
        values.fill([known])
        wanted = ctypes.byref(values.array)
        begin, found = ctypes.c_uint64(start), ctypes.c_uint64()
        out = ctypes.byref(found)

        def attempt():
            return _find(self._handle, begin, wanted, out)

        status = persist(self, attempt(), attempt)
        if status == abi.E_NOT_FOUND:
            return -1
        if status:
            raise self._failure(status)
        return found.value

    def __contains__(self, value):
        return self._search(value) >= 0

    def index(self, /, value):
        """The index of the first item that equals value; ValueError if none does."""
        found = self._search(value)
        if found >= 0:
            return found
        if sys.version_info < (3, 14):
            raise ValueError(f"{value!r} not in this container")
        raise ValueError("ShareableList.index(x): x not in list")

    def count(self, /, value):
        """How many items equal value."""
        count = 0
        found = self._search(value)
        while found >= 0:
            count += 1
            found = self._search(value, found + 1)
        return count
