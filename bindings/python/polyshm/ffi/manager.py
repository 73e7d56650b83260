# SPDX-License-Identifier: MIT
"""Managers and their clients. Python's own code around this speaks of sockets as
stock Python does; here they are the core's addresses, as bytes."""

import ctypes

from . import abi
from .block import Block
from .error import asked_failure
from .library import quick, slow
from .list import List, new_options, to_values
from .manage import read_text
from .object import Handled, Owner, natural
from .timeout import SECOND
from .value import to_name

_start = slow("polyshm_manager_start")
_connect = slow("polyshm_manager_connect")
_close = slow("polyshm_manager_close")
_free = slow("polyshm_manager_free")
_address = quick("polyshm_manager_address")
_authkey = quick("polyshm_manager_authkey")
_pid = quick("polyshm_manager_pid")
_block = slow("polyshm_manager_block")
_block_free = quick("polyshm_block_free")
_list = slow("polyshm_manager_list")
_track = slow("polyshm_manager_track")
_release = slow("polyshm_manager_release")
_segments = slow("polyshm_manager_segments")
_shutdown = slow("polyshm_manager_shutdown")
_path = quick("polyshm_manager_path")
_server_open = slow("polyshm_server_open")
_server_free = slow("polyshm_server_free")
_server_address = quick("polyshm_server_address")
_server_next = slow("polyshm_server_next")
_server_stop = quick("polyshm_server_stop")


def _ask(function, *arguments):
    """What it answers, called again where a signal has ended it, whose handler
    runs in between and may raise."""
    status = abi.E_INTERRUPTED
    while status == abi.E_INTERRUPTED:
        status = function(*arguments)
    return status


def _check(status):
    if status:
        raise asked_failure(status)


def _to_address(address):
    if address is not None and b"\0" in address:
        raise ValueError("embedded null byte")
    return address


def _sized(struct, **members):
    return struct(struct_size=ctypes.sizeof(struct), **members)


def _key_arguments(authkey):
    return authkey, 0 if authkey is None else len(authkey)


class Manager(Handled):
    """What SharedMemoryManager is made of."""

    def __init__(self, start, address, authkey, timeout, flags):
        self._must_be_fresh()
        options = _sized(
            abi.polyshm_manager_options,
            timeout=timeout,
            flags=natural(flags, 32, "flags"),
        )
        handle = ctypes.c_void_p()
        owner = Owner(_free, handle)  # first, so that no handle is lost
        _check(
            _ask(
                _start if start else _connect,
                _to_address(address),
                *_key_arguments(authkey),
                ctypes.byref(options),
                ctypes.byref(handle),
            )
        )
        self._owner = owner
        self._handle = handle

    def make_block(self, fresh, name, size, flags, mode):
        """A fresh Block becomes one that belongs to the manager."""
        fresh._must_be_fresh()
        name = to_name(name)
        size = natural(size, 64, "size")
        flags = natural(flags, 32, "flags")
        options = _sized(
            abi.polyshm_block_options, mode=natural(mode, 32, "mode")
        )
        handle = ctypes.c_void_p()
        owner = Owner(_block_free, handle)  # first, so that no handle is lost
        self._check(
            _ask(
                _block,
                self._handle,
                name,
                size,
                flags,
                ctypes.byref(options),
                ctypes.byref(handle),
            )
        )
        fresh._owner = owner
        Block._take(fresh, handle)

    def make_list(self, fresh, name, values, flags, slot_capacity, mode):
        """A fresh List becomes one that belongs to the manager."""
        fresh._must_be_fresh()
        name = to_name(name)
        flags = natural(flags, 32, "flags")
        options = new_options(slot_capacity, mode)
        converted = to_values(values)

        def make(handle):
            return _ask(
                _list,
                self._handle,
                name,
                converted.array,
                len(converted.array),
                flags,
                ctypes.byref(options),
                ctypes.byref(handle),
            )

        List._adopt(fresh, make, asked_failure)

    def _check(self, status):
        if status == abi.E_INVALID and not self._handle:
            raise self._failure(status)
        _check(status)

    def track(self, name):
        self._check(_ask(_track, self._handle, to_name(name)))

    def release(self, name):
        self._check(_ask(_release, self._handle, to_name(name)))

    def list_segments(self):
        size, capacity = ctypes.c_uint64(4096), 0
        while size.value > capacity:  # others may add to them meanwhile
            capacity = 2 * size.value
            names = ctypes.create_string_buffer(capacity)
            self._check(
                _ask(_segments, self._handle, names, capacity, ctypes.byref(size))
            )
        return [name.decode() for name in names.raw[: size.value].split(b"\0")[:-1]]

    def shutdown(self):
        self._check(_ask(_shutdown, self._handle))

    def close(self):
        self._check(_close(self._handle))

    def get_address(self):
        return _address(self._handle)

    def get_authkey(self):
        key, size = ctypes.create_string_buffer(4096), ctypes.c_uint64()
        self._check(_authkey(self._handle, key, len(key), ctypes.byref(size)))
        return key.raw[: size.value]

    def pid(self):
        return _pid(self._handle)


class Server(Handled):
    """What SharedMemoryServer is made of."""

    def __init__(self, address, authkey, flags, level, parent):
        self._must_be_fresh()
        options = _sized(
            abi.polyshm_server_options,
            flags=natural(flags, 32, "flags"),
            level=natural(level, 32, "level"),
            parent=natural(parent, 64, "parent"),
        )
        handle = ctypes.c_void_p()
        owner = Owner(_server_free, handle)
        _check(
            _ask(
                _server_open,
                _to_address(address),
                *_key_arguments(authkey),
                ctypes.byref(options),
                ctypes.byref(handle),
            )
        )
        self._owner = owner
        self._handle = handle

    def get_address(self):
        return _server_address(self._handle)

    def next_event(self):
        """(level, text) of the next event; None once it has shut down."""
        event = _sized(abi.polyshm_event_info)
        status = abi.E_TIMEOUT
        while status == abi.E_TIMEOUT:
            status = _ask(
                _server_next, self._handle, SECOND, ctypes.byref(event)
            )
        if status == abi.E_END:
            return None
        if status:
            raise self._failure(status)
        return event.level, event.text.decode(errors="replace")

    def stop(self):
        _check(_server_stop(self._handle))


def manager_path():
    return read_text(_path)
