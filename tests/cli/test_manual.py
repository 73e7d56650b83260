#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The manual renders, and tells of all that the program knows."""

import glob
import json
import os
import re
import shutil
import subprocess

from support import SOURCES, TOOLS, CommandCase, main

COMMANDS = ["ls", "show", "set", "rm", "gc", "watch", "serve", "doctor",
            "version"]  # fmt: skip
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Manual(CommandCase):
    def setUp(self):
        super().setUp()
        self.pages = sorted(glob.glob(os.path.join(TOOLS, "man", "*.[0-9]")))

    def test_is_complete(self):
        sections = [page[-1] for page in self.pages]
        self.assertEqual(sections, ["1", "3", "7"])

    def check_with(self, *command):
        if not shutil.which(command[0]):
            self.skipTest(f"there is no {command[0]}")
        for page in self.pages:
            result = subprocess.run(
                [*command, page], capture_output=True, text=True
            )
            self.assertEqual((result.returncode, result.stdout), (0, ""))
            self.assertEqual(result.stderr, "")

    def test_mandoc_has_nothing_to_say(self):
        self.check_with("mandoc", "-T", "lint", "-W", "warning")

    def test_groff_has_nothing_to_say(self):
        self.check_with("groff", "-ww", "-mandoc", "-Tutf8", "-z")

    def test_has_every_option(self):
        source = read(os.path.join(TOOLS, "man", "polyshm.1"))
        for macro in ("Fl \\-", "\\-"):
            source = source.replace(macro, "--" if " " in macro else "-")
        source = source.replace("-" * 3, "-" * 2)
        sections = re.split(r"^\.Ss ", source.split(".Sh JSON")[0], flags=re.M)
        by_name = {part.split("\n", 1)[0]: part for part in sections}
        for command in COMMANDS:
            known = set(OPTION.findall(self.polyshm(command, "--help")))
            told = set(re.findall(r"--([a-z0-9-]+)", by_name[command]))
            for option in known - {"--help", "--json"}:
                self.assertIn(option[2:], told, command)

    def test_has_every_name_in_json(self):
        source = read(os.path.join(TOOLS, "man", "polyshm.1"))
        told = set(re.findall(r"\w+", source.split(".Sh JSON")[1]))
        self.maker("list", self.name, "i1")
        for words in (["ls", self.name], ["show", self.name], ["version"],
                      ["show", "--as", "hex", self.name], ["gc", "-n"],
                      ["watch", "--once", self.name], ["rm", self.name],
                      ):  # fmt: skip
            found = json.loads(self.polyshm(*words, "--json"))
            self.assertEqual(set(names_in(found)) - told, set(), words)

    def test_the_example_is_a_program(self):
        compiler = shutil.which(os.environ.get("CC", "cc"))
        if not compiler:
            self.skipTest("there is no compiler")
        page = read(os.path.join(TOOLS, "man", "polyshm.3"))
        program = page.split(".Bd -literal\n")[1].split(".Ed")[0]
        subprocess.run(
            [compiler, "-std=c11", "-Wall", "-Werror", "-fsyntax-only",
             "-I", os.path.join(SOURCES, "core/include"), "-x", "c", "-"],
            input=program.replace("\\e", "\\"), text=True, check=True,
        )  # fmt: skip

    def test_functions_exist(self):
        page = read(os.path.join(TOOLS, "man", "polyshm.3"))
        header = read(os.path.join(SOURCES, "core/include/polyshm.h"))
        told = set(re.findall(r"polyshm_\w+|POLYSHM_\w+", page))
        known = set(re.findall(r"\w+", header))
        self.assertEqual(told - known, set())


def names_in(found):
    """All names of members, at any depth."""
    if isinstance(found, list):
        for part in found:
            yield from names_in(part)
    elif isinstance(found, dict):
        yield from found
        for part in found.values():
            yield from names_in(part)


if __name__ == "__main__":
    main()
