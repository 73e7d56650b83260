# SPDX-License-Identifier: MIT
"""Every value at an edge, from Python to Lua and back, bit for bit: in lists that
polyshm made and that stock Python made, and as raw bytes in a block."""

import math
import os
import secrets
import struct
import subprocess
import tempfile
import unittest
from multiprocessing import resource_tracker, shared_memory

import polyshm

HERE = os.path.dirname(os.path.abspath(__file__))
LUA = os.environ["POLYSHM_LUA_EXECUTABLE"]

POWERS = (7, 8, 15, 16, 31, 32, 52, 53, 54, 62, 63)
INTEGERS = sorted(
    number
    for number in {
        sign * 2**power + off
        for power in POWERS
        for sign in (1, -1)
        for off in (-1, 0, 1)
    }
    | {0, 1, -1}
    if -(2**63) <= number < 2**63
)
FLOATS = [
    0.0, -0.0, 1.0, -1.5, 0.1, math.pi, 2.0**53, 2.0**63, -(2.0**63), 1e308,
    -1e308, 5e-324, -5e-324, 2.2250738585072014e-308, math.inf, -math.inf,
    math.nan,
]  # fmt: skip
LONGEST = 9999991
TEXTS = [
    "", "a", "seven77", "eight888", "a\0b", "\0a", "é", "😀", "\x7f\n",
    "x" * 255, "x" * 256, "x" * 257, "x" * (LONGEST - 1) + "!",
]  # fmt: skip
BYTES = [
    b"", b"a", b"\0\0a", b"a\0\0b", b"\xff", b"\xc0\x80", b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80", b"ok\xff", b"\xfe" * LONGEST, bytes(range(1, 256)),
    bytes(range(255, -1, -1)) + b"!",
]  # fmt: skip
# Stock Python cannot tell these from the padding of a slot.
ENDING_IN_ZEROS = ["a\0\0", "\0", "\0" * 9, b"b\0", b"\xff\0\0"]

VALUES = [None, True, False, *INTEGERS, *FLOATS, *TEXTS, *BYTES]

PACKED = "<bhiqBHIQfd"
NUMBERS = (
    -128, -32768, -(2**31), -(2**63), 255, 65535, 2**32 - 1, 2**64 - 1,
    0.5, -5e-324,
)  # fmt: skip
ELEMENTS = {
    "i8": ("b", [-128, -1, 0, 127]),
    "i16": ("h", [-(2**15), -1, 2**15 - 1]),
    "i32": ("i", [-(2**31), -1, 2**31 - 1]),
    "i64": ("q", [-(2**63), -1, 2**53 + 1, 2**63 - 1]),
    "u8": ("B", [0, 128, 255]),
    "u16": ("H", [0, 2**15, 2**16 - 1]),
    "u32": ("I", [0, 2**31, 2**32 - 1]),
    "u64": ("Q", [0, 2**63 - 1, 2**63, 2**64 - 1]),
    "f32": ("f", [0.0, -0.0, 1.5, 2.0**-149, math.inf, math.nan]),
    "f64": ("d", FLOATS),
}


def in_lua(value):
    """The Lua expression of a value. A u64 is the integer of the same bits."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"0x{value % 2**64:016x}"
    if isinstance(value, float):
        return f'(string.unpack(">d", {quote(struct.pack(">d", value))}))'
    if isinstance(value, bytes):
        return f"polyshm.bytes({quote(value)})"
    return quote(value.encode())


def quote(value):
    if len(value) > 1000:
        head, last = value[:1], value[-1:]
        assert value == head * (len(value) - 1) + last
        return f"({quote(head)}):rep({len(value) - 1}) .. {quote(last)}"
    return '"' + "".join(f"\\x{byte:02x}" for byte in value) + '"'


def to_lua(values):
    elements = [
        f"{kind} = {{{', '.join(map(in_lua, numbers))}}},"
        for kind, (_, numbers) in ELEMENTS.items()
    ]
    kinds = ", ".join(f'"{kind}"' for kind in ELEMENTS)
    formats = {"i8": "b", "i16": "h", "i32": "i4", "i64": "j", "f32": "f"}
    formats.update({"u8": "B", "u16": "H", "u32": "I4", "u64": "J", "f64": "d"})
    return "\n".join(
        [
            "local polyshm = ...",
            "local values = {n = 0}",
            "local function add(v)",
            "  values.n = values.n + 1",
            "  values[values.n] = v",
            "end",
            *(f"add({in_lua(value)})" for value in values),
            'local packed = {format = "<bhi4jBHI4Jfd",',
            ", ".join(map(in_lua, NUMBERS)) + "}",
            f"local elements = {{{kinds},",
            *elements,
            "formats = {",
            *(f'{kind} = "{format}",' for kind, format in formats.items()),
            "}}",
            "return values, packed, elements",
        ]
    )


def bits(value):
    """What is the same only of the same value in the same representation."""
    if isinstance(value, float):
        return (
            "float", "nan" if math.isnan(value) else struct.pack(">d", value)
        )
    return type(value).__name__, value


class RoundTrip(unittest.TestCase):
    def setUp(self):
        self.name = f"polyshm-cross-{os.getpid()}-{secrets.token_hex(4)}"
        self.addCleanup(self.remove)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "values.lua")

    def remove(self):
        if os.path.exists(f"/dev/shm/{self.name}"):
            os.unlink(f"/dev/shm/{self.name}")

    def lua(self, command):
        return [LUA, f"{HERE}/round_trip.lua", self.path, command, self.name]

    def run_lua(self, command):
        result = subprocess.run(
            self.lua(command), stdout=subprocess.PIPE, text=True
        )
        self.assertEqual((result.stdout, result.returncode), ("done\n", 0))

    def write_values(self, values):
        with open(self.path, "w") as file:
            file.write(to_lua(values))

    def same(self, items, values):
        self.assertEqual(len(items), len(values))
        for index, value in enumerate(values):
            found = bits(items[index])
            if found != bits(value):  # a short message for long strings
                self.fail(f"item {index}: {found!r:.80}, not {value!r:.80}")

    def attach(self, module):
        items = module.ShareableList(name=self.name)
        if module is shared_memory:
            # Its tracker would unlink what belongs to others.
            resource_tracker.unregister(items.shm._name, "shared_memory")
        self.addCleanup(items.shm.close)
        return items

    def make(self, module, values):
        items = module.ShareableList(values, name=self.name)
        if module is shared_memory:
            resource_tracker.unregister(items.shm._name, "shared_memory")
        self.addCleanup(items.shm.close)
        return items

    def check_python_makes(self, module, values):
        self.write_values(values)
        items = self.make(module, values)
        self.run_lua("check")

        # Each slot as large as its value, and with nothing of it.
        room = [
            "?" * (len(value) if isinstance(value, bytes) else
                   len(value.encode()) if isinstance(value, str) else 7)
            for value in values
        ]  # fmt: skip
        for index, text in enumerate(room):
            items[index] = text
        self.run_lua("set")
        self.same(items, values)

        for index, text in enumerate(room):
            items[index] = text
        for index, value in enumerate(values):
            items[index] = value
        self.run_lua("check")

    def test_lists_of_python(self):
        self.check_python_makes(polyshm, VALUES + ENDING_IN_ZEROS)

    def test_lists_of_stock_python(self):
        self.check_python_makes(shared_memory, VALUES)

    def check_lua_makes(self, module, values):
        self.write_values(values)
        with subprocess.Popen(
            self.lua("make"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as maker:
            self.assertEqual(maker.stdout.readline(), f"{len(values)}\n")
            items = self.attach(module)
            self.same(items, values)
            for index, value in enumerate(values):
                items[index] = value
            self.same(items, values)
            self.run_lua("check")
            maker.communicate("")
            self.assertEqual(maker.returncode, 0)

    def test_lists_of_lua_in_python(self):
        self.check_lua_makes(polyshm, VALUES + ENDING_IN_ZEROS)

    def test_lists_of_lua_in_stock_python(self):
        self.check_lua_makes(shared_memory, VALUES)

    def content(self):
        return struct.pack(PACKED, *NUMBERS) + b"".join(
            struct.pack(f"={len(numbers)}{letter}", *numbers)
            for letter, numbers in ELEMENTS.values()
        )

    def test_blocks(self):
        self.write_values([])
        content = self.content()
        block = polyshm.SharedMemory(
            self.name, create=True, size=len(content)
        )
        self.addCleanup(block.close)
        block.buf[:] = content
        self.run_lua("unpack")
        block.buf[:] = bytes(len(content))
        self.run_lua("pack")
        self.assertEqual(bytes(block.buf[:]), content)


if __name__ == "__main__":
    unittest.main()
