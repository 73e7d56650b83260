# SPDX-License-Identifier: MIT
"""Lists: their bytes, to read items without a call into the library.

A call takes most of the time of reading an item. So List.__getitem__ does what
core/doc/format.md says of readers: it loads the slot's sequence word, which says
that nobody is changing the slot; loads the value; and loads the word again. If it
is the same, the value is whole. All else is the library's business: slots that are
being changed, values that are not as they should be, lists without a trailer.

That needs loads of 8 bytes that are one access each and happen in their order,
which is so on x86-64 alone, and a GIL, without which a view may vanish under its
reader.
"""

import functools
import os
import struct
import sys
import threading

from .object import Pin

LOCKED = 0xFFFFFFFF  # the half of a sequence word that is 0 if nobody is at it

# How many items the library reads first: opening takes as long as ten calls.
READS_BEFORE = 16

_IS_SAFE = (
    os.uname().machine == "x86_64"
    and sys.maxsize > 2**32
    and getattr(sys, "_is_gil_enabled", lambda: True)()
)
_WORD = 8
_PART = 64  # the trailer's parts begin at multiples of it
_MAGIC = int.from_bytes(b"polyshm\0", "little")
_MAJOR = 1
_SEQUENCES, _EXACTS = 3, 4  # words of the trailer


def word_of(text):
    """A format as the word that holds it."""
    return int.from_bytes(text.ljust(_WORD, b"\0"), "little")


@functools.lru_cache(maxsize=1000)
def text_format(word):
    """How to get at the bytes of a text with this format: their width, and a
    function of a buffer and an offset. What is none fits into no slot."""
    text = word.to_bytes(_WORD, "little").rstrip(b"\0")
    if text[-1:] != b"s" or not text[:-1].isdigit():
        return 2**64, None
    return int(text[:-1]), struct.Struct(text).unpack_from


class Window:
    """The views on a list's block. They pin it as long as they are open."""

    # One thread opens or closes one at a time. Its own signal handlers may, too.
    gate = threading.RLock()

    def __init__(self):
        self.views = ()

    def open(self, block, length):
        """The views and positions that reading takes, or () if it cannot be done
        here. To be called at the gate."""
        if not _IS_SAFE:
            return ()
        pin = Pin(block)
        if pin.take():
            return ()
        size = pin.size.value // _WORD * _WORD
        raw = memoryview(pin.exporter(size)).cast("B")
        views = raw, raw.cast("Q"), raw.cast("q"), raw.cast("d")
        positions = _positions(views[1], length)
        if positions is None:
            _release(views)
            return ()
        self.views = views
        return (*views, *positions)

    def close(self):
        """To be called at the gate. Who reads through them gets ValueError."""
        _release(self.views)
        self.views = ()


def _release(views):
    for view in views:
        view.release()


def _positions(words, length):
    """Where things are, in words; None if it does not add up."""
    data = length + 2
    if len(words) < data or words[0] != length:
        return None
    end = words[length + 1]  # of the data, in bytes
    formats = data + end // _WORD
    codes = _WORD * (formats + length)
    trailer = (codes + length + _PART - 1) // _PART * _PART // _WORD
    if end % _WORD or len(words) < trailer + _PART // _WORD:
        return None
    if words[trailer] != _MAGIC or words[trailer + 1] & 0xFFFF != _MAJOR:
        return None
    sequences, exacts = words[trailer + _SEQUENCES], words[trailer + _EXACTS]
    for part in sequences, exacts:
        if part % _PART or trailer + part // _WORD + length > len(words):
            return None
    return (
        data,
        end,
        formats,
        codes,
        trailer + sequences // _WORD,
        trailer + exacts // _WORD,
    )


def _renew():
    Window.gate = threading.RLock()


os.register_at_fork(after_in_child=_renew)
