# SPDX-License-Identifier: MIT
"""Each section of scripts/bench runs, in the smallest setting and without peers,
and tells what the report looks for. No time is judged."""

import os
import subprocess
import sys
import tempfile
import unittest

import chart
import report
import results as measured
import run
import targets

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ["POLYSHM_BINARY_DIR"]


def measure(build, *words):
    """The results of run.py, and how it ended."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "results")
        # This test has a /dev/shm of its own already.
        command = [sys.executable, f"{HERE}/run.py", "--build", build]
        command += ["--results", path, "--effort", "smoke", "--no-peers", "--here"]
        ended = subprocess.run(
            [*command, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        return measured.read(path), ended


class Sections(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.results, ended = measure(BUILD)
        if ended.returncode != 0:
            raise AssertionError(ended.stderr)

    def test_each_tells_rows_that_have_us(self):
        self.assertEqual({row.section for row in self.results.rows},
                         set(run.SECTIONS))  # fmt: skip
        for row in self.results.rows:
            for side, told in row.sides.items():
                self.assertGreaterEqual(told["least"], 0, (row.name, side))
            self.assertIn(measured.OURS, row.sides, row.name)

    def test_stock_is_beside_us_from_python(self):
        for row in self.results.rows:
            if row.language == "Python":
                self.assertIn(measured.STOCK, row.sides, row.name)

    def test_what_is_shown_is_there(self):
        """A row that was renamed would vanish from chart, README and targets."""
        for section, language, name, _ in (*chart.SHOWN, *report.README_ROWS):
            self.assertTrue(self.results.find(section, language, name), name)
        for target in targets.TARGETS:
            self.assertIsNotNone(target.measure(self.results), target.what)

    def test_all_of_it_can_be_written(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (
                ("md", report.page(self.results)),
                ("svg", chart.draw(self.results)),
            ):
                report.write(os.path.join(folder, name), text)


class Failure(unittest.TestCase):
    def test_a_section_that_fails_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            _, ended = measure(folder, "--only", "native")
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("these sections failed: native", ended.stderr)


if __name__ == "__main__":
    unittest.main()
