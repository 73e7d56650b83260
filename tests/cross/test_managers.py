#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Managers and clients of stock Python and ours, over all kinds of addresses.

Usage: test_managers.py MANAGE [--all]

MANAGE is the client in C (process/manage.c); manage.lua and manage.py are those in
Lua and Python, of which the latter runs with both backends, as far as they were
built. The stock Python is the running one; with --all, each that is found is one:
those on PATH, those of pyenv, and those that POLYSHM_PYTHONS names, separated by
colons. The table at the end has a row for each of them, each language of ours, and
each address.
"""

import argparse
import glob
import os
import secrets
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
STOCK = os.path.join(HERE, "stock_manager.py")
STEPS = ["connect", "block", "list", "segments", "release", "wrong key",
         "shutdown"]  # fmt: skip
PROBE = "import sys; print(*sys.version_info[:3], sep='.')"


class Failure(Exception):
    pass


def find_languages(manage):
    """How a client of ours is started: command and environment, by language."""
    found = {"C": ([manage], {})}
    lua = os.environ.get("POLYSHM_LUA_EXECUTABLE", "")
    if "LUA_CPATH" in os.environ and os.path.exists(lua):
        found["Lua"] = [lua, os.path.join(HERE, "manage.lua")], {}
    for backend in "swig", "ctypes":
        environment = {"POLYSHM_BACKEND": backend}
        command = [sys.executable, os.path.join(HERE, "manage.py")]
        probe = subprocess.run(
            [sys.executable, "-c", "import polyshm"],
            env={**os.environ, **environment},
            stderr=subprocess.DEVNULL,
        )
        if probe.returncode == 0:
            name = {"swig": "Python", "ctypes": "ctypes"}[backend]
            found[name] = command, environment
    return found


def find_pythons(every):
    """Paths of stock Pythons from 3.9 on, by version."""
    if not every:
        version = ".".join(map(str, sys.version_info[:3]))
        return {version: sys.executable}
    candidates = os.environ.get("POLYSHM_PYTHONS", "").split(":")
    candidates += [shutil.which(f"python3.{minor}") for minor in range(9, 20)]
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    candidates += glob.glob(os.path.join(pyenv, "versions/3*/bin/python"))
    candidates += [sys.executable, "/usr/bin/python3"]
    found = {}
    for path in filter(None, candidates):
        try:
            result = subprocess.run(
                [path, "-c", PROBE], capture_output=True, text=True, timeout=60
            )
        except OSError:
            continue
        version = result.stdout.strip()
        if result.returncode == 0 and tuple(map(int, version.split("."))) >= (3, 9):
            found.setdefault(version, path)
    return dict(sorted(found.items(), key=lambda i: tuple(map(int, i[0].split(".")))))


class Process:
    """One that talks in lines."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env=environment,
        )  # fmt: skip

    def tell(self, *words):
        print(*words, file=self.process.stdin, flush=True)

    def hear(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failure("it has ended")
        return line.rstrip("\n")

    def ask(self, *words):
        self.tell(*words)
        return self.hear()

    def expect(self, wanted, *words):
        found = self.ask(*words)
        if not found.startswith(wanted):
            raise Failure(f"{words[0]}: {found!r}, and not {wanted!r}")
        return found[len(wanted) :].strip()

    def end(self):
        self.process.stdin.close()
        try:
            return self.process.wait(60)
        finally:
            self.process.stdout.close()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except BrokenPipeError:
                pass


class Run:
    """One row of the table: steps that were done, and what stopped it."""

    def __init__(self, client, other, python, address):
        self.client, self.other = client, other
        self.python, self.address = python, address
        self.done = []
        self.started = []
        self.names = set()

    def start(self, language):
        command, environment = language
        process = Process(command, {**os.environ, **environment})
        self.started.append(process)
        return process

    def start_stock(self, *words):
        environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        environment.pop("LD_PRELOAD", None)
        process = Process([self.python, STOCK, *words, "secret"], environment)
        self.started.append(process)
        return process

    def check(self, condition, what):
        if not condition:
            raise Failure(what)

    def is_there(self, name):
        return os.path.exists(f"/dev/shm/{name}")

    def clean(self):
        for process in self.started:
            process.kill()
        for name in self.names:
            if self.is_there(name):
                os.unlink(f"/dev/shm/{name}")

    def use_ours(self, address, end):
        """Our client, and one of another language that looks; `end` ends the
        server."""
        client, other = self.start(self.client), self.start(self.other)
        client.expect("ok", "connect", address, "secret")
        other.expect("ok", "connect", address, "secret")
        self.done.append("connect")
        name = client.expect("ok", "block", "-", 64, "ours")
        self.names.add(name)
        self.check(other.expect("ok", "read", name, 4) == "ours", "other bytes")
        named = "manager-" + secrets.token_hex(4)
        self.names.add(named)
        client.expect("ok", "block", named, 64, "named")
        client.expect("POLYSHM_E_EXISTS", "block", named, 64, "named")
        self.done.append("block")
        shared = client.expect("ok", "list", "-", 1, 2, 39)
        self.names.add(shared)
        self.check(other.expect("ok", "sum", shared) == "42", "another sum")
        self.done.append("list")
        names = [name, named, shared]
        found = other.expect("ok", "segments").split()
        self.check(found == names, f"{found} are not {names}")
        self.done.append("segments")
        client.expect("ok", "release", name)
        self.check(not self.is_there(name), "it is still there")
        client.expect("POLYSHM_E_NOT_FOUND", "release", name)
        client.expect("ok", "track", named)
        self.done.append("release")
        stranger = self.start(self.client)
        stranger.expect("POLYSHM_E_ACCESS", "connect", address, "wrong")
        self.done.append("wrong key")
        other.expect("ok", "shutdown")
        end()
        for each in names:
            self.check(not self.is_there(each), f"{each} is left")
        client.tell("segments")
        self.check(not client.hear().startswith("ok"), "it still answers")
        self.done.append("shutdown")

    def ours_to_stock(self):
        server = self.start_stock("serve", self.address)

        def end():
            self.check(server.end() == 0, "the server ended badly")

        self.use_ours(server.hear(), end)

    def ours_to_ours(self):
        owner = self.start(self.other)
        address = owner.expect("ok", "start", self.address, "secret")
        self.use_ours(address, lambda: None)
        owner.end()

    def stock_to_ours(self):
        owner = self.start(self.client)
        address = owner.expect("ok", "start", self.address, "secret")
        stock = self.start_stock("use", address)
        self.check(stock.hear() == "connect ok", "it cannot connect")
        self.done.append("connect")
        name = stock.hear().split()[1]
        self.names.add(name)
        self.check(owner.expect("ok", "read", name, 5) == "stock", "other bytes")
        self.done.append("block")
        shared = stock.hear().split()[1]
        self.names.add(shared)
        self.check(owner.expect("ok", "sum", shared) == "42", "another sum")
        self.done.append("list")
        self.check(stock.hear().split()[1:] == [name, shared], "other names")
        self.done.append("segments")
        stock.tell()
        self.check(stock.hear() == "release ok", "it cannot release")
        self.check(not self.is_there(name), "it is still there")
        self.check(stock.hear().startswith("twice ValueError: "), "released twice")
        self.done.append("release")
        self.check(stock.hear() == "wrong digest sent was rejected", "let in")
        self.done.append("wrong key")
        self.check(stock.hear() == "objects 0 ''", "other objects")
        self.check(stock.hear() == "shutdown ok", "no shutdown")
        self.check(stock.end() == 0, "the client ended badly")
        owner.tell("segments")
        self.check(not owner.hear().startswith("ok"), "it still answers")
        self.check(not self.is_there(shared), "the list is left")
        self.done.append("shutdown")
        owner.end()


def all_rows(languages, pythons):
    """(way, version, language, method, what Run() wants) of each."""
    names = list(languages)
    for way, versions, method in (
        ("ours to ours", {"-": None}, Run.ours_to_ours),
        ("ours to stock", pythons, Run.ours_to_stock),
        ("stock to ours", pythons, Run.stock_to_ours),
    ):
        for version, python in versions.items():
            for i, name in enumerate(names):
                pair = languages[name], languages[names[i - 1]]
                yield way, version, name, method, (*pair, python)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("manage")
    parser.add_argument("--all", action="store_true", help="every stock Python")
    options = parser.parse_args()
    languages = find_languages(os.path.abspath(options.manage))
    pythons = find_pythons(options.all)
    table, is_good = [], True
    with tempfile.TemporaryDirectory() as folder:
        for way, version, name, method, words in all_rows(languages, pythons):
            token = secrets.token_hex(6)
            addresses = {
                "path": f"unix:{folder}/{token}",
                "abstract": f"unix:@polyshm-test-{token}",
                "tcp": "tcp:127.0.0.1:0",
            }
            for kind, address in addresses.items():
                run, error = Run(*words, address), ""
                try:
                    method(run)
                except Failure as failure:
                    is_good, error = False, str(failure)
                finally:
                    run.clean()
                marks = ["ok" if s in run.done else "-" for s in STEPS]
                table.append([way, version, name, kind, *marks, error])
    print_table([["", "python", "ours", "address", *STEPS, ""], *table])
    if len(table) != 3 * len(languages) * (1 + 2 * len(pythons)):
        sys.exit("not all rows are there")
    if not is_good:
        sys.exit(1)


def print_table(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths))
        print("  ".join(cells).rstrip())


if __name__ == "__main__":
    main()
