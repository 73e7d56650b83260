# SPDX-License-Identifier: MIT
"""peer.py NAME FOLDER PROMISES SEED SECONDS: a good peer, in Python. What it does
stands in peer.c."""

import errno
import gc
import os
import random
import signal

import polyshm
from calls import FAILED, ME, SEED, are_over, caller, tell, wrong
from polyshm import ShareableList, SharedMemory
from polyshm.managers import SharedMemoryManager

CONSTANT = "all is well"
SUM, LEFT, RIGHT, TEXT, BELL, CONST = range(6)
SLOTS = 6
TEXT_ROOM = 400
WILD_LISTS, WILD_BLOCKS, OWN_NAMES = 4, 2, 4

dice = random.Random(int(SEED))
below = dice.randrange


# ------------------------------------------------------------------------ calls

BY_ERRNO = {
    errno.ENOENT: "NOT_FOUND",
    errno.EEXIST: "EXISTS",
    errno.EACCES: "ACCESS",
    errno.EPERM: "ACCESS",
    errno.ELOOP: "ACCESS",
    errno.EWOULDBLOCK: "BUSY",
    errno.ENOSPC: "SPACE",
    errno.ENOMEM: "MEMORY",
    errno.EISDIR: "INVALID",
    errno.ENXIO: "INVALID",
    errno.EINVAL: "INVALID",
}
BY_TYPE = (
    (FileNotFoundError, "NOT_FOUND"),  # without a number: a manager's answer
    (TimeoutError, "TIMEOUT"),
    (InterruptedError, "INTERRUPTED"),
    (polyshm.CorruptError, "CORRUPT"),
    (polyshm.VersionError, "VERSION"),
    (polyshm.BusyError, "BUSY"),
    (polyshm.UnsupportedError, "UNSUPPORTED"),
    (UnicodeDecodeError, "UNICODE"),
    (IndexError, "RANGE"),
    (TypeError, "TYPE"),
    (OverflowError, "SPACE"),
    (RuntimeError, "INVALID"),  # of unlock(): it is not this thread's
)


def name_of(error):
    """The status that this exception is raised for."""
    if "again to write to it" in str(error):  # POLYSHM_E_OS, whatever for
        return "OS"
    if isinstance(error, OSError) and error.errno in BY_ERRNO:
        return BY_ERRNO[error.errno]
    for kind, name in BY_TYPE:
        if isinstance(error, kind):
            return name
    if isinstance(error, polyshm.ClosedError):
        return "CLOSED"
    if isinstance(error, ValueError):
        return "NOT_FOUND" if "not in" in str(error) else "SPACE"
    if isinstance(error, OSError):
        return "OS"
    raise error


call = caller(name_of)


def is_value(value):
    return value is None or type(value) in (bool, int, float, str, bytes)


# --------------------------------------------------------------- the steady list


class Steady:
    list = None
    adds = 0


def check_text(text):
    if (
        not isinstance(text, str)
        or not 0 < len(text) < TEXT_ROOM
        or text != text[0] * len(text)
    ):
        wrong(f"a torn text: {text!r}")


def check_pair(left, right):
    if type(left) is not int or type(right) is not int or left + right != 0:
        wrong(f"{left!r} and {right!r}")


def steady_text(items):
    text = chr(97 + below(26)) * (1 + below(TEXT_ROOM - 1))
    call("steady.text", items.__setitem__, TEXT, text)
    check_text(call("steady.get", items.__getitem__, TEXT))
    if call("steady.get", items.__getitem__, CONST) != CONSTANT:
        wrong("what is constant has changed")


def steady_add(items):
    if call("steady.add", items.add, SUM) is not FAILED:
        Steady.adds += 1
    call("steady.add", items.add, BELL)


def steady_lock(items):
    lock = call("steady.lock", items.lock, 0.3)
    if lock is FAILED:
        return
    check_pair(
        call("steady.get", items.__getitem__, LEFT),
        call("steady.get", items.__getitem__, RIGHT),
    )
    number = below(1000000)
    for what, slot, value in (
        ("steady.left", LEFT, number),
        ("steady.right", RIGHT, -number),
    ):
        while call(what, items.__setitem__, slot, value) is FAILED:
            continue
    call("steady.unlock", lock.unlock)


def steady_look(items):
    seen = call("steady.snapshot", items.snapshot)
    if seen is not FAILED:
        check_pair(seen[LEFT], seen[RIGHT])
        check_text(seen[TEXT])
    index = call("steady.find", items.index, CONSTANT)
    if index is not FAILED and index != CONST:
        wrong(f"found at {index}")
    version = call("steady.version", items.version, BELL)
    call("steady.wait", items.wait, BELL, 0.005, seen=version)


def work_steady():
    if Steady.list is None:
        items = call("steady.open", ShareableList, name="steady", timeout=0.3)
        if items is FAILED:
            return
        if len(items) != SLOTS:
            wrong(f"{len(items)} slots")
        Steady.list = items
    items = Steady.list
    steady_text(items)
    steady_add(items)
    steady_lock(items)
    steady_look(items)
    if below(20) == 0:
        call("steady.close", items.shm.close)
        Steady.list = None


# ---------------------------------------------------------------- the wild lists


def any_slot(items):
    return below(min(len(items), 16) + 1)


def wild_write(items):
    value = dice.choice((None, 7, "written by a good peer"[: below(23)]))
    call("wild.set", items.__setitem__, any_slot(items), value)
    call("wild.add", items.add, any_slot(items), 1)
    call("wild.swap", items.swap, any_slot(items), 7, 8)


def wild_read(items):
    call("wild.capacity", items.capacity, any_slot(items))
    value = call("wild.get", items.__getitem__, any_slot(items))
    if value is not FAILED and not is_value(value):
        wrong(f"a {type(value)}")
    index = call("wild.find", items.index, 8)
    if index is not FAILED and index >= len(items):
        wrong(f"found at {index}")
    seen = call("wild.snapshot", items.snapshot, 0, 1 + below(8))
    if seen is not FAILED and not all(map(is_value, seen)):
        wrong(f"a snapshot of {seen!r}")


def wild_wait(items):
    version = call("wild.version", items.version)
    if version is FAILED:
        return
    call("wild.wait", items.wait, None, 0.005, seen=version)
    call("wild.wait", items.wait, any_slot(items), 0.005, seen=version)
    lock = call("wild.lock", items.lock, 0.02)
    if lock is not FAILED:
        call("wild.unlock", lock.unlock)


def work_wild():
    name = f"wild.{below(WILD_LISTS)}"
    kind = below(3)
    if kind == 0:
        capacity = 8 * below(9)
        items = call(
            "wild.make", ShareableList, [1, 2, "some text", 4], name=name,
            capacity=capacity, track=False,
        )  # fmt: skip
    elif kind == 1:
        items = call("wild.read-only", ShareableList, name=name, read_only=True)
    else:
        items = call("wild.open", ShareableList, name=name)
    if items is FAILED:
        return
    items.timeout = 0.05
    for _ in range(1 + below(8)):
        wild_read(items)
        if kind != 1:
            wild_write(items)
            wild_wait(items)
    call("wild.close", items.shm.close)
    if below(8) == 0:
        call("wild.unlink", items.shm.unlink)


def work_block():
    name = f"wild.{WILD_LISTS + below(WILD_BLOCKS)}"
    if below(2):
        block = call("block.make", SharedMemory, name, True, 4096)
    else:
        block = call("block.open", SharedMemory, name)
    if block is FAILED:
        return
    data = call("block.read", lambda: bytes(block.buf))
    if len(data) != block.size:
        wrong(f"{len(data)} bytes")
    call("block.write", block.buf.__setitem__, slice(len(data)), data)
    call("block.close", block.close)
    if below(8) == 0:
        call("block.unlink", block.unlink)


# -------------------------------------------------------------------- its own


def own_list(name):
    stored = [below(1 << 40), "a text of its own", 0]
    items = call("own.create", ShareableList, stored, name=name, timeout=0.3)
    if items is FAILED:
        return FAILED
    for i in range(below(20)):
        if call("own.set", items.__setitem__, 2, i) is not FAILED:
            stored[2] = i
        again = call("own.attach", ShareableList, name=name, read_only=True)
        # One of another length is the neighbour's.
        if again is not FAILED:
            again.shm.close()
        for slot, value in enumerate(stored):
            if call("own.get", items.__getitem__, slot) != value:
                wrong("not what was stored")
    call("own.close", items.shm.close)
    return items.shm


def own_block(name):
    block = call("own.block", SharedMemory, name, True, 5000)
    if block is FAILED:
        return FAILED
    data = bytes([below(256)]) * block.size
    call("own.write", block.buf.__setitem__, slice(None), data)
    if call("own.read", lambda: bytes(block.buf)) != data:
        wrong("not the bytes that were stored")
    call("own.close", block.close)
    return block


def work_own():
    name = f"own.{ME}.{below(OWN_NAMES)}"
    block = own_list(name) if below(2) else own_block(name)
    if block is not FAILED:
        call("own.unlink", block.unlink)


# -------------------------------------------------------------- a manager's


class Managed:
    client = None


def managed_connect():
    client = SharedMemoryManager(
        os.environ["POLYSHM_HOSTILE_MANAGER"], b"between friends", timeout=4
    )
    if call("managed.connect", client.connect) is not FAILED:
        Managed.client = client


def managed_block(name):
    block = call("managed.block", Managed.client.SharedMemory, 5000, name)
    if block is FAILED:
        return False
    data = bytes([below(256)]) * block.size
    call("managed.write", block.buf.__setitem__, slice(None), data)
    if call("managed.read", lambda: bytes(block.buf)) != data:
        wrong("not the bytes that were stored")
    block.close()
    return True


def managed_list(name):
    stored = [below(1 << 20)]
    items = call("managed.list", Managed.client.ShareableList, stored, name)
    if items is FAILED:
        return False
    if call("managed.get", list, items) != stored:
        wrong("not the number that was stored")
    items.shm.close()
    return True


def work_managed():
    if Managed.client is None:
        managed_connect()
    if Managed.client is None:
        return
    name = f"own.{ME}.{below(OWN_NAMES)}"
    if managed_block(name) if below(2) else managed_list(name):
        call("managed.release", Managed.client.release, name)
    if below(8) == 0:
        call("managed.segments", Managed.client.list_segments)
    if below(20) == 0:
        managed_end()


def managed_end():
    if Managed.client is not None:
        Managed.client.close()
        Managed.client = None


def work_looking():
    name = f"wild.{below(WILD_LISTS + WILD_BLOCKS)}"
    call("look.inspect", polyshm.inspect, name)
    if below(20) == 0:
        call("look.holders", polyshm.holders, name)
    if below(20) == 0:
        call("look.scan", lambda: list(polyshm.blocks()))
    if below(20) == 0:
        call("look.gc", polyshm.gc, dry_run=below(2) == 0)


# ------------------------------------------------------------------------------


def main():
    signal.signal(signal.SIGUSR1, lambda number, frame: None)
    print("ready", flush=True)
    while not are_over():
        work_steady()
        work_wild()
        work_block()
        work_own()
        if below(3) == 0:
            work_managed()
        work_looking()
    if Steady.list is not None:
        Steady.list.shm.close()
    managed_end()
    gc.collect()
    tell(Steady.adds)


main()
