# SPDX-License-Identifier: MIT
"""examples/pipeline counts what plain.py, awk and people count."""

import collections
import errno
import hashlib
import json
import os
import random
import shutil
import subprocess
import time
import unittest
import xml.etree.ElementTree

import pipeline_support
from pipeline_support import ALL, GENERATE, python, report, until

AWK = os.path.join(os.path.dirname(__file__), "accesslog.awk")

HEAD = b'192.0.2.1 - - [10/Mar/2025:13:55:36 +0000] "'
LINE = HEAD + b'GET / HTTP/1.1" 200 5\n'


# (line, path) of lines that are requests of class 2xx with 7 bytes, from client
# "c" at 13:55 on 2025-03-10 in UTC.
TIME = b"[10/Mar/2025:13:55:36 +0000]"
VALID = [
    (b'c - - ' + TIME + b' "GET /a HTTP/1.1" 200 7 "-" "agent"', b"/a"),
    (b'c - - ' + TIME + b' "GET /a HTTP/1.1" 200 7', b"/a"),
    (b'c - - ' + TIME + b' "GET /a HTTP/1.1" 299 7 ', b"/a"),
    (b'c - - ' + TIME + b' "GET /a HTTP/1.1" 200 000000000007', b"/a"),
    (b'c ident o\'neill ' + TIME + b' "GET /a" 200 7', b"/a"),
    (b'c " "quoted" ' + TIME + b' "GET /a HTTP/1.1" 200 7', b"/a"),
    (b'c [x] [y] ' + TIME + b' "GET /a HTTP/1.1" 200 7', b"/a"),
    (b'c \xff \x80 ' + TIME + b' "GET /a HTTP/1.1" 200 7 \xfe\0\x01', b"/a"),
    (b'c - - [10/Mar/2025:14:55:36 +0100] "GET /a HTTP/1.1" 200 7', b"/a"),
    (b'c - - [10/Mar/2025:08:25:00 -0530] "GET /a HTTP/1.1" 200 7', b"/a"),
    (b'c - - [11/Mar/2025:00:25:59 +1030] "GET /a HTTP/1.1" 200 7', b"/a"),
    (b'c - - ' + TIME + b' "GET /a?x=1&y=2 HTTP/1.1" 200 7', b"/a"),
    (b'c - - ' + TIME + b' "GET /a?x=1?y HTTP/1.1" 200 7', b"/a"),
    (b'c - - ' + TIME + b' "GET /a?" 200 7', b"/a"),
    (b'c - - ' + TIME + b' "GET ?x HTTP/1.1" 200 7', b""),
    (b'c - - ' + TIME + b' "GET  /a HTTP/1.1" 200 7', b""),
    (b'c - - ' + TIME + b' "GET " 200 7', b""),
    (b'c - - ' + TIME + b' " /a" 200 7', b"/a"),
    (b'c - - ' + TIME + b' "" 200 7', b""),
    (b'c - - ' + TIME + b' "-" 200 7', b"-"),
    (b'c - - ' + TIME + b' "nonsense?x" 200 7', b"nonsense"),
    (b'c - - ' + TIME + b' "\\x16\\x03\\x01" 200 7', b"\\x16\\x03\\x01"),
    (b'c - - ' + TIME + b' "GET /a\\"b HTTP/1.1" 200 7', b'/a\\"b'),
    (b'c - - ' + TIME + b' "GET /a\\\\ HTTP/1.1" 200 7', b"/a\\\\"),
    (b'c - - ' + TIME + b' "GET /a\\ b HTTP/1.1" 200 7', b"/a\\"),
    (b'c - - ' + TIME + b' "GET /\\?b HTTP/1.1" 200 7', b"/\\"),
    (b'c - - ' + TIME + b' "GET /m\xc3\xbcs HTTP/1.1" 200 7', b"/m\xc3\xbcs"),
    (b'c - - ' + TIME + b' "GET /\xff\xfe HTTP/1.1" 200 7', b"/\xff\xfe"),
    (b'c - - ' + TIME + b' "GET /\x7f HTTP/1.1" 200 7', b"/\x7f"),
    (b'c - - ' + TIME + b' "GET /' + b"x" * 511 + b' HTTP/1.1" 200 7',
     b"/" + b"x" * 511),
    (b'c - - ' + TIME + b' "GET /' + b"x" * 512 + b' HTTP/1.1" 200 7',
     b"/" + b"x" * 511),
    (b'c - - ' + TIME + b' "GET /' + b"x" * 509 + b'\xc3\xbcy" 200 7',
     b"/" + b"x" * 509 + b"\xc3\xbc"),
    (b'c - - ' + TIME + b' "GET /' + b"x" * 510 + b'\xc3\xbcy" 200 7',
     b"/" + b"x" * 510 + b"\xc3"),
]

MALFORMED = [
    b"x",
    b" ",
    b"\t",
    b"\r\r",
    b"\0",
    b'- - ' + TIME + b' "GET /a HTTP/1.1" 200 7',
    b' c - - ' + TIME + b' "GET /a HTTP/1.1" 200 7',
    b'c  - - ' + TIME + b' "GET /a HTTP/1.1" 200 7',
    b'c -\t- ' + TIME + b' "GET /a HTTP/1.1" 200 7',
    b'c - - - ' + TIME + b' "GET /a HTTP/1.1" 200 7',
    b'c\0 - - ' + TIME + b' "GET /a HTTP/1.1" 200 7',
    b'c - - ' + TIME + b'  "GET /a HTTP/1.1" 200 7',
    b'c - - ' + TIME + b' GET /a HTTP/1.1 200 7',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1 200 7',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1\\" 200 7',
    b'c - - ' + TIME + b' "GET /a" HTTP/1.1" 200 7',
    b'c - - ' + TIME + b' "GET /a\tb HTTP/1.1" 200 7',
    b'c - - ' + TIME + b' "GET /a\\\tb HTTP/1.1" 200 7',
    b'c - - ' + TIME + b' "GET /a\0 HTTP/1.1" 200 7',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1\r" 200 7',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1"  200 7',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 200  7',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 200',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 200 ',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 099 7',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 600 7',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 20 7',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 2000 7',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 200 -7',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 200 -0',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 200 7-',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 200 --',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 200 +7',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 200 7.0',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 200 0x7',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 200 7e1',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 200 7\t"-"',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 200 7\r "-"',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 200 7\r\r',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 200 1234567890123',
    b'c - - ' + TIME + b' "GET /a HTTP/1.1" 200 \xd9\xa7',
    b'c - - [10/Mar/2025:13:55:36 +0000 "GET /a HTTP/1.1" 200 7',
    b'c - - [10/Mar/2025:13:55:36] "GET /a HTTP/1.1" 200 7',
    b'c - - [10/Mar/2025:13:55:36 0000] "GET /a HTTP/1.1" 200 7',
    b'c - - [10/Mar/2025:13:55:36 +2000] "GET /a HTTP/1.1" 200 7',
    b'c - - [10/Mar/2025:13:55:36 +0060] "GET /a HTTP/1.1" 200 7',
    b'c - - [10/mar/2025:13:55:36 +0000] "GET /a HTTP/1.1" 200 7',
    b'c - - [10/Mai/2025:13:55:36 +0000] "GET /a HTTP/1.1" 200 7',
    b'c - - [00/Mar/2025:13:55:36 +0000] "GET /a HTTP/1.1" 200 7',
    b'c - - [32/Mar/2025:13:55:36 +0000] "GET /a HTTP/1.1" 200 7',
    b'c - - [31/Apr/2025:13:55:36 +0000] "GET /a HTTP/1.1" 200 7',
    b'c - - [29/Feb/2025:13:55:36 +0000] "GET /a HTTP/1.1" 200 7',
    b'c - - [ 1/Mar/2025:13:55:36 +0000] "GET /a HTTP/1.1" 200 7',
    b'c - - [10/Mar/1969:13:55:36 +0000] "GET /a HTTP/1.1" 200 7',
    b'c - - [10/Mar/2100:13:55:36 +0000] "GET /a HTTP/1.1" 200 7',
    b'c - - [10/Mar/2025:24:00:00 +0000] "GET /a HTTP/1.1" 200 7',
    b'c - - [10/Mar/2025:13:60:00 +0000] "GET /a HTTP/1.1" 200 7',
    b'c - - [10/Mar/2025:13:55:60 +0000] "GET /a HTTP/1.1" 200 7',
    b'c - - [10/Mar/2025 13:55:36 +0000] "GET /a HTTP/1.1" 200 7',
]


class Grammar(pipeline_support.Case):
    def check(self, name, expected, *arguments):
        """Both programs say the same, and it is what the table says."""
        for result in (self.pipeline(name, *arguments), self.reference(name)):
            for key, value in expected.items():
                self.assertEqual(value, result[key], key)

    def test_valid_lines(self):
        paths = collections.Counter(path for _, path in VALID)
        ranked = sorted(paths.items(), key=lambda item: (-item[1], item[0]))
        expected = {
            "lines": len(VALID),
            "blank": 0,
            "requests": len(VALID),
            "malformed": 0,
            "bytes": 7 * len(VALID),
            "status": dict.fromkeys(report.CLASSES, 0) | {"2xx": len(VALID)},
            "paths": {
                "distinct": len(paths),
                "exact": True,
                "low_by_at_most": 0,
                "top": [[report.readable(p), n] for p, n in ranked],
            },
            "clients": {
                "distinct": 1,
                "exact": True,
                "low_by_at_most": 0,
                "top": [["c", len(VALID)]],
            },
            "timeline": {
                "minutes_per_bucket": 1,
                "buckets": [["2025-03-10T13:55Z", len(VALID)]],
            },
            "malformed_examples": [],
        }
        lines = [line for line, _ in VALID]
        # In both orders: a path may be known when the next line comes.
        self.check(self.write(b"\n".join(lines)), expected)
        lines.reverse()
        self.check(self.write(b"\r\n".join(lines) + b"\r\n"), expected)

    def test_malformed_lines(self):
        # One good line in front, because a log without any is an error.
        content = LINE + b"\n".join(MALFORMED) + b"\n"
        expected = {
            "lines": 1 + len(MALFORMED),
            "requests": 1,
            "blank": 0,
            "malformed": len(MALFORMED),
            "bytes": 5,
        }
        self.check(self.write(content), expected)

    def test_each_malformed_line_between_good_ones(self):
        content = b"".join(LINE + bad + b"\n" + LINE for bad in MALFORMED)
        expected = {
            "requests": 2 * len(MALFORMED),
            "malformed": len(MALFORMED),
        }
        self.check(self.write(content), expected, "--workers", 1)

    def test_examples_tell_where_and_what(self):
        bad = b"bad \xff\x00\x1b[31m\n" + b"y" * 101 + b"\n"
        content = LINE + b"\r\n" + bad
        name = self.write(content)
        expected = {
            "blank": 1,
            "malformed_examples": [
                {
                    "line": 3,
                    "offset": len(LINE) + 2,
                    "text": "bad \\xff\\x00\\x1b[31m",
                },
                {
                    "line": 4,
                    "offset": content.index(b"yy"),
                    "text": "y" * 100 + "...",
                },
            ],
        }
        self.check(name, expected)

    def test_blank_lines(self):
        expected = {"lines": 5, "blank": 4, "requests": 1, "malformed": 0}
        for content in (
            b"\n\r\n\n" + LINE + b"\r",
            b"\n\n\n" + LINE + b"\n",
            LINE + b"\r\n\r\n\r\n\r",
        ):
            self.check(self.write(content), expected)

    def test_status_classes(self):
        lines = b"".join(
            HEAD + b'GET / HTTP/1.1" %d -\n' % code
            for code in (100, 199, 200, 304, 404, 404, 499, 500, 599)
        )
        status = {"1xx": 2, "2xx": 1, "3xx": 1, "4xx": 3, "5xx": 2}
        self.check(self.write(lines), {"status": status, "bytes": 0})

    def test_sums_beyond_64_bits(self):
        line = HEAD + b'GET / HTTP/1.1" 200 999999999999\n'
        # 3,000 times the largest number is above a petabyte: the second slot
        # of the sum is in use. (2^63 would take a gigabyte of log.)
        self.check(
            self.write(line * 3000), {"bytes": 3000 * 999_999_999_999}
        )

    def test_days_and_zones(self):
        lines, minutes = [], []
        for when, minute in (
            (b"29/Feb/2024:23:59:59 +0000", "2024-02-29T23:59Z"),
            (b"01/Mar/2024:00:30:00 +0100", "2024-02-29T23:30Z"),
            (b"28/Feb/2000:23:30:00 -0045", "2000-02-29T00:15Z"),
            (b"31/Dec/1999:23:59:00 -0001", "2000-01-01T00:00Z"),
            (b"01/Jan/1970:00:00:00 +1400", "1969-12-31T10:00Z"),
            (b"31/Dec/2099:23:59:59 -1200", "2100-01-01T11:59Z"),
        ):
            lines.append(b'c - - [%s] "GET / HTTP/1.1" 200 1\n' % when)
            minutes.append([minute, 1])
        line = {"minutes_per_bucket": 1, "buckets": sorted(minutes)}
        self.check(self.write(b"".join(lines)), {"timeline": line})

    def test_mutated_lines(self):
        """Whatever noise does to log lines, both programs agree on it."""
        rng = random.Random(5)
        name = self.generate("--lines", 15000, "--seed", 9, "--malformed", 20)
        with open(name, "rb") as file:
            lines = file.read().split(b"\n")
        noise = b' "\\[]?-+/:.0159\r\n\0\t\x1f\x7f\xffaZ'
        for i, line in enumerate(lines):
            line = bytearray(line)
            for _ in range(rng.choice((0, 1, 1, 2, 3))):
                at = rng.randrange(min(len(line), 110) + 1)
                what = bytes((rng.choice(noise),))
                line[at : at + rng.randrange(2)] = what
            lines[i] = bytes(line)
        name = self.write(b"\n".join(lines))
        expected = self.reference(name)
        self.assertGreater(expected["requests"], 3000)
        self.assertGreater(expected["malformed"], 3000)
        for segment in ("4K", "1M"):
            self.assert_same(
                expected,
                self.pipeline(
                    name, "--segment-size", segment, "--max-line", 1000
                ),
            )


class Logs(pipeline_support.Case):
    def test_same_report_as_plain(self):
        for seed, size, *arguments in (
            (1, "12M", "--workers", 2),
            (2, "3M", "--workers", 1, "--segment-size", "64K", "--ring", 1),
            (3, "3M", "--workers", 3, "--segment-size", "4K", "--ring", 2),
            (4, "2M", "--workers", 7, "--segment-size", "1K", "--ring", 9),
            (5, "2M", "--workers", 7, "--segment-size", "1M"),
            (6, "1", "--workers", 3),
        ):
            with self.subTest(seed=seed):
                name = self.generate(
                    "--size", size, "--seed", seed, "--malformed", seed
                )
                # Longer than any line here, so both mean the same.
                small = ("--max-line", 1000)
                self.assert_same(
                    self.reference(name, 1000),
                    self.pipeline(name, *arguments, *small),
                )

    def test_same_report_as_awk(self):
        name = self.generate("--size", "3M", "--seed", 11, "--malformed", 30)
        with open(name, "rb") as file:
            # Not every awk reads zero bytes; as control bytes, they are alike.
            content = file.read().replace(b"\0", b"\1")
        name = self.write(content)
        awk = subprocess.run(
            ["awk", "-f", AWK, name],
            env={**os.environ, "LC_ALL": "C"},
            stdout=subprocess.PIPE,
            check=True,
        )
        totals = {}
        tables = {"path": {}, "client": {}, "minute": {}}
        for line in awk.stdout.split(b"\n")[:-1]:
            kind, number, *key = line.decode(
                errors="backslashreplace").split(" ", 2)
            if key:
                tables[kind][key[0]] = int(number)
            else:
                totals[kind] = int(number)

        result = self.pipeline(name)
        for key in ("lines", "blank", "requests", "malformed", "bytes"):
            self.assertEqual(totals[key], result[key], key)
        for key, count in result["status"].items():
            self.assertEqual(totals[key], count, key)
        self.assertEqual(tables["path"], dict(result["paths"]["top"]))
        self.assertEqual(tables["client"], dict(result["clients"]["top"]))
        self.assertEqual(tables["minute"], dict(result["timeline"]["buckets"]))

    def test_from_standard_input(self):
        name = self.generate("--size", "2M", "--seed", 12)
        expected = self.reference(name)
        with open(name, "rb") as file:
            content = file.read()
        self.assert_same(expected, self.pipeline("-", stdin=content))
        with open(name, "rb") as file:
            process = self.start(
                "-", "--top", ALL, "--json", self.path("r.json"), stdin=file
            )
        self.assertEqual(0, self.finish(process)[0])
        self.assert_same(expected, self.load(self.path("r.json")))

    def writer(self, fifo, process):
        """The FIFO opened for writing, unless its reader does not come."""
        opened = []

        def reader_is_there():
            try:
                opened.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
            except OSError as error:
                self.assertEqual(errno.ENXIO, error.errno)
            return opened or process.poll() is not None

        until(reader_is_there, "the reader")
        self.assertTrue(opened, "the pipeline ended")
        os.set_blocking(opened[0], True)
        return open(opened[0], "wb", buffering=0)

    def test_from_a_fifo_that_stutters(self):
        name = self.generate("--lines", 500, "--seed", 13)
        expected = self.reference(name)
        with open(name, "rb") as file:
            content = file.read()
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        process = self.start(
            fifo, "--top", ALL, "--json", self.path("r.json")
        )
        with self.writer(fifo, process) as file:
            for at in range(0, len(content), 20011):
                file.write(content[at : at + 20011])
                time.sleep(0.1)
        status, _, err = self.finish(process)
        self.assertEqual((0, ""), (status, err))
        self.assert_same(expected, self.load(self.path("r.json")))


class LongLines(pipeline_support.Case):
    def check(self, content, longest, *arguments):
        name = self.write(content)
        expected = self.reference(name, longest)
        self.assert_same(
            expected, self.pipeline(name, "--max-line", longest, *arguments)
        )
        return expected

    def test_around_the_limit(self):
        for end in (b"\n", b"\r\n"):
            content, good = b"", 0
            for length in range(296, 305):
                head = HEAD + b'GET / HTTP/1.1" 200 5 '
                tail = end[:-1]
                line = head.ljust(length - len(tail), b"x") + tail
                content += line + b"\n"
                good += length <= 300
            for segment in (302, 303, 400, 1000, 4096):
                result = self.check(
                    content, 300, "--segment-size", max(segment, 1024)
                )
                self.assertEqual(good, result["requests"])
                self.assertEqual(9 - good, result["malformed"])

    def test_everywhere_in_a_segment(self):
        rng = random.Random(3)
        content = b""
        for _ in range(400):
            content += rng.choice(
                (LINE, LINE, LINE, b"\n", b"z" * rng.randrange(6000) + b"\n")
            )
        for workers, ring in ((1, 1), (2, 3)):
            result = self.check(
                content, 1022, "--segment-size", "1K",
                "--workers", workers, "--ring", ring,
            )
            self.assertGreater(result["requests"], 100)

    def test_at_the_end(self):
        # Behind a long line in the last piece, the newline that is added must
        # not move the offset of the example.
        result = self.check(LINE + b"q" * 1001 + b"\nrubbish", 1000)
        self.assertEqual(2, result["malformed"])
        for last in (b"q" * 999, b"q" * 1000, b"q" * 1001, b"q" * 5000):
            for end in (b"", b"\n"):
                result = self.check(
                    LINE + last + end, 1000, "--segment-size", "1K"
                )
                self.assertEqual(1, result["malformed"])
                self.assertEqual(2, result["lines"])

    def test_that_fail_late(self):
        """A line that fits but for its end takes no more time than it has
        bytes: with a pattern that tried every shorter path, these took
        minutes."""
        long = b"a" * 60_000
        lines = [
            long + b"\n",
            HEAD + b"GET /" + long + b" HTTP/1.1\" 999 5\n",
            HEAD + b"GET /" + long + b"?" + long[:99] + b'" 200 x\n',
            HEAD + long + b" " + long[:999] + b'" 200 5-\n',
            HEAD + b"GET " + b"/ " * 30_000 + b'" 2000 5\n',
            HEAD + b"GET /" + b"\\x" * 30_000 + b'" 99 5\n',
            HEAD + b"GET / HTTP/1.1\" 200 " + b"5" * 60_000 + b"\n",
        ]
        result = self.check(LINE + b"".join(lines) * 40, report.LONGEST)
        self.assertEqual(len(lines) * 40, result["malformed"])

    def test_far_beyond_a_segment(self):
        content = LINE + b"w" * 5_000_000 + b"\n" + LINE
        result = self.check(content, report.LONGEST)
        self.assertEqual(2, result["requests"])
        self.assertEqual(
            [{"line": 2, "offset": len(LINE), "text": "w" * 100 + "..."}],
            result["malformed_examples"],
        )


class Presentation(pipeline_support.Case):
    def test_text(self):
        name = self.write(
            LINE * 3
            + HEAD + b'GET /\xc3\xbc\x7f\xff HTTP/1.1" 404 10\n'
            + b"rubbish\x1b[0m\n"
        )
        for program in ("pipeline", "plain"):
            options = ["--lua", pipeline_support.LUA, "--feeder",
                       pipeline_support.FEEDER] * (program == "pipeline")
            result = subprocess.run(
                python(f"{program}.py", name, *options),
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONIOENCODING": "utf-8"},
                check=True,
            )
            text = result.stdout.decode()
            for expected in (
                "5 lines: 4 requests, 1 malformed, 0 blank",
                "  2xx             3   75.0%  ##############################",
                "             1   25.0%  /\u00fc\\x7f\\xff",
                "Top paths (2 in all, counts are exact)",
                "             4  100.0%  192.0.2.1",
                "2025-03-10 13:55        4.0 |###############",
                "busiest minute: 2025-03-10 13:55 with 4 requests",
                "rubbish\\x1b[0m",
                "peak memory of",
            ):
                self.assertIn(expected, text)

    def test_plain_terminal(self):
        name = self.write(HEAD + b'GET /\xc3\xbc HTTP/1.1" 200 1\n')
        result = subprocess.run(
            python("plain.py", name),
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
            check=True,
        )
        self.assertIn(b"/\\xfc", result.stdout)

    def test_svg(self):
        name = self.generate("--lines", 2000)
        self.pipeline(name, "--svg", self.path("chart.svg"))
        root = xml.etree.ElementTree.parse(self.path("chart.svg")).getroot()
        space = "{http://www.w3.org/2000/svg}"
        self.assertEqual(space + "svg", root.tag)
        bars = [r for r in root.iter(space + "rect") if len(r)]
        self.assertGreater(len(bars), 100)
        for title in (r[0].text for r in bars):
            self.assertRegex(title, r"^2025-03-1\dT\d\d:\d\dZ: [\d.,]+$")

    def test_chart_adds_up(self):
        for minutes in ([0], [0, 1], [3, 50, 51, 500], [7, 10**6], [-90, 90]):
            line = report.timeline({m: 2 for m in minutes}, 1)
            for most in (1, 48, 240):
                span, rows = report.chart(line, most)
                self.assertLessEqual(len(rows), most + 1)
                self.assertAlmostEqual(
                    2 * len(minutes), sum(rate * span for _, rate in rows)
                )

    def test_compare(self):
        def table(low, *top):
            return {"low_by_at_most": low, "top": top}

        keys = table(0, ["/", 9], ["/a", 5])
        a = {"requests": 3, "run": {"s": 1}, "paths": keys, "clients": keys}
        for name, value in {
            "a": a,
            "b": {**a, "run": {"s": 2}},
            "c": {**a, "paths": table(0, ["/", 9], ["/a", 4])},
            "d": [],
            "e": {**a, "requests": 4},
            "f": {**a, "paths": table(2, ["/", 7], ["/b", 4])},
            "g": {**a, "paths": table(1, ["/", 7], ["/b", 4])},
            "h": {**a, "paths": table(2, ["/", 12], ["/a", 4])},
            "i": {**a, "paths": table(1, ["/", 9], ["/b", 3])},
        }.items():
            self.write(json.dumps(value).encode(), name)
        for names, status, text in (
            ("ab", 0, "equal: 3 requests"),
            ("ac", 1, "paths.top[1][1]: 5 and 4"),
            ("ad", 2, ""),
            ("ax", 2, ""),
            ("ae", 1, "requests: 3 and 4"),
            ("af", 0, "equal: 3 requests, paths within 2"),
            ("ag", 1, "paths['/']: 9 and 7"),
            ("ha", 1, "paths['/']: 12 and 9"),
            ("ia", 1, "paths['/a']: 5 and at most 3"),
        ):
            result = subprocess.run(
                python("compare.py", *map(self.path, names)),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self.assertEqual(status, result.returncode)
            self.assertEqual(text, result.stdout.decode().strip())


# Of --lines 20000 --seed 7 --malformed 100, wherever it is built and run.
DIGEST = (
    "f0715996399b6dae2b63c19328bb1070"
    "22cac5521e16ffc360d003189ce99e28"
)


class Generator(pipeline_support.Case):
    def output(self, *arguments):
        return subprocess.run(
            [GENERATE, *map(str, arguments)],
            stdout=subprocess.PIPE,
            check=True,
        ).stdout

    def test_same_bytes_everywhere(self):
        log = self.output("--lines", 20000, "--seed", 7, "--malformed", 100)
        self.assertEqual(20000, log.count(b"\n"))
        self.assertEqual(DIGEST, hashlib.sha256(log).hexdigest())

    def test_size(self):
        log = self.output("--size", "1M")
        self.assertGreaterEqual(len(log), 2**20)
        self.assertLess(len(log), 2**20 + 1000)
        self.assertTrue(log.endswith(b"\n"))
        self.assertNotEqual(log, self.output("--size", "1M", "--seed", 2))

    def test_share_of_malformed_lines(self):
        for share in (0, 1000):
            log = self.output("--lines", 3000, "--malformed", share)
            result = self.reference(self.write(log))
            self.assertEqual(3 * share, result["malformed"])

    def test_full_disk(self):
        for lines in (10, 100000):
            result = subprocess.run(
                [GENERATE, "--lines", str(lines), "--output", "/dev/full"],
                stderr=subprocess.PIPE,
            )
            self.assertEqual(1, result.returncode)
            self.assertIn(b"No space left on device", result.stderr)

    def test_misuse(self):
        for arguments in (
            [],
            ["--lines"],
            ["--lines", "5x"],
            ["--lines", "-5"],
            ["--lines", "0"],
            ["--lines", "5", "--size", "5"],
            ["--size", "5T"],
            ["--size", "99999999999G"],
            ["--lines", "5", "--malformed", "1001"],
            ["--lines", "5", "--days", "0"],
            ["--lines", "5", "--what", "0"],
            ["5"],
        ):
            result = subprocess.run(
                [GENERATE, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            self.assertEqual((2, b""), (result.returncode, result.stdout))
            self.assertIn(b"Try 'polyshm-example-generate --help'",
                          result.stderr)


if __name__ == "__main__":
    assert shutil.which("awk"), "the tests need awk"
    unittest.main()
