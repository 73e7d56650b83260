# SPDX-License-Identifier: MIT
"""Lists: their lock, and the object that stands for holding it."""

import ctypes
import threading
import warnings

from . import abi
from .error import error_message, failure
from .library import quick, slow
from .object import Owner
from .timeout import sleep_through, to_timeout

_try = quick("polyshm_list_lock")
_lock = slow("polyshm_list_lock")
_unlock = quick("polyshm_list_unlock")

_NOT_TAKEN = 2  # what the library never says of a lock


class Lock:
    """A list's lock, held by the thread that called ShareableList.lock().

    It is given back at the end of a `with`, by unlock(), or when the object is
    dropped.
    """

    __module__ = "polyshm"
    __slots__ = ("_items", "_thread", "_said")

    def __new__(cls):
        raise TypeError("cannot create 'polyshm.Lock' instances")

    @property
    def recovered(self):
        """The last holder died with the lock: its change may be half done."""
        return self._said.value == 1

    def _give_back(self):
        if self._items is None:
            return abi.OK
        status = _unlock(self._items._handle)
        if status == abi.OK:
            self._items._owner.is_locked = False
            self._items = None
        return status

    def unlock(self, /):
        """Give the lock back. Doing so again does nothing. RuntimeError if this is
        not the thread that took it."""
        status = self._give_back()
        if status == abi.E_INVALID:
            raise RuntimeError(error_message())
        if status:
            raise failure(status)

    def __enter__(self):
        if self._items is None:
            raise RuntimeError("the lock has been unlocked already")
        return self

    def __exit__(self, *_):
        self.unlock()

    def __del__(self):
        """A lock that nobody refers to any more is given back, if that can be done
        from here: another thread's stays until its list is freed, and if it is
        this thread's and yet is not, a fork inherited it, and it is the parent's.
        """
        if self._said.value == _NOT_TAKEN or not self._items:
            return
        if not self._items._handle or self._give_back() == abi.OK:
            return
        if self._thread != threading.get_ident():
            warnings.warn(
                "a thread dropped the lock of a list that another one took: it "
                "stays locked until the list is freed",
                ResourceWarning,
            )


class ListOwner(Owner):
    """The owner of a list's handle."""

    __slots__ = ("is_locked",)  # a Lock object stands for the list's lock

    def __init__(self, free, *pointers):
        super().__init__(free, *pointers)
        self.is_locked = False

    def __del__(self):
        # Within a cycle, the Lock's turn may come later. Freed with the handle, the
        # lock would look as if its holder had died.
        if self.is_locked:
            _unlock(self.pointers[0])
        super().__del__()


class Locking:
    """For a list."""

    def lock(self, /, timeout=None):
        """Take the list's lock now and return the Lock that stands for it.

        It excludes other threads and processes that call lock(), nobody from
        reading and setting; a snapshot() sees what is changed under it as a whole
        or not at all. TimeoutError after `timeout` seconds; BusyError if this
        thread holds it already.

            with sl.lock(timeout=2) as lock:
                if lock.recovered:   # the last holder died with it
                    put_in_order(sl)
                sl[0] -= 5
                sl[1] += 5

        The lock belongs to the thread that took it, and dies with its process.
        """
        timeout = to_timeout(timeout)
        # Made first, so that a lock that was taken is not lost: what was said
        # tells, if a signal handler raises then.
        lock = object.__new__(Lock)
        lock._said = said = ctypes.c_uint32(_NOT_TAKEN)
        lock._thread = threading.get_ident()
        lock._items = self
        status = _try(self._handle, 0, ctypes.byref(said))
        if status == abi.E_TIMEOUT and timeout != 0:
            status = sleep_through(
                self._block,
                timeout,
                lambda left: _lock(self._handle, left, ctypes.byref(said)),
            )
        if status:
            raise self._failure(status)
        self._owner.is_locked = True
        return lock
