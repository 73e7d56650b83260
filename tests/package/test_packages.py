#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What Debian's packages will be, as far as configuring tells: scripts/package
builds them, and lintian judges those.

Usage: test_packages.py SOURCE BUILD WORK CMAKE
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import unittest

SOURCE, BUILD, WORK, CMAKE = sys.argv[1:]
del sys.argv[1:]
COMPONENTS = {
    "library": ("libpolyshm0", "libs"),
    "development": ("libpolyshm-dev", "libdevel"),
    "lua": ("lua-polyshm", "interpreters"),
    "python": ("python3-polyshm", "python"),
    "tools": ("polyshm-tools", "utils"),
}
# Debian's policy, 5.6.1; and its habit for short descriptions.
PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")
DEPENDENCY = re.compile(
    rf"{PACKAGE.pattern}( \((>=|<<|=) [0-9.~-]+\))?( \| {PACKAGE.pattern})?"
)
PYTHON = "/usr/bin/python3"


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def installed_components(build):
    """Of what is built there, and not by tests of their own."""
    scripts = [
        path
        for folder in ("core", "bindings", "tools", "examples")
        for path in glob.glob(
            os.path.join(build, folder, "**", "cmake_install.cmake"), recursive=True
        )
    ]
    pattern = r'CMAKE_INSTALL_COMPONENT STREQUAL "(.*?)"'
    return {name for path in scripts for name in re.findall(pattern, read(path))}


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shutil.rmtree(WORK, ignore_errors=True)
        command = [CMAKE, "-S", SOURCE, "-B", WORK, "-DPOLYSHM_DEBIAN=ON"]
        command += ["-DCMAKE_INSTALL_PREFIX=/usr", "-DBUILD_TESTING=OFF"]
        command += ["-DPOLYSHM_EXAMPLES=OFF", f"-DPython3_EXECUTABLE={PYTHON}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        text = read(WORK, "CPackConfig.cmake")
        cls.told = dict(re.findall(r'^set\((\w+) "(.*?)"\)$', text, re.M | re.S))
        cls.version = re.search(
            r"polyshm VERSION ([\d.]+)", read(SOURCE, "CMakeLists.txt")
        )[1]

    def of(self, component, what):
        return self.told.get(f"CPACK_DEBIAN_{component.upper()}_{what}", "")

    def test_each_file_has_its_package(self):
        self.assertEqual(installed_components(BUILD), set(COMPONENTS))
        self.assertEqual(
            self.told["CPACK_COMPONENTS_ALL"].split(";"), list(COMPONENTS)
        )

    def test_names_and_sections(self):
        for component, (name, section) in COMPONENTS.items():
            self.assertEqual(self.of(component, "PACKAGE_NAME"), name)
            self.assertEqual(self.of(component, "PACKAGE_SECTION"), section)
        major = self.version.split(".")[0]
        self.assertEqual(self.of("library", "PACKAGE_NAME"), f"libpolyshm{major}")

    def test_dependencies(self):
        for component in COMPONENTS:
            wanted = self.of(component, "PACKAGE_DEPENDS")
            for dependency in filter(None, wanted.split(", ")):
                self.assertRegex(dependency, f"^{DEPENDENCY.pattern}$")
            if component not in ("library", "development"):
                self.assertIn(f"libpolyshm0 (>= {self.version})", wanted)
        self.assertEqual(
            self.of("development", "PACKAGE_DEPENDS"),
            f"libpolyshm0 (= {self.version}-1)",
        )
        python = self.of("python", "PACKAGE_DEPENDS")
        asked = [PYTHON, "-c", "import sys; print('3.%d' % sys.version_info[1])"]
        system = subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True)
        self.assertIn(f"python3 (>= {system.stdout.strip()}~)", python)

    def test_descriptions(self):
        shorts = set()
        for component in COMPONENTS:
            short, *lines = self.of(component, "DESCRIPTION").split("\n")
            self.assertLess(len(short), 80)
            self.assertRegex(short, r"^(?!(a|an|the) )[a-z].*[^.]$")
            self.assertTrue(lines and all(len(line) < 80 for line in lines))
            shorts.add(short)
        self.assertEqual(len(shorts), len(COMPONENTS))

    def test_symbols(self):
        names = [
            line.split()[0]
            for line in read(SOURCE, "core", "abi", "polyshm.symbols").splitlines()
        ]
        first, _, *lines = read(WORK, "core", "debian", "symbols").splitlines()
        self.assertEqual(first, "libpolyshm.so.0 libpolyshm0 #MINVER#")
        found = [re.fullmatch(r" ([\w.]+)@POLYSHM_[\d.]+ [\d.]+", x) for x in lines]
        told = sorted(m[1] for m in found if not m[1].startswith("POLYSHM"))
        self.assertEqual(told, sorted(names))

    def test_changelog_and_copyright(self):
        folder = os.path.join(WORK, "core", "debian")
        changelog = read(folder, "changelog.Debian")
        self.assertTrue(changelog.startswith(f"polyshm ({self.version}-1) "))
        self.assertRegex(changelog, r"\n -- .+ <.+>  \w{3}, \d\d \w{3} 20\d\d 12:00")
        copyright_ = read(folder, "copyright")
        self.assertIn("WITHOUT WARRANTY OF ANY KIND", copyright_)
        self.assertIn("GNU C Library", copyright_)  # of the helper
        for line in copyright_.rpartition("License: Expat\n")[2].splitlines():
            self.assertRegex(line, r"^ \S")


if __name__ == "__main__":
    unittest.main()
