# SPDX-License-Identifier: MIT
from .core import BlockInfo as BlockInfo
from .core import BusyError as BusyError
from .core import ClosedError as ClosedError
from .core import CorruptError as CorruptError
from .core import Lock as Lock
from .core import ProtocolError as ProtocolError
from .core import UnsupportedError as UnsupportedError
from .core import VersionError as VersionError
from .core import backend as backend
from .inspection import blocks as blocks
from .inspection import gc as gc
from .inspection import holders as holders
from .inspection import inspect as inspect
from .inspection import list_blocks as list_blocks
from .managers import SharedMemoryManager as SharedMemoryManager
from .shared_memory import ShareableList as ShareableList
from .shared_memory import SharedMemory as SharedMemory

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

__version__: str
