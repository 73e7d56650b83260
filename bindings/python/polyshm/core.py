# SPDX-License-Identifier: MIT
"""What everything here is made of, from one of two backends.

"swig" is the extension module, "ctypes" the package ffi, which needs no compiler
and serves every Python. Both offer the same. The extension is taken where it can
be imported; the environment variable POLYSHM_BACKEND forces one of them, by its
name. `backend` is the name of the one that is in use.
"""

import os

VARIABLE = "POLYSHM_BACKEND"


def _wish():
    wish = os.environ.get(VARIABLE, "")
    if wish not in ("", "swig", "ctypes"):
        raise ImportError(
            f"{VARIABLE} is {wish!r}, but must be 'swig' or 'ctypes'"
        )
    return wish


backend = _wish() or "swig"
if backend == "swig":
    try:
        from ._core import *
    except ImportError as error:
        if _wish() == "swig":
            raise ImportError(
                f"{VARIABLE} is 'swig', but the extension module of polyshm "
                f"cannot be imported by this Python: {error}"
            ) from error
        backend = "ctypes"
if backend == "ctypes":
    from .ffi import *
