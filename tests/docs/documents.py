# SPDX-License-Identifier: MIT
"""Runs the blocks of a document, in their order. A comment right above a block
says what it is:

    <!-- examples/visits/visits.py -->  that file's text, less its first line
    <!-- continued -->    goes on where the last block of its language ended
    <!-- save as NAME --> a file that sessions after it use
    <!-- luajit -->       Lua for LuaJIT
    <!-- needs MODULE --> Python that is run where that module is
    <!-- not run: WHY --> not run

Without one, a block is a program of its own (c, lua, python), commands (sh) or
commands with what they print (console). Blocks without a language, or of text,
are no programs, nor are Sphinx's directives.
"""

import importlib.util
import os
import re

from markdown import blocks_of
from programs import MARKS, Failure

NO_PROGRAMS = {"", "text"}
LANGUAGES = {"c", "lua", "python", "sh", "console"}


class Document:
    def __init__(self, text, source, runner):
        self.blocks = blocks_of(text)
        self.source = source
        self.runner = runner
        self.saved = {}  # file: the line of its block, until it was used
        self.count = 0  # of what was run
        self.excused = 0
        self.without = set()  # what is missing here

    def problems(self):
        """What is wrong, one text each."""
        found = []
        for unit in self.units():
            line = unit[0].line
            try:
                self.run(unit)
            except Failure as problem:
                found.append(f"line {line}: {problem}")
        for name, line in self.saved.items():
            found.append(f"line {line}: nothing uses {name}")
        return found

    def units(self):
        """Blocks that are one program, in the order of the first of each."""
        units, last = [], {}
        for block in self.blocks:
            if block.mark == "continued" and block.language in last:
                last[block.language].append(block)
                continue
            units.append([block])
            if block.mark == "" or block.mark.startswith("needs "):
                last[block.language] = units[-1]
        return units

    def run(self, unit):
        block, text = unit[0], "".join(block.text for block in unit)
        verb, _, rest = block.mark.partition(" ")
        language = block.language
        if block.mark.startswith("not run: "):
            self.excused += 1
        elif block.mark.startswith("save as "):
            self.save(block, rest.removeprefix("as "))
        elif language in NO_PROGRAMS or language.startswith("{"):
            pass
        elif language not in LANGUAGES:
            raise Failure(f"nothing runs a block of '{language}'")
        elif "/" in block.mark and not rest:
            self.same(block)
        elif verb == "needs" and language == "python":
            if importlib.util.find_spec(rest):
                self.program(language, text)
            else:
                self.without.add(rest)
        elif block.mark == "luajit" and language == "lua":
            if os.path.exists(self.runner.find("luajit")):
                self.program("luajit", text)
            else:
                self.without.add("luajit")
        elif block.mark:
            raise Failure(f"the comment above it says '{block.mark}'")
        else:
            self.program(language, text)

    def program(self, language, text):
        self.count += 1
        if language in MARKS:
            return self.runner.program(language, text)
        for name in list(self.saved):
            if re.search(rf"\b{re.escape(name)}\b", text):
                del self.saved[name]
        if language == "sh":
            return self.runner.script(text)
        return self.runner.session(text)

    def save(self, block, name):
        if not re.fullmatch(r"[\w.-]+", name):
            raise Failure(f"'{name}' is no name of a file")
        path = os.path.join(self.runner.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(block.text)
        self.saved[name] = block.line

    def same(self, block):
        path = os.path.join(self.source, block.mark)
        if not os.path.isfile(path):
            raise Failure(f"there is no {block.mark}")
        with open(path, encoding="utf-8") as file:
            # All but the licence line, which a page need not repeat.
            text = file.read().partition("\n")[2]
        if text != block.text:
            raise Failure(f"it is not what {block.mark} has")
        self.count += 1
