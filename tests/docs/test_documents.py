# SPDX-License-Identifier: MIT
"""All code that documents show is run and prints what they say, and all their
links lead somewhere: test_documents.py [DOCUMENT...]."""

import glob
import os
import sys
import tempfile
import unittest
from urllib.parse import unquote

import documents
import markdown
import programs

SOURCE = os.environ["POLYSHM_SOURCE_DIR"]
BUILD = os.environ["POLYSHM_BINARY_DIR"]

# Those of the first line are run, and the links of all are followed.
RUN = "README.md", "docs/**/*.md", "core/doc/*.md", "bindings/**/*.md"
LINKED = *RUN, "*.md", "core/**/*.md", "examples/**/*.md"

INTERPRETERS = {
    "cc": os.environ.get("CC", "/usr/bin/cc"),
    "python3": sys.executable,
    "lua5.4": os.environ["POLYSHM_LUA_EXECUTABLE"],
}
if "POLYSHM_LUAJIT_EXECUTABLE" in os.environ:
    INTERPRETERS["luajit"] = os.environ["POLYSHM_LUAJIT_EXECUTABLE"]
    INTERPRETERS["luajit_path"] = os.environ["POLYSHM_LUAJIT_PATH"]


def find(patterns):
    os.chdir(SOURCE)
    found = set()
    for pattern in patterns:
        found.update(glob.glob(pattern, recursive=True))
    return sorted(found)


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
        return file.read()


def open_document(text, folder):
    runner = programs.Runner(folder, BUILD, SOURCE, INTERPRETERS)
    return documents.Document(text, SOURCE, runner)


class Code(unittest.TestCase):
    def test_all_of_it_runs(self):
        count = excused = 0
        without = set()
        for path in sys_paths or find(RUN):
            with self.subTest(path), tempfile.TemporaryDirectory() as folder:
                document = open_document(read(path), folder)
                problems = document.problems()
                if problems:
                    self.fail("\n".join([path, *problems]))
                count += document.count
                excused += document.excused
                without |= document.without
        print(f"{count} programs and sessions run, {excused} excused")
        for name in sorted(without):
            print(f"without {name}")
        if not sys_paths:
            self.assertGreater(count, 40)
            self.assertLess(excused, 12)


class Links(unittest.TestCase):
    def test_they_lead_somewhere(self):
        count = 0
        for path in find(LINKED):
            for link in markdown.links_of(read(path)):
                if "://" not in link and not link.startswith("mailto:"):
                    self.follow(path, unquote(link))
                    count += 1
        self.assertGreater(count, 40)

    def follow(self, path, link):
        target, _, anchor = link.partition("#")
        if target:
            target = os.path.normpath(
                os.path.join(os.path.dirname(path), target)
            )
        else:
            target = path
        there = os.path.join(SOURCE, target)
        self.assertTrue(os.path.exists(there), f"{path}: {link}")
        if anchor:
            anchors = markdown.anchors_of(read(target))
            self.assertIn(anchor, anchors, f"{path}: {link}")


SESSION = """
<!-- save as hello.py -->
```python
print("hello")
```
```console
$ python3 hello.py
hello
$ polyshm show nothing-of-that-name
polyshm: ...
```
"""
PYTHON = """
```python
x = 1
print(x)  #> 1
```
Words.
<!-- continued -->
```python
print(x + 1)  #> 2
```
"""
C = """
```c
printf("%d\\n", 7); //> 7
```
"""
LUA = """
```lua
print "a"  --> a
```
"""


class Checks(unittest.TestCase):
    """They would notice."""

    def problems(self, text):
        with tempfile.TemporaryDirectory() as folder:
            return "\n".join(open_document(text, folder).problems())

    def test_what_is_right(self):
        self.assertEqual(self.problems(SESSION + PYTHON + C + LUA), "")

    def test_what_is_wrong(self):
        for good, before, after, words in (
            (SESSION, "\nhello\n", "\nHello\n", "the document says"),
            (SESSION, "$ python3 hello.py\nhello\n", "", "nothing uses"),
            (SESSION, "polyshm: ...", "", "the document says"),
            (SESSION, "$ polyshm", "$ exit 3; polyshm", "broke off"),
            (SESSION, "save as hello.py", "no/such.py", "there is no no/such"),
            (SESSION, "save as hello.py", "README.md", "comment above it says"),
            (SESSION, "save as hello.py", "./README.md", "it is not what"),
            (PYTHON, "#> 2", "", "it printed"),
            (PYTHON, "#> 2", "#> 3", "it printed"),
            (PYTHON, "continued", "continues", "the comment above it says"),
            (PYTHON, "<!-- continued -->\n", "", "NameError"),
            (C, "//> 7", "//> 8", "it printed"),
            (C, "printf", "printg", "exit status"),
            (LUA, "--> a", "--> b", "it printed"),
            (LUA, "```lua", "```ruby", "nothing runs a block of 'ruby'"),
        ):
            self.assertIn(before, good)
            text = good.replace(before, after, 1)
            self.assertIn(words, self.problems(text), (before, after))
        with self.assertRaisesRegex(ValueError, "has no end"):
            self.problems("```c\n")

    def test_anchors_and_links(self):
        text = "# A `b` c!\n[x](y.md#z) `[no](link)`\n```\n# no\n[n](o)\n```\n"
        self.assertEqual(markdown.anchors_of(text), {"a-b-c"})
        self.assertEqual(markdown.links_of(text), ["y.md#z"])


if __name__ == "__main__":
    sys_paths = sys.argv[1:]
    unittest.main(argv=sys.argv[:1], verbosity=1)
