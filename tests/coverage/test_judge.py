#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The judge of coverage can find fault: each rule meets what breaks it."""
import contextlib
import io
import json
import os
import tempfile
import unittest

import judge

SOURCE = """\
#include "a.h"

static int twice(int number) {
  return number > 0 ? 2 * number
                    : 0;
}

PSHM_INLINE bool other(
    int number) {
  return number;
}
"""


def line(number, count, *branches):
    return {
        "line_number": number,
        "count": count,
        "branches": [{"count": taken} for taken in branches],
        "gcovr/noncode": False,
    }


def report(*lines):
    skipped = dict(line(1, 0, 0), **{"gcovr/noncode": True})
    return {"files": [{"file": "core/a.c", "lines": [skipped, *lines]}]}


REACHED = [line(3, 1), line(4, 1, 1, 1), line(8, 2), line(10, 2)]
HALF = [line(3, 1), line(4, 1, 1, 0, 0, 0, 0), line(8, 2), line(10, 2)]
MISSED = [line(3, 1), line(4, 1, 1, 0), line(8, 0), line(10, 0)]


class Judge(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.source = folder.name
        os.mkdir(self.path("core"))
        self.write("core/a.c", SOURCE)

    def path(self, name):
        return os.path.join(self.source, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def functions(self, lines):
        return list(judge.functions_of(report(*lines), self.source))

    def problems(self, lines, entries):
        listed = judge.read_list("## core/a.c\n\n" + entries)
        return list(judge.compare(self.functions(lines), listed))

    def run_it(self, lines, entries="", floors=("95", "90")):
        self.write("gcovr.json", json.dumps(report(*lines)))
        self.write("list.md", "## core/a.c\n\n" + entries)
        with contextlib.redirect_stdout(io.StringIO()):
            judge.main([
                self.path("gcovr.json"), self.path("list.md"), self.source,
                *floors, self.path("summary.md"),
            ])  # fmt: skip

    def test_functions_are_found_in_the_source(self):
        twice, other = self.functions(MISSED)
        self.assertEqual(("twice", "other"), (twice.name, other.name))
        self.assertEqual(([3, 4], [4, 4], [], [4]), tuple(twice[2:]))
        self.assertEqual(([8, 10], [], [8, 10], []), tuple(other[2:]))

    def test_what_is_not_reached_has_to_be_listed(self):
        self.assertEqual([], self.problems(REACHED, ""))
        (problem,) = self.problems(MISSED, "")
        self.assertIn("other is not listed: 2 lines", problem)
        self.assertEqual([], self.problems(MISSED, "- `other`: it cannot."))

    def test_a_line_needs_no_word(self):
        lines = [line(3, 1), line(4, 0), line(8, 2), line(10, 2)]
        self.assertEqual([], self.problems(lines, ""))
        self.assertEqual([], self.problems(lines, "- `twice`: it cannot."))

    def test_many_branches_have_to_be_listed(self):
        (problem,) = self.problems(HALF, "")
        self.assertIn("twice is not listed: 4 branches", problem)
        self.assertEqual([], self.problems(HALF, "- `twice`: it cannot."))

    def test_what_is_reached_must_not_be_listed(self):
        (problem,) = self.problems(REACHED, "- `twice`: it cannot.")
        self.assertIn("all of it is reached", problem)
        entry = "- `twice`, at times: if another is slower."
        self.assertEqual([], self.problems(REACHED, entry))

    def test_what_is_not_there_must_not_be_listed(self):
        (problem,) = self.problems(REACHED, "- `thrice`, at times: never.")
        self.assertIn("there is none", problem)

    def test_an_entry_has_a_reason(self):
        for entry in ("- `twice`", "- `twice`:", "- twice: no."):
            with self.assertRaises(ValueError):
                judge.read_list(f"## core/a.c\n{entry}\n")

    def test_a_file_that_was_not_built_is_told(self):
        functions = self.functions(REACHED)
        self.assertEqual([], list(judge.not_measured(functions, self.source)))
        self.write("core/b.c", SOURCE)
        (problem,) = judge.not_measured(functions, self.source)
        self.assertIn("core/b.c", problem)

    def test_floors_decide(self):
        self.run_it(REACHED)
        entry = "- `other`: it cannot."
        self.run_it(MISSED, entry, ("50", "50"))
        with self.assertRaisesRegex(SystemExit, "too few lines"):
            self.run_it(MISSED, entry, ("51", "50"))
        with self.assertRaisesRegex(SystemExit, "too few branches"):
            self.run_it(MISSED, entry, ("50", "51"))

    def test_the_summary_names_lines(self):
        with self.assertRaisesRegex(SystemExit, "other is not listed"):
            self.run_it(MISSED)
        with open(self.path("summary.md")) as file:
            text = file.read()
        self.assertIn("| core/a.c | 2 / 4 | 50.0 | 1 / 2 | 50.0 |", text)
        self.assertIn("- core/a.c: `twice`: branches of 4\n", text)
        self.assertIn("- core/a.c: `other`: lines 8, 10\n", text)

    def test_spans_join_neighbours(self):
        self.assertEqual("3-5, 9", judge.spans([4, 3, 5, 9, 9]))


if __name__ == "__main__":
    unittest.main()
