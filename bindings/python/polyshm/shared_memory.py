# SPDX-License-Identifier: MIT
"""SharedMemory and ShareableList, as in multiprocessing.shared_memory.

Element access, iteration, `in`, and the methods from index() to wait() are C
functions of the base classes; nothing here stands in their way.
"""

import functools
import operator
import os
import sys
import weakref
from types import GenericAlias

from . import core, layout, tracking, waiting

__all__ = ["SharedMemory", "ShareableList"]

# What programs that know stock Python's module look for or replace.
_USE_POSIX = True
_O_CREX = os.O_CREAT | os.O_EXCL
_SHM_SAFE_NAME_LENGTH = 14
_SHM_NAME_PREFIX = "/psm_"
_encoding = "utf8"


def _make_filename():
    """A random name for a new block."""
    count = (_SHM_SAFE_NAME_LENGTH - len(_SHM_NAME_PREFIX)) // 2
    return _SHM_NAME_PREFIX + os.urandom(count).hex()


def __getattr__(name):
    if name == "resource_tracker":  # not imported unless it is used
        from multiprocessing import resource_tracker

        return resource_tracker
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Absent:
    """Hides what SWIG's objects bring along and means nothing here."""

    def __init__(self, name):
        self.name = name

    def __get__(self, instance, owner):
        raise AttributeError(
            f"{owner.__name__!r} object has no attribute {self.name!r}"
        )


_ABSENT = tuple(
    map(_Absent, ("acquire", "append", "disown", "next", "own", "thisown"))
)


def about(error, name):
    """The OSError, told which file it is about, as a system call's own is."""
    if error.errno:
        error.filename = name
    return error


def _check_size(size, create):
    """In stock Python's order, and words."""
    if not size >= 0:
        raise ValueError("'size' must be a positive integer")
    if create and size == 0:
        raise ValueError("'size' must be a positive number different from zero")


def _to_size(size):
    size = operator.index(size)
    if size > sys.maxsize:
        raise OverflowError("Python int too large to convert to C long")
    return size


def _open(made, kind, name, *arguments):
    """Open `made`, of the core's `kind`, by `name`; without one, by names that we
    draw until one is free."""
    while True:
        made._name = _make_filename() if name is None else name
        try:
            return kind.__init__(made, made._name, *arguments)
        except OSError as error:
            if name is None and isinstance(error, FileExistsError):
                continue
            raise about(error, made._name)


class SharedMemory(core.Block):
    """A block of shared memory that other processes find by its name.

    With create=True a new block of `size` zeroed bytes is made; its name is
    drawn if none is given. Without, the block called `name` is attached. Its
    bytes are `buf`, a memoryview; view() has them as numbers. At the end of a
    `with` the block is closed, not unlinked.

    A new block's memory is reserved, so that a full /dev/shm is an OSError now
    and not a bus error later; sparse=True leaves that out. read_only=True
    attaches so that `buf` cannot be written. `mode` are a new block's
    permissions, less the umask, 0o600 by default. foreign=True attaches what
    another user made, too, which is a PermissionError otherwise.

    A new block goes away when no process has it open and the process tree that
    made it has ended: the first process that imported polyshm, and those started
    from it that did. Whoever exits, others keep it. With track=False it stays
    until unlink() is called.

    Attaching makes nobody responsible for a block, but track=True has Python's own
    resource tracker remove it when this program ends, as stock Python does. The
    environment variable POLYSHM_PYTHON_TRACKER=1 does that for new blocks.

    FileNotFoundError if there is no such block to attach, FileExistsError if there
    is one to be made; OSError if /dev/shm is full (ENOSPC), the name is none
    (EINVAL, ENAMETOOLONG), or the system refuses it otherwise, PermissionError and
    BlockingIOError among them, the latter while somebody has a lease on it;
    CorruptError if its maker left it empty; ValueError for a size of 0.
    """

    acquire, append, disown, next, own, thisown = _ABSENT

    # Subclasses may set the first three, as with stock Python.
    _flags = os.O_RDWR
    _mode = 0o600
    _prepend_leading_slash = True
    _name = None  # what unlink() removes; with the slash
    _buf = None
    _is_open = False
    _list = None  # whose block this is, if it is a list's
    _registered = (
        False  # with Python's tracker; None if others may have done so
    )

    @classmethod
    def _owned_by(cls, manager, name, size, sparse, mode):
        """A new block that belongs to a core.Manager."""
        _check_size(size, True)
        size = _to_size(size)
        made = cls.__new__(cls)
        flags = core.SPARSE if sparse else 0
        try:
            manager.make_block(made, name, size, flags, mode)
        except FileExistsError as error:
            raise about(error, name)
        made._flags = _O_CREX | os.O_RDWR
        made._name = "/" + core.Block.name.__get__(made)
        made._is_open = True
        made._buf = core.Block.view(made)
        return made

    def __init__(
        self,
        name=None,
        create=False,
        size=0,
        *,
        track=None,
        read_only=False,
        sparse=False,
        mode=None,
        foreign=False,
    ):
        _check_size(size, create)
        if create:
            self._flags = _O_CREX | os.O_RDWR
        if name is None and not self._flags & os.O_EXCL:
            raise ValueError("'name' can only be None if create=True")
        if name is not None and self._prepend_leading_slash:
            name = "/" + name
        flags = 0
        if self._flags & os.O_CREAT:
            flags |= core.CREATE
            size = _to_size(size)
        else:
            size = 0
        if self._flags & os.O_EXCL:
            flags |= core.EXCLUSIVE
        if read_only:
            flags |= core.READ_ONLY
        if sparse:
            flags |= core.SPARSE
        if foreign:
            flags |= core.FOREIGN
        if mode is None:
            mode = self._mode
        plan = tracking.Plan(name, flags & core.CREATE, track)
        _open(self, core.Block, name, size, flags | plan.flags, mode)
        self._is_open = True
        self._buf = super().view()
        plan.begin(self, self.flags & core.CREATE)

    def __del__(self):
        """For subclasses that call it. What is left is given back when the object
        is freed, views that outlive it excepted: those stay valid."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def name(self):
        """The block's name; pass it to others to let them attach."""
        name = self._name
        if self._prepend_leading_slash and name.startswith("/"):
            return name[1:]
        return name

    size = property(core.Block.size.__get__, doc="How many bytes it has.")

    @property
    def buf(self):
        """A memoryview of the whole block; None once it is closed."""
        return self._buf

    def view(self, dtype="B", shape=None, offset=0):
        """A memoryview of the block, or a part of it, as numbers.

        `dtype` is a character of the struct module ("d"), a name as numpy has
        them ("f8", "<i4", "float64"), a type (float, numpy.float64) or a numpy
        dtype, in this machine's byte order. `shape` is an int or a tuple; without
        one it is as many items as there are from `offset` on, in bytes, which
        must be a multiple of the item's size. ValueError if it is not, or if the
        block is too small. numpy.asarray(block.view("f8", (3, 4))) is an array
        of the same memory, which stays valid for as long as the array lives.
        """
        from . import typed  # not everybody needs it

        return typed.view(self._needed_buf(), dtype, shape, offset)

    @property
    def __array_interface__(self):
        """For numpy.asarray(block), which is an array of bytes."""
        # A view of its own: numpy keeps it, but would not keep close() from
        # releasing `buf`.
        return {
            "version": 3,
            "typestr": "|u1",
            "shape": (self.size,),
            "data": super().view(),
        }

    def _needed_buf(self):
        return super().view() if self._buf is None else self._buf

    def close(self):
        """Unmap the block here; it lives on for others.

        BusyError, a BufferError, while views of `buf` are left, or if it is a
        list's, while a thread waits for that list or holds its lock. Closing
        twice is fine.
        """
        buf = self._buf  # another thread may be closing, too
        if buf is not None:
            buf.release()
            self._buf = None
        if self._list is not None:
            self._list._unmap()
        elif self._is_open:
            super().close()
            self._is_open = False

    def unlink(self):
        """Remove the name. Who has the block open keeps it. FileNotFoundError if
        it is not there any more, PermissionError if it is another user's."""
        try:
            core.unlink(self._name)
        except OSError as error:
            raise about(error, self._name)
        tracking.end(self if self._list is None else self._list)

    def __reduce__(self):
        return self.__class__, (self.name, False, self.size)

    def __repr__(self):
        return f"{self.__class__.__name__}({self.name!r}, size={self.size})"


class ShareableList(core.List, layout.Layout):
    """A list of fixed length whose items live in a block of shared memory.

    Items are int, float, bool, str, bytes or None; any of them can replace any
    other that left it room enough. Given a sequence, a new list is made, called
    `name` or by a drawn name; without one, the list called `name` is attached.
    Slices are read and assigned, too; the length never changes.

    Who reads an item gets the old value or the new one, never a mixture, even if
    its writer is killed in the middle; a slice is as many reads or sets, one
    after the other. A slice is not set at all unless it has as many items as there
    are values, and all of them fit. add() and swap() change an int in one
    step, lock() excludes others, snapshot() reads many items as of one moment,
    wait() and wait_async() sleep until something changes. All that is for lists
    that polyshm made; one that stock Python made can be read and set.

    `capacity` is the least number of bytes to reserve for each item, `timeout`
    the attribute of that name. The other options are as for SharedMemory.

    What is raised is SharedMemory's, and CorruptError if the block is no list,
    VersionError if it is one of another kind. Of items: IndexError outside;
    ValueError for text that does not fit, struct.error for an int of more than 64
    bits, KeyError for what no list holds; PermissionError if the list is
    read-only; TimeoutError as `timeout` tells; CorruptError if somebody wrote what
    is no value; ClosedError after close(); UnsupportedError where it takes a list
    that polyshm made.
    """

    acquire, append, disown, next, own, thisown = _ABSENT

    _name = None
    _shm = None
    _registered = False  # as SharedMemory's

    @classmethod
    def _owned_by(cls, manager, name, sequence, capacity, sparse, mode, timeout):
        """A new list that belongs to a core.Manager."""
        made = cls.__new__(cls)
        made.timeout = timeout
        flags = core.SPARSE if sparse else 0
        try:
            manager.make_list(
                made, name, tuple(sequence), flags, capacity, mode
            )
        except FileExistsError as error:
            raise about(error, name)
        made._name = "/" + core.List.name.__get__(made)
        return made

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
        # A tuple of our own: a name may be taken, and an iterator ends.
        values = tuple(sequence or ()) if create else None
        flags = core.READ_ONLY if read_only else 0
        if sparse:
            flags |= core.SPARSE
        if foreign:
            flags |= core.FOREIGN

        if name is not None:
            name = "/" + name
        plan = tracking.Plan(name, create, track)
        _open(self, core.List, name, values, flags | plan.flags, capacity, mode)
        plan.begin(self, create)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

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
                block._buf = core.Block.view(block)
            except core.ClosedError:
                pass
            self._shm = weakref.ref(block)
        return block

    @property
    def name(self):
        """The name of the block beneath."""
        return self._name[1:]

    def capacity(self, index):
        """How many bytes of text the item of this index has room for. IndexError
        outside."""
        index = operator.index(index)
        length = len(self)
        if not -length <= index < length:
            raise IndexError("index out of range")
        return super().capacity(index % length)

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
        try:
            items = list(self)
        except core.ClosedError:
            items = "<closed>"
        return f"{self.__class__.__name__}({items}, name={self.name!r})"

    __class_getitem__ = classmethod(GenericAlias)
