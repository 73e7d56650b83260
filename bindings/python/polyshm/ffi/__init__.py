# SPDX-License-Identifier: MIT
"""The library through ctypes, for every Python: what the extension module offers,
without a compiler.

abi.py is generated from the header. Each other file does what the file of its
name in swig/python does, and says the same in its failures.
"""

from . import abi
from .block import Block
from .error import (
    BusyError,
    ClosedError,
    CorruptError,
    ProtocolError,
    UnsupportedError,
    VersionError,
    error_message,
    error_os,
    status_name,
)
from .library import features, version
from .list import List
from .lock import Lock
from .manage import (
    BlockInfo,
    blocks,
    gc,
    helper_path,
    holders,
    inspect,
    tree_enter,
    unlink,
)
from .manager import Manager, Server, manager_path

globals().update(abi.CONSTANTS)

__all__ = [
    "Block",
    "BlockInfo",
    "BusyError",
    "ClosedError",
    "CorruptError",
    "List",
    "Lock",
    "Manager",
    "ProtocolError",
    "Server",
    "UnsupportedError",
    "VersionError",
    "blocks",
    "error_message",
    "error_os",
    "features",
    "gc",
    "helper_path",
    "holders",
    "inspect",
    "manager_path",
    "status_name",
    "tree_enter",
    "unlink",
    "version",
    *abi.CONSTANTS,
]
