# SPDX-License-Identifier: MIT
"""What pip builds, from the source distribution: what is in the wheels, and that
they work in an environment that has nothing else, wherever that is moved."""

import email
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import unittest
import zipfile

import environments
from environments import Environment, clean, must

TOOLS = "pip>=23", "scikit-build-core>=0.11"
SOURCE = os.environ["POLYSHM_SOURCE_DIR"]
WORK = os.path.join(os.environ["POLYSHM_BINARY_DIR"], "tests", "wheel")
HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = """
import sys
sys.path.insert(0, sys.argv[1] + "/bindings/python/backend")
import polyshm_backend
settings = dict(word.split("=", 1) for word in sys.argv[4:])
print(getattr(polyshm_backend, sys.argv[2])(sys.argv[3], settings))
"""
ASK = """
import os, sys
sys.path.insert(0, sys.argv[1] + "/bindings/python/backend")
import polyshm_backend as backend
backend.find_swig = lambda: "/bin/swig" if sys.argv[2] == "True" else None
backend.why_no_headers = lambda: None if sys.argv[3] == "True" else "none here"
print(backend.get_requires_for_build_wheel({}))
try:
    print(backend.decide({})[0]["cmake.define.POLYSHM_PYTHON_EXTENSION"])
except SystemExit:
    print(None)
"""
MANIFEST = "core/abi/polyshm-abi.json"
PLATFORM = re.sub(r"\W", "_", sysconfig.get_platform())
TAG = "cp{0}{1}-cp{0}{1}{2}".format(*sys.version_info[:2], sys.abiflags)
EXTENSION = f"_core{sysconfig.get_config_var('EXT_SUFFIX')}"


class Wheels(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.makedirs(WORK, exist_ok=True)
        cls.tools = environments.with_tools(WORK, *TOOLS)
        # Outside of all source: what is found there was put there.
        cls.folder = tempfile.mkdtemp(prefix="polyshm-wheel-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)

        archive = cls.build(SOURCE, "build_sdist")
        with tarfile.open(archive) as file:
            cls.contents = file.getnames()
            file.extractall(os.path.dirname(archive))
        cls.unpacked = unpacked = archive[: -len(".tar.gz")]
        build = cls.build_folder = f"build-dir={cls.folder}/build"
        define = "cmake.define.POLYSHM_PYTHON_EXTENSION"
        cls.whole = cls.build(unpacked, "build_wheel", build, f"{define}=ON")
        cls.plain = cls.build(
            unpacked, "build_wheel", build, f"{define}=OFF",
            "cmake.define.CMAKE_DISABLE_FIND_PACKAGE_SWIG=ON",
        )  # fmt: skip

    @classmethod
    def build(cls, source, hook, *settings):
        """The path of what a hook of the backend makes."""
        folder = tempfile.mkdtemp(prefix=f"{hook}-", dir=cls.folder)
        words = must(
            cls.tools.python, "-c", BUILD, source, hook, folder, *settings,
            cwd=cls.folder,
        )  # fmt: skip
        return os.path.join(folder, words.splitlines()[-1])

    def environment(self, wheel):
        folder = tempfile.mkdtemp(prefix="environment-", dir=self.folder)
        made = Environment(os.path.join(folder, "here"), served_by=self.tools)
        made.install(wheel)
        return made

    @staticmethod
    def beside(environment, name):
        return os.path.join(os.path.dirname(environment.folder), name)

    def check_smoke(self, environment, backend, wish=""):
        must(
            environment.python, "-I", "-W", "error",
            os.path.join(HERE, "smoke.py"), backend,
            cwd="/", env=clean(POLYSHM_BACKEND=wish),
        )  # fmt: skip

    # ---- what is in them

    def modules(self):
        """The package's own files, as they are in the source."""
        package = os.path.join(SOURCE, "bindings", "python", "polyshm")
        for folder, _, names in os.walk(package):
            if "__pycache__" not in folder:
                inside = os.path.relpath(folder, os.path.dirname(package))
                yield from (os.path.join(inside, name) for name in names)

    def check_contents(self, wheel, tag, built):
        name = os.path.basename(wheel)
        self.assertRegex(name, rf"^polyshm-[0-9.]+-{tag}-{PLATFORM}\.whl$")
        with zipfile.ZipFile(wheel) as file:
            names = {n for n in file.namelist() if n.startswith("polyshm/")}
            wanted = {*self.modules(), *(f"polyshm/{n}" for n in built)}
            self.assertEqual(names, wanted)
            helper = file.getinfo("polyshm/polyshm-helper").external_attr >> 16
            self.assertEqual(stat.S_IMODE(helper), 0o755)
            info = name.rsplit(f"-{tag}", 1)[0] + ".dist-info"
            told = email.message_from_bytes(file.read(f"{info}/WHEEL"))
            self.assertEqual(told["Tag"], f"{tag}-{PLATFORM}")
            self.assertEqual(told["Root-Is-Purelib"], "false")
            told = email.message_from_bytes(file.read(f"{info}/METADATA"))
            self.assertEqual(told["Name"], "polyshm")
            self.assertEqual(told["Version"], name.split("-")[1])
            self.assertIn(f"{info}/licenses/LICENSE", file.namelist())

    def test_a_wheel_with_the_extension(self):
        self.check_contents(self.whole, TAG, self.BUILT | self.SWIG)

    def test_a_wheel_without(self):
        self.check_contents(self.plain, "py3-none", self.BUILT)

    BUILT = {
        "libpolyshm.so", "polyshm-helper", "polyshm-manager", "ffi/abi.py"
    }  # fmt: skip
    SWIG = {EXTENSION}

    def test_binaries(self):
        with zipfile.ZipFile(self.whole) as file:
            for name in "libpolyshm.so", "polyshm-helper", EXTENSION:
                path = file.extract(f"polyshm/{name}", self.folder)
                with open(path, "rb") as binary:
                    image = binary.read()
                # Nor are the debugger's tables, which name the source.
                for place in self.folder, SOURCE:
                    self.assertNotIn(os.fsencode(place), image, name)
                sections = must("readelf", "--wide", "--sections", path)
                self.assertNotRegex(sections, r"\.(debug_info|symtab)\b")
        dynamic = must("readelf", "-d", f"{self.folder}/polyshm/{EXTENSION}")
        self.assertRegex(dynamic, r"\(NEEDED\).*\[libpolyshm\.so\]")
        self.assertRegex(dynamic, r"\(R(UN)?PATH\).*\[\$ORIGIN\]")

    def test_source_distribution(self):
        inside = {name.partition("/")[2] for name in self.contents}
        self.assertIn(MANIFEST, inside)
        self.assertFalse(os.path.exists(os.path.join(SOURCE, MANIFEST)))
        for name in "CMakeLists.txt", "pyproject.toml", "LICENSE", "README.md":
            self.assertIn(name, inside)
        built = {name for name in inside if name.startswith("build/")}
        self.assertEqual(built, set())

    def test_what_the_build_asks_for(self):
        for source, swig, headers, asks, extension in (
            (SOURCE, True, True, False, "ON"),
            (SOURCE, False, True, True, None),
            (SOURCE, True, False, False, "OFF"),
            (SOURCE, False, False, True, None),
            (self.unpacked, False, True, True, "OFF"),
            (self.unpacked, False, False, False, "OFF"),
        ):
            with self.subTest(source=source, swig=swig, headers=headers):
                words = must(
                    self.tools.python, "-c", ASK, source, str(swig), str(headers)
                )
                required, _, decided = words.rstrip("\n").rpartition("\n")
                self.assertEqual("swig>=" in required, asks, words)
                self.assertEqual(decided, str(extension), words)

    # ---- how they work

    def test_the_extension_where_it_was_installed_and_elsewhere(self):
        made = self.environment(self.whole)
        self.check_smoke(made, "swig")
        copy = self.beside(made, "copy")
        subprocess.run(["cp", "-a", made.folder, copy], check=True)
        moved = self.beside(made, "there")
        os.rename(made.folder, moved)
        self.check_smoke(Environment(moved), "swig")
        shutil.rmtree(moved)
        self.check_smoke(Environment(copy), "swig")
        self.check_smoke(Environment(copy), "ctypes", wish="ctypes")

    def test_without_the_extension(self):
        made = self.environment(self.plain)
        moved = self.beside(made, "there")
        os.rename(made.folder, moved)
        self.check_smoke(Environment(moved), "ctypes")

    def test_an_editable_installation(self):
        wheel = self.build(
            self.unpacked, "build_editable", self.build_folder,
            "cmake.define.CMAKE_DISABLE_FIND_PACKAGE_SWIG=OFF",
        )  # fmt: skip
        made = self.environment(wheel)
        for backend in "swig", "ctypes":
            told = must(
                made.python, "-I", "-m", "polyshm", "--json",
                cwd="/", env=clean(POLYSHM_BACKEND=backend),
            )  # fmt: skip
            facts = json.loads(told)
            self.assertEqual(facts["backend"], backend)
            self.assertTrue(facts["package"].startswith(self.unpacked), told)
            self.assertTrue(facts["library"].startswith(made.folder), told)
            self.assertTrue(facts["helper"].startswith(made.folder), told)

    def test_arrays_of_numpy(self):
        made = self.environment(self.whole)
        result = made.pip("install", "--quiet", "numpy")
        if result.returncode != 0:
            self.skipTest(f"pip cannot install numpy:\n{result.stdout}")
        told = must(
            made.python, "-W", "error",
            os.path.join(SOURCE, "tests", "python", "test_documentation.py"),
            cwd="/",
        )  # fmt: skip
        self.assertNotIn("skipped", told)


if __name__ == "__main__":
    unittest.main()
