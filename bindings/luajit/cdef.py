#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write polyshm/ffi/abi.lua, what LuaJIT needs to know of the library, from
the ABI manifest.

Usage: cdef.py MANIFEST LIBRARY OUTPUT

LIBRARY is the path of the library as seen from the folder of OUTPUT, or empty
where that is not known.
"""

import json
import sys

# LuaJIT takes no enumerator wider than this.
LEAST, MOST = -(2**31), 2**31 - 1


def declare(type_, name):
    """A type as C writes it, and a name of that type."""
    return f"{type_}{name}" if type_.endswith("*") else f"{type_} {name}"


def members(fields, indent):
    for field in fields:
        if field["type"] == "union":
            yield f"{indent}union {{"
            yield from members(field["fields"], indent + "  ")
            yield f"{indent}}} {field['name']};"
        else:
            count = f"[{field['count']}]" if "count" in field else ""
            yield f"{indent}{declare(field['type'], field['name'])}{count};"


def prototype(name, function):
    parameters = ", ".join(
        declare(p["type"], p["name"]) for p in function["parameters"]
    )
    result = declare(function["returns"]["type"], name)
    return f"{result}({parameters or 'void'})"


def declarations(manifest):
    for name, scalar in manifest["typedefs"].items():
        yield f"typedef {scalar} {name};"
    yield "enum {"
    for name, number in manifest["constants"].items():
        if not LEAST <= number <= MOST:
            sys.exit(f"cdef.py: {name} is {number}, which no enumerator can be")
        yield f"  {name} = {number},"
    yield "};"
    for name in manifest["handles"]:
        yield f"typedef struct {name} {name};"
    for name, struct in manifest["structs"].items():
        yield f"typedef struct {name} {{"
        yield from members(struct["fields"], "  ")
        yield f"}} {name};"
    for name, callback in manifest["callbacks"].items():
        yield f"typedef {prototype(f'(*{name})', callback)};"
    for name, function in manifest["functions"].items():
        yield f"{prototype(name, function)};"


def module(manifest, library):
    about = manifest["library"]
    soname = f"lib{about['name']}.so.{about['soversion']}"
    sizes = [
        f"    {name} = {struct['size']},"
        for name, struct in manifest["structs"].items()
    ]
    constants = manifest["constants"].items()
    return "\n".join(
        [
            "-- SPDX-License-Identifier: MIT",
            "-- Generated from polyshm-abi.json: do not edit.",
            "return {",
            f'  soname = "{soname}",',
            f'  library = "{library}",',
            f"  soversion = {about['soversion']},",
            "  constants = {",
            *(f"    {name} = {number}," for name, number in constants),
            "  },",
            "  sizes = {",
            *sizes,
            "  },",
            "  cdef = [[",
            *declarations(manifest),
            "]],",
            "}",
            "",
        ]
    )


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__.strip())
    with open(sys.argv[1], encoding="utf-8") as file:
        manifest = json.load(file)
    if manifest["format"] != 1:
        sys.exit(f"cdef.py: a manifest of format {manifest['format']}")
    with open(sys.argv[3], "w", encoding="utf-8") as file:
        file.write(module(manifest, sys.argv[2]))


if __name__ == "__main__":
    main()
