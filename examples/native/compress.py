# SPDX-License-Identifier: MIT
"""Compress one shared block into another with zlib: python compress.py LIBZ"""

import contextlib
import sys
import zlib

from polyshm import SharedMemory, native

z = native.load(sys.argv[1])
compress = z.bind("compress", "i32(buf, [u64], const buf, len)")
bound = z.bind("compressBound", "u64(u64)")
version = z.bind("zlibVersion", "str()")

text = b"all work and no play makes Jack a dull boy\n" * 10000


def make(stack, size):
    block = stack.enter_context(SharedMemory(create=True, size=size))
    stack.callback(block.unlink)
    return block


with contextlib.ExitStack() as stack:
    plain, packed = make(stack, len(text)), make(stack, bound(len(text)))
    # zlib is told a size by address, and tells one there.
    with make(stack, 8).view("Q") as size:
        plain.buf[:] = text
        size[0] = packed.size
        assert compress(packed, size, plain) == 0
        assert zlib.decompress(packed.buf[: size[0]]) == text
        print(f"zlib {version()}: {len(text)} bytes became {size[0]}")
