# SPDX-License-Identifier: MIT
"""Functions of any shared library, called on shared memory.

    from polyshm import native

    blas = native.load("libblas.so.3")
    dot = blas.bind("cblas_ddot", "f64(i32, const [f64], i32, const [f64], i32)")
    print(dot(len(x), x, 1, y, 1))

A signature is a result and, in parentheses, the parameters:

    void                 as a result only
    i8 i16 i32 i64       ints, which must fit
    u8 u16 u32 u64
    f32 f64              floats. An int must be exactly a float
    ptr                  an address as an int, or None for NULL
    str                  str (UTF-8) or bytes without zero bytes. As a result it
                         is a str, or None for NULL; os.fsencode() gives back
                         bytes that are not UTF-8
    buf                  the address of some bytes: a SharedMemory, or a
                         memoryview or numpy array on one
    [T]                  of some numbers, T is i8 to f64: a SharedMemory, or a
                         memoryview or array of that type, or of bytes
    len, count           how many bytes or elements the buf or [T] has that stands
                         before or else behind it. It is filled in: the call does
                         not take it
    fn R(T, ...)         a function: a callable, one that callback() made, or an
                         address. R is void, a number or ptr; T is a number, ptr,
                         str, or *T for a pointer to such a thing, which is read

What is only read is `const buf` or `const [T]`, and may be on a block that was
attached read-only; a const buf, const [i8] or const [u8] may be bytes, too. There
are no structs by value and no variable arguments.

What a signature says of a function is believed. Whatever else is wrong raises, and
nothing is called then: TypeError, OverflowError for a number that does not fit,
ValueError for elements that are not aligned, PermissionError for a read-only
block, ClosedError for a closed one. During the call, its blocks cannot be closed.

Other threads run during the call, unless it takes a function or was bound with
threads=False. Callables that are
called back run on the thread that made the call. What they raise ends it: native
code gets zero from then on until it returns, and then the exception goes on.
Called from another thread, or when no call is being made, they are not run, and
the answer is zero.

All of this needs the extension module: `available` is False over ctypes, which has
calls of its own.
"""

import os

from . import core

__all__ = ["Library", "at", "available", "callback", "callbacks", "errno", "load"]

if core.backend == "swig":
    from . import _core as _calls

    _features = core.features()
else:
    _calls = None
    _features = 0

available = bool(_features & core.FEATURE_CALL)
"""Whether native calls were built in. Without, load() and the rest raise
UnsupportedError."""

callbacks = bool(_features & core.FEATURE_CALLBACKS)
"""Whether native code can call Python. Some hardened systems forbid the memory that
this needs."""


def _native():
    if _calls is None:
        raise core.UnsupportedError(
            "native calls need polyshm's extension module, and this is polyshm "
            f"over {core.backend}: use ctypes itself"
        )
    return _calls


def _check_text(text, what):
    if not isinstance(text, str):
        raise TypeError(f"{what} must be str, not {type(text).__name__}")


class Library:
    """A shared library; load() makes it. Libraries stay loaded."""

    def __init__(self, path):
        self.path = path
        self._path = None if path is None else os.fsdecode(path)
        _native()._native_find(self._path, None)

    def bind(
        self, symbol, signature, *, lock=None, timeout=None, threads=True
    ):
        """A function of the library as a callable. OSError if it has none of
        that name.

        With `lock`, a ShareableList, each call holds that list's lock. It raises
        TimeoutError after `timeout` seconds without it, and BusyError if the last
        holder died with it: then lock() must be called, and what the dead one
        left be put in order.

        threads=False is for calls that are short and wait for nobody: other
        threads do not run meanwhile, which saves a third to a half of their cost.
        With `lock`, they run anyway.
        """
        _check_text(symbol, "a symbol")
        _check_text(signature, "a signature")
        return _native()._native_bind(
            self._path, None, symbol, signature, lock, timeout, threads
        )

    def symbol(self, symbol):
        """The address of a function or variable of the library, an int. OSError
        if it has none of that name."""
        _check_text(symbol, "a symbol")
        return _native()._native_find(self._path, symbol)

    def __repr__(self):
        return f"{self.__class__.__name__}({self.path!r})"


def load(path=None):
    """A shared library, as the system's loader finds it; without a path, the program
    with the libraries that it was started with, such as libc. OSError with the
    loader's words if there is none."""
    return Library(path)


def at(address, signature, *, lock=None, timeout=None, threads=True):
    """The same as Library.bind() for a function whose address is known."""
    name = f"at_{address:#x}" if isinstance(address, int) else "at"
    if address is None:
        raise TypeError("an address is an int, not None")
    _check_text(signature, "a signature")
    return _native()._native_bind(
        None, address, name, signature, lock, timeout, threads
    )


def callback(signature, function):
    """A function that native code can keep, and call in later native calls, too.

    Its signature is what follows fn: callback("i32(*i64, *i64)", compare). It is
    passed as fn or ptr, has an `address`, and goes when it is dropped, at the end
    of a `with`, or by free(): keep it for as long as native code may call it.
    """
    _check_text(signature, "a signature")
    return _native()._native_callback(signature, function)


def errno():
    """Native code's errno, as this thread's last call left it. It was 0 before."""
    return _native()._native_errno()
