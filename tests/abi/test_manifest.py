#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The check of the manifest can fail: each kind of mistake is found. And the
generator refuses what the laws do not know, instead of guessing.

Usage: test_manifest.py MANIFEST SYMBOLS_FILE LIBRARY INCLUDE_FOLDER COMPILER
                        GENERATOR SWIG
"""

import copy
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

import check_manifest

MANIFEST, SYMBOLS, LIBRARY, INCLUDE, COMPILER, GENERATOR, SWIG = sys.argv[1:]
del sys.argv[1:]

REMOVED = object()

# Where something is wrong, what is there instead, and what must be said of it.
WRONG = [
    ("format", 2, "no manifest of format 1"),
    ("library.version", "0.2.0", "VERSION_MINOR == 2"),
    ("library.soversion", 1, "VERSION_MAJOR == 1"),
    ("constants.POLYSHM_E_RANGE", -11, "POLYSHM_E_RANGE == -11"),
    ("constants.POLYSHM_E_ODD", -99, "POLYSHM_E_ODD"),
    (
        "constants.POLYSHM_FOREVER",
        REMOVED,
        "constant POLYSHM_FOREVER is missing",
    ),
    ("typedefs.polyshm_status", "uint32_t", "polyshm_status"),
    ("handles.polyshm_list", REMOVED, "which is no handle"),
    ("handles.polyshm_list.free", "polyshm_block_free", "does not free a"),
    ("handles.polyshm_list.free", "free", "does not free a polyshm_list"),
    ("structs.polyshm_info", REMOVED, "which is no struct"),
    ("structs.polyshm_value.size", 32, "sizeof(polyshm_value) == 32"),
    ("structs.polyshm_info.fields.1.count", 255, "polyshm_info_name"),
    ("structs.polyshm_info.fields.1.size", 255, "name == 255"),
    ("structs.polyshm_info.fields.2.offset", 256, "size) == 256"),
    ("structs.polyshm_info.fields.2.type", "int64_t", "polyshm_info_size"),
    ("structs.polyshm_info.fields.2.name", "bytes", "bytes"),
    ("structs.polyshm_list_options.fields.4", REMOVED, "_options) == 24"),
    (
        "structs.polyshm_value.fields.2.fields.1.type",
        "float",
        "polyshm_value_of_f",
    ),
    ("structs.polyshm_value.fields.2.fields.1.offset", 8, "of.f) == 16"),
    ("functions.polyshm_unlink", REMOVED, "polyshm_unlink"),
    ("functions.polyshm_gc.returns.type", "uint32_t", "polyshm_gc"),
    (
        "functions.polyshm_gc.parameters.0.type",
        "uint64_t",
        "is a uint64_t and no",
    ),
    ("functions.polyshm_gc.parameters.0.name", "options", "are called"),
    ("functions.polyshm_gc.parameters.0.scalar", "int32_t", "and no int32_t"),
    (
        "functions.polyshm_gc.parameters.0.scalar",
        REMOVED,
        "not say which scalar",
    ),
    ("functions.polyshm_gc.parameters.0.kind", "number", "unknown kind number"),
    (
        "functions.polyshm_gc.parameters.0.direction",
        "up",
        "unknown direction up",
    ),
    ("functions.polyshm_gc.parameters.0.direction", "out", "is no pointer"),
    ("functions.polyshm_gc.parameters.1.direction", "in", "is a pointer"),
    ("functions.polyshm_gc.parameters.1", REMOVED, "polyshm_gc"),
    (
        "functions.polyshm_block_write.parameters.2.length",
        REMOVED,
        "has no length",
    ),
    (
        "functions.polyshm_block_write.parameters.2.length",
        "offset",
        "not its own",
    ),
    (
        "functions.polyshm_block_write.parameters.2.direction",
        "out",
        "be written to",
    ),
    ("functions.polyshm_block_write.parameters.3.length_of", "offset", "else"),
    (
        "functions.polyshm_block_write.parameters.0.handle",
        "polyshm_list",
        "and no",
    ),
    (
        "functions.polyshm_block_write.parameters.0.ownership",
        REMOVED,
        "whose it is",
    ),
    ("functions.polyshm_list_block.returns.ownership", REMOVED, "whose it is"),
    (
        "functions.polyshm_inspect.parameters.1.struct",
        "polyshm_value",
        "and no",
    ),
]

# Declarations that the laws do not know, and what the generator says of them.
REFUSED = [
    ("int polyshm_odd(void);", "polyshm_odd answers int"),
    ("int32_t polyshm_odd(size_t n);", "n of type size_t"),
    ("int32_t polyshm_odd(uint64_t *numbers);", "numbers of type uint64_t *"),
    ("int32_t polyshm_odd(const void *bytes);", "without nbytes"),
    ("int32_t polyshm_odd(void (*call)(void));", "a type"),
    ("typedef struct polyshm_odd polyshm_odd;", "without polyshm_odd_free"),
    ("enum { POLYSHM_ODD };", "a constant that is None"),
    ("enum { POLYSHM_ODD = sizeof(int) };", "a constant that is 'sizeof(int)'"),
    (
        "struct polyshm_odd { int32_t a; int64_t b; };",
        "padding before the field b",
    ),
    (
        "struct polyshm_odd { int64_t a; int32_t b; };",
        "padding behind the field b",
    ),
    ("struct polyshm_odd { const void *a; };", "a of type const void *"),
    ("extern int32_t polyshm_odd;", "a variable polyshm_odd"),
]


def step(name):
    return int(name) if name.isdigit() else name


def change(manifest, path, value):
    *way, last = map(step, path.split("."))
    place = manifest
    for name in way:
        place = place[name]
    if value is REMOVED:
        del place[last]
    else:
        place[last] = value


class Wrong(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.loaded = check_manifest.load(MANIFEST, SYMBOLS, LIBRARY)

    def check(self, manifest, symbols=None, nm_text=None):
        _, its_symbols, its_nm = self.loaded
        problems = check_manifest.check(
            manifest,
            symbols or its_symbols,
            nm_text or its_nm,
            INCLUDE,
            COMPILER,
        )
        return "\n".join(problems)

    def test_what_was_built_is_right(self):
        self.assertEqual(self.check(self.loaded[0]), "")

    def test_each_mistake_is_found(self):
        for path, value, said in WRONG:
            with self.subTest(path=path):
                manifest = copy.deepcopy(self.loaded[0])
                change(manifest, path, value)
                self.assertIn(said, self.check(manifest))

    def test_symbols_must_agree(self):
        manifest, symbols, nm_text = self.loaded
        self.assertIn(symbols[0], self.check(manifest, symbols[1:]))
        more = nm_text + "0000000000001000 T polyshm_odd@@POLYSHM_0.1\n"
        self.assertIn("polyshm_odd", self.check(manifest, nm_text=more))
        lines = [n for n in nm_text.splitlines() if "polyshm_gc@" not in n]
        self.assertIn(
            "polyshm_gc", self.check(manifest, nm_text="\n".join(lines))
        )


class Generator(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        spec = importlib.util.spec_from_file_location("manifest", GENERATOR)
        cls.generator = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(cls.generator)
        with open(os.path.join(INCLUDE, "polyshm.h"), encoding="utf-8") as file:
            cls.header = file.read()

    def generate(self, more):
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "polyshm.h")
            with open(source, "w", encoding="utf-8") as file:
                file.write(self.header + more + "\n")
            tree = os.path.join(folder, "polyshm.xml")
            command = [SWIG, "-xml", "-module", "polyshm", "-o", tree, source]
            subprocess.run(command, check=True)
            root = xml.etree.ElementTree.parse(tree).getroot()
        return self.generator.manifest(root)

    def test_knows_the_header(self):
        self.assertEqual(
            self.generate(""),
            check_manifest.load(MANIFEST, SYMBOLS, LIBRARY)[0],
        )

    def test_refuses_what_it_does_not_know(self):
        for more, said in REFUSED:
            with self.subTest(more):
                with self.assertRaises(self.generator.Refusal) as caught:
                    self.generate(more)
                self.assertIn(said, str(caught.exception))


if __name__ == "__main__":
    unittest.main()
