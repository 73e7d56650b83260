#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write the module polyshm.ffi.abi from the ABI manifest.

Usage: generate_abi.py MANIFEST MODULE [FOLDER...]

The folders are where the library may be, seen from the package. The module has
constants, structs and prototypes for ctypes; core/doc/abi.md describes what it
is made from.
"""

import json
import sys

FORMAT = 1

HEAD = '''\
# SPDX-License-Identifier: MIT
"""What polyshm.h declares, for ctypes. Generated from polyshm-abi.json by
bindings/python/generate_abi.py."""

import ctypes as c

'''


def scalar(name):
    return "c.c_" + {"double": "double"}.get(name, name[:-2])


def field_type(field, union_name):
    if field["type"] == "union":
        return union_name
    if "count" in field:
        return f"c.c_char * {field['count']}"
    if field["type"].endswith("*"):
        return "c.c_void_p"
    return scalar(field["type"])


def structure(name, base, fields):
    """The lines of a class; those of the unions in it come first."""
    lines = []
    for field in fields:
        if field["type"] == "union":
            union = f"{name}_{field['name']}"
            lines += structure(union, "Union", field["fields"])
    lines += [f"class {name}(c.{base}):", "    _fields_ = ["]
    for field in fields:
        type_ = field_type(field, f"{name}_{field['name']}")
        lines.append(f'        ("{field["name"]}", {type_}),')
    return [*lines, "    ]", "", ""]


def argument(parameter):
    """The ctypes type of a parameter."""
    kind = parameter["kind"]
    if kind == "scalar":
        plain = scalar(parameter["scalar"])
        return (
            plain if parameter["direction"] == "in" else f"c.POINTER({plain})"
        )
    if kind in ("handle", "address"):
        out = parameter["direction"] == "out"
        return "c.POINTER(c.c_void_p)" if out else "c.c_void_p"
    if kind == "string" and parameter["direction"] == "in":
        return "c.c_char_p"
    if kind in ("struct", "array"):
        pointed = parameter.get("struct") or scalar(parameter["scalar"])
        return f"c.POINTER({pointed})"
    return "c.c_void_p"


def result(returns):
    kind = returns["kind"]
    if kind in ("status", "scalar"):
        return scalar(returns["scalar"])
    return {"nothing": "None", "string": "c.c_char_p"}.get(kind, "c.c_void_p")


def text(manifest, folders):
    prefix = manifest["library"]["name"].upper() + "_"
    lines = [
        f"LIBRARY = {'lib' + manifest['library']['name'] + '.so'!r}",
        f"SOVERSION = {manifest['library']['soversion']}",
        f"VERSION = {manifest['library']['version']!r}",
        "",
        "# Where it may be, seen from the package.",
        f"FOLDERS = {folders!r}",
        "",
        "CONSTANTS = {",
    ]
    for name, value in manifest["constants"].items():
        lines.append(f'    "{name[len(prefix):]}": {value},')
    lines += ["}", "globals().update(CONSTANTS)", "", ""]
    for name, struct in manifest["structs"].items():
        lines += structure(name, "Structure", struct["fields"])
    lines.append("PROTOTYPES = {  # result, parameters")
    for name, function in manifest["functions"].items():
        lines.append(f'    "{name}": (')
        lines.append(f"        {result(function['returns'])},")
        arguments = [argument(p) for p in function["parameters"]]
        lines.append(f"        [{', '.join(arguments)}],")
        lines.append("    ),")
    lines.append("}")
    return HEAD + "\n".join(lines) + "\n"


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__.strip())
    with open(sys.argv[1], encoding="utf-8") as file:
        manifest = json.load(file)
    if manifest["format"] != FORMAT:
        sys.exit(f"generate_abi.py: no manifest of format {FORMAT}")
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(text(manifest, sys.argv[3:]))


if __name__ == "__main__":
    main()
