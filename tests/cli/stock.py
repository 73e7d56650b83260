# SPDX-License-Identifier: MIT
"""What stock Python makes and holds, for the cases.

stock.py list NAME VALUES     a list of these values, a Python literal
stock.py block NAME HEX       a block of these bytes
stock.py hold NAME            open it, say "ready", keep it to the end of input
stock.py set NAME INDEX VALUE store a Python literal in a list
"""
import ast
import sys
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import ShareableList, SharedMemory


def forget(block):
    """Stock Python would remove it with the first process that ends."""
    resource_tracker.unregister(block._name, "shared_memory")


def main(what, name, *words):
    if what == "list":
        items = ShareableList(ast.literal_eval(words[0]), name=name)
        forget(items.shm)
        items.shm.close()
    elif what == "block":
        data = bytes.fromhex(words[0])
        block = SharedMemory(name, create=True, size=len(data))
        forget(block)
        block.buf[: len(data)] = data
        block.close()
    elif what == "hold":
        block = SharedMemory(name)
        forget(block)
        print("ready", flush=True)
        sys.stdin.read()
        block.close()
    elif what == "set":
        items = ShareableList(name=name)
        forget(items.shm)
        items[int(words[0])] = ast.literal_eval(words[1])
        items.shm.close()
    else:
        sys.exit(__doc__)


main(*sys.argv[1:])
