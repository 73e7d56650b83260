#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_version.py agrees with this tree, and sees each place that does not.

Usage: test_version.py SOURCE
"""
import re
import sys
import unittest

import check_version

SOURCE = check_version.Source(sys.argv.pop(1))
VERSION = check_version.version_of(SOURCE)
ROCKSPEC = f"polyshm-{VERSION}-1.rockspec"

# A file, what is changed in it, and what must be said.
WRONG = [
    ("CMakeLists.txt", "polyshm VERSION 0", "polyshm VERSION 9", "is not 9."),
    ("CMakeLists.txt", "polyshm VERSION 0", "polyshm VERSION x", "is no version"),
    (check_version.HEADER, r"MINOR = \d+", "MINOR = 98", "polyshm.h: 0.98.0"),
    ("pyproject.toml", r'dynamic = \["version"\]', "", "pyproject.toml: not told"),
    ("pyproject.toml", "polyshm VERSION", "polyshn VERSION", "not told is not"),
    (ROCKSPEC, r'version = "[\d.]+', 'version = "9.0.0', "rockspec: 9.0.0"),
    (ROCKSPEC, r"polyshm-[\d.]+tar", "polyshm-9.0.0.tar", "archive: 9.0.0"),
    ("CHANGELOG.md", r"^## \d[\d.]*", "## 9.0.0", "the newest release is not"),
    ("CHANGELOG.md", r" - 20\d\d-\d\d", " - 2026-13", "is no version and date"),
    ("CHANGELOG.md", r"^(## \d.*)$", r"## 0.0.1 - 2020-01-01\n\n\1", "order"),
    (check_version.SYMBOLS, r"\Z", "polyshm_x 97.1\n", "polyshm_x is of 97.1"),
]


class Changed:
    """This tree, with one file's text changed."""

    def __init__(self, name, pattern, new):
        self.name = name
        self.changed = re.sub(pattern, new, SOURCE.text(name), count=1, flags=re.M)
        assert self.changed != SOURCE.text(name), (name, pattern)

    def names(self, pattern):
        return SOURCE.names(pattern)

    def text(self, name):
        return self.changed if name == self.name else SOURCE.text(name)


class Version(unittest.TestCase):
    def test_this_tree(self):
        self.assertEqual(list(check_version.problems(SOURCE)), [])

    def test_each_place_can_be_wrong(self):
        for name, pattern, new, expected in WRONG:
            with self.subTest(name=name, new=new):
                source = Changed(name, pattern, new)
                found = "\n".join(check_version.problems(source))
                self.assertIn(expected, found)


if __name__ == "__main__":
    unittest.main()
