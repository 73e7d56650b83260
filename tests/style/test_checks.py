#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The checks of this folder can fail: each rule meets a file that breaks it."""
import os
import tempfile
import unittest

import check_floors

FILES = {
    "polyshm.h", "base/error.h", "base/name.h", "os/os.h", "shm/block.h",
    "shm/slot.h", "hold/holders.h", "manage/scan.h", "call/function.h",
}  # fmt: skip

# A path in the core, its includes, and what must be said about them.
BAD_INCLUDES = [
    ("base/name.c", ["base/name.h", "os/os.h"], "not below it"),
    ("base/name.h", ["polyshm.h", "shm/slot.h"], "not below it"),
    ("os/linux/map.c", ["os/os.h", "shm/block.h"], "not below it"),
    ("os/linux/map.c", ["os/os.h", "hold/holders.h"], "not below it"),
    ("shm/slot.c", ["shm/slot.h", "manage/scan.h"], "not below it"),
    ("hold/holders.c", ["hold/holders.h", "shm/slot.h"], "not below it"),
    ("manage/scan.c", ["manage/scan.h", "call/function.h"], "not below it"),
    ("call/function.c", ["call/function.h", "manage/scan.h"], "not below it"),
    ("base/name.c", ["base/name.h", "error.h"], "not below it"),
    ("shm/slot.c", ["shm/slot.h", "base/nothing.h"], "not a path"),
    ("shm/slot.c", ["base/error.h", "shm/slot.h"], "first include"),
    ("shm/slot.c", ["polyshm.h", "shm/slot.h"], "first include"),
    ("shm/list.c", ["shm/slot.h"], "first include is not polyshm.h"),
    ("os/linux/map.c", ["base/error.h"], "first include is not os/os.h"),
    ("shm/slot.c", [], "first include"),
    ("shm/slot.c", ["shm/slot.h", "base/error.h", "os/os.h"], "from below"),
    ("shm/slot.c", ["shm/slot.h", "<string.h>", "base/error.h"], "standard header"),
    ("shm/slot.c", ["shm/slot.h", "<sys/mman.h>"], "system header"),
    ("base/name.c", ["base/name.h", "<unistd.h>"], "system header"),
    ("base/name.c", ["base/name.h", "<windows.h>"], "system header"),
    ("shm/slot.c", ["shm/slot.h", "<ffi.h>"], "system header"),
    ("shm/slot.c", ["shm/slot.h", "<polyshm.h>"], "in quotes"),
    ("include/polyshm.h", ["<stddef.h>"], "public header includes"),
    ("include/polyshm.h", ["base/error.h"], "public header includes"),
]
GOOD_INCLUDES = [
    ("base/name.c", ["base/name.h", "base/error.h", "<errno.h>", "<string.h>"]),
    ("base/name.h", ["polyshm.h"]),
    ("os/linux/map.c", ["os/os.h", "base/error.h", "<sys/mman.h>"]),
    ("shm/list.c", ["polyshm.h", "shm/block.h", "os/os.h", "base/error.h"]),
    ("shm/slot.c", ["shm/slot.h", "shm/block.h", "base/error.h", "<stdbool.h>"]),
    ("call/function.c", ["call/function.h", "shm/slot.h", "<ffi.h>"]),
    ("include/polyshm.h", ["<stdint.h>"]),
]
HEAD = b"/* SPDX-License-Identifier: MIT */\n"
BAD_TEXTS = [
    (b"int a;\n", "license"),
    (b"\n\n\n" + HEAD, "license"),
    (HEAD + b"int\ta;\n", "line 2 has a tab"),
    (HEAD + b"int a; \n", "line 2 ends in blanks"),
    (HEAD + b"int a;\r\n", "CR"),
    (HEAD + b"int a;", "newline"),
    (HEAD + b"int a;\n\n", "newline"),
    (HEAD + b"/* \xff */\n", "UTF-8"),
    (HEAD + b"/* " + 78 * b"x" + b"\n", "line 2 has 81 columns"),
]


def source(includes):
    lines = [f"#include {i}" if i[0] == "<" else f'#include "{i}"' for i in includes]
    return HEAD.decode() + "".join(f"{line}\n" for line in lines)


def check_core(path, text):
    return list(check_floors.check_core(path, text, FILES.__contains__))


class Floors(unittest.TestCase):
    def test_good_includes_pass(self):
        for path, includes in GOOD_INCLUDES:
            with self.subTest(path, includes=includes):
                self.assertEqual(check_core(path, source(includes)), [])

    def test_each_rule_can_be_broken(self):
        for path, includes, expected in BAD_INCLUDES:
            with self.subTest(path, includes=includes):
                problems = check_core(path, source(includes))
                self.assertIn(expected, "\n".join(problems))

    def test_systems_differ_in_os_only(self):
        text = source(["shm/slot.h"]) + "#ifdef _WIN32\n#endif\n"
        self.assertIn("belongs into os/", "\n".join(check_core("shm/slot.c", text)))
        text = source(["os/os.h"]) + "#ifdef __linux__\n#endif\n"
        self.assertEqual(check_core("os/linux/map.c", text), [])

    def test_odd_spellings_of_include_are_seen(self):
        for line in ('#  include "os/os.h"', '\t#include\t"os/os.h"'):
            text = source(["base/name.h"]) + line + "\n"
            self.assertNotEqual(check_core("base/name.c", text), [])

    def test_private_headers_are_private(self):
        for text, count in [
            ("#include <polyshm.h>\n#include <stdio.h>\n", 0),
            ('#include "swig/lua/value.h"\n', 0),
            ('#include "shm/block.h"\n', 1),
            ("#include <base/error.h>\n", 1),
        ]:
            problems = list(check_floors.check_public_only(text, []))
            self.assertEqual(len(problems), count, text)


class Text(unittest.TestCase):
    def test_each_rule_can_be_broken(self):
        good = HEAD + b"/* " + 74 * b"x" + b" */\n"
        self.assertEqual(list(check_floors.check_text("a.c", good)), [])
        for data, expected in BAD_TEXTS:
            with self.subTest(data):
                problems = "\n".join(check_floors.check_text("a.c", data))
                self.assertIn(expected, problems)

    def test_what_is_a_source(self):
        for path, data, expected in [
            ("a.c", b"", True),
            ("tests/CMakeLists.txt", b"", True),
            ("scripts/demo", b"#!/bin/sh\n", True),
            ("LICENSE", b"MIT\n", False),
            ("README.md", b"", False),
            ("tests/golden/ints.bin", b"\0", False),
        ]:
            self.assertEqual(check_floors.is_source(path, data), expected, path)


class Tree(unittest.TestCase):
    def test_all_of_a_tree_is_looked_at(self):
        with tempfile.TemporaryDirectory() as root:
            for path, text in [
                ("core/base/name.c", source(["base/name.h", "os/os.h"])),
                ("core/base/name.h", source([])),
                ("core/os/os.h", source([])),
                ("examples/a.c", source(["base/name.h"])),
                ("scripts/run", "#!/bin/sh\n"),
                ("build/dev/generated.c", "\t"),
                ("other/CMakeCache.txt", ""),
                ("other/sub/generated.c", "\t"),
            ]:
                path = os.path.join(root, path)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            count, problems = check_floors.check_tree(root)
        self.assertEqual(count, 5)
        self.assertEqual(len(problems), 4, problems)


if __name__ == "__main__":
    unittest.main()
