# SPDX-License-Identifier: MIT
"""The site has everything: the C reference each function of the ABI with its
parameters, the Python one each public name of the stubs, the contents each
document: test_reference.py MANIFEST. (scripts/docs looks at the pages.)"""

import ast
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.environ["POLYSHM_SOURCE_DIR"]
MANIFEST = sys.argv.pop(1)


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as file:
        return file.read()


def convert(header, manifest=None):
    """What Doxygen reads, or what is wrong with the header."""
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/in.h", "w", encoding="utf-8") as file:
            file.write(header)
        path = MANIFEST
        if manifest:
            path = folder + "/manifest"
            with open(path, "w", encoding="utf-8") as file:
                file.write(manifest)
        result = subprocess.run(
            [sys.executable, os.path.join(SOURCE, "docs/site/header.py")]
            + [folder + "/in.h", path, folder + "/out.h"],
            stderr=subprocess.PIPE,
            text=True,
        )
        if result.returncode:
            return result.stderr
        with open(folder + "/out.h", encoding="utf-8") as file:
            return file.read()


class C(unittest.TestCase):
    def setUp(self):
        self.header = read("core", "include", "polyshm.h")

    def test_every_function(self):
        text = convert(self.header)
        with open(MANIFEST, encoding="utf-8") as file:
            functions = json.load(file)["functions"]
        symbols = read("core", "abi", "polyshm.symbols").split()
        self.assertEqual(sorted(functions), sorted(symbols))
        for name, about in functions.items():
            (words,) = re.findall(
                rf"/\*\*((?:(?!\*/).)*)\*/\n[\w *]+\b{name}\(", text, re.S
            )
            for parameter in about["parameters"]:
                self.assertRegex(words, rf"\] {parameter['name']} \w", name)
            wanted = about["returns"]["kind"] != "nothing"
            self.assertEqual("\\return" in words, wanted, name)
            self.assertRegex(words, r"^\n \* \S", name)

    def test_every_group(self):
        groups = re.findall(r"\\defgroup (\w+)", convert(self.header))
        shown = re.findall(
            r"\{doxygengroup\} (\w+)", read("docs", "reference", "c.md")
        )
        self.assertEqual(groups, shown)

    def test_what_is_missing(self):
        words = "/* Remove the name. "
        self.assertIn(
            "polyshm_unlink: failures.txt lacks one of {'RANGE'}",
            convert(self.header.replace(words, words + "POLYSHM_E_RANGE. ")),
        )
        words = "/* In bytes; 0 for a NULL handle. */\n"
        self.assertIn(
            "no comment: polyshm_block_size",
            convert(self.header.replace(words, "")),
        )
        with open(MANIFEST, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(
            "polyshm_list_add: what is 'dolto'?",
            convert(self.header, text.replace('"delta"', '"dolto"')),
        )


class Contents(unittest.TestCase):
    def test_every_document(self):
        found = []
        for folder in "", "docs/**/", "core/**/", "bindings/**/", "examples/**/":
            pattern = os.path.join(SOURCE, folder, "*.md")
            found += glob.glob(pattern, recursive=True)
        found = [os.path.relpath(path, SOURCE) for path in found]
        told = re.findall(r"^   /(.*)", read("docs", "site", "contents.rst"), re.M)
        self.assertEqual(sorted(found), sorted(name + ".md" for name in told))


def public(body):
    names = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            names.add(node.target.id)
    return {name for name in names if not name.startswith("_")}


class Python(unittest.TestCase):
    def test_every_name(self):
        page = read("docs", "reference", "python.md")
        folder = os.path.join(SOURCE, "bindings", "python", "polyshm")
        count = 0
        for module in "__init__", "managers", "native", "shared_memory", "core":
            tree = ast.parse(read(folder, module + ".pyi"))
            exported = {
                item.value
                for node in tree.body
                if isinstance(node, ast.Assign)
                if node.targets[0].id == "__all__"
                for item in node.value.elts
            }
            for name in exported:
                self.assertRegex(page, rf"polyshm\.([a-z]+\.)?{name}\n", name)
                count += 1
            for node in tree.body:
                if isinstance(node, ast.ClassDef) and (
                    node.name in exported or node.name in ("Lock", "BlockInfo")
                ):
                    count += self.members(page, node)
        self.assertGreater(count, 70)

    def members(self, page, node):
        shown = re.search(
            rf":: polyshm\.([a-z]+\.)?{node.name}\n   :members: (.*)\n", page
        )
        members = public(node.body) - {"path"}
        self.assertEqual(
            set(shown[2].split(", ")) if shown else None, members, node.name
        )
        return len(members)


if __name__ == "__main__":
    unittest.main()
