# SPDX-License-Identifier: MIT
"""C, Lua, Python and stock Python on one list and one block: each makes them,
each reads and writes what each other wrote, with every type of value. Stock
Python is every version that tests/python/pythons.py finds."""

import contextlib
import itertools
import math
import os
import secrets
import struct
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "python"))
import pythons  # noqa: E402

PEERS = {
    "c": [sys.argv.pop(1)],
    "lua": [os.environ["POLYSHM_LUA_EXECUTABLE"], f"{HERE}/peer.lua"],
    "python": [sys.executable, f"{HERE}/peer.py", "polyshm"],
}
if "POLYSHM_LUAJIT_EXECUTABLE" in os.environ:
    PEERS["luajit"] = [
        "env",
        "LUA_PATH=" + os.environ["POLYSHM_LUAJIT_PATH"],
        os.environ["POLYSHM_LUAJIT_EXECUTABLE"],
        f"{HERE}/luajit.lua",
    ]
STOCK = {
    f"stock {python.version}": python
    for python in pythons.installed(least=(3, 8))
}
for name, python in STOCK.items():
    PEERS[name] = [
        python.executable, f"{HERE}/peer.py", "multiprocessing.shared_memory"
    ]  # fmt: skip
# 3.8 lays its lists out in another way.
LIST_PEERS = [
    name for name in PEERS if name not in STOCK or STOCK[name].is_supported()
]


def integer(value):
    return "i" + struct.pack(">q", value).hex()


def real(value):
    return "f" + struct.pack(">d", value).hex()


def text(value):
    return "s" + value.encode().hex()


def raw(value):
    return "y" + value.hex()


VALUES = [
    "n", "b0", "b1",
    *map(integer, (0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63))),
    *map(real, (0.0, -0.0, 1.5, 1e308, 5e-324, math.inf, -math.inf, math.nan)),
    *map(text, ("", "a", "seven77", "eight888", "a\0b", "é", "日本語", "😀")),
    *map(raw, (b"", b"a", b"\xff\xfe", b"a\0b", b"eight888", b"\xc3\xc3\xc3")),
]  # fmt: skip
ROOM = text("x" * 31)  # a slot that holds each of them


class Peer:
    def __init__(self, name):
        self.process = subprocess.Popen(
            PEERS[name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()

    def end(self):
        try:
            self.process.communicate(timeout=60)
        except BrokenPipeError:
            self.process.wait()
        return self.process.returncode


class Cross(unittest.TestCase):
    def setUp(self):
        self.peers, self.names = {}, []
        self.addCleanup(self.remove)  # the last, when no peer is left

    def start(self, peers):
        for peer in peers:
            self.peers[peer] = Peer(peer)
            self.addCleanup(self.end, peer)

    def end(self, peer):
        self.assertEqual(self.peers[peer].end(), 0, peer)

    def fresh(self):
        self.names.append(f"polyshm-cross-{os.getpid()}-{secrets.token_hex(4)}")
        return self.names[-1]

    def remove(self):
        for name in self.names:
            # Its tree's helper may do it at the same time.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"/dev/shm/{name}")

    def share(self, make, attach, *words):
        """A thing of each language's making, attached by all others."""
        for creator in self.peers:
            name = self.fresh()
            self.assertEqual(self.peers[creator](make, name, *words), "ok")
            for language, peer in self.peers.items():
                if language != creator:
                    self.assertEqual(peer(attach, name), "ok", language)
            yield creator, name
            for peer in self.peers.values():
                self.assertEqual(peer("close", name), "ok")

    def test_lists_as_they_were_made(self):
        self.start(LIST_PEERS)
        # Stock Python cuts this one short when it makes a list.
        values = [value for value in VALUES if value != text("日本語")]
        for creator, name in self.share("list", "attach", *values):
            for language, peer in self.peers.items():
                self.assertEqual(peer("length", name), str(len(values)))
                for index, value in enumerate(values):
                    self.assertEqual(
                        peer("get", name, index), value, (creator, language)
                    )

    def test_every_value_from_everyone_to_everyone(self):
        """Each set changes the item's type, or its length."""
        self.start(LIST_PEERS)
        for creator, name in self.share("list", "attach", ROOM):
            for (writer, peer), value in itertools.product(
                self.peers.items(), VALUES
            ):
                self.assertEqual(peer("set", name, 0, value), "ok")
                for reader, other in self.peers.items():
                    self.assertEqual(
                        other("get", name, 0), value, (creator, writer, reader)
                    )

    def test_blocks(self):
        self.start(PEERS)
        size = 1033 * len(PEERS)
        content = bytes(i * 7 % 256 for i in range(size))
        for creator, name in self.share("block", "map", size):
            for turn, (writer, peer) in enumerate(self.peers.items()):
                self.assertEqual(peer("size", name), str(size))
                part = content[turn:turn + 1000]
                first = turn * 1033
                self.assertEqual(peer("write", name, first, part.hex()), "ok")
                for reader, other in self.peers.items():
                    self.assertEqual(
                        other("read", name, first, len(part)),
                        "=" + part.hex(),
                        (creator, writer, reader),
                    )


if __name__ == "__main__":
    unittest.main()
