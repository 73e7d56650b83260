# SPDX-License-Identifier: MIT
"""Names and values, from and to Python's objects."""

import ctypes
import struct
import sys

from . import abi

_RANGE = (
    "argument out of range"
    if sys.version_info < (3, 12)
    else "'q' format requires -9223372036854775808 <= number <= "
    "9223372036854775807"
)

NUMBERS = {int: abi.INT, float: abi.FLOAT, bool: abi.BOOL, type(None): abi.NONE}
STORABLE = {*NUMBERS, str, bytes}


def to_name(name):
    """A name as the library takes it."""
    if name is None:
        return None
    if not isinstance(name, str):
        raise TypeError(f"a name must be str, not {type(name).__name__}")
    if "\0" in name:
        raise ValueError("embedded null character")
    return name.encode()


def out_of_range():
    """What stock Python says of an int that a slot cannot hold."""
    return struct.error(_RANGE)


def refuse(value):
    """Stock Python looks types up in a dictionary, and its users catch that."""
    return KeyError(type(value))


def classify(value, lax):
    """(type, number, bytes) of what a list can hold, None of what it cannot.

    Subclasses of str and bytes pass only if `lax`, as with stock Python.
    """
    kind = type(value)
    if kind is str or (lax and isinstance(value, str)):
        return abi.STRING, 0, str.encode(value)
    if kind is bytes or (lax and isinstance(value, bytes)):
        return abi.BYTES, 0, value
    if kind not in NUMBERS:
        return None
    if kind is int and not -(2**63) <= value < 2**63:
        raise out_of_range()
    return NUMBERS[kind], 0 if value is None else value, None


class Values:
    """An array of values for the library, and from it."""

    def __init__(self, count):
        self.array = (abi.polyshm_value * count)()
        everything = memoryview(self.array).cast("B")
        self.types = everything.cast("i")[::6]
        self.numbers = everything.cast("q")[1::3]
        self.floats = everything.cast("d")[1::3]
        self.sizes = everything.cast("q")[2::3]

    def fill(self, classified):
        """What classify() told of each value. Texts stay valid as long as self."""
        texts = b"".join(text for _, _, text in classified if text is not None)
        self.kept = ctypes.c_char_p(texts)
        address = ctypes.cast(self.kept, ctypes.c_void_p).value
        for i, (kind, number, text) in enumerate(classified):
            self.types[i] = kind
            if text is not None:
                self.numbers[i] = address
                self.sizes[i] = len(text)
                address += len(text)
            elif kind == abi.FLOAT:
                self.floats[i] = number
            else:
                self.numbers[i] = number

    def objects(self, buffer):
        """What the library put here; texts are in `buffer`."""
        address = ctypes.addressof(buffer)
        columns = zip(
            self.types.tolist(),
            self.numbers.tolist(),
            self.floats.tolist(),
            self.sizes.tolist(),
        )
        for kind, number, real, size in columns:
            if kind == abi.INT:
                yield number
            elif kind == abi.FLOAT:
                yield real
            elif kind == abi.BOOL:
                yield number != 0
            elif kind == abi.NONE:
                yield None
            else:
                begin = number - address
                text = buffer[begin : begin + size]
                yield text.decode() if kind == abi.STRING else text
