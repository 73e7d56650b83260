# SPDX-License-Identifier: MIT
"""What process/manage.c does, in Python: a client of a manager that does what it
is told. Its comment has the commands. What failed is told by the core's names."""

import sys
from multiprocessing import AuthenticationError

from polyshm import ShareableList, SharedMemory
from polyshm.managers import SharedMemoryManager

FAILURES = {
    FileExistsError: "POLYSHM_E_EXISTS",
    FileNotFoundError: "POLYSHM_E_NOT_FOUND",
    AuthenticationError: "POLYSHM_E_ACCESS",
}

manager = None


def our_address(address):
    if isinstance(address, tuple):
        return f"tcp:{address[0]}:{address[1]}"
    if isinstance(address, bytes):
        return "unix:@" + address[1:].decode()
    return "unix:" + address


def name_of(word):
    return None if word == "-" else word


class Commands:
    @staticmethod
    def start(address, key):
        global manager
        manager = SharedMemoryManager(name_of(address), key.encode())
        manager.start()
        return our_address(manager.address)

    @staticmethod
    def connect(address, key):
        global manager
        manager = SharedMemoryManager(address, key.encode())
        manager.connect()
        return our_address(manager.address)

    @staticmethod
    def block(name, size, text):
        with manager.SharedMemory(int(size), name_of(name)) as block:
            block.buf[: len(text)] = text.encode()
            return block.name

    @staticmethod
    def list(name, *numbers):
        with manager.ShareableList(map(int, numbers), name_of(name)) as made:
            return made.name

    @staticmethod
    def read(name, size):
        with SharedMemory(name) as block:
            return bytes(block.buf[: int(size)]).decode()

    @staticmethod
    def sum(name):
        with ShareableList(name=name) as made:
            return str(sum(made))

    @staticmethod
    def track(name):
        manager.track(name)

    @staticmethod
    def release(name):
        manager.release(name)

    @staticmethod
    def segments():
        return " ".join(manager.list_segments())

    @staticmethod
    def shutdown():
        manager.shutdown()


def main():
    for line in sys.stdin:
        command, *words = line.split()
        try:
            print("ok", getattr(Commands, command)(*words) or "", flush=True)
        except Exception as error:
            kind = type(error)
            print(FAILURES.get(kind, kind.__name__), error, flush=True)


if __name__ == "__main__":
    main()
