# SPDX-License-Identifier: MIT
"""Lists: looking for values."""

import ctypes
import sys

from . import abi
from .error import dead
from .library import bare
from .timeout import persist
from .value import Values, classify

_find = bare("polyshm_list_find")


class Search:
    """For a list."""

    def _searcher(self, value):
        """A function that tells the next match at or after an index, or None.

        A value of a type that lists hold is searched for in C; anything else
        decides itself, item by item, what it equals.
        """
        if not self._handle:
            raise dead()
        try:
            known = classify(value, False)
        except Exception:
            known = None  # an int too large for a slot may still equal a float
        if known is None:
            return lambda start: self._search_slowly(start, value)

        values = Values(1)
        values.fill([known])
        wanted = ctypes.byref(values.array)
        begin, found = ctypes.c_uint64(), ctypes.c_uint64()
        out = ctypes.byref(found)

        def attempt():
            return _find(self._handle, begin, wanted, out)

        def search(start):
            begin.value = start
            status = attempt()
            if status == abi.E_TIMEOUT:
                status = persist(self, status, attempt)
            if status == abi.OK:
                return found.value
            if status == abi.E_NOT_FOUND:
                return None
            raise self._failure(status)

        search.kept = values
        return search

    def _search_slowly(self, start, value):
        for index in range(start, len(self)):
            item = self._get(index)
            if value is item or value == item:
                return index
        return None

    def __contains__(self, value):
        return self._searcher(value)(0) is not None

    def index(self, value):
        """The index of the first item that equals value; ValueError if none does."""
        found = self._searcher(value)(0)
        if found is not None:
            return found
        if sys.version_info < (3, 14):
            raise ValueError(f"{value!r} not in this container")
        raise ValueError("ShareableList.index(x): x not in list")

    def count(self, value):
        """How many items equal value."""
        search = self._searcher(value)
        count = 0
        found = search(0)
        while found is not None:
            count += 1
            found = search(found + 1)
        return count
