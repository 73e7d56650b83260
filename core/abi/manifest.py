#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write the ABI manifest, polyshm-abi.json, from what SWIG read of polyshm.h.

Usage: manifest.py XML MANIFEST

XML is what `swig -xml` makes of the header. What the manifest says of kinds,
directions and ownership follows from the laws of the API alone: types and
names of parameters. No function is named here. abi.md describes the result.
"""

import json
import re
import sys
import xml.etree.ElementTree

FORMAT = 1

# The scalars that cross the ABI, and their bytes. Each is aligned to its size,
# and the header has no padding, so structs are the same on every machine.
SCALARS = {
    "int32_t": 4,
    "uint32_t": 4,
    "int64_t": 8,
    "uint64_t": 8,
    "double": 8,
}

# Pointers, and the parameters that count what they point to.
COUNTED = {
    "bytes": "nbytes",
    "buffer": "capacity",
    "pids": "capacity",
    "values": "nvalues",
    "authkey": "nauthkey",
    "out_values": "count",
}


class Refusal(Exception):
    """The header has something that the laws do not know."""


# ------------------------------------------------------------- what SWIG read


def attributes(node):
    found = node.find("attributelist")
    entries = [] if found is None else found.findall("attribute")
    return {entry.get("name"): entry.get("value") for entry in entries}


def spell(type_):
    """A type as C writes it: SWIG has its pointers and qualifiers in front."""
    words = re.findall(r"p\.|q\(\w+\)\.|[^.]+$", type_)
    if "".join(words) != type_:
        raise Refusal(f"a type {type_!r}")
    *operators, spelled = words
    for operator in reversed(operators):
        if operator == "p.":
            spelled = f"{spelled}*" if spelled[-1] == "*" else f"{spelled} *"
        else:
            spelled = f"{operator[2:-2]} {spelled}"
    return spelled


def number(text):
    """An enumerator's number: written down, as the laws want it."""
    match = re.fullmatch(r"(-?\d+)(?: << (\d+))?", text or "")
    if match is None:
        raise Refusal(f"a constant that is {text!r}")
    return int(match[1]) << int(match[2] or 0)


class Declarations:
    """What the header declares, in its order."""

    def __init__(self, root):
        self.constants = {}
        self.typedefs = {}
        self.opaque = []
        self.structs = {}  # and unions: {name: (kind, [(name, type, count)])}
        self.functions = {}  # {name: (type, [(name, type)])}
        self.callbacks = {}  # the same
        self.read(root)

    def read(self, node):
        for child in node:
            its = attributes(child)
            if child.tag == "enumitem":
                self.constants[its["name"]] = number(its.get("enumvalue"))
            elif child.tag == "class":
                members = [self.member(m) for m in child.findall("cdecl")]
                self.structs[its["name"]] = its["kind"], members
            elif child.tag == "cdecl" and its["kind"] == "function":
                self.functions[its["name"]] = self.prototype(child, its, "")
            elif child.tag == "cdecl" and its["decl"].startswith("p.f("):
                self.callbacks[its["name"]] = self.prototype(child, its, "p.")
            elif child.tag == "cdecl" and its["kind"] == "typedef":
                self.typedef(its)
            elif child.tag == "cdecl":
                raise Refusal(f"a variable {its['name']}")
            elif child.tag in ("include", "insert", "enum", "extern", "import"):
                self.read(child)
        self.opaque = [n for n in self.opaque if n not in self.structs]

    @staticmethod
    def member(node):
        its = attributes(node)
        array = re.fullmatch(r"(.*?)a\((\d+)\)\.", its["decl"])
        pointers = array[1] if array else its["decl"]
        count = int(array[2]) if array else None
        return its["name"], spell(pointers + its["type"]), count

    @staticmethod
    def prototype(node, its, prefix):
        result = re.fullmatch(prefix + r"f\(.*\)\.((?:p\.)*)", its["decl"])
        parameters = []
        for parameter in node.findall("attributelist/parmlist/parm"):
            of = attributes(parameter)
            if of["type"] != "void":
                parameters.append((of["name"], spell(of["type"])))
        return spell(result[1] + its["type"]), parameters

    def typedef(self, its):
        if its["type"] == f"struct {its['name']}":
            self.opaque.append(its["name"])
        else:
            self.typedefs[its["name"]] = spell(its["decl"] + its["type"])


# -------------------------------------------------------------------- the laws


class Laws:
    def __init__(self, declared):
        self.declared = declared

    def scalar(self, type_):
        """The plain scalar behind a type's name, or None."""
        plain = self.declared.typedefs.get(type_, type_)
        return plain if plain in SCALARS else None

    # ------------------------------------------------------------ structs

    def fields(self, kind, members):
        """The fields of a struct or union, and its size."""
        fields, size = [], 0
        for name, type_, count in members:
            field = {"name": name, "type": type_}
            nested = self.declared.structs.get(type_)
            if nested is not None:
                field["type"] = nested[0]
                field["fields"], width = self.fields(*nested)
            elif type_ == "char" and count:
                field["count"] = width = count
            elif kind == "union" and self.is_pointer(type_):
                width = None  # as wide as the machine's pointers
            elif self.scalar(type_) and not count:
                width = SCALARS[self.scalar(type_)]
            else:
                raise Refusal(f"a field {name} of type {type_}")
            field["offset"] = 0 if kind == "union" else size
            if field["offset"] % min(width or 8, 8):
                raise Refusal(f"padding before the field {name}")
            if width is not None:
                field["size"] = width
                size = max(size, field["offset"] + width)
            fields.append(field)
        if size % 8:
            raise Refusal(f"padding behind the field {fields[-1]['name']}")
        return fields, size

    def is_pointer(self, type_):
        return type_ == "const void *" or (
            type_.endswith(" *") and type_[:-2] in self.declared.opaque
        )

    def structs(self):
        nested = {
            type_
            for _, members in self.declared.structs.values()
            for _, type_, _ in members
        }
        found = {}
        for name, (kind, members) in self.declared.structs.items():
            if name not in nested:
                fields, size = self.fields(kind, members)
                found[name] = {"size": size, "fields": fields}
        return found

    # ------------------------------------------------------------ handles

    def handles(self):
        found = {}
        for name in self.declared.opaque:
            if f"{name}_free" not in self.declared.functions:
                raise Refusal(f"a handle {name} without {name}_free")
            found[name] = {"free": f"{name}_free"}
        return found

    # --------------------------------------------------------- parameters

    def parameter(self, function, name, type_, names):
        """What a parameter is, by its type and its name."""
        what = {"name": name, "type": type_}
        base = type_.replace("const ", "").rstrip("* ")
        depth = type_.count("*")
        constant = type_.startswith("const ")
        out = name.startswith("out_")
        what["direction"] = "out" if out else "in"
        if base in self.declared.opaque and depth == 2 and out:
            what.update(kind="handle", handle=base, ownership="new")
        elif base in self.declared.opaque and depth == 1 and not out:
            freed = function == f"{base}_free"
            what.update(kind="handle", handle=base)
            what["ownership"] = "released" if freed else "borrowed"
            what["nullable"] = freed
        elif name in COUNTED:
            if COUNTED[name] not in names:
                raise Refusal(f"{function} has {name} without {COUNTED[name]}")
            what.update(self.counted(base), length=COUNTED[name])
            what["direction"] = "in" if constant else "out"
        elif base in self.declared.structs and depth == 1 and out != constant:
            what.update(kind="struct", struct=base)
            if out and base.endswith("_info"):
                what["direction"] = "inout"  # its struct_size is the caller's
            elif not out:
                what["nullable"] = base.endswith("_options")
        elif type_ == "const char *" and not out:
            what["kind"] = "string"
        elif type_ == "void **" and out:
            what.update(kind="address", ownership="borrowed")
        elif type_ in ("void *", "const void *") and not out:
            what.update(kind="address", ownership="borrowed")
        elif type_ in self.declared.callbacks and not out:
            what.update(kind="callback", callback=type_)
        elif self.scalar(base) and depth == out and not constant:
            what.update(kind="scalar", scalar=self.scalar(base))
            counts = [n for n in names if COUNTED.get(n) == name]
            if counts:
                what["length_of"] = counts[0]
        else:
            raise Refusal(f"{function} has a parameter {name} of type {type_}")
        return what

    def counted(self, base):
        if base == "void":
            return {"kind": "bytes"}
        if base == "char":
            return {"kind": "string"}
        if base in self.declared.structs:
            return {"kind": "array", "struct": base}
        if self.scalar(base):
            return {"kind": "array", "scalar": self.scalar(base)}
        raise Refusal(f"an array of {base}")

    # ------------------------------------------------------------ results

    def result(self, function, type_, parameters):
        what = {"type": type_}
        base = type_.rstrip("* ")
        if type_ == "void":
            what["kind"] = "nothing"
        elif type_ == "polyshm_status":
            what.update(kind="status", scalar=self.scalar(type_))
        elif self.scalar(type_):
            what.update(kind="scalar", scalar=self.scalar(type_))
        elif type_ == "const char *":
            what.update(kind="string", ownership="borrowed")
        elif base in self.declared.opaque and type_ == f"{base} *":
            what.update(kind="handle", handle=base, ownership="borrowed")
        else:
            raise Refusal(f"{function} answers {type_}")
        lenders = [p["name"] for p in parameters if p["kind"] == "handle"]
        if "ownership" in what and lenders:
            what["lender"] = lenders[0]
        return what

    def prototypes(self, declared):
        found = {}
        for name, (type_, parameters) in declared.items():
            names = [n for n, _ in parameters]
            described = [
                self.parameter(name, n, t, names) for n, t in parameters
            ]
            found[name] = {
                "returns": self.result(name, type_, described),
                "parameters": described,
            }
        return found


def manifest(root):
    declared = Declarations(root)
    laws = Laws(declared)
    parts = ("MAJOR", "MINOR", "PATCH")
    version = [declared.constants[f"POLYSHM_VERSION_{part}"] for part in parts]
    return {
        "format": FORMAT,
        "library": {
            "name": "polyshm",
            "header": "polyshm.h",
            "soversion": version[0],
            "version": ".".join(map(str, version)),
        },
        "constants": declared.constants,
        "typedefs": declared.typedefs,
        "handles": laws.handles(),
        "structs": laws.structs(),
        "callbacks": laws.prototypes(declared.callbacks),
        "functions": laws.prototypes(declared.functions),
    }


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    try:
        found = manifest(xml.etree.ElementTree.parse(sys.argv[1]).getroot())
    except Refusal as refusal:
        sys.exit(f"manifest.py: the header has {refusal}")
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump(found, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
