# SPDX-License-Identifier: MIT
"""SharedMemoryManager, as in multiprocessing.managers: a process that owns blocks.

The manager's process is a small program of polyshm's, and its protocol stock
Python's, so that each side works with the other's.
"""

import os
import weakref
from multiprocessing import AuthenticationError, ProcessError
from multiprocessing import process as _process_module

from . import core, shared_memory
from .address import from_core, to_core
from .daemon import Daemon
from .serving import SharedMemoryServer, serve_for

__all__ = ["SharedMemoryManager", "SharedMemoryServer"]

_INITIAL, _STARTED, _CONNECTED, _SHUTDOWN, _CLOSED = (
    "initial", "started", "connected", "shut down", "closed",
)  # fmt: skip


class _asking:
    """Tells a refused key as stock Python does."""

    def __enter__(self):
        pass

    def __exit__(self, kind, error, traceback):
        if isinstance(error, PermissionError) and error.errno is None:
            raise AuthenticationError(str(error)) from None


_asking = _asking()


def _nanoseconds(timeout):
    """Seconds or None to what the core wants: 0 would mean its default."""
    if timeout is None:
        return core.FOREVER
    if not timeout > 0:
        raise ValueError("'timeout' must be a number of seconds above zero")
    nanoseconds = timeout * 1e9
    return max(int(nanoseconds), 1) if nanoseconds < 2**63 else core.FOREVER


def _end(owner, manager, process, patience):
    """Shut down what this process started."""
    if os.getpid() != owner:
        return
    try:
        if process.is_alive():
            manager.shutdown()
    except Exception:
        pass  # it does not do as it is told
    manager.close()
    for harder in process.terminate, process.kill:
        process.join(patience)
        if not process.is_alive():
            return
        harder()
    process.join()


class SharedMemoryManager:
    """Makes blocks and lists that live until it shuts down, whoever ends before.

    start() starts the manager, a process of its own; connect() connects to the
    one that listens at `address`, be it polyshm's or stock Python's. `address`
    is a path, bytes with a zero byte in front (a name in Linux's abstract
    namespace), a tuple (host, port), or a str that begins with "unix:" or "tcp:"
    as in C and Lua; None makes a fresh socket that only this user can reach.
    `authkey` is bytes that both sides must know, by default those of the process
    and its children, multiprocessing.current_process().authkey. `serializer`
    must be 'pickle'. `ctx` and `shutdown_timeout` are as in stock Python, and of
    use only where start() needs a Python or the manager does not end.

    Each request ends within `timeout` seconds, or raises TimeoutError; None has
    no end. The manager ends with the process that started it, unless
    detached=True; md5=False refuses Pythons before 3.12, which know no better
    hash. remote=True lets get_server() listen to other machines: nothing is
    encrypted, and blocks are this machine's.

    At the end of a `with`, a manager that was started shuts down, and one that
    was connected goes on without us.

    A wrong key is an AuthenticationError, a socket that is not there a
    FileNotFoundError, one that nobody listens at a ConnectionRefusedError; what
    makes no sense is a ProtocolError, which is a ConnectionError.
    """

    _process = None

    def __init__(
        self,
        address=None,
        authkey=None,
        serializer="pickle",
        ctx=None,
        *,
        shutdown_timeout=1.0,
        timeout=10.0,
        detached=False,
        md5=True,
        remote=False,
    ):
        if authkey is None:
            authkey = _process_module.current_process().authkey
        if serializer == "xmlrpclib":
            raise core.UnsupportedError("'pickle' is the only serializer")
        if serializer != "pickle":
            raise KeyError(serializer)
        to_core(address)  # the mistake is here
        self._address = address
        self._authkey = _process_module.AuthenticationString(authkey)
        self._serializer = serializer
        self._ctx = ctx
        self._shutdown_timeout = shutdown_timeout
        self._timeout = timeout
        self._nanoseconds = _nanoseconds(timeout)
        self._detached = detached
        self._md5 = md5
        self._remote = remote
        self._manager = None  # the core's
        self._finalizer = None  # if this object started the manager
        self._state = _INITIAL

    @property
    def address(self):
        """Where others can connect to it, as stock Python writes it."""
        return self._address

    @property
    def pid(self):
        """The id of the manager's process, if this object started it."""
        return None if self._process is None else self._process.pid

    # ------------------------------------------------------------- life cycle

    def _flags(self):
        return 0 if self._md5 else core.MANAGER_NO_MD5

    def _open(self, start):
        flags = self._flags()
        if start and self._detached:
            flags |= core.MANAGER_DETACHED
        with _asking:
            return core.Manager(
                start, to_core(self._address), bytes(self._authkey),
                self._nanoseconds, flags,
            )  # fmt: skip

    def _must_be_initial(self, started, name):
        if self._state in (_STARTED, _CONNECTED):
            raise ProcessError(f"Already started {started}")
        if self._state != _INITIAL:
            raise ProcessError(f"{name} has {_PAST[self._state]}")

    def start(self, initializer=None, initargs=()):
        """Start the manager's process. OSError (EADDRINUSE) if somebody listens at
        the address, FileNotFoundError if its folder is not there.

        With an `initializer`, which that process calls first, it is a Python of
        `ctx`, which takes longer and more memory.
        """
        self._must_be_initial("server", "Manager")
        if initializer is None:
            manager = self._open(True)
            self._process = Daemon(manager.pid(), type(self).__name__)
            self._address = from_core(manager.get_address())
        elif callable(initializer):
            manager = self._start_python(initializer, initargs)
        else:
            raise TypeError("initializer must be a callable")
        self._manager = manager
        self._state = _STARTED
        if not self._detached:
            self._finalizer = weakref.finalize(
                self, _end, os.getpid(), manager, self._process,
                self._shutdown_timeout,
            )  # fmt: skip

    def _start_python(self, initializer, initargs):
        import multiprocessing

        ctx = self._ctx or multiprocessing.get_context()
        reader, writer = ctx.Pipe(duplex=False)
        parent = 0 if self._detached else os.getpid()
        self._process = ctx.Process(
            target=serve_for,
            args=(parent, self._address, self._authkey, self._md5, writer,
                  initializer, initargs),
        )  # fmt: skip
        self._process.name = type(self).__name__
        self._process.start()
        writer.close()
        with reader:
            self._address = reader.recv()
        return self._open(False)

    def connect(self):
        """Connect to the manager that listens at `address`. FileNotFoundError if
        its socket is not there, ConnectionRefusedError if nobody listens any more,
        AuthenticationError if it has another key, TimeoutError as the argument
        `timeout` tells; the latter two and ProtocolError may come of any request.
        """
        manager = self._open(False)
        if self._state == _STARTED:
            manager.close()  # it answers
        else:
            self._manager = manager
            self._state = _CONNECTED

    def shutdown(self):
        """Let the manager unlink all its blocks and end, whoever started it.

        Of a manager that this object started nothing is left, even if it does not
        answer; a fork child's copy of such an object leaves it alone. Once more
        is fine.
        """
        if self._state == _INITIAL:
            raise ProcessError("Manager has not been started")
        if self._finalizer is not None:
            if os.getpid() != self._owner():
                return
            _end(*self._finalizer.peek()[2])
            self._finalizer.detach()
            self._finalizer = None
        elif self._state in (_STARTED, _CONNECTED):
            with _asking:
                self._manager.shutdown()
        if self._state != _CLOSED:
            self._state = _SHUTDOWN
        self._manager = None

    def _owner(self):
        return self._finalizer.peek()[2][0]

    def close(self):
        """Disconnect. The manager goes on; one that start() started ends with
        this program, unless it is detached."""
        manager, self._manager = self._manager, None
        if manager is not None:
            manager.close()
        if self._finalizer is not None:
            self._finalizer.detach()
            self._finalizer = None
        if self._state != _SHUTDOWN:
            self._state = _CLOSED

    def join(self, timeout=None):
        """Wait until the process that start() started has ended."""
        if self._process is not None:
            self._process.join(timeout)
            if not self._process.is_alive():
                self._process = None

    def get_server(self):
        """The manager for this process to be: an object with serve_forever() and
        address."""
        self._must_be_initial("SharedMemoryServer", "SharedMemoryManager")
        return SharedMemoryServer(
            self._address, self._authkey, remote=self._remote, md5=self._md5
        )

    def __enter__(self):
        if self._state == _INITIAL:
            self.start()
        elif self._state not in (_STARTED, _CONNECTED):
            raise ProcessError(f"Manager has {_PAST[self._state]}")
        return self

    def __exit__(self, *_):
        if self._state == _CONNECTED:
            self.close()
        else:
            self.shutdown()

    # --------------------------------------------------------------- requests

    def _connected(self):
        """The core's manager; without connect(), too, as with stock Python."""
        if self._manager is None:
            if self._state == _CLOSED:
                raise core.ClosedError("the manager's handle has been closed")
            if not self._address:
                raise ValueError(f"address type of {self._address!r} unrecognized")
            self._manager = self._open(False)
        return self._manager

    def SharedMemory(self, size, name=None, *, sparse=False, mode=0o600):
        """A new SharedMemory that belongs to the manager.

        It stays until release() or shutdown(), whatever this program and its
        process tree do. The name is drawn if none is given; FileExistsError if
        it is taken. Closing and unlinking are as for any block.
        """
        with _asking:
            return shared_memory.SharedMemory._owned_by(
                self._connected(), name, size, sparse, mode
            )

    def ShareableList(
        self,
        sequence,
        name=None,
        *,
        capacity=0,
        sparse=False,
        mode=0o600,
        timeout=1.0,
    ):
        """A new ShareableList that belongs to the manager, as SharedMemory()."""
        with _asking:
            return shared_memory.ShareableList._owned_by(
                self._connected(), name, sequence, capacity, sparse, mode,
                timeout,
            )  # fmt: skip

    def track(self, name):
        """Let the manager own the block or list of this name: it unlinks it when
        it shuts down, whoever made it."""
        with _asking:
            self._connected().track(_needed(name))

    def release(self, name):
        """Let the manager unlink the block or list of this name. FileNotFoundError
        if it does not own it, or if somebody else has unlinked it."""
        with _asking:
            self._connected().release(_needed(name))

    def list_segments(self):
        """The names that the manager owns, in the order in which it got them."""
        with _asking:
            return self._connected().list_segments()

    # ------------------------------------------------------------------ other

    @classmethod
    def register(cls, typeid, *_, **__):
        """Stock Python's managers can be taught other types; ours cannot."""
        raise core.UnsupportedError(
            f"polyshm's managers own shared memory and no {typeid!r}: a "
            "multiprocessing.managers.BaseManager beside it can"
        )

    def __reduce__(self):
        # A child that gets it connects. The key keeps itself from being pickled
        # for anybody else.
        options = {
            "shutdown_timeout": self._shutdown_timeout,
            "timeout": self._timeout,
            "detached": self._detached,
            "md5": self._md5,
            "remote": self._remote,
        }
        return _rebuild, (type(self), self._address, self._authkey, options)

    def __repr__(self):
        return f"<{type(self).__name__} {self._state} address={self._address!r}>"


_PAST = {_SHUTDOWN: "shut down", _CLOSED: "been closed"}


def _needed(name):
    if not isinstance(name, str):
        raise TypeError(f"a name must be str, not {type(name).__name__}")
    return name


def _rebuild(kind, address, authkey, options):
    return kind(address, authkey, **options)
