# SPDX-License-Identifier: MIT
"""Runs what documents show: programs, files and shell sessions, in a folder of
each document's own, with this build in the place of what a reader installed."""

import os
import re
import shlex
import subprocess
import sys

MARKS = {"python": "#>", "lua": "-->", "luajit": "-->", "c": "//>"}
HEADERS = ("polyshm.h", "inttypes.h", "stdio.h", "stdlib.h", "string.h")
PATIENCE = 60  # seconds for one block, on a busy machine


class Failure(Exception):
    pass


def pattern_of(wanted):
    """Three dots stand for what a reader need not see."""
    return re.escape(wanted).replace(r"\.\.\.", ".*")


def compare(printed, wanted):
    """Lines with lines. A line of three dots alone stands for any number."""
    expression = "".join(
        r"(?:.*\n)*" if line.strip() == "..." else pattern_of(line) + r"\n"
        for line in wanted
    )
    text = "".join(line.rstrip() + "\n" for line in printed)
    if not re.fullmatch(expression, text):
        raise Failure(
            "it printed\n  " + "\n  ".join(printed or ["nothing"])
            + "\nand the document says\n  " + "\n  ".join(wanted or ["nothing"])
        )


def complete(text):
    """A fragment of C, in a main that has what it needs."""
    if re.search(r"^int main\(", text, re.M):
        return text
    includes = [f"#include <{header}>\n" for header in HEADERS]
    return "".join(includes) + f"int main(void) {{\n{text}}}\n"


class Runner:
    def __init__(self, folder, build, source, interpreters):
        self.folder = folder
        self.flags = [
            f"-I{source}/core/include", f"-L{build}/lib", "-lpolyshm"
        ]
        self.compiler = interpreters["cc"]
        self.luajit_path = interpreters.get("luajit_path", "")
        self.environment = dict(
            os.environ,
            TMPDIR=folder,
            LD_LIBRARY_PATH=f"{build}/lib",
            PKG_CONFIG_PATH=folder + "/.pc",
            PATH=os.pathsep.join(
                [folder + "/.bin", f"{build}/bin", os.environ["PATH"]]
            ),
            MANPATH=f"{build}/share/man:",
        )
        self.environment.pop("LD_PRELOAD", None)
        # As in the source's folder, after the build that documents speak of.
        os.makedirs(folder + "/build")
        os.symlink(build, folder + "/build/release")
        os.symlink(f"{source}/examples", folder + "/examples")
        self.install(interpreters)

    def install(self, interpreters):
        """The names by which documents call what this build was made for."""
        os.makedirs(self.folder + "/.bin")
        os.makedirs(self.folder + "/.pc")
        for name in "python3", "lua5.4", "cc":
            if interpreters.get(name):
                os.symlink(interpreters[name], f"{self.folder}/.bin/{name}")
        if "luajit" in interpreters:
            path = f"{self.folder}/.bin/luajit"
            with open(path, "w", encoding="utf-8") as file:
                file.write(
                    "#!/bin/sh\n"
                    f"LUA_PATH={shlex.quote(self.luajit_path)} LUA_CPATH="
                    f" exec {interpreters['luajit']} \"$@\"\n"
                )
            os.chmod(path, 0o755)
        # What pkg-config says of an installed library, of this one.
        with open(self.folder + "/.pc/polyshm.pc", "w") as file:
            file.write(
                "Name: polyshm\nDescription: this build\nVersion: 0\n"
                f"Cflags: {self.flags[0]}\nLibs: {' '.join(self.flags[1:])}\n"
            )

    def call(self, command, text=None):
        try:
            result = subprocess.run(
                command,
                input=text,
                cwd=self.folder,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired as problem:
            raise Failure("it does not end") from problem
        return result.returncode, result.stdout

    def succeed(self, command, text=None):
        status, printed = self.call(command, text)
        if status:
            raise Failure(f"exit status {status}\n{printed}")
        return printed

    def program(self, language, text):
        """It succeeds, and prints what stands behind the marks."""
        if language == "c":
            with open(self.folder + "/.program.c", "w") as file:
                file.write(complete(text))
            self.succeed(
                [self.compiler, "-std=gnu11", "-Wall", "-Wextra", "-Werror"]
                + ["-o", ".program", ".program.c", *self.flags]
            )
            printed = self.succeed(["./.program"])
        else:
            command = {
                "python": [sys.executable, "-W", "error", "-"],
                "lua": ["lua5.4", "-"],
                "luajit": ["luajit", "-"],
            }[language]
            command[0] = self.find(command[0])
            printed = self.succeed(command, text)
        mark = re.escape(MARKS[language])
        compare(printed.splitlines(), re.findall(rf"{mark} ?(.*)", text))

    def find(self, name):
        path = f"{self.folder}/.bin/{name}"
        return path if os.path.exists(path) else name

    def script(self, text):
        """Commands that are shown without what they print."""
        self.succeed(["bash", "-euo", "pipefail", "-c", text])

    def session(self, text):
        """$ commands, > their next lines, and what they print. One that shows
        nothing must succeed."""
        steps = []
        for line in text.splitlines():
            if line.startswith("$ "):
                steps.append((line[2:], []))
            elif line.startswith("> ") and steps and not steps[-1][1]:
                steps[-1] = (steps[-1][0] + "\n" + line[2:], [])
            elif steps:
                steps[-1][1].append(line)
            else:
                raise Failure("a session begins with '$ '")
        end = "-- end of step --"
        status, printed = self.call(
            ["bash", "-c", "".join(
                f"{command}\necho \"{end}$?\"\n" for command, _ in steps
            )]
        )
        parts = re.split(rf"{end}(\d+)\n", printed)
        if status or len(parts) != 2 * len(steps) + 1:
            raise Failure(f"the session broke off\n{printed}")
        for at, (command, wanted) in enumerate(steps):
            shown, status = parts[2 * at], parts[2 * at + 1]
            try:
                compare(shown.splitlines(), wanted)
            except Failure as problem:
                raise Failure(f"$ {command}\n{problem}") from None
            if status != "0" and not wanted:
                raise Failure(f"$ {command}\nexit status {status}")
