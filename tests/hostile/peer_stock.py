# SPDX-License-Identifier: MIT
"""peer_stock.py NAME FOLDER PROMISES SEED SECONDS: a good peer that has nothing of
polyshm: stock Python's client of the manager that others harm."""

import errno
import os
import random
import signal
import time
from multiprocessing.managers import RemoteError, SharedMemoryManager, dispatch
from multiprocessing.resource_tracker import unregister

from calls import FAILED, SEED, are_over, caller, tell, wrong

BYTES = 5000
ADDRESS = os.environ["POLYSHM_HOSTILE_MANAGER"].removeprefix("unix:")

dice = random.Random(int(SEED))


def name_of(error):
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "SPACE"
    if isinstance(error, (EOFError, ConnectionError)):
        return "OS"
    if isinstance(error, RemoteError):
        if "KeyError" in str(error) or "FileNotFoundError" in str(error):
            return "NOT_FOUND"
    raise error


call = caller(name_of)


def connect():
    manager = SharedMemoryManager(ADDRESS, authkey=b"between friends")
    manager.connect()
    return manager


def make_block(manager):
    """As its own SharedMemory() does, and the remedies for its tracker."""
    block = manager.SharedMemory(BYTES)
    unregister(block._name, "shared_memory")
    return block


def ask(manager, method, *words):
    connection = manager._Client(manager._address, authkey=manager._authkey)
    try:
        return dispatch(connection, None, method, words)
    finally:
        connection.close()


def reserve(block):
    """Stock Python does not: it would die of writing to a full /dev/shm."""
    os.posix_fallocate(block._fd, 0, block.size)


def use(block):
    if call("stock.block", reserve, block) is FAILED:
        return
    data = bytes([dice.randrange(256)]) * BYTES
    call("stock.write", block.buf.__setitem__, slice(BYTES), data)
    if call("stock.read", lambda: bytes(block.buf[:BYTES])) != data:
        wrong("not the bytes that were stored")


def work(manager):
    block = call("stock.block", make_block, manager)
    if block is FAILED:
        return
    use(block)
    block.close()
    call("stock.release", ask, manager, "release_segment", block.name)


def main():
    signal.signal(signal.SIGUSR1, lambda number, frame: None)
    print("ready", flush=True)
    while not are_over():
        manager = call("stock.connect", connect)
        for _ in range(dice.randrange(20) if manager is not FAILED else 0):
            work(manager)
            time.sleep(0.002)  # others want the manager, and the processors, too
    tell(0)


main()
