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
    ProtocolError,
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
    "ProtocolError",
    "ShareableList",
    "SharedMemory",
    "SharedMemoryManager",
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


def __getattr__(name):
    if name == "SharedMemoryManager":  # multiprocessing is not for everybody
        from .managers import SharedMemoryManager

        globals()[name] = SharedMemoryManager
        return SharedMemoryManager
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
