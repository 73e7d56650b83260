#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hold polyshm-abi.json against the C compiler and against the library.

Usage: check_manifest.py MANIFEST SYMBOLS_FILE LIBRARY INCLUDE_FOLDER COMPILER

A C program is made from the manifest that compiles only if every constant,
size, offset, type and prototype in it is the header's; it is compiled for
32-bit machines too, where the compiler can do that.
"""

import json
import re
import subprocess
import sys

from check_laws import check_exports, check_symbols, read_symbols

KEYS = {
    "format",
    "library",
    "constants",
    "typedefs",
    "handles",
    "structs",
    "callbacks",
    "functions",
}
SCALARS = {"int32_t", "uint32_t", "int64_t", "uint64_t", "double"}
POINTED = {"callback", "handle", "string", "bytes", "array", "struct", "address"}


# ------------------------------------------------------------------- meanings


def check_parameter(manifest, function, parameter):
    """What contradicts itself in a parameter."""
    names = {p["name"]: p for p in function["parameters"]}
    kind, direction = parameter["kind"], parameter["direction"]
    if kind not in POINTED | {"scalar"}:
        yield f"has the unknown kind {kind}"
    if direction not in ("in", "out", "inout"):
        yield f"has the unknown direction {direction}"
    plain = kind == "callback" or (kind == "scalar" and direction == "in")
    if "*" not in parameter["type"] and not plain:
        yield "is no pointer"
    if "*" in parameter["type"] and kind == "scalar" and direction == "in":
        yield "is a pointer"
    if parameter["type"].startswith("const ") and direction != "in":
        yield "cannot be written to"
    if kind in ("bytes", "array") and "length" not in parameter:
        yield "has no length"
    length = names.get(parameter.get("length"))
    if "length" in parameter:
        if length is None or length.get("length_of") != parameter["name"]:
            yield "has a length that is not its own"
    if "length_of" in parameter:
        if (
            names.get(parameter["length_of"], {}).get("length")
            != parameter["name"]
        ):
            yield "is the length of something else"
    yield from check_references(manifest, parameter)


def check_references(manifest, thing):
    """Whether what a parameter or result refers to is there, and is its type."""
    base = re.sub(r"\bconst\b|[* ]", "", thing["type"])
    for key, among in (
        ("handle", manifest["handles"]),
        ("struct", manifest["structs"]),
        ("scalar", SCALARS),
        ("callback", manifest["callbacks"]),
    ):
        if key not in thing:
            if thing["kind"] == key:
                yield f"does not say which {key}"
        elif thing[key] not in among:
            yield f"refers to {thing[key]}, which is no {key}"
        elif manifest["typedefs"].get(base, base) != thing[key]:
            yield f"is a {base} and no {thing[key]}"
    owned = thing["kind"] in ("handle", "address")
    if owned and "ownership" not in thing:
        yield "does not say whose it is"


def check_meanings(manifest):
    """What contradicts itself, as texts."""
    problems = []
    if set(manifest) != KEYS or manifest["format"] != 1:
        return [f"this is no manifest of format 1: {', '.join(manifest)}"]
    for name, function in [
        *manifest["functions"].items(),
        *manifest["callbacks"].items(),
    ]:
        for parameter in function["parameters"]:
            for problem in check_parameter(manifest, function, parameter):
                problems.append(f"{name}: {parameter['name']} {problem}")
        for problem in check_references(manifest, function["returns"]):
            problems.append(f"{name}: the result {problem}")
    for name, handle in manifest["handles"].items():
        free = manifest["functions"].get(handle["free"], {"parameters": []})
        taken = [p.get("handle") for p in free["parameters"]]
        ends = [p.get("ownership") for p in free["parameters"]]
        if taken != [name] or ends != ["released"]:
            problems.append(f"{handle['free']} does not free a {name}")
    return problems


# ------------------------------------------------------------------ the C side


def assertion(claim):
    return f'_Static_assert({claim}, "{claim}");\n'


def field_assertions(struct, path, fields, begin=0):
    for field in fields:
        name = f"{path}{field['name']}"
        member = f"(({struct} *)0)->{name}"
        yield assertion(
            f"offsetof({struct}, {name}) == {begin + field['offset']}"
        )
        if "size" in field:
            yield assertion(f"sizeof {member} == {field['size']}")
        if "fields" in field:
            offset = begin + field["offset"]
            yield from field_assertions(
                struct, name + ".", field["fields"], offset
            )
            continue
        count = f"[{field['count']}]" if "count" in field else ""
        known = f"p_{struct}_{name.replace('.', '_')}"
        yield f"void f{known}(void) {{\n"
        yield f"  {field['type']} (*const {known}){count} = &{member};\n"
        yield f"  (void){known};\n}}\n"


def covered(fields):
    """How many bytes the fields fill if nothing is left out."""
    return max(field["offset"] + field.get("size", 8) for field in fields)


def program(manifest):
    """A C program that compiles only if the manifest is the header's."""
    yield "#include <polyshm.h>\n#include <stddef.h>\n"
    for name, value in manifest["constants"].items():
        yield assertion(f"{name} == {value}")
    parts = ("MAJOR", "MINOR", "PATCH")
    for part, text in zip(parts, manifest["library"]["version"].split(".")):
        yield assertion(f"POLYSHM_VERSION_{part} == {text}")
    yield assertion(
        f"POLYSHM_VERSION_MAJOR == {manifest['library']['soversion']}"
    )
    for name, scalar in manifest["typedefs"].items():
        yield f"void t_{name}(void) {{ {name} *a = 0; {scalar} *b = a; (void)b; }}\n"
    for name, callback in manifest["callbacks"].items():
        types = ", ".join(p["type"] for p in callback["parameters"]) or "void"
        pointer = f"{callback['returns']['type']} (*b)({types})"
        yield f"void t_{name}({name} a) {{ {pointer} = a; (void)b; }}\n"
    for name, struct in manifest["structs"].items():
        yield assertion(f"sizeof({name}) == {struct['size']}")
        yield assertion(f"sizeof({name}) == {covered(struct['fields'])}")
        yield from field_assertions(name, "", struct["fields"])
    for name, function in manifest["functions"].items():
        types = ", ".join(p["type"] for p in function["parameters"]) or "void"
        result = function["returns"]["type"]
        yield f"{result} (*const f_{name})({types}) = {name};\n"
        # Declaring a function again is allowed if it is the same one.
        words = ", ".join(
            f"{p['type']} {p['name']}" for p in function["parameters"]
        )
        yield f"{result} {name}({words or 'void'});\n"


def compiles(compiler, include, source, *options):
    """None, or what the compiler says against it."""
    strict = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    command = [compiler, *strict, *options, f"-I{include}", "-fsyntax-only"]
    result = subprocess.run(
        [*command, "-x", "c", "-"],
        input=source, capture_output=True, text=True,
    )  # fmt: skip
    return None if result.returncode == 0 else result.stderr


def check_names(manifest, header):
    """Parameters are called what the header calls them, and nothing that the
    header has is missing. A C compiler does not tell."""
    for name, function in manifest["functions"].items():
        found = re.search(rf"\b{name}\(([^)]*)\)", header)
        declared = found[1] if found else ""
        names = [
            p.split()[-1].lstrip("*") for p in declared.split(",") if p.strip()
        ]
        told = [p["name"] for p in function["parameters"]]
        if names != (told or ["void"]):
            yield f"the parameters of {name} are called {names}, not {told}"
    constants = set(re.findall(r"\b(POLYSHM_\w+) =", header))
    for name in sorted(constants - set(manifest["constants"])):
        yield f"the constant {name} is missing"
    callbacks = set(re.findall(r"typedef [\w *]+\(\*(\w+)\)", header))
    for name in sorted(callbacks ^ set(manifest["callbacks"])):
        yield f"the callback {name} is on one side only"
    structs = set(re.findall(r"typedef struct (\w+) {", header))
    handles = set(re.findall(r"typedef struct (\w+) \w+;", header))
    for name in sorted(structs ^ set(manifest["structs"])):
        yield f"the struct {name} is on one side only"
    for name in sorted(handles ^ set(manifest["handles"])):
        yield f"the handle {name} is on one side only"


def check_compiler(manifest, include, compiler):
    with open(f"{include}/polyshm.h", encoding="utf-8") as file:
        header = re.sub(r"/\*.*?\*/", " ", file.read(), flags=re.S)
    problems = list(check_names(manifest, header))
    source = "".join(program(manifest))
    problem = compiles(compiler, include, source)
    problems += [problem] if problem else []
    if compiles(compiler, include, "#include <polyshm.h>\n", "-m32") is None:
        problem = compiles(compiler, include, source, "-m32")
        problems += [f"on 32 bits: {problem}"] if problem else []
    return problems


# ------------------------------------------------------------------------ main


def check(manifest, symbols, nm_text, include, compiler):
    """What is wrong with a manifest, as texts."""
    problems = check_meanings(manifest)
    if problems:
        return problems
    declared = list(manifest["functions"])
    problems += check_symbols(declared, symbols)
    problems += check_exports(sorted(declared), nm_text)
    return problems + check_compiler(manifest, include, compiler)


def load(path, symbols_path, library):
    """The manifest, the list of symbols, and what nm says of the library."""
    with open(path, encoding="utf-8") as file:
        manifest = json.load(file)
    symbols = [name for name, _ in read_symbols(symbols_path)]
    nm = subprocess.run(
        ["nm", "-D", "--defined-only", "--with-symbol-versions", library],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return manifest, symbols, nm.stdout


def main():
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    path, symbols_path, library, include, compiler = sys.argv[1:]
    loaded = load(path, symbols_path, library)
    problems = check(*loaded, include, compiler)
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(loaded[0]['functions'])} functions are the library's")


if __name__ == "__main__":
    main()
