#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turn golden.json and the blocks beside it into a table in C.

Usage: table.py OUTPUT

The blocks are what stock Python wrote; the table says of each what it was made
from, what was assigned then, and what stock Python reads from it.
"""
import json
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = """\
/* SPDX-License-Identifier: MIT */
/* Made by golden/table.py; the types are those of test_golden.c. */
"""
INT64 = range(-(2**63), 2**63)


class Table:
    def __init__(self):
        self.lines = [HEAD]
        self.arrays = {}

    def bytes(self, content):
        """The name of an array with this content."""
        if content not in self.arrays:
            name = f"bytes_{len(self.arrays)}"
            numbers = ", ".join(map(str, content or b"\0"))
            self.lines.append(
                f"static const unsigned char {name}[] = {{{numbers}}};\n"
            )
            self.arrays[content] = name
        return self.arrays[content]

    def value(self, value, stored):
        """An initialiser of polyshm_value. `stored` are the bytes of the slot,
        for text that Python cannot decode; the library returns them."""
        kind = value["t"]
        if kind in ("str", "bytes", "error"):
            content = stored
            if kind != "error":
                content = bytes.fromhex(value["utf8" if kind == "str" else "hex"])
            type_ = "POLYSHM_BYTES" if kind == "bytes" else "POLYSHM_STRING"
            place = f".p = {self.bytes(content)}"
            return f"{{.type = {type_}, .of = {{{place}}}, .size = {len(content)}}}"
        if kind == "none":
            return "{.type = POLYSHM_NONE}"
        if kind == "bool":
            return f"{{.type = POLYSHM_BOOL, .of = {{.i = {int(value['v'])}}}}}"
        if kind == "float":
            bits = int(value["bits"], 16)
        else:
            bits = int(value["v"])
            if bits not in INT64:
                return None  # polyshm's callers have no such integer
            bits %= 2**64
        return (
            f"{{.type = POLYSHM_{kind.upper()}, "
            f".of = {{.i = (int64_t)UINT64_C({bits:#018x})}}}}"
        )

    def array(self, type_, name, items):
        if items:
            self.lines.append(f"static const {type_} {name}[] = {{")
            self.lines += [f"    {item}," for item in items]
            self.lines.append("};\n")
        return name if items else "NULL"


def slot_of(block, index):
    count = struct.unpack_from("<q", block)[0]
    begin, end = struct.unpack_from("<qq", block, 8 * (index + 1))
    start = 8 * (count + 2)
    return block[start + begin : start + end].rstrip(b"\0")


def add_case(table, name, case):
    with open(os.path.join(HERE, case["file"]), "rb") as file:
        block = file.read()
    is_38 = case["layout"] == "3.8"

    def values(key):
        return [
            table.value(value, b"" if is_38 else slot_of(block, i))
            for i, value in enumerate(case[key])
        ]

    constructed = table.array("polyshm_value", f"{name}_made", values("construct"))
    reads = table.array("polyshm_value", f"{name}_reads", values("reads"))
    sets = []
    for item in case["sets"]:
        value = table.value(item["value"], b"")
        if value is not None:
            fails = str(item["result"] != "ok").lower()
            sets.append(f"{{{item['index']}, {value}, {fails}}}")
    assigned = table.array("assignment", f"{name}_sets", sets)
    return (
        f'{{"{name}", {str(is_38).lower()}, {table.bytes(block)}, {len(block)}, '
        f"{constructed}, {len(case['construct'])}, {assigned}, {len(sets)}, "
        f"{reads}, {len(case['reads'])}}}"
    )


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(os.path.join(HERE, "golden.json"), encoding="utf-8") as file:
        cases = json.load(file)["cases"]
    table = Table()
    rows = [add_case(table, name, case) for name, case in cases.items()]
    table.array("golden", "cases", rows)
    with open(sys.argv[1], "w", encoding="ascii") as file:
        file.write("\n".join(table.lines))


if __name__ == "__main__":
    main()
