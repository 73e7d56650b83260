# SPDX-License-Identifier: MIT
"""The examples of managers, in every language.

Usage: test_manager.py BASICS HALVES

Those two are the C programs. The Python ones are those of Python's own
documentation: they run on stock Python when the line that imports the manager is
changed, and print the same.
"""

import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.environ["POLYSHM_SOURCE_DIR"]
FOLDER = os.path.join(ROOT, "examples/manager")
HALVES = sys.argv.pop(2)
BASICS = sys.argv.pop(1)
LUA = os.environ["POLYSHM_LUA_EXECUTABLE"]

OURS = "from polyshm.managers import SharedMemoryManager\n"
STOCK = "from multiprocessing.managers import SharedMemoryManager\n"
PRINTED = {
    "basics": "[0, 1, 2, 3]\n['a', 'l', 'p', 'h', 'a']\n",
    "halves": f"{sum(i * i for i in range(2000))}\n",
}


class Examples(unittest.TestCase):
    def run_one(self, wanted, *command):
        found = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
        )
        self.assertEqual(
            (found.returncode, found.stdout, found.stderr), (0, wanted, "")
        )

    def test_python(self):
        for name, wanted in PRINTED.items():
            with self.subTest(name):
                self.run_one(wanted, sys.executable, f"{FOLDER}/{name}.py")

    def test_python_with_the_other_import(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, wanted in PRINTED.items():
                with self.subTest(name):
                    with open(f"{FOLDER}/{name}.py", encoding="utf-8") as file:
                        text = file.read()
                    self.assertEqual(text.count(OURS), 1)
                    self.assertEqual(text.count("polyshm"), 1)
                    path = f"{folder}/{name}.py"
                    with open(path, "w", encoding="utf-8") as file:
                        file.write(text.replace(OURS, STOCK))
                    self.run_one(wanted, sys.executable, path)

    def test_lua(self):
        self.run_one("0, 1, 2, 3\na, l, p, h, a\n", LUA, f"{FOLDER}/basics.lua")
        self.run_one(PRINTED["halves"], LUA, f"{FOLDER}/halves.lua")

    def test_c(self):
        self.run_one("0, 1, 2, 3\na, l, p, h, a\n", BASICS)
        self.run_one(PRINTED["halves"], HALVES)


if __name__ == "__main__":
    unittest.main()
