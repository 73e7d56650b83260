# SPDX-License-Identifier: MIT
"""Named shared memory blocks and typed lists, shared with Lua, C and stock
Python's multiprocessing.shared_memory."""

from .core import (
    BusyError,
    ClosedError,
    CorruptError,
    Lock,
    UnsupportedError,
    VersionError,
    version as _version,
)
from .shared_memory import ShareableList, SharedMemory

__all__ = [
    "BusyError",
    "ClosedError",
    "CorruptError",
    "Lock",
    "ShareableList",
    "SharedMemory",
    "UnsupportedError",
    "VersionError",
]

__version__ = "{}.{}.{}".format(
    _version() >> 16, _version() >> 8 & 0xFF, _version() & 0xFF
)
