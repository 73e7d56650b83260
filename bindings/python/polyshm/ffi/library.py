# SPDX-License-Identifier: MIT
"""Finds libpolyshm, loads it, and hands out its functions."""

import ctypes
import os
import sys
import threading

from . import abi

VARIABLE = "POLYSHM_LIBRARY"
# By what was generated: in an editable installation, sources are elsewhere.
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(abi.__file__)))
NAMES = f"{abi.LIBRARY}.{abi.SOVERSION}", abi.LIBRARY


def _candidates():
    """Where the library may be: where the user says; or beside the package, or
    where it was built or installed with it, or where the loader looks."""
    said = os.environ.get(VARIABLE)
    if said:
        yield said
        return
    for folder in (".", *abi.FOLDERS):
        for name in NAMES:
            path = os.path.normpath(os.path.join(PACKAGE, folder, name))
            if os.path.exists(path):
                yield path
    yield NAMES[0]


def _load():
    problems = []
    for path in _candidates():
        try:
            # With the GIL for what does not sleep, without it for what may.
            return ctypes.PyDLL(path), ctypes.CDLL(path)
        except OSError as error:
            problems.append(str(error))
    raise ImportError(
        f"polyshm needs its library, {NAMES[0]}, and cannot load it: "
        f"{'; '.join(problems)}. {VARIABLE} may say where it is."
    )


_quick, _slow = _load()


def _typed(library, name):
    found = library[name]
    found.restype, found.argtypes = abi.PROTOTYPES[name]
    return found


def _check():
    found = version()
    if found >> 16 != abi.VERSION_MAJOR:
        numbers = found >> 16, found >> 8 & 0xFF, found & 0xFF
        raise ImportError(
            f"{_quick._name} is polyshm {'.'.join(map(str, numbers))}, but this "
            f"package is made for {abi.VERSION}: they do not go together"
        )


# ------------------------------------------------------------- free threading

# A handle must not be closed beside another call on it. The GIL sees to that, and
# where there is none, this does; calls that may sleep pin their block.
_turn = threading.RLock()


def _in_turn(function):
    def call(*arguments):
        with _turn:
            return function(*arguments)

    return call


def _renew():
    global _turn
    _turn = threading.RLock()


if getattr(sys, "_is_gil_enabled", lambda: True)():

    def _safe(function):
        return function

else:
    _safe = _in_turn
    os.register_at_fork(after_in_child=_renew)


# ------------------------------------------------------------------- functions


def quick(name):
    """A function that neither sleeps nor takes long."""
    return _safe(_typed(_quick, name))


def slow(name):
    """One that may: other threads run meanwhile."""
    return _typed(_slow, name)


def bare(name):
    """One like quick(), whose arguments have the types of ctypes already: those of
    its prototype, which nobody checks. Half the time of a call goes into that.
    """
    found = _quick[name]
    found.restype = abi.PROTOTYPES[name][0]
    return _safe(found)


version = quick("polyshm_version")
features = quick("polyshm_features")
_check()
