# SPDX-License-Identifier: MIT
"""Python's exceptions for the library's failures."""

import os

from . import abi
from .library import quick

__all__ = [
    "BusyError",
    "ClosedError",
    "CorruptError",
    "ProtocolError",
    "UnsupportedError",
    "VersionError",
    "asked_failure",
    "dead",
    "error_message",
    "error_os",
    "failure",
    "pinned",
    "status_name",
]


class ClosedError(ValueError, TypeError):
    """The object has been closed here."""

    # A closed list raises TypeError with stock Python, where ValueError is what a
    # closed file raises.
    __module__ = "polyshm"


class CorruptError(ValueError):
    """The shared bytes are no list, or no value."""

    __module__ = "polyshm"


class VersionError(ValueError):
    """The list was made by a library that is not compatible."""

    __module__ = "polyshm"


class BusyError(BufferError, RuntimeError):
    """The object is in use: it has views, is waited for, or is locked."""

    # BufferError is what stock Python raises for a block with views.
    __module__ = "polyshm"


class UnsupportedError(NotImplementedError):
    """This list or this system cannot do that: a list that stock Python made has
    no counters, lock, snapshots and versions."""

    __module__ = "polyshm"


class ProtocolError(ConnectionError):
    """The manager answers what makes no sense here, or a failure that has no
    exception of its own."""

    __module__ = "polyshm"


_TYPES = {
    abi.E_MEMORY: MemoryError,
    abi.E_ACCESS: PermissionError,
    abi.E_CLOSED: ClosedError,
    abi.E_BUSY: BusyError,
    abi.E_TIMEOUT: TimeoutError,
    abi.E_UNSUPPORTED: UnsupportedError,
    abi.E_INTERRUPTED: InterruptedError,
    abi.E_RANGE: IndexError,
    abi.E_TYPE: TypeError,
    abi.E_CORRUPT: CorruptError,
    abi.E_VERSION: VersionError,
    abi.E_INVALID: ValueError,
    abi.E_SPACE: ValueError,
    abi.E_PROTOCOL: ProtocolError,
    abi.E_NOT_FOUND: FileNotFoundError,  # by a manager, or the helper program
}

_message = quick("polyshm_error_message")
_status_name = quick("polyshm_status_name")
error_os = quick("polyshm_error_os")


def error_message():
    return _message().decode(errors="replace")


def status_name(status):
    return _status_name(status).decode()


def failure(status):
    """What Python itself would raise for this failure, which was this thread's
    last one: OSError and its subclasses if the system refused, with the system's
    words where they say enough."""
    message = error_message()
    code = error_os()
    if code == 0:
        return _TYPES.get(status, OSError)(message)
    words = os.strerror(code)
    if status in (abi.E_INVALID, abi.E_NOT_FOUND, abi.E_EXISTS, abi.E_MEMORY):
        message = words
    elif status == abi.E_ACCESS and message.endswith(words):
        message = words  # otherwise it is a link, or another user's
    return OSError(code, message)


def asked_failure(status):
    """The same of a manager: the system's words do not say which one it is, ours
    do."""
    code = error_os()
    if code == 0 or status == abi.E_EXISTS:
        return failure(status)
    return OSError(code, error_message())


def dead():
    return ValueError("the object is not initialised")


def pinned():
    """What stock Python says of a block that cannot be closed for its views."""
    return BusyError("cannot close exported pointers exist")
