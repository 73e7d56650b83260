# SPDX-License-Identifier: MIT
"""A client of stock Python: manage.py PATH KEY use|leave|shutdown [NAME]."""
import sys
from multiprocessing import AuthenticationError
from multiprocessing.managers import SharedMemoryManager, dispatch
from multiprocessing.resource_tracker import unregister
from multiprocessing.shared_memory import SharedMemory


def ask(manager, method, *words):
    with manager._Client(manager.address, authkey=manager._authkey) as connection:
        return dispatch(connection, None, method, words)


def make(name):
    block = SharedMemory(name, create=True, size=16)
    # Its tracker would remove the block.
    unregister(block._name, "shared_memory")
    block.close()


def main(path, key, action, name=None):
    manager = SharedMemoryManager(path, authkey=key.encode())
    try:
        manager.connect()
    except AuthenticationError as error:
        print(f"AuthenticationError: {error}")
        return
    if action == "use":
        make(name + "-a")
        ask(manager, "track_segment", name + "-a")
        make(name + "-b")
        ask(manager, "track_segment", name + "-b")
        ask(manager, "release_segment", name + "-a")
        names = ask(manager, "list_segments")
        print([each.replace(name, "NAME") for each in names])
    elif action == "leave":
        make(name)
        ask(manager, "track_segment", name)
    else:
        ask(manager, "shutdown")


main(*sys.argv[1:])
