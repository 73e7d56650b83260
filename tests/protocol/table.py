#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turn vectors.json into tables in C.

Usage: table.py OUTPUT

The vectors are what stock Pythons say to each other: what they answer to
challenges, how they frame messages, and their requests and replies.
"""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = """\
/* SPDX-License-Identifier: MIT */
/* Made by protocol/table.py; the types are those of vectors.h. */
"""


def text(data):
    """A C string literal, split so that no digit joins an escape."""
    return '"' + '" "'.join(f"\\x{byte:02x}" for byte in data) + '"'


def field(data):
    return f"{text(data)}, {len(data)}"


def main(output):
    with open(os.path.join(HERE, "vectors.json"), encoding="utf-8") as file:
        vectors = json.load(file)
    lines = [HEAD, "static const vector_auth vectors_auth[] = {"]
    for one in vectors["auth"]:
        names = ("key", "challenge_without_prefix", "legacy_md5_response",
                 "modern_response")  # fmt: skip
        fields = (field(bytes.fromhex(one[name])) for name in names)
        lines.append(f"  {{{', '.join(fields)}}},")
    lines += ["};", "static const vector_frame vectors_frame[] = {"]
    for one in vectors["frame"]:
        header = bytes.fromhex(one["header"])
        lines.append(f"  {{UINT64_C({one['payload_len']}), {field(header)}}},")
    lines += ["};", "static const vector_pickle vectors_pickle[] = {"]
    for python, messages in vectors["pickle"].items():
        for name, digits in messages.items():
            if not digits.endswith("..."):
                data = bytes.fromhex(digits)
                lines.append(f'  {{"{python}", "{name}", {field(data)}}},')
    lines.append("};\n")
    with open(output, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1])
