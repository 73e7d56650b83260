#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The completions of bash, zsh and fish: each in its shell, if it is there."""

import os
import re
import shutil
import subprocess
import tempfile

from support import TOOLS, CommandCase, main, programs

FOLDER = os.path.join(TOOLS, "completion")
COMMANDS = ["ls", "show", "set", "rm", "gc", "watch", "serve", "doctor",
            "version"]  # fmt: skip
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")

BASH = """
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_polyshm
((${#COMPREPLY[@]} == 0)) || printf '%s\\n' "${COMPREPLY[@]}"
"""


class Completion(CommandCase):
    def run_shell(self, shell, *words):
        if not shutil.which(shell):
            self.skipTest(f"there is no {shell}")
        folder = os.path.dirname(programs["polyshm"])
        with tempfile.TemporaryDirectory() as home:
            environment = {
                **os.environ,
                "PATH": f"{folder}:{os.environ['PATH']}",
                "HOME": home,
                "XDG_CONFIG_HOME": home,
                "LC_ALL": "C.UTF-8",
            }
            result = subprocess.run(
                [shell, *words],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
            )
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout.splitlines()

    def options_of(self, command):
        return set(OPTION.findall(self.polyshm(command, "--help")))

    def make_blocks(self):
        """One that can be completed, and one that must not be expanded."""
        self.maker("block", self.name + "-a", "1")
        self.maker("block", self.name + "-$(touch x)", "1")
        self.maker("block", self.name + "-\x1b", "1")


class Bash(Completion):
    def complete(self, *words):
        path = os.path.join(FOLDER, "polyshm.bash")
        return self.run_shell("bash", "-c", BASH, "-", path, "polyshm", *words)

    def test_commands(self):
        self.assertEqual(set(COMMANDS) - set(self.complete("")), set())
        self.assertEqual(self.complete("s"), ["show", "set", "serve"])

    def test_options(self):
        for command in COMMANDS:
            found = set(self.complete(command, "--"))
            self.assertEqual(found, self.options_of(command), command)

    def test_types(self):
        self.assertEqual(self.complete("show", "--as", "f"), ["f32", "f64"])

    def test_names(self):
        self.make_blocks()
        for command in ("ls", "show", "set", "rm", "watch"):
            found = self.complete(command, self.name)
            self.assertEqual(
                sorted(found),
                [self.name + "-\\$\\(touch\\ x\\)", self.name + "-a"],
            )
        self.assertEqual(self.complete("gc", self.name), [])


class Fish(Completion):
    def complete(self, *words):
        path = os.path.join(FOLDER, "polyshm.fish")
        line = " ".join(["polyshm", *words])
        found = self.run_shell(
            "fish", "--no-config", "-c",
            f"source {path}; complete --do-complete '{line}'",
        )  # fmt: skip
        return [line.split("\t")[0] for line in found]

    def test_commands(self):
        self.assertEqual(set(COMMANDS) - set(self.complete("")), set())

    def test_options(self):
        for command in COMMANDS:
            found = set(self.complete(command, "--"))
            self.assertEqual(found, self.options_of(command), command)

    def test_types(self):
        self.assertEqual(self.complete("show", "--as", "f"), ["f32", "f64"])

    def test_names(self):
        self.make_blocks()
        found = self.complete("show", self.name)
        self.assertEqual(len(found), 2)
        self.assertIn(self.name + "-a", found)


class Zsh(Completion):
    def test_syntax(self):
        self.run_shell("zsh", "-n", os.path.join(FOLDER, "_polyshm"))

    def test_has_every_option(self):
        with open(os.path.join(FOLDER, "_polyshm"), encoding="utf-8") as file:
            known = set(OPTION.findall(file.read().replace("{", " ").replace(",", " ")))
        for command in COMMANDS:
            self.assertEqual(self.options_of(command) - known, set(), command)


if __name__ == "__main__":
    main()
