# SPDX-License-Identifier: MIT
"""The package's type stubs: mypy --strict on programs/, which have lines that are
wrong on purpose, and stubtest, which holds the stubs against the package."""

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import environments
import polyshm

MYPY = "mypy==1.19.1"  # the last for Python 3.9
HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(os.path.abspath(polyshm.__file__))
WORK = os.path.join(os.environ["POLYSHM_BINARY_DIR"], "tests", "typing")

# What has no stubs is nobody's but the package's own.
CONFIG = """
[mypy]
[mypy-polyshm.ffi.*]
ignore_errors = true
"""


def wrong_lines(path):
    with open(path, encoding="utf-8") as file:
        return {
            number
            for number, line in enumerate(file, 1)
            if line.endswith("# wrong\n")
        }


class Typing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.makedirs(WORK, exist_ok=True)
        cls.python = environments.with_tools(WORK, MYPY).python
        cls.folder = tempfile.mkdtemp(dir=WORK)
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    def mypy(self, module, *words, **variables):
        environment = environments.clean(**variables)
        return subprocess.run(
            [self.python, "-m", module, *words],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=environments.PATIENCE,
        )

    def put(self, name, *change):
        """A copy of a program, with text replaced."""
        with open(os.path.join(HERE, "programs", name), encoding="utf-8") as file:
            text = file.read()
        if change:
            self.assertIn(change[0], text)
            text, name = text.replace(*change), f"changed_{name}"
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return name

    def test_strict(self):
        stock = "from multiprocessing.shared_memory import"
        programs = [
            self.put("stock.py"),
            self.put("stock.py", stock, "from polyshm.shared_memory import"),
            self.put("more.py"),
        ]
        result = self.mypy(
            "mypy", "--strict", "--hide-error-context",
            "--cache-dir", os.path.join(WORK, "cache"), *programs,
            MYPYPATH=os.path.dirname(PACKAGE),
        )  # fmt: skip
        found = re.findall(r"^(\S+):(\d+): error: ", result.stdout, re.M)
        for program in programs:
            with self.subTest(program):
                wanted = wrong_lines(os.path.join(self.folder, program))
                self.assertGreater(len(wanted), 5)
                errors = {int(line) for name, line in found if name == program}
                self.assertEqual(errors, wanted, result.stdout)
        self.assertEqual({name for name, _ in found}, set(programs))

    def test_stubs_are_the_package(self):
        config = os.path.join(self.folder, "mypy.ini")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG)
        extension = importlib.util.find_spec("polyshm._core")
        for backend in ("swig", "ctypes") if extension else ("ctypes",):
            with self.subTest(backend):
                result = self.mypy(
                    "mypy.stubtest", "--concise", "--ignore-unused-allowlist",
                    "--allowlist", os.path.join(HERE, "stubtest.txt"),
                    "--mypy-config-file", config, "polyshm",
                    PYTHONPATH=os.path.dirname(PACKAGE),
                    MYPYPATH=os.path.dirname(PACKAGE),
                    POLYSHM_BACKEND=backend,
                )  # fmt: skip
                self.assertEqual(result.returncode, 0, result.stdout)

    def test_the_package_says_that_it_is_typed(self):
        self.assertTrue(os.path.exists(os.path.join(PACKAGE, "py.typed")))


if __name__ == "__main__":
    unittest.main()
