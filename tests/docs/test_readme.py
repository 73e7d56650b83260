# SPDX-License-Identifier: MIT
"""The README's programs are the files that it names, and do what it says."""

import contextlib
import itertools
import os
import re
import subprocess
import sys
import unittest

ROOT = os.environ["POLYSHM_SOURCE_DIR"]
VISITS = sys.argv.pop(1)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


class Readme(unittest.TestCase):
    def test_programs_are_the_files(self):
        shown = re.findall(
            r"<!-- (\S+) -->\n```\w+\n(.*?)```", read("README.md"), re.S
        )
        self.assertEqual(
            {path for path, _ in shown},
            {f"examples/visits/visits.{kind}" for kind in ("py", "lua", "c")},
        )
        for path, text in shown:
            # All but the licence line, which a page need not repeat.
            self.assertEqual(text, read(path).partition("\n")[2], path)

    def test_the_samples_example(self):
        interpreters = {os.environ["POLYSHM_LUA_EXECUTABLE"]: {}}
        if "POLYSHM_LUAJIT_EXECUTABLE" in os.environ:
            path = {"LUA_PATH": os.environ["POLYSHM_LUAJIT_PATH"]}
            interpreters[os.environ["POLYSHM_LUAJIT_EXECUTABLE"]] = path
        for (interpreter, path), workers in itertools.product(
            interpreters.items(), ("1", "3")
        ):
            result = subprocess.run(
                [interpreter, "examples/samples/samples.lua", workers],
                cwd=ROOT,
                env={**os.environ, **path},
                stdout=subprocess.PIPE,
                text=True,
            )
            self.assertEqual(
                (result.returncode, result.stdout),
                (0, "1000000 samples, mean 500.00, maximum 999.5\n"),
            )

    def test_the_program_in_every_language(self):
        stock = read("examples/visits/visits.py")
        for ours, theirs in (
            ("from polyshm import", "from multiprocessing.shared_memory import"),
            ("visits.add(0, 1)", "visits[0] += 1"),
            (", track=False", ""),
        ):
            self.assertEqual(stock.count(ours), 1)
            stock = stock.replace(ours, theirs)
        programs = {
            "Python": [sys.executable, "examples/visits/visits.py"],
            "Lua": [
                os.environ["POLYSHM_LUA_EXECUTABLE"],
                "examples/visits/visits.lua",
            ],
            "C": [VISITS],
            # Its tracker removes the list when it ends, so it comes last.
            "stock": [sys.executable, "-W", "ignore", "-c", stock],
        }
        path = "/dev/shm/visits"
        self.assertFalse(os.path.exists(path), "a list 'visits' is in use")
        try:
            last = "nobody"
            for visits, (language, command) in enumerate(programs.items()):
                result = subprocess.run(
                    command, cwd=ROOT, stdout=subprocess.PIPE, text=True
                )
                self.assertEqual(
                    (result.returncode, result.stdout),
                    (0, f"{visits} visits, the last by {last}\n"),
                )
                last = language
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


if __name__ == "__main__":
    unittest.main()
