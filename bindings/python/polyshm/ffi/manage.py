# SPDX-License-Identifier: MIT
"""Blocks seen from outside: what there is, and who has it; and the process tree."""

import collections
import ctypes
import os
import threading

from . import abi
from .error import failure
from .library import quick, slow
from .object import Owner, natural
from .value import to_name

_inspect = slow("polyshm_inspect")
_scan_open = slow("polyshm_scan_open")
_scan_next = slow("polyshm_scan_next")
_scan_free = quick("polyshm_scan_free")
_holders = slow("polyshm_holders")
_gc = slow("polyshm_gc")
_unlink = quick("polyshm_unlink")
_tree_enter = quick("polyshm_tree_enter")
_helper_path = quick("polyshm_helper_path")

_Fields = collections.namedtuple(
    "_Fields",
    "name kind size length mode uid created tracked held kept orphan",
)


class BlockInfo(_Fields):
    """What inspect() and blocks() tell of a block of shared memory."""

    __module__ = "polyshm"
    __slots__ = ()

    def __repr__(self):
        return "polyshm." + super().__repr__()


def _new_info():
    return abi.polyshm_info(struct_size=ctypes.sizeof(abi.polyshm_info))


def _from_info(info):
    state = info.state
    is_list = info.kind == abi.KIND_LIST
    unknown = state & abi.STATE_UNKNOWN
    return BlockInfo(
        name=info.name.decode(),
        kind="list" if is_list else "block",
        size=info.size,
        length=info.length if is_list else None,
        mode=info.mode,
        uid=info.uid,
        created=info.created_at / 1e9 if info.created_at else None,
        tracked=bool(state & abi.STATE_TRACKED),
        held=None if unknown else bool(state & abi.STATE_HELD),
        kept=bool(state & abi.STATE_TREE),
        orphan=bool(state & abi.STATE_ORPHAN),
    )


def inspect(name):
    info = _new_info()
    status = _inspect(to_name(name), ctypes.byref(info))
    if status:
        raise failure(status)
    return _from_info(info)


class Scan:
    """The iterator of blocks()."""

    def __init__(self):
        self._turn = threading.Lock()  # a thread is at it, without the GIL
        self._handle = ctypes.c_void_p()
        self._owner = Owner(_scan_free, self._handle)
        status = _scan_open(ctypes.byref(self._handle))
        if status:
            raise failure(status)

    def __iter__(self):
        return self

    def __next__(self):
        if not self._turn.acquire(blocking=False):
            raise ValueError("the iterator is used by another thread now")
        try:
            info = _new_info()
            status = _scan_next(self._handle, ctypes.byref(info))
        finally:
            self._turn.release()
        if status == abi.E_END:
            raise StopIteration
        if status:
            raise failure(status)
        return _from_info(info)


def blocks():
    return Scan()


def holders(name):
    name = to_name(name)
    capacity = 32
    count = ctypes.c_uint64()
    while True:
        ids = (ctypes.c_uint64 * capacity)()
        status = _holders(name, ids, capacity, ctypes.byref(count))
        if status:
            raise failure(status)
        if count.value <= capacity:
            return ids[: count.value]
        capacity = 2 * count.value


def gc(flags):
    removed = ctypes.c_uint64()
    status = _gc(natural(flags, 32, "flags"), ctypes.byref(removed))
    if status:
        raise failure(status)
    return removed.value


def unlink(name):
    status = _unlink(to_name(name))
    if status:
        raise failure(status)


def read_text(function):
    buffer = ctypes.create_string_buffer(4096)
    status = function(buffer, len(buffer))
    if status:
        raise failure(status)
    return os.fsdecode(buffer.value)


def tree_enter():
    return read_text(_tree_enter)


def helper_path():
    return read_text(_helper_path)
