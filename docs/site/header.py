# SPDX-License-Identifier: MIT
"""Writes polyshm.h as Doxygen reads it: header.py HEADER MANIFEST OUTPUT.

The header has plain comments and five laws in place of tags. What the laws say
of each parameter and result is put into Doxygen's words here, from the manifest
(polyshm-abi.json) and from failures.txt, and each part of the header becomes a
group. A function without a comment, with a parameter that nothing is known of,
or without its failures, is an error.
"""

import json
import os
import re
import sys

# Names of parameters are part of the ABI: one name, one meaning.
PARAMETERS = {
    "address": 'where the manager listens: "unix:/path", "unix:@name" or'
    ' "tcp:host:port"',
    "authkey": "what both sides must know",
    "buffer": "the caller's, is filled",
    "bytes": "what is copied",
    "capacity": "how much `buffer` holds, in bytes",
    "count": "how many slots",
    "delta": "what is added, which may be negative",
    "desired": "the new value",
    "expected": "the value that is to be replaced",
    "first": "index of the first slot, from 0",
    "flags": "see above; 0 for none",
    "fn": "the function that is called back",
    "free_userdata": "called with `userdata` when it is not needed any more;"
    " NULL for nothing",
    "index": "of the slot, from 0",
    "name": "UTF-8, at most POLYSHM_NAME_MAX bytes",
    "nauthkey": "its size in bytes",
    "nbytes": "their number",
    "nvalues": "their number",
    "offset": "in the block, in bytes, from 0",
    "options": "NULL for all defaults",
    "out_address": "is set to the address, borrowed",
    "out_after": "is set to the sum",
    "out_before": "is set to the value that was there",
    "out_capacity": "is set to that number of bytes",
    "out_count": "is set to their number",
    "out_event": "is filled; the caller sets its struct_size",
    "out_index": "is set to the slot's index",
    "out_info": "is filled; the caller sets its struct_size",
    "out_recovered": "is set to 1 if the last holder died with it, else 0",
    "out_removed": "is set to their number",
    "out_size": "is set to the size in bytes",
    "out_type": "is set to the type, a POLYSHM_TYPE_",
    "out_userdata": "is set to it, borrowed",
    "out_value": "is set to the value; what it points to is in the caller's"
    " buffer, or borrowed",
    "out_values": "the caller's, with room for `count` values",
    "out_version": "is set to the version",
    "path": "of the shared library; NULL is the program with those it was started with",
    "pids": "the caller's, is filled with ids of processes",
    "seen": "the version that is no news",
    "signature": "see the type polyshm_function",
    "size": "of a new block, in bytes",
    "start": "index of the first slot to look at, from 0",
    "status": "any status",
    "symbol": "its name in the library",
    "timeout": "nanoseconds; 0 does not sleep, POLYSHM_FOREVER has no end",
    "userdata": "handed to the callback, borrowed",
    "value": "what is stored or looked for; it is copied",
    "values": "what is handed over; they are copied",
}

# Where a name means something else.
EXCEPTIONS = {
    ("polyshm_function_at", "address"): "of the function",
    ("polyshm_server_open", "address"): "where to listen; NULL makes a fresh"
    " socket",
    ("polyshm_manager_serve", "address"): "where to listen; NULL makes a fresh"
    " socket",
    ("polyshm_manager_start", "address"): "where it is to listen; NULL makes a"
    " fresh socket",
    ("polyshm_holders", "capacity"): "how many `pids` has room for",
    ("polyshm_block_read", "capacity"): "how many bytes are copied",
    ("polyshm_function_parameter", "index"): "of the value in a call, from 0",
}

RESULTS = {
    "string": "a string that is borrowed",
    "handle": "a handle that is borrowed",
    "scalar": "the number",
}


def parameter_text(function, parameter):
    name = parameter["name"]
    if parameter["kind"] == "handle":
        handle = parameter["handle"]
        if parameter["ownership"] == "new":
            return f"is set to a handle that is the caller's: {handle}_free()"
        if parameter["ownership"] == "released":
            return "given back; NULL does nothing"
        return "borrowed"
    known = EXCEPTIONS.get((function, name)) or PARAMETERS.get(name)
    if not known:
        raise SystemExit(f"header.py: {function}: what is '{name}'?")
    return known


def read_failures():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "failures.txt")
    with open(path, encoding="utf-8") as file:
        rows = [line.split() for line in file if not line.startswith("#")]
    return {"polyshm_" + row[0]: row[1:] for row in rows if row}


FAILURES = read_failures()
# What any may answer: docs/reference/c.md says so.
COMMON = {"INVALID", "MEMORY", "OS", "CLOSED", "UNSUPPORTED"}
# Their comments tell what other calls answer.
OF_ANOTHER = {
    "polyshm_function_guard",
    "polyshm_list_capacity",
    "polyshm_scan_open",
}


def status_text(function, words):
    """Of the result; and the header does not know of more failures."""
    if function not in FAILURES:
        raise SystemExit(f"header.py: {function}: how does it fail?")
    names = FAILURES[function]
    told = set(re.findall(r"POLYSHM_E_(\w+)", " ".join(words)))
    if function not in OF_ANOTHER and not told <= COMMON | set(names):
        raise SystemExit(f"header.py: {function}: failures.txt lacks one of {told}")
    if names == ["-"]:
        return "POLYSHM_OK, or what any function may answer"
    listed = ", ".join("POLYSHM_E_" + name for name in names)
    return f"POLYSHM_OK, {listed}, or what any function may answer"


def tags_of(function, about, words):
    lines = []
    for parameter in about["parameters"]:
        direction = {"in": "in", "out": "out", "inout": "in,out"}
        lines.append(
            "\\param[{}] {} {}".format(
                direction[parameter["direction"]],
                parameter["name"],
                escape(parameter_text(function, parameter)),
            )
        )
    kind = about["returns"]["kind"]
    if kind == "status":
        lines.append(f"\\return {status_text(function, words)}")
    elif kind != "nothing":
        lines.append(f"\\return {RESULTS[kind]}")
    return lines


def escape(text):
    text = re.sub(r"([\\@&$#<>%\"])", r"\\\1", text)
    return re.sub(r"`(\w+)`", r"\\c \1", text)


def words_of(comment):
    """The comment's text: tables and signatures stay as they are."""
    lines = [
        re.sub(r"^ \* ?", "", line)
        for line in comment.strip()[2:-2].strip().split("\n")
    ]
    out, inside = [], False
    for line in lines:
        if line.startswith("  ") != inside:
            inside = not inside
            out.append("\\verbatim" if inside else "\\endverbatim")
        out.append(line if inside else escape(line))
    if inside:
        out.append("\\endverbatim")
    return out


def doxygen(lines):
    """A comment. What is verbatim would keep an asterisk in front."""
    out, inside = ["/**\n"], False
    for line in lines:
        out.append((line if inside else " * " + line).rstrip() + "\n")
        inside = line != "\\endverbatim" and (inside or line == "\\verbatim")
    return "".join(out) + " */\n"


DECLARATION = re.compile(
    r"^(?:polyshm_\w+|const char \*|void|u?int\d+_t|typedef \w+)"
    r"[\s*]*\(?\*?(polyshm_\w+)\)?\([^;]*;",
    re.M,
)


def convert(header, functions):
    header = header[: header.rindex("#ifdef __cplusplus")]
    parts = re.split(r"/\* -{3,} ([\w ]+) \*/\n", header)
    out, seen = ["#include <stdint.h>\n\n"], set()
    for title, text in zip(parts[1::2], parts[2::2]):
        group = title.replace(" ", "_")
        out.append(f"/** \\defgroup {group} {title.capitalize()}\n @{{ */\n")
        out.append(convert_part(text, functions, seen))
        out.append("/** @} */\n")
    for name, failures in FAILURES.items():
        unknown = {f for f in failures if f"POLYSHM_E_{f} =" not in header} - {"-"}
        if name not in functions or unknown:
            raise SystemExit(f"header.py: failures.txt: {name} {unknown}")
    missing = sorted(set(functions) - seen)
    if missing:
        raise SystemExit(f"header.py: no comment: {', '.join(missing)}")
    return "".join(out)


def convert_part(text, functions, seen):
    """Paragraphs are a comment and what it is about, or either alone."""
    out, loose = [], []
    for paragraph in re.split(r"\n{2,}", text.strip("\n")):
        match = re.match(r"(/\*.*?\*/)\n?(.*)", paragraph, re.S)
        comment, code = match.groups() if match else ("", paragraph)
        words = words_of(comment) if comment else []
        if not code:  # goes with what comes next
            loose += words + [""]
            continue
        words, loose = loose + words, []
        # Of members: above them, or behind them.
        code = re.sub(r"^( *)/\* ", r"\1/** ", code, flags=re.M)
        code = re.sub(r"(\S.*)/\* ", r"\1/**< ", code)
        found = [m for m in DECLARATION.finditer(code) if m[1] in functions]
        if not found:
            out.append((doxygen(words) if words else "") + code + "\n\n")
            continue
        if not words:
            raise SystemExit(f"header.py: no comment: {found[0][1]}")
        # Functions that stand together share their comment.
        for match in found:
            tags = tags_of(match[1], functions[match[1]], words)
            out.append(doxygen([*words, "", *tags]) + match[0] + "\n\n")
            seen.add(match[1])
        rest = DECLARATION.sub("", code).strip()
        if rest:
            raise SystemExit(f"header.py: what is this?\n{rest}")
    return "".join(out)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        header = file.read()
    with open(sys.argv[2], encoding="utf-8") as file:
        functions = json.load(file)["functions"]
    text = convert(header, functions)
    with open(sys.argv[3], "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
