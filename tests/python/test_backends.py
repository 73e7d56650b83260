# SPDX-License-Identifier: MIT
"""The two backends: which is chosen, what is said where one cannot be, where the
library is found, and that both look alike. And every Python at hand, out of the
one build folder."""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import pythons

HERE = os.path.dirname(os.path.abspath(__file__))
BUILT = os.path.join(pythons.BINARY, "python")
LIBRARY = os.path.realpath(os.path.join(pythons.BINARY, "lib", "libpolyshm.so"))
SANITIZED = "san.so" in os.environ.get("LD_PRELOAD", "")

TELL = "import polyshm; print(polyshm.backend, polyshm.core.version())"

WORK = """
import polyshm
from multiprocessing import get_context

def child(name):
    items = polyshm.ShareableList(name=name)
    items.add(0)
    items.close()

if __name__ == "__main__":
    items = polyshm.ShareableList([1, 2.5, "three", None, True, b"six"])
    try:
        assert list(items) == [1, 2.5, "three", None, True, b"six"]
        for method in "fork", "spawn":
            process = get_context(method).Process(target=child, args=(items.name,))
            process.start()
            process.join()
            assert process.exitcode == 0
        assert items[0] == 3
        block = polyshm.SharedMemory(create=True, size=100)
        block.buf[99] = 1
        block.close()
        block.unlink()
        items.close()
    finally:
        items.unlink()
    print(polyshm.backend)
"""

# What there is of a class or function, for comparison.
SURFACE = """
import inspect, json
from polyshm import core

def signature(member):
    try:
        return str(inspect.signature(member))
    except (TypeError, ValueError):
        return None

def words(member):
    return " ".join((inspect.getdoc(member) or "").split())

found = {}
for name in sorted(vars(core)):
    if name.startswith("_") or name in ("os", "backend"):
        continue
    member = getattr(core, name)
    if isinstance(member, int):
        found[name] = member
    elif isinstance(member, type) and issubclass(member, BaseException):
        bases = [base.__name__ for base in member.__bases__]
        found[name] = bases, words(member), str(member)
    elif not isinstance(member, type):
        found[name] = "function"
for kind in (core.List, core.Lock):
    for name in METHODS:
        member = getattr(kind, name, None)
        if member is not None:
            path = f"{kind.__name__}.{name}"
            found[path] = signature(member), words(member)
found["Lock"] = words(core.Lock), str(core.Lock)
found["BlockInfo"] = words(core.BlockInfo), str(core.BlockInfo)
print(json.dumps(found))
""".replace(
    "METHODS",
    repr("""add count index lock recovered snapshot swap timeout unlock
        version wait""".split()),
)


def run(*arguments, python=sys.executable, path=BUILT, **environment):
    surroundings = dict(os.environ, PYTHONPATH=path)
    for name in "POLYSHM_BACKEND", "POLYSHM_LIBRARY":
        surroundings.pop(name, None)
    surroundings.update(environment)
    return subprocess.run(
        [python, *arguments],
        env=surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def check(self, result, expected):
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(result.stdout.split()[0], expected)

    def check_refusal(self, result, pattern):
        self.assertEqual(result.returncode, 1)
        last = result.stderr.strip().splitlines()[-1]
        self.assertRegex(last, f"^ImportError: {pattern}")

    def package(self, without=()):
        """A folder with a copy of the package, and nothing near it."""
        copy = os.path.join(self.folder, "lib", "python", "packages")
        shutil.copytree(
            os.path.join(BUILT, "polyshm"),
            os.path.join(copy, "polyshm"),
            ignore=shutil.ignore_patterns("__pycache__", *without),
        )
        return copy


class Choice(Case):
    def test_the_extension_comes_first(self):
        self.check(run("-c", TELL), "swig")
        self.check(run("-c", TELL, POLYSHM_BACKEND=""), "swig")

    def test_a_wish(self):
        for wish in "swig", "ctypes":
            self.check(run("-c", TELL, POLYSHM_BACKEND=wish), wish)

    def test_a_wish_that_is_none(self):
        for wish in "SWIG", "cffi", " ":
            self.check_refusal(
                run("-c", TELL, POLYSHM_BACKEND=wish),
                f"POLYSHM_BACKEND is '{wish}', but must be 'swig' or 'ctypes'",
            )

    def test_without_the_extension(self):
        path = self.package(without=["_core.*"])
        say = {"path": path, "POLYSHM_LIBRARY": LIBRARY}
        self.check(run("-c", TELL, **say), "ctypes")
        self.check_refusal(
            run("-c", TELL, POLYSHM_BACKEND="swig", **say),
            "POLYSHM_BACKEND is 'swig', but the extension module of polyshm "
            "cannot be imported by this Python: No module named 'polyshm._core'",
        )

    def test_one_face(self):
        found = []
        for backend in "swig", "ctypes":
            result = run("-c", SURFACE, POLYSHM_BACKEND=backend)
            self.assertEqual(result.stderr, "")
            found.append(json.loads(result.stdout))
        self.maxDiff = None
        self.assertEqual(*found)

    def test_this_run_has_what_it_asked_for(self):
        import polyshm

        wish = os.environ.get("POLYSHM_BACKEND")
        self.assertEqual(polyshm.backend, wish or "swig")


class Place(Case):
    def tell(self, path, **environment):
        return run(
            "-c", TELL, path=path, POLYSHM_BACKEND="ctypes", **environment
        )

    def test_where_somebody_says(self):
        path = self.package()
        self.check(self.tell(path, POLYSHM_LIBRARY=LIBRARY), "ctypes")
        self.check_refusal(
            self.tell(BUILT, POLYSHM_LIBRARY="/nowhere/libpolyshm.so"),
            "polyshm needs its library, libpolyshm.so.0, and cannot load it: "
            "/nowhere/libpolyshm.so: .* POLYSHM_LIBRARY may say where it is",
        )

    def test_beside_the_package(self):
        path = self.package()
        for name in "libpolyshm.so", "libpolyshm.so.0":
            link = os.path.join(path, "polyshm", name)
            os.symlink(LIBRARY, link)
            self.check(self.tell(path), "ctypes")
            os.unlink(link)

    def test_where_the_loader_looks(self):
        path = self.package()
        folder = os.path.dirname(LIBRARY)
        self.check(self.tell(path, LD_LIBRARY_PATH=folder), "ctypes")

    def test_nowhere(self):
        self.check_refusal(
            self.tell(self.package(), LD_LIBRARY_PATH=""),
            "polyshm needs its library, libpolyshm.so.0, and cannot load it",
        )

    def test_one_that_is_none(self):
        wrong = os.path.join(self.folder, "libpolyshm.so")
        with open(wrong, "w") as file:
            file.write("no library")
        self.check_refusal(
            self.tell(BUILT, POLYSHM_LIBRARY=wrong), ".*libpolyshm.so: "
        )

    def test_another_major_version(self):
        path = self.package()
        module = os.path.join(path, "polyshm", "ffi", "abi.py")
        with open(module) as file:
            text = file.read()
        text, count = re.subn(r'("VERSION_MAJOR": )\d+', r"\g<1>7", text)
        self.assertEqual(count, 1)
        with open(module, "w") as file:
            file.write(text.replace("VERSION = '0.", "VERSION = '7."))
        self.check_refusal(
            self.tell(path, POLYSHM_LIBRARY=LIBRARY),
            r".*libpolyshm\S* is polyshm 0\.\d+\.\d+, but this package is made "
            r"for 7\.\d+\.\d+: they do not go together",
        )


class OtherPythons(Case):
    def test_all_out_of_one_build_folder(self):
        path = os.path.join(self.folder, "work.py")
        with open(path, "w") as file:
            file.write(WORK)
        for python in pythons.installed():
            names = glob.glob(f"{BUILT}/polyshm/_core.{python.abi}.so")
            with self.subTest(python):
                self.check(
                    run("-W", "error::ResourceWarning", path,
                        python=python.executable),
                    "swig" if names else "ctypes",
                )  # fmt: skip

    @unittest.skipIf(SANITIZED, "takes long with a sanitizer")
    def test_lists_in_all(self):
        for python in pythons.installed()[1:]:
            for name in "slices", "window":
                with self.subTest((python, name)):
                    result = run(
                        "-W", "error", os.path.join(HERE, f"test_{name}.py"),
                        python=python.executable, POLYSHM_BACKEND="ctypes",
                        POLYSHM_TEST_ROUNDS="300",
                    )  # fmt: skip
                    self.assertEqual(result.returncode, 0, result.stderr)


class NoGil(Case):
    """Where Python has no GIL, calls take turns. No such Python is needed: an
    interpreter that says so gets the locks, and they must not stand in the way.
    """

    def test_turns(self):
        say = "import sys; sys._is_gil_enabled = lambda: False"
        with open(os.path.join(self.folder, "sitecustomize.py"), "w") as file:
            file.write(say)
        result = run(
            "-W", "error", os.path.join(HERE, "test_shareable_list.py"),
            path=f"{BUILT}{os.pathsep}{self.folder}", POLYSHM_BACKEND="ctypes",
        )  # fmt: skip
        self.assertEqual(result.returncode, 0, result.stderr)
        told = run(
            "-c", "from polyshm.ffi import library, window;"
            "print(window._IS_SAFE, library._safe.__name__)",
            path=f"{BUILT}{os.pathsep}{self.folder}", POLYSHM_BACKEND="ctypes",
        )  # fmt: skip
        self.assertEqual(told.stdout, "False _in_turn\n")


if __name__ == "__main__":
    unittest.main()
