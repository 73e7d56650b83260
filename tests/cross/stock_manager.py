# SPDX-License-Identifier: MIT
"""Stock Python's side of a manager: stock_manager.py serve|use ADDRESS KEY.

Nothing of polyshm is imported. `serve` prints its address and is a manager until
it is told to shut down. `use` is a client, and prints a line for each step.
"""
import sys
from multiprocessing import AuthenticationError
from multiprocessing.managers import RemoteError, SharedMemoryManager, dispatch
from multiprocessing.resource_tracker import unregister


def stock_address(text):
    """As the standard library wants it."""
    kind, _, rest = text.partition(":")
    if kind == "tcp":
        host, _, port = rest.rpartition(":")
        return host, int(port)
    return b"\0" + rest[1:].encode() if rest.startswith("@") else rest


def our_address(address):
    if isinstance(address, tuple):
        return f"tcp:{address[0]}:{address[1]}"
    if isinstance(address, bytes):
        return "unix:@" + address[1:].decode()
    return "unix:" + address


def ask(manager, method, *words):
    connection = manager._Client(manager._address, authkey=manager._authkey)
    try:
        return dispatch(connection, None, method, words)
    finally:
        connection.close()


def serve(address, key):
    manager = SharedMemoryManager(stock_address(address), authkey=key)
    server = manager.get_server()
    print(our_address(server.address), flush=True)
    server.serve_forever()


def use(address, key):
    manager = SharedMemoryManager(stock_address(address), authkey=key)
    manager.connect()
    print("connect ok", flush=True)
    block = manager.SharedMemory(64)
    unregister(block._name, "shared_memory")  # or its tracker removes it
    block.buf[:5] = b"stock"
    print("block", block.name, flush=True)
    shared = manager.ShareableList([1, 2, 39])
    unregister(shared.shm._name, "shared_memory")
    print("list", shared.shm.name, flush=True)
    names = ask(manager, "list_segments")
    print("segments", *names, flush=True)
    sys.stdin.readline()  # others look at them
    block.close()
    shared.shm.close()
    try:
        ask(manager, "release_segment", block.name)
        print("release ok", flush=True)
    except RemoteError as error:
        print("release", repr(str(error)), flush=True)
    try:
        ask(manager, "release_segment", block.name)
        print("twice ok", flush=True)
    except RemoteError as error:
        print("twice", str(error).strip("-\n ").splitlines()[-1], flush=True)
    try:
        SharedMemoryManager(stock_address(address), authkey=b"wrong").connect()
        print("wrong ok", flush=True)
    except AuthenticationError as error:
        print("wrong", error, flush=True)
    print("objects", manager._number_of_objects(), repr(manager._debug_info()),
          flush=True)  # fmt: skip
    ask(manager, "shutdown")
    print("shutdown ok", flush=True)


if __name__ == "__main__":
    {"serve": serve, "use": use}[sys.argv[1]](sys.argv[2], sys.argv[3].encode())
