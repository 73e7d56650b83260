# SPDX-License-Identifier: MIT
"""Lists: the arguments of calls that get, set and find items, made beforehand.

Making them takes longer than the calls. Each pad serves one call at a time: who
needs one takes it from its stack, or makes one if none is left, and puts it back;
both are one step to other threads.
"""

import ctypes

from . import abi

ROOM = 256  # for texts; longer ones get a buffer of their own
CAPACITY = ctypes.c_uint64(ROOM)


class Pad:
    """An index, a value, and a buffer for its text."""

    def __init__(self):
        self.value = abi.polyshm_value()
        bytes_ = memoryview(self.value).cast("B")
        self.index = ctypes.c_uint64()
        self.types = bytes_.cast("i")  # [0] is the type
        self.words = bytes_.cast("q")  # [1] is the number, [2] the size
        self.floats = bytes_.cast("d")  # [1] is the number
        self.text = (ctypes.c_char * ROOM)()

    def parts(self):
        """As a tuple, which is taken apart in one step."""
        return (
            self.index,
            ctypes.byref(self.value),
            self.types,
            self.words,
            self.floats,
            self.text,
            ctypes.byref(self.text),
        )


def new():
    """For what comes out of a list, or is a number."""
    return Pad().parts()


def new_text():
    """For a text: its pointer is set already."""
    pad = Pad()
    pad.words[1] = ctypes.addressof(pad.text)
    return pad.parts()


def new_search():
    """For a search: where it begins, what for, and the address of a text; and what
    it found."""
    pad = Pad()
    found = ctypes.c_uint64()
    return (
        pad.index,
        ctypes.byref(pad.value),
        pad.types,
        pad.words,
        pad.floats,
        pad.text,
        ctypes.addressof(pad.text),
        found,
        ctypes.byref(found),
    )


# For get; for numbers, whose size stays 0; for texts; and for searches.
gets = []
numbers = []
texts = []
searches = []
