# SPDX-License-Identifier: MIT
"""Views of a block's bytes as numbers.

Types are called as people call them: by the struct module's characters, by
numpy's names and objects, by Python's own types. What comes out is a memoryview,
which numpy takes as it is; numpy itself is not needed.
"""

import math
import operator
import struct
import sys

__all__ = ["view"]

_FOREIGN_ORDER = ">!" if sys.byteorder == "little" else "<"


def _can_cast(character):
    try:
        memoryview(bytes(16)).cast(character)
    except ValueError:
        return False
    return True


def _characters():
    """What memoryview.cast() of this Python knows, by all of its names."""
    found = {c: c for c in "cbB?hHiIlLqQnNefdP" if _can_cast(c)}
    for kind, names, characters in (
        ("i", "int{}", "bhilq"),
        ("u", "uint{}", "BHILQ"),
        ("f", "float{}", "efd"),
    ):
        for character in characters:
            if character in found:
                size = struct.calcsize(character)
                found[f"{kind}{size}"] = character
                found[names.format(8 * size)] = character
    found.update({"bool": "?", "bool_": "?", "b1": "?", "S1": "c"})
    found.update({"int": "q", "float": "d"})  # as Python and ShareableList have
    return found


_CHARACTERS = _characters()
_SIZE_DEPENDS = "lLnNP"  # with a byte order given or without


def _character(dtype):
    """The struct character of a type."""
    if isinstance(dtype, str):
        name = dtype
    elif isinstance(dtype, type):
        name = dtype.__name__  # float, numpy.float64
    else:
        name = getattr(dtype, "str", None)  # a numpy.dtype's
        if not isinstance(name, str):
            raise TypeError(
                f"dtype must be str, a type or a numpy dtype, not {dtype!r}"
            )
    order, plain = "", name
    if name[:1] and name[0] in "@=<>!|":
        order, plain = name[0], name[1:]
    character = _CHARACTERS.get(plain)
    if character is None or (order not in ("", "@") and plain in _SIZE_DEPENDS):
        raise ValueError(f"unknown dtype {dtype!r}")
    if order and order in _FOREIGN_ORDER and struct.calcsize(character) > 1:
        raise ValueError(
            f"dtype {dtype!r}: a view is in this machine's byte order"
        )
    return character


def _shape(shape, room, size):
    """As a tuple; without one, what fits into `room` bytes."""
    if shape is None:
        if room % size:
            raise ValueError(
                f"{room} bytes are no whole number of items of {size} bytes: "
                "give a shape"
            )
        return (room // size,)
    if hasattr(shape, "__index__"):
        shape = (shape,)
    shape = tuple(map(operator.index, shape))
    if any(length < 0 for length in shape) or (len(shape) > 1 and 0 in shape):
        raise ValueError(f"no view can have the shape {shape}")
    return shape


def view(buf, dtype, shape, offset):
    """A part of `buf`, which is a memoryview of bytes, as items of a type."""
    character = _character(dtype)
    size = struct.calcsize(character)
    offset = operator.index(offset)
    if not 0 <= offset <= len(buf):
        raise ValueError(
            f"offset {offset} is outside the block of {len(buf)} bytes"
        )
    if offset % size:
        raise ValueError(
            f"offset {offset} is misaligned: no multiple of {size}, the size of "
            "an item"
        )
    shape = _shape(shape, len(buf) - offset, size)
    end = offset + math.prod(shape) * size
    if end > len(buf):
        raise ValueError(
            f"{end - offset} bytes at offset {offset} do not fit the block of "
            f"{len(buf)} bytes"
        )
    part = buf[offset:end]
    return (
        part.cast(character) if len(shape) == 1 else part.cast(character, shape)
    )
