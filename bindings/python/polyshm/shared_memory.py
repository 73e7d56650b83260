# SPDX-License-Identifier: MIT
"""SharedMemory and ShareableList, as in multiprocessing.shared_memory.

Element access, iteration, `in`, and the methods from index() to wait() are C
functions of the base classes; nothing here stands in their way.
"""

import functools
import operator
import sys
import weakref
from types import GenericAlias

from . import core, tracking, waiting

__all__ = ["SharedMemory", "ShareableList"]


class _Absent:
    """Hides what SWIG's objects bring along and means nothing here."""

    def __get__(self, instance, owner):
        raise AttributeError(f"{owner.__name__!r} object has no such attribute")


class naming:
    """Tells an OSError which file it is about, as a system call's own does."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        pass

    def __exit__(self, kind, error, traceback):
        if isinstance(error, OSError) and error.errno and self.name is not None:
            error.filename = self.name


class SharedMemory(core.Block):
    """A block of shared memory that other processes find by its name.

    With create=True a new block of `size` zeroed bytes is made; its name is
    drawn if none is given. Without, the block called `name` is attached. Its
    bytes are `buf`, a memoryview.

    A new block's memory is reserved, so that a full /dev/shm is an OSError now
    and not a bus error later; sparse=True leaves that out. read_only=True
    attaches so that `buf` cannot be written. `mode` are a new block's
    permissions, less the umask. foreign=True attaches what another user made,
    too, which is a PermissionError otherwise.

    A new block goes away when no process has it open and the process tree that
    made it has ended: the first process that imported polyshm, and those started
    from it that did. Whoever exits, others keep it. With track=False it stays
    until unlink() is called.

    Attaching makes nobody responsible for a block, but track=True has Python's own
    resource tracker remove it when this program ends, as stock Python does. The
    environment variable POLYSHM_PYTHON_TRACKER=1 does that for new blocks.
    """

    acquire = append = disown = next = own = thisown = _Absent()

    _buf = None
    _list = None  # whose block this is, if it is a list's
    _registered = False  # with Python's tracker; None if others may have done so

    def __init__(
        self,
        name=None,
        create=False,
        size=0,
        *,
        track=None,
        read_only=False,
        sparse=False,
        mode=0o600,
        foreign=False,
    ):
        if not size >= 0:
            raise ValueError("'size' must be a positive integer")
        size = operator.index(size)
        if size > sys.maxsize:
            raise OverflowError("Python int too large to convert to C long")
        if create and size == 0:
            raise ValueError(
                "'size' must be a positive number different from zero"
            )
        if name is None and not create:
            raise ValueError("'name' can only be None if create=True")

        flags = tracking.flags(create, track, sparse, foreign)
        if create:
            flags |= core.CREATE | core.EXCLUSIVE
        if read_only:
            flags |= core.READ_ONLY
        self._name = None if name is None else "/" + name
        with naming(self._name):
            super().__init__(name, size, flags, mode)
        if name is None:
            self._name = "/" + super().name
        self._buf = self.view()
        tracking.begin(self, create, track)

    @property
    def name(self):
        """The block's name; pass it to others to let them attach."""
        return self._name[1:]

    @property
    def buf(self):
        """A memoryview of the whole block; None once it is closed."""
        return self._buf

    def close(self):
        """Unmap the block here; it lives on for others.

        BusyError, a BufferError, while views of `buf` are left, or if it is a
        list's, while a thread waits for that list or holds its lock. Closing
        twice is fine.
        """
        if self._buf is not None:
            self._buf.release()
            self._buf = None
        if self._list is None:
            super().close()
        else:
            self._list._unmap()

    def unlink(self):
        """Remove the name. Who has the block open keeps it."""
        with naming(self._name):
            core.unlink(self._name)
        tracking.end(self if self._list is None else self._list)

    def __reduce__(self):
        return self.__class__, (self.name, False, self.size)

    def __repr__(self):
        return f"{self.__class__.__name__}({self.name!r}, size={self.size})"


class ShareableList(core.List):
    """A list of fixed length whose items live in a block of shared memory.

    Items are int, float, bool, str, bytes or None; any of them can replace any
    other that left it room enough. Given a sequence, a new list is made, called
    `name` or by a drawn name; without one, the list called `name` is attached.

    Who reads an item gets the old value or the new one, never a mixture, even if
    its writer is killed in the middle. add() and swap() change an int in one
    step, lock() excludes others, snapshot() reads many items as of one moment,
    wait() and wait_async() sleep until something changes. All that is for lists
    that polyshm made; one that stock Python made can be read and set.

    `capacity` is the least number of bytes to reserve for each item, `timeout`
    the attribute of that name. The other options are as for SharedMemory.
    """

    acquire = append = disown = next = own = thisown = _Absent()

    _shm = None
    _registered = False  # as SharedMemory's

    def __init__(
        self,
        sequence=None,
        *,
        name=None,
        capacity=0,
        track=None,
        read_only=False,
        sparse=False,
        mode=0o600,
        foreign=False,
        timeout=1.0,
    ):
        self.timeout = timeout
        create = name is None or sequence is not None
        values = (sequence or ()) if create else None
        flags = tracking.flags(create, track, sparse, foreign)
        if read_only:
            flags |= core.READ_ONLY
        self._name = None if name is None else "/" + name
        with naming(self._name):
            super().__init__(name, values, flags, capacity, mode)
        if name is None:
            self._name = "/" + super().name
        tracking.begin(self, create, track)

    @property
    def shm(self):
        """The SharedMemory beneath."""
        # The block's object keeps the list alive, so the list must not keep it.
        block = None if self._shm is None else self._shm()
        if block is None:
            block = SharedMemory.__new__(SharedMemory)
            self.lend_block(block)
            block._name = self._name
            block._list = self
            try:
                block._buf = block.view()
            except core.ClosedError:
                pass
            self._shm = weakref.ref(block)
        return block

    @property
    def name(self):
        """The name of the block beneath."""
        return self._name[1:]

    def wait_async(self, index=None, timeout=None, *, seen=None):
        """await sl.wait_async(...) is wait(...) for asyncio.

        What counts is a change since the call, not since the await. The event
        loop goes on, and the task can be cancelled at any time. Each wait that is
        pending has a thread.
        """
        if seen is None:
            seen = self.version(index)
        return waiting.wait(self, index, timeout, seen)

    def close(self):
        """Unmap the list here; it lives on for others. As shm.close()."""
        block = None if self._shm is None else self._shm()
        if block is None:
            self._unmap()
        else:
            block.close()

    def _unmap(self):
        waiting.settle(self)
        super().close()

    def unlink(self):
        """Remove the list's name, as shm.unlink()."""
        self.shm.unlink()

    def __reduce__(self):
        return functools.partial(self.__class__, name=self.name), ()

    def __repr__(self):
        return f"{self.__class__.__name__}({list(self)}, name={self.name!r})"

    __class_getitem__ = classmethod(GenericAlias)
