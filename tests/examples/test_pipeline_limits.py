# SPDX-License-Identifier: MIT
"""examples/pipeline stays within its memory, and says what that costs."""

import json
import os
import random
import subprocess
import unittest

import pipeline_support
from pipeline_support import python, report

LINE = b'%s - - [10/Mar/2025:13:55:36 +0000] "GET %s HTTP/1.1" 200 5\n'


class Keys(pipeline_support.Case):
    def check_bounds(self, counted, exact):
        """A table that is not exact errs as little as it says."""
        self.assertFalse(counted["exact"])
        self.assertIsNone(counted["distinct"])
        bound = counted["low_by_at_most"]
        self.assertGreater(bound, 0)
        truth, told = dict(exact["top"]), dict(counted["top"])
        self.assertLess(len(told), len(truth))
        for key, count in truth.items():
            self.assertLessEqual(told.get(key, 0), count, key)
            self.assertLessEqual(count - told.get(key, 0), bound, key)
        self.assertLessEqual(told.keys(), truth.keys())
        return bound

    def test_exact_up_to_the_limit(self):
        lines = [LINE % (b"c%d" % (i % 40), b"/%d" % (i % 40))
                 for i in range(1000)]
        name = self.write(b"".join(lines))
        expected = self.reference(name)
        for limit in (40, 41, 1000):
            result = self.pipeline(name, "--max-keys", limit, "--workers", 2)
            self.assert_same(expected, result)
        result = self.pipeline(name, "--max-keys", 39, "--workers", 1)
        self.check_bounds(result["paths"], expected["paths"])
        self.check_bounds(result["clients"], expected["clients"])
        for key in ("requests", "bytes", "status", "timeline"):
            self.assertEqual(expected[key], result[key])

    def test_bounds_above_the_limit(self):
        name = self.generate("--lines", 30000, "--seed", 21)
        expected = self.reference(name)
        for limit, workers in ((100, 1), (1000, 2), (2, 1), (500, 3)):
            with self.subTest(limit=limit, workers=workers):
                result = self.pipeline(
                    name, "--max-keys", limit, "--workers", workers,
                    "--segment-size", "66K",
                )
                bounds = [
                    self.check_bounds(result[key], expected[key])
                    for key in ("paths", "clients")
                ]
                if limit >= 500:
                    # Useful, too: far below the most frequent.
                    most = expected["paths"]["top"][0][1]
                    self.assertLess(max(bounds), most / 10)
                    self.assertEqual(
                        expected["paths"]["top"][0][0],
                        result["paths"]["top"][0][0],
                    )

    def test_text_limit(self):
        # 64 keys of 500 bytes do not fit into 20,000.
        rng = random.Random(1)
        keys = [b"/%03d" % i + b"x" * 496 for i in range(64)]
        lines = [LINE % (b"c", rng.choice(keys)) for _ in range(3000)]
        name = self.write(b"".join(lines))
        expected = self.reference(name)
        result = self.pipeline(name, "--max-text", 20000, "--workers", 2)
        self.check_bounds(result["paths"], expected["paths"])
        self.assertEqual(expected["clients"], result["clients"])
        self.assert_same(
            expected, self.pipeline(name, "--max-text", 64 * 500)
        )

    def test_compare_knows(self):
        name = self.generate("--lines", 20000, "--seed", 22)
        reports = [self.path("report.json"), self.path("plain.json")]
        self.pipeline(name, "--max-keys", 500)
        subprocess.run(
            python("plain.py", name, "--json", reports[1]),
            stdout=subprocess.DEVNULL,
            check=True,
        )
        result = subprocess.run(
            python("compare.py", *reports), stdout=subprocess.PIPE
        )
        self.assertRegex(
            result.stdout,
            rb"\Aequal: [\d,]+ requests, paths within \d+, clients within \d",
        )
        self.assertEqual(0, result.returncode)

    def test_report_says_so(self):
        lines = [LINE % (b"c", b"/%d" % i) for i in range(100)]
        process = self.start(
            self.write(b"".join(lines)), "--max-keys", 10, "--workers", 1
        )
        status, out, _ = self.finish(process)
        self.assertEqual(0, status)
        self.assertRegex(
            out.decode(),
            r"Top paths \(too many to keep all: counts may be low by at most "
            r"\d+\)",
        )
        self.assertIn(b"Top clients (1 in all, counts are exact)", out)


class Timelines(pipeline_support.Case):
    def log_of(self, minutes):
        lines = []
        for minute in minutes:
            when = report.EPOCH + minute * report.datetime.timedelta(minutes=1)
            text = when.strftime("%d/%b/%Y:%H:%M:00 +0000").encode()
            lines.append(b'c - - [' + text + b'] "-" 200 1\n')
        return self.write(b"".join(lines))

    def test_hours_when_there_are_too_many_minutes(self):
        first = 28_000_001
        for count, width in (
            (report.BUCKETS_MAX, 1), (report.BUCKETS_MAX + 1, 60)
        ):
            name = self.log_of(range(first, first + count))
            expected = self.reference(name)
            line = expected["timeline"]
            self.assertEqual(width, line["minutes_per_bucket"])
            self.assertEqual(count, sum(n for _, n in line["buckets"]))
            for workers in (1, 2):
                result = self.pipeline(name, "--workers", workers)
                self.assert_same(expected, result)

    def test_days_when_there_are_too_many_hours(self):
        rng = random.Random(2)
        hours = rng.sample(range(24 * 365 * 100), report.BUCKETS_MAX + 1)
        name = self.log_of([hour * 60 + 7 for hour in hours])
        expected = self.reference(name)
        self.assertEqual(1440, expected["timeline"]["minutes_per_bucket"])
        self.assert_same(expected, self.pipeline(name, "--workers", 2))


class Memory(pipeline_support.Case):
    @unittest.skipIf(
        "ASAN_OPTIONS" in os.environ, "a sanitizer keeps freed memory"
    )
    def test_hostile_logs_do_not_fill_it(self):
        """A flood of new keys and lines without end: 40 MB against workers
        that may keep 2 MiB of text."""
        lines = [
            LINE % (b"client-%d" % i, b"/%d/" % i + b"y" * 60)
            for i in range(250_000)
        ]
        lines.insert(7, b"z" * 10_000_000)
        name = self.write(b"".join(lines))
        process = self.start(
            name, "--max-text", "2M", "--workers", 2,
            "--json", self.path("report.json"),
        )
        status, _, err = self.finish(process)
        self.assertEqual((0, ""), (status, err))
        with open(self.path("report.json"), encoding="utf-8") as file:
            run = json.load(file)["run"]
        self.assertEqual(
            ["pipeline.py", "feeder (C)", "worker 1 (Lua)", "worker 2 (Lua)"],
            [process["process"] for process in run["memory"]],
        )
        for process in run["memory"]:
            self.assertGreater(process["peak"], 0)
            self.assertGreaterEqual(process["peak"], process["shared"])
            own = process["peak"] - process["shared"]
            self.assertLess(own, 64 * 2**20, process)
            self.assertLess(process["shared"], 64 * 2**20, process)
        feeder = run["memory"][1]
        self.assertLess(feeder["peak"] - feeder["shared"], 10 * 2**20)


if __name__ == "__main__":
    unittest.main()
