# SPDX-License-Identifier: MIT
"""Named shared memory blocks and typed lists, shared with Lua, C and stock
Python's multiprocessing.shared_memory."""

from .core import ClosedError, CorruptError, VersionError, version as _version
from .shared_memory import ShareableList, SharedMemory

__all__ = [
    "ClosedError",
    "CorruptError",
    "ShareableList",
    "SharedMemory",
    "VersionError",
]

__version__ = "{}.{}.{}".format(
    _version() >> 16, _version() >> 8 & 0xFF, _version() & 0xFF
)
