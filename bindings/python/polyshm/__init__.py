# SPDX-License-Identifier: MIT
"""Named shared memory blocks and typed lists, shared with Lua, C and stock
Python's multiprocessing.shared_memory."""

from . import tracking as _tracking
from .core import (
    BlockInfo,
    BusyError,
    ClosedError,
    CorruptError,
    Lock,
    UnsupportedError,
    VersionError,
    backend,
    version as _version,
)
from .inspection import blocks, gc, holders, inspect, list_blocks
from .shared_memory import ShareableList, SharedMemory

__all__ = [
    "BlockInfo",
    "BusyError",
    "ClosedError",
    "CorruptError",
    "Lock",
    "ShareableList",
    "SharedMemory",
    "UnsupportedError",
    "VersionError",
    "backend",
    "blocks",
    "gc",
    "holders",
    "inspect",
    "list_blocks",
]

__version__ = "{}.{}.{}".format(
    _version() >> 16, _version() >> 8 & 0xFF, _version() & 0xFF
)

_tracking.enter()
