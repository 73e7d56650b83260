# SPDX-License-Identifier: MIT
"""From counts to a report: as text, as JSON, as a picture.

pipeline.py and plain.py share this file and nothing else. It knows nothing of
log lines; both come with their own counts of them.
"""

import argparse
import datetime
import heapq
import html
import json
import os
import signal
import sys

EXAMPLES = 5
EXCERPT = 100  # bytes of a malformed line that are shown
KEY_MAX = 512  # bytes by which a path or a client is told from others
LONGEST = 64 * 1024  # bytes of a line, unless asked otherwise
BUCKETS_MAX = 100_000
COARSER = {1: 60, 60: 1440}
UNITS = {1: "minute", 60: "hour", 1440: "day"}
CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")


class Counts:
    """How often each key was seen; every count may be low by `bound`."""

    def __init__(self, counts, bound=0):
        self.counts = counts
        self.bound = bound

    def as_json(self, top):
        # Ties by name, so that the order does not depend on who counted.
        first = heapq.nsmallest(
            top, self.counts.items(), key=lambda item: (-item[1], item[0])
        )
        return {
            "distinct": None if self.bound else len(self.counts),
            "exact": not self.bound,
            "low_by_at_most": self.bound,
            "top": [[readable(key), count] for key, count in first],
        }


def coarser(counts, width):
    """The same requests in the next wider buckets, and how wide those are."""
    factor = COARSER[width] // width
    wider = {}
    for bucket, count in counts.items():
        bucket //= factor
        wider[bucket] = wider.get(bucket, 0) + count
    return wider, COARSER[width]


def timeline(counts, width):
    """The requests per bucket of `width` minutes, in order; buckets grow to
    hours and days if there are too many."""
    while len(counts) > BUCKETS_MAX and width in COARSER:
        counts, width = coarser(counts, width)
    return {
        "minutes_per_bucket": width,
        "buckets": [
            [moment(bucket * width), count]
            for bucket, count in sorted(counts.items())
        ],
    }


def build(totals, classes, paths, clients, line, examples, top):
    """The report as JSON has it. `totals` has lines, blank, requests, malformed
    and bytes; `line` is a timeline(), `examples` are (number, offset, text).
    What differs from run to run is added by the caller, as "run"."""
    return {
        **totals,
        "status": dict(zip(CLASSES, classes)),
        "paths": paths.as_json(top),
        "clients": clients.as_json(top),
        "timeline": line,
        "malformed_examples": [
            {"line": number, "offset": offset, "text": text}
            for number, offset, text in sorted(examples)[:EXAMPLES]
        ],
    }


# ----------------------------------------------------------------- small texts


def readable(key):
    return key.decode("utf-8", "backslashreplace")


def printable(text):
    """`text` without anything that a terminal would act upon."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text
    )


EPOCH = datetime.datetime(1970, 1, 1)


def moment(minute):
    """Minutes since 1970 as "2025-03-10T13:55Z"."""
    when = EPOCH + datetime.timedelta(minutes=minute)
    return when.isoformat(timespec="minutes") + "Z"


def minute_of(text):
    """The reverse of moment()."""
    when = datetime.datetime.fromisoformat(text[:-1])
    return (when - EPOCH) // datetime.timedelta(minutes=1)


def size(count):
    """A number of bytes for people."""
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if count < 1024:
            break
        count /= 1024
    return f"{count:,.0f} bytes" if unit == "bytes" else f"{count:,.1f} {unit}"


# ----------------------------------------------------------------------- chart

SPANS = (1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440)


def chart(line, most):
    """At most `most` + 1 equal spans over the timeline: minutes per span, and
    (first minute, requests per minute) of each."""
    width = line["minutes_per_bucket"]
    points = [(minute_of(when), count) for when, count in line["buckets"]]
    if not points:
        return width, []
    first, last = points[0][0], points[-1][0] + width
    span = next(
        (s for s in SPANS if s >= width and (last - first) / s <= most), 1440
    )
    while (last - first) / span > most:
        span *= 2
    rows = [0] * ((last - 1) // span - first // span + 1)
    for minute, count in points:
        rows[minute // span - first // span] += count
    start = first // span * span
    return span, [
        (start + i * span, count / span) for i, count in enumerate(rows)
    ]


def text_chart(line):
    span, rows = chart(line, 48)
    if not rows:
        return
    peak = max(rate for _, rate in rows)
    busiest = max(line["buckets"], key=lambda bucket: bucket[1])
    yield ""
    yield (
        f"Requests per minute (UTC), each row the mean of {span:,} "
        f"minute{'s' * (span > 1)}"
    )
    for minute, rate in rows:
        bar = "#" * round(48 * rate / peak)
        when = moment(minute)[:-1].replace("T", " ")
        yield f"  {when} {rate:10,.1f} |{bar}"
    yield (
        f"  busiest {UNITS[line['minutes_per_bucket']]}: "
        f"{busiest[0][:-1].replace('T', ' ')} with {busiest[1]:,} requests"
    )


def svg(report):
    """The timeline as a picture."""
    width, height, left, top, bottom = 960, 320, 70, 40, 40
    span, rows = chart(report["timeline"], 240)
    peak = max((rate for _, rate in rows), default=0) or 1
    inner_width, inner_height = width - left - 20, height - top - bottom
    step = inner_width / max(len(rows), 1)
    title = html.escape(printable(report["run"]["source"]))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{left}" y="22" font-size="15">Requests per minute (UTC): '
        f"{title}</text>",
    ]
    for share in (0, 0.5, 1):
        y = top + inner_height * (1 - share)
        parts.append(
            f'<path d="M{left} {y:.1f}h{inner_width}" stroke="#ddd"/>'
            f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">'
            f"{peak * share:,.1f}</text>"
        )
    for i, (minute, rate) in enumerate(rows):
        bar = inner_height * rate / peak
        parts.append(
            f'<rect x="{left + i * step:.2f}" '
            f'y="{top + inner_height - bar:.2f}" '
            f'width="{max(step - 0.5, 0.5):.2f}" height="{bar:.2f}" '
            f'fill="#2b6cb0"><title>{moment(minute)}: {rate:,.1f}</title>'
            "</rect>"
        )
    if rows:
        for x, anchor, minute in (
            (left, "start", rows[0][0]),
            (left + inner_width, "end", rows[-1][0] + span),
        ):
            parts.append(
                f'<text x="{x}" y="{height - 14}" text-anchor="{anchor}">'
                f"{moment(minute)[:-1].replace('T', ' ')}</text>"
            )
    return "\n".join(parts + ["</svg>\n"])


# --------------------------------------------------------------- whole reports


def text_top(title, counted, requests):
    yield ""
    distinct = counted["distinct"]
    if distinct is not None:
        yield f"{title} ({distinct:,} in all, counts are exact)"
    else:
        yield (
            f"{title} (too many to keep all: counts may be low by at most "
            f"{counted['low_by_at_most']:,})"
        )
    for key, count in counted["top"]:
        yield f"  {count:12,}  {count / requests:6.1%}  {printable(key)}"


def text(report):
    """The report for people, as lines."""
    requests = report["requests"]
    yield f"Access log report: {printable(report['run']['source'])}"
    yield (
        f"  {report['lines']:,} lines: {requests:,} requests, "
        f"{report['malformed']:,} malformed, {report['blank']:,} blank"
    )
    if report["lines"] == 0:
        yield "  The input is empty."
    yield f"  {size(report['bytes'])} sent"
    if requests:
        yield ""
        yield "Status"
        for name, count in report["status"].items():
            bar = "#" * round(40 * count / requests)
            share = f"{count / requests:6.1%}"
            yield f"  {name}  {count:12,}  {share}  {bar}".rstrip()
        yield from text_top("Top paths", report["paths"], requests)
        yield from text_top("Top clients", report["clients"], requests)
        yield from text_chart(report["timeline"])
    if report["malformed"]:
        shown = report["malformed_examples"]
        yield ""
        yield (
            f"Malformed lines ({report['malformed']:,}), the first {len(shown)}"
        )
        for example in shown:
            yield (
                f"  line {example['line']:,}, byte {example['offset']:,}: "
                f"{example['text']}"
            )
    run = report["run"]
    seconds = max(run["seconds"], 1e-9)
    yield ""
    yield (
        f"{run['program']}: {run['seconds']:.2f} s wall, "
        f"{size(run['input_bytes'])} of input, "
        f"{size(run['input_bytes'] / seconds)}/s, "
        f"{report['lines'] / seconds:,.0f} lines/s"
    )
    for process in run["memory"]:
        yield (
            f"  peak memory of {process['process']}: "
            f"{size(process['peak'])}, of it shared blocks "
            f"{size(process['shared'])}"
        )


def own_memory(process):
    """This process's peak in RAM and how much of what it holds is shared, in
    bytes. From /proc, because ru_maxrss starts at the peak of the parent."""
    found = {}
    try:
        with open("/proc/self/status", "rb") as file:
            for line in file:
                key, _, value = line.partition(b":")
                found[key] = value
    except OSError:
        pass
    peak, shared = (
        int(found.get(key, b"0").split()[0]) * 1024
        for key in (b"VmHWM", b"RssShmem")
    )
    return {"process": process, "peak": peak, "shared": shared}


# --------------------------------------------------------------- command lines


def whole_number(least, most):
    """For argparse: an integer of that range, with K, M or G behind it."""

    def convert(text):
        digits, factor = text, 1
        if text[-1:] in ("K", "M", "G"):
            digits, factor = text[:-1], 1024 ** (" KMG".index(text[-1]))
        if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
            raise argparse.ArgumentTypeError(f"not a number: {text!r}")
        if not least <= int(digits) * factor <= most:
            raise argparse.ArgumentTypeError(
                f"{text} is not between {least} and {most}"
            )
        return int(digits) * factor

    return convert


def add_options(parser):
    """What both programs can be asked."""
    parser.add_argument("log", help="the log file, or - for standard input")
    parser.add_argument(
        "--top", type=whole_number(0, 10**9), default=10, metavar="N",
        help="show the N most frequent paths and clients (default 10)",
    )
    parser.add_argument("--json", metavar="FILE", help="write the report there")
    parser.add_argument("--svg", metavar="FILE", help="write the chart there")
    parser.add_argument(
        "--max-line", type=whole_number(256, 2**30), default=LONGEST,
        metavar="SIZE", help="longer lines are malformed (default 64K)",
    )


def open_log(name):
    """The log as a binary file; OSError if there is nothing to read."""
    return open(0 if name == "-" else name, "rb", closefd=name != "-")


def explain(error, what):
    """An OSError in one line."""
    name = "standard input" if what == "-" else what
    return f"{name}: {error.strerror or error}"


def deliver(report, options, program):
    """Write and print the report; return the exit status."""
    for name, content in (
        (options.json, lambda: json.dumps(report, indent=1) + "\n"),
        (options.svg, lambda: svg(report)),
    ):
        if name:
            try:
                with open(name, "w", encoding="utf-8") as file:
                    file.write(content())
            except OSError as error:
                print(f"{program}: {explain(error, name)}", file=sys.stderr)
                return 1
    # A terminal that cannot show a character gets its number instead.
    sys.stdout.reconfigure(errors="backslashreplace")
    for line in text(report):
        print(line)
    sys.stdout.flush()
    if report["malformed"] and not report["requests"]:
        print(
            f"{program}: no line of the input is an access log line",
            file=sys.stderr,
        )
        return 1
    return 0


def run(main, program):
    """Call `main` and exit as a program should."""
    try:
        status = main()
    except OSError as error:
        # The interpreter would flush the rest once more, and fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if isinstance(error, BrokenPipeError):
            status = 128 + signal.SIGPIPE  # nobody reads the report
        else:
            print(
                f"{program}: standard output: {error.strerror}", file=sys.stderr
            )
            status = 1
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    sys.exit(status)
