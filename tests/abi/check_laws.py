#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hold the public header against the laws of the API, and what it declares
against what the library exports.

Usage: check_laws.py HEADER SYMBOLS_FILE [LIBRARY]

The laws are in the header's opening and in core/README.md. With a library, its
dynamic symbols must be those of the file, and it must name every status.
"""
import collections
import ctypes
import keyword
import re
import subprocess
import sys

Function = collections.namedtuple("Function", "name returns parameters")
Parameter = collections.namedtuple("Parameter", "type name")
Header = collections.namedtuple(
    "Header", "functions structs enums handles typedefs callbacks macros other"
)

SCALARS = {"int32_t", "uint32_t", "int64_t", "uint64_t", "double"}

# The version of symbols whose line names none.
FIRST = "0.1"

# Names that one of the languages cannot use.
LUA = """and break do else elseif end false for function goto if in local nil not
or repeat return then true until while""".split()
CXX = """alignas alignof asm auto bool catch char16_t char32_t char8_t class
co_await co_return co_yield concept const_cast consteval constexpr constinit
decltype delete dynamic_cast explicit export friend inline mutable namespace new
noexcept nullptr operator private protected public reinterpret_cast requires
static_assert static_cast template this thread_local throw try typeid typename
using virtual wchar_t xor""".split()
RESERVED = {*keyword.kwlist, *LUA, *CXX}

# Parameters that mean something to the bindings come in these company.
PAIRS = {
    "bytes": "nbytes",
    "buffer": "capacity",
    "pids": "capacity",
    "values": "nvalues",
    "authkey": "nauthkey",
}

# Those of them that the callee fills, as far as the caller gave it room.
BUFFERS = {first for first, second in PAIRS.items() if second == "capacity"}

# What is handed on, and neither read nor written.
GIVEN = {*BUFFERS, "userdata"}

# A text in an info struct: so many bytes that what follows needs no padding.
TEXT = re.compile(r"char\[(\d+)\]")

# Only what cannot fail may answer nothing.
VOID_VERBS = {"free", "unpin"}


# --------------------------------------------------------------------- parsing


def strip_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


def parse_parameter(text):
    text = " ".join(text.split())
    array = re.fullmatch(r"(.*\S)\s+(\w+)\s*(\[.*\])", text)
    if array:
        return Parameter(array[1] + array[3].replace(" ", ""), array[2])
    match = re.fullmatch(r"(.*?[\s*])(\w+)", text)
    if not match:
        return Parameter(text, "")
    return Parameter(re.sub(r"\s*\*", " *", match[1]).strip(), match[2])


def parse_members(body):
    """The members of a struct, those of unions inside it too."""
    return [
        parse_parameter(member)
        for member in re.sub(r"union\s*{|}\s*\w+", ";", body).split(";")
        if member.strip()
    ]


def parse(text):
    text = strip_comments(text)
    macros = re.findall(r"^\s*#\s*define\s+(\w+\(?)", text, flags=re.M)
    text = re.sub(r"^\s*#.*$", "", text, flags=re.M)
    text = re.sub(r'extern\s+"C"\s*{', "", text)
    enums, structs, handles, typedefs, functions, other = {}, {}, [], {}, [], []
    callbacks = {}

    def enum(match):
        for entry in match[1].split(","):
            if entry.strip():
                name, _, value = entry.partition("=")
                enums[name.strip()] = value.strip()
        return ""

    text = re.sub(r"\benum\s*{([^}]*)}\s*;", enum, text)

    def struct(match):
        structs[match[3]] = parse_members(match[2])
        if match[1] != match[3]:
            other.append(f"struct {match[1]} is called {match[3]}")
        return ""

    text = re.sub(
        r"typedef\s+struct\s+(\w+)\s*{((?:[^{}]|{[^{}]*})*)}\s*(\w+)\s*;",
        struct,
        text,
    )
    for statement in text.split(";"):
        statement = " ".join(statement.split()).strip(" }")
        handle = re.fullmatch(r"typedef struct (\w+) (\w+)", statement)
        typedef = re.fullmatch(r"typedef (\w+) (\w+)", statement)
        callback = re.fullmatch(
            r"typedef (.+?) ?\(\*(\w+)\) ?\((.*)\)", statement
        )
        function = re.fullmatch(r"(.+?[\s*])(\w+) ?\((.*)\)", statement)
        if handle and handle[1] == handle[2]:
            handles.append(handle[1])
        elif typedef:
            typedefs[typedef[2]] = typedef[1]
        elif callback:
            parameters = [parse_parameter(p) for p in callback[3].split(",")]
            callbacks[callback[2]] = Function(callback[2], callback[1], parameters)
        elif function and not statement.startswith("typedef"):
            parameters = [parse_parameter(p) for p in function[3].split(",")]
            returns = re.sub(r"\s*\*", " *", function[1]).strip()
            functions.append(Function(function[2], returns, parameters))
        elif statement:
            other.append(statement)
    return Header(
        functions, structs, enums, handles, typedefs, callbacks, macros, other
    )


def value_of(text):
    """The number of an enumerator, which has to be written down."""
    if not re.fullmatch(r"-?\d+|1 << \d+", text):
        return None
    return eval(text, {"__builtins__": {}})


# ------------------------------------------------------------------------ laws


def base_of(type_):
    """A type without const and pointers, and how many pointers there were."""
    return re.sub(r"\bconst\b|\*", "", type_).strip(), type_.count("*")


def crosses(type_, header):
    """Whether a parameter, member or result may have this type."""
    base, pointers = base_of(type_)
    if base in header.handles:
        return pointers in (1, 2)
    if base in header.structs:
        return pointers == 1
    if base == "void":
        return pointers in (1, 2)
    if base == "char":
        return pointers == 1
    if base in header.callbacks:
        return pointers == 0
    return (base in SCALARS or base in header.typedefs) and pointers <= 1


def is_handle(type_, header):
    base, pointers = base_of(type_)
    return base in header.handles and pointers == 1


def is_written(type_):
    """Whether a callee can write through a parameter of this type."""
    return type_.endswith("*") and not type_.startswith("const")


def check_function(function, header):
    name, returns, parameters = function
    if parameters == [Parameter("void", "")]:
        parameters = []
    names = [p.name for p in parameters]

    if not re.fullmatch(r"polyshm_[a-z]+(_[a-z]+)*", name):
        yield "is not named polyshm_<noun>_<verb>"
    for parameter in parameters:
        if "..." in parameter.type or "(" in parameter.type:
            yield "has variable arguments or a callback without a type"
        elif not crosses(parameter.type, header):
            yield f"has a parameter of type {parameter.type}, which is no ABI type"
        if not parameter.name:
            yield "has a parameter without a name"
        elif parameter.name in RESERVED:
            yield f"has a parameter called {parameter.name}, a keyword"

    # Order: the handles, inputs, outputs.
    handles = [is_handle(p.type, header) for p in parameters]
    if handles != sorted(handles, reverse=True):
        parameter = parameters[len(handles) - 1 - handles[::-1].index(True)]
        yield f"has its handle {parameter.name} behind other parameters"
    outputs = [p.name.startswith("out_") for p in parameters]
    if outputs != sorted(outputs):
        yield "has inputs behind its outputs"
    for parameter in parameters:
        written = is_written(parameter.type) and parameter.name not in GIVEN
        if is_handle(parameter.type, header):
            written = False
        if written != parameter.name.startswith("out_"):
            yield f"has a parameter {parameter.name} that is not named as it is used"
    for i, parameter in enumerate(names):
        second = PAIRS.get(parameter)
        if second and names[i + 1 : i + 2] != [second]:
            yield f"has {parameter} without {second} behind it"
        firsts = [first for first, second in PAIRS.items() if second == parameter]
        if firsts and not (i > 0 and names[i - 1] in firsts):
            yield f"has {parameter} without {' or '.join(firsts)} before it"

    yield from check_userdata(function, header)

    # Errors: what can fail answers a status.
    if any(outputs) and returns != "polyshm_status":
        yield "has outputs but does not answer a polyshm_status"
    if returns == "void":
        if name.rsplit("_", 1)[1] not in VOID_VERBS:
            yield "answers nothing"
    elif returns not in {*SCALARS, "polyshm_status", "const char *"}:
        if not is_handle(returns, header):
            yield f"answers {returns}"

    # Ownership: what comes out of it can be given back.
    for parameter in parameters:
        base, pointers = base_of(parameter.type)
        if base in header.handles and pointers == 2:
            if f"{base}_free" not in {f.name for f in header.functions}:
                yield f"makes a {base}, which has no _free"


def check_userdata(function, header):
    """A callback comes with its userdata, which it gets as its last."""
    names = [p.name for p in function.parameters]
    for i, parameter in enumerate(function.parameters):
        if parameter.type not in header.callbacks:
            continue
        if not parameter.type.endswith("_fn"):
            yield f"has a callback of type {parameter.type}, not named _fn"
        neighbours = names[i + 1 : i + 2], names[max(i - 1, 0) : i]
        if not {"userdata", "out_userdata"} & {*neighbours[0], *neighbours[1]}:
            yield f"has a callback {parameter.name} without its userdata"
        last = header.callbacks[parameter.type].parameters[-1]
        if last != Parameter("void *", "userdata"):
            yield f"has a callback {parameter.name} whose last is no userdata"


def is_text(member, struct):
    """Whether this is a text, which only an info struct may hold."""
    size = TEXT.fullmatch(member.type)
    return struct.endswith("_info") and size and int(size[1]) % 8 == 0


def check_struct(name, members, header):
    if not name.startswith("polyshm_"):
        yield "is not named polyshm_<noun>"
    texts = [member for member in members if is_text(member, name)]
    for member in members:
        if member in texts:
            continue
        if not crosses(member.type, header) or base_of(member.type)[1] > 1:
            yield f"has a member {member.name} of type {member.type}"
    for member in members:
        if member.name in RESERVED:
            yield f"has a member called {member.name}, a keyword"
    if name.endswith(("_options", "_info", "_view")):
        if not members or members[0] != Parameter("uint64_t", "struct_size"):
            yield "does not begin with uint64_t struct_size"
        for member in members:
            base, pointers = base_of(member.type)
            if name.endswith("_view") and is_handle(member.type, header):
                continue
            if member not in texts and (base not in SCALARS or pointers):
                yield f"has a member {member.name} without a fixed width"
    elif name != "polyshm_value":
        yield "is neither options nor info nor a view nor the frozen value"


def check_enums(enums):
    for name, text in enums.items():
        value = value_of(text)
        if not re.fullmatch(r"POLYSHM(_[A-Z0-9]+)+", name):
            yield f"{name} is not named POLYSHM_<GROUP>_<NAME>"
        if value is None:
            yield f"{name} has no explicit value"
        elif not -(2**31) <= value < 2**31:
            yield f"{name} does not fit an int32_t"
    codes = {n: value_of(t) for n, t in enums.items() if "_E_" in n}
    if any(v is None or v >= 0 for v in codes.values()):
        yield "a status of failure is not below zero"
    if len(set(codes.values())) != len(codes):
        yield "two statuses have the same number"


def check_header(text):
    """What breaks a law, as texts."""
    header = parse(text)
    problems = [f"this is no declaration the laws know: {o}" for o in header.other]
    problems += [f"{m} is a macro" for m in header.macros if m != "POLYSHM_H"]
    for function in header.functions:
        problems += [f"{function.name} {p}" for p in check_function(function, header)]
    for name, members in header.structs.items():
        problems += [f"{name} {p}" for p in check_struct(name, members, header)]
    for name, base in header.typedefs.items():
        if base not in SCALARS or not name.startswith("polyshm_"):
            problems.append(f"{name} is {base}")
    problems += check_enums(header.enums)
    if "POLYSHM_OK" not in header.enums or not header.functions:
        problems.append("this is not polyshm's header")
    return problems


# --------------------------------------------------------------------- exports


def read_symbols(path):
    """(name, the version that brought it) of each line."""
    with open(path, encoding="utf-8") as file:
        lines = [line.split() for line in file]
    return [(words[0], (words[1:] or [FIRST])[0]) for words in lines]


def check_symbols(declared, listed):
    problems = []
    if listed != sorted(set(listed)):
        problems.append("the list of symbols is not sorted, or repeats itself")
    for name in sorted({*declared} - {*listed}):
        problems.append(f"{name} is declared, but not in the list of symbols")
    for name in sorted({*listed} - {*declared}):
        problems.append(f"{name} is in the list of symbols, but not declared")
    return problems


def parse_nm(text):
    """Names and version nodes that a library defines."""
    names = []
    for line in text.splitlines():
        name, _, version = line.split()[-1].partition("@@")
        kind = line.split()[-2]
        if kind != "A":  # the version node itself
            names.append((name, version))
    return names


def is_instrumentation(name):
    return name.startswith(("__asan_", "__odr_asan", "__tsan", "__gcov", "mangle_path"))


def check_exports(listed, nm_text):
    exported = [(n, v) for n, v in parse_nm(nm_text) if not is_instrumentation(n)]
    problems = check_symbols(listed, sorted(n for n, _ in exported))
    problems = [p.replace("declared", "promised") for p in problems]
    problems = [p.replace("the list of symbols", "the library") for p in problems]
    for name, version in exported:
        if not version.startswith("POLYSHM_"):
            problems.append(f"{name} has no version, or an odd one: {version!r}")
    return problems


def check_nodes(versions, nm_text):
    """Each symbol stays in the node of the version that brought it."""
    return [
        f"{name} is in the node {node}, not POLYSHM_{versions[name]}"
        for name, node in parse_nm(nm_text)
        if name in versions and node != f"POLYSHM_{versions[name]}"
    ]


def check_status_names(enums, name_of):
    """Each status is called what the header calls it."""
    problems = []
    for name, text in enums.items():
        if "_E_" in name or name == "POLYSHM_OK":
            told = name_of(value_of(text))
            if told != name:
                problems.append(f"{name} is called {told!r}")
    return problems


def load_status_name(library):
    function = ctypes.CDLL(library).polyshm_status_name
    function.restype = ctypes.c_char_p
    function.argtypes = [ctypes.c_int32]
    return lambda status: function(status).decode()


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        text = file.read()
    symbols = read_symbols(sys.argv[2])
    listed = [name for name, _ in symbols]
    header = parse(text)
    problems = check_header(text)
    problems += check_symbols([f.name for f in header.functions], listed)
    if len(sys.argv) == 4:
        nm = subprocess.run(
            ["nm", "-D", "--defined-only", "--with-symbol-versions", sys.argv[3]],
            stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        problems += check_exports(listed, nm.stdout)
        problems += check_nodes(dict(symbols), nm.stdout)
        problems += check_status_names(header.enums, load_status_name(sys.argv[3]))
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(header.functions)} functions keep the laws")


if __name__ == "__main__":
    main()
