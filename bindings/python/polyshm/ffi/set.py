# SPDX-License-Identifier: MIT
"""Lists: setting items."""

from . import abi, scratch
from .library import bare, quick
from .timeout import persist
from .value import NUMBERS, Values, classify, out_of_range, refuse

_c_set = bare("polyshm_list_set")
_c_set_slowly = quick("polyshm_list_set")

# The names that the hot path uses, without a look into a module.
_INT, _FLOAT, _STRING, _BYTES = abi.INT, abi.FLOAT, abi.STRING, abi.BYTES
_NUMBERS = NUMBERS
_ROOM = scratch.ROOM
_take_number, _give_number = scratch.numbers.pop, scratch.numbers.append
_take_text, _give_text = scratch.texts.pop, scratch.texts.append


class Setting:
    """For a list."""

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
            return _c_set_slowly(self._handle, index, values.array)

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
            if len(known[2] or b"") > self._capacity(index):
                raise self._set_failure(abi.E_SPACE)
            classified.append(known)
        for index, known in zip(span, classified):
            status = self._set_classified(index, [known])
            if status:
                raise self._set_failure(status)

    def __delitem__(self, key):
        raise TypeError("the items of a shared list cannot be deleted")
