# SPDX-License-Identifier: MIT
"""A peer for test_cross.py, in Python: with polyshm, or with stock.

Reads one command a line and answers each with one line. Values are written as
a letter and hexadecimal digits: n, b1, i<16 digits>, f<16 digits>, s<utf8>,
y<bytes>.
"""

import importlib
import struct
import sys


def decode(text):
    kind, digits = text[0], bytes.fromhex(text[1:] if text[0] != "b" else "")
    return {
        "n": lambda: None,
        "b": lambda: text == "b1",
        "i": lambda: struct.unpack(">q", digits)[0],
        "f": lambda: struct.unpack(">d", digits)[0],
        "s": lambda: digits.decode(),
        "y": lambda: digits,
    }[kind]()


def encode(value):
    if value is None:
        return "n"
    if isinstance(value, bool):
        return f"b{value:d}"
    if isinstance(value, int):
        return "i" + struct.pack(">q", value).hex()
    if isinstance(value, float):
        return "f" + struct.pack(">d", value).hex()
    if isinstance(value, str):
        return "s" + value.encode().hex()
    return "y" + value.hex()


def main():
    module = importlib.import_module(sys.argv[1])
    stock = sys.argv[1] != "polyshm"
    held = {}

    def hold(name, made):
        if stock:
            # Its tracker would unlink what belongs to others.
            from multiprocessing import resource_tracker

            block = getattr(made, "shm", made)
            resource_tracker.unregister(block._name, "shared_memory")
        held[name] = made
        return "ok"

    for line in sys.stdin:
        command, name, *words = line.split()
        if command == "list":
            answer = hold(
                name, module.ShareableList(map(decode, words) if not stock
                                           else [decode(w) for w in words],
                                           name=name)
            )
        elif command == "attach":
            answer = hold(name, module.ShareableList(name=name))
        elif command == "get":
            answer = encode(held[name][int(words[0])])
        elif command == "set":
            held[name][int(words[0])] = decode(words[1])
            answer = "ok"
        elif command == "length":
            answer = str(len(held[name]))
        elif command == "block":
            answer = hold(
                name,
                module.SharedMemory(name, create=True, size=int(words[0])),
            )
        elif command == "map":
            answer = hold(name, module.SharedMemory(name))
        elif command == "read":
            first, count = int(words[0]), int(words[1])
            answer = "=" + bytes(held[name].buf[first:first + count]).hex()
        elif command == "write":
            first, content = int(words[0]), bytes.fromhex(words[1])
            held[name].buf[first:first + len(content)] = content
            answer = "ok"
        elif command == "size":
            answer = str(held[name].size)
        elif command == "close":
            made = held.pop(name)
            getattr(made, "shm", made).close()
            answer = "ok"
        else:
            answer = "what?"
        print(answer, flush=True)


if __name__ == "__main__":
    main()
