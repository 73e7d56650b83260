# SPDX-License-Identifier: MIT
"""The report's writer, on results that are known."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

HERE = os.path.dirname(os.path.abspath(__file__))
MACHINE = {"processor": "Abacus, 2 cores", "Python": "CPython 3", "date": "2000-01-01"}


def row(section, name, unit="ns", better="less", language="Python", by="least",
        **sides):  # fmt: skip
    told = {
        side.replace("_", " "): {"least": least, "median": median}
        for side, (least, median) in sides.items()
    }
    return {
        "section": section, "name": name, "language": language, "unit": unit,
        "better": better, "by": by, "note": "", "sides": told,
    }  # fmt: skip


LINES = [
    {"machine": MACHINE},
    row("access", "get int", polyshm=(20, 25), stock=(1000, 1100), Redis=(40000, 5e4)),
    row("access", "set int", polyshm=(25, 25), stock=(2000, 2000)),
    row("processes", "all get one item, 2 at once", "1000/s", "more", by="median",
        polyshm=(900, 800), stock=(50, 40), LMDB=(1700, 1600)),
    row("memory", "private memory to attach to 10 items", "KiB",
        polyshm=(0, 0), stock=(68, 68)),
    row("languages", "unpack <i4d", language="Lua", polyshm=(100, 100)),
    row("create", "attach to a block of 4 KiB, use, close", "us", language="C",
        polyshm=(13.34, 14), system_calls=(10, 10)),
    row("items", "get one of 10", polyshm=(20, 20), stock=(1000, 1000)),
    row("items", "get one of 10,000,000", polyshm=(30, 30), stock=(1500, 1500)),
    {"missing": "LMDB", "why": "No module named 'lmdb'"},
    {"run": {"effort": "full", "seconds": 12.3}},
]  # fmt: skip

README = """before
<!-- benchmarks:start -->
stale words
<!-- benchmarks:end -->
after
"""


class Report(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def report(self, lines=LINES, readme=None):
        """How it ended."""
        self.write("results", "".join(json.dumps(line) + "\n" for line in lines))
        command = [sys.executable, "-W", "error", f"{HERE}/report.py"]
        command += [self.path("results"), self.path("docs")]
        if readme is not None:
            self.write("README.md", readme)
            command += ["--readme", self.path("README.md")]
        return subprocess.run(command, stderr=subprocess.PIPE, text=True)

    def page(self, lines=LINES):
        ended = self.report(lines)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return self.read("docs/benchmarks.md")

    def test_ratios_come_first(self):
        page = self.page()
        for line in (
            "| | polyshm | noise | stock Python | Redis |",
            "| get int | 20.0 ns | 25 % | 50× (1,000) | 2,000× (40,000) |",
            "| set int | 25.0 ns | | 80× (2,000) | |",
        ):
            self.assertIn(line + "\n", page)

    def test_more_may_be_better(self):
        self.assertIn(
            "| all get one item, 2 at once (median) | 800 1000/s | 11 % | "
            "20× (40.0) | 0.50× (1,600) |\n",
            self.page(),
        )

    def test_nothing_has_no_ratio(self):
        self.assertIn(
            "| private memory to attach to 10 items | 0 KiB | | – (68.0) |\n",
            self.page(),
        )

    def test_other_languages(self):
        page = self.page()
        self.assertIn("| unpack &lt;i4d | 100 ns | |\n", page)
        self.assertIn(
            "| attach to a block of 4 KiB, use, close | 13.3 µs | "
            "0.75× (system calls: 10.0) |\n",
            page,
        )

    def test_the_machine_and_what_is_missing(self):
        page = self.page()
        self.assertIn("| processor | Abacus, 2 cores |\n", page)
        self.assertIn(
            "- Not measured here: LMDB (No module named 'lmdb').\n", page
        )
        self.assertIn("Written by `scripts/bench` in 12 s.", page)

    def test_targets(self):
        page = self.page()
        self.assertIn(
            "| Python: get and set of an int, float or str of 10, and stock | "
            "at least 25× | 50× | yes | 34 to 76× |\n",
            page,
        )
        self.assertNotIn("Manager: one more block", page)
        slow = row("access", "get int", polyshm=(50, 50), stock=(1000, 1000))
        self.assertIn("| at least 25× | 20× | no |", self.page([*LINES, slow]))
        self.assertIn("| at most 1.9× | 1.3× | yes |", page)

    def test_a_quick_run_is_no_measure_of_targets(self):
        lines = [*LINES[:-1], {"run": {"effort": "quick", "seconds": 1}}]
        page = self.page(lines)
        self.assertNotIn("wanted", page)
        self.assertIn("`scripts/bench --quick`", page)

    def test_the_chart(self):
        self.page()
        root = xml.fromstring(self.read("docs/benchmarks.svg"))
        titles = [one.text for one in root.iter("{http://www.w3.org/2000/svg}title")]
        self.assertIn("stock Python: 50×", titles)
        self.assertIn("Redis: 2,000×", titles)
        words = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
        self.assertIn("read an int of a list", words)
        self.assertIn("10M", words)
        width = float(root.get("width"))
        for one in root.iter("{http://www.w3.org/2000/svg}circle"):
            self.assertTrue(0 < float(one.get("cx")) < width)

    def test_a_part_of_the_rows_is_enough(self):
        for kept in LINES[1:9]:
            self.page([LINES[0], kept])
            xml.fromstring(self.read("docs/benchmarks.svg"))

    def test_the_same_results_make_the_same_files(self):
        self.report(readme=README)
        first = [
            self.read(name)
            for name in ("docs/benchmarks.md", "docs/benchmarks.svg", "README.md")
        ]
        self.report(readme=first[2])
        self.assertEqual(self.read("docs/benchmarks.md"), first[0])
        self.assertEqual(self.read("docs/benchmarks.svg"), first[1])
        self.assertEqual(self.read("README.md"), first[2])

    def test_only_the_marked_part_of_the_readme_changes(self):
        self.assertEqual(self.report(readme=README).returncode, 0)
        readme = self.read("README.md")
        self.assertTrue(readme.startswith("before\n<!-- benchmarks:start"))
        self.assertTrue(readme.endswith("<!-- benchmarks:end -->\nafter\n"))
        self.assertNotIn("stale", readme)
        self.assertIn("Abacus, 2 cores; CPython 3; 2000-01-01", readme)
        self.assertIn(
            "| get, set of an item | 20.0 to 25.0 ns | 50× to 80× | Redis 2,000× |\n",
            readme,
        )
        self.assertIn("(docs/benchmarks.svg)", readme)

    def test_a_readme_without_its_marks_is_left_alone(self):
        for readme in ("no marks\n", README + README):
            self.assertNotEqual(self.report(readme=readme).returncode, 0)
            self.assertEqual(self.read("README.md"), readme)

    def test_nothing_measured_is_an_error(self):
        ended = self.report([LINES[0]])
        self.assertNotEqual(ended.returncode, 0)
        self.assertFalse(os.path.exists(self.path("docs")))


if __name__ == "__main__":
    unittest.main()
