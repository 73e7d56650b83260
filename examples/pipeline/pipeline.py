#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Report on a web access log: C reads it, Lua counts it, Python tells.

This program owns the shared memory and the processes. It makes the blocks and
lists, starts one feeder (feed.c) and some workers (worker.lua), shows how far
they are, merges what the workers counted, and removes everything, whatever
happens. README.md has the picture.
"""

import argparse
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time

import report

try:
    from polyshm import ShareableList, SharedMemory
except ImportError as error:
    sys.exit(
        f"pipeline.py: cannot import polyshm ({error}); build it and set "
        "PYTHONPATH, see README.md"
    )

HERE = os.path.dirname(os.path.abspath(__file__))
FEEDER = "polyshm-example-feed"

# Slots of the lists, the same as in feed.c and worker.lua.
FEED = ("bytes", "peak", "shared")
TALLY = (
    "done", "lines", "blank", "requests", "bytes", "petabytes",
    *report.CLASSES, "malformed", "span", "peak", "shared",
)
RANGE_SLOTS = 4
RESULTS = ("paths", "clients", "timeline", "examples")

# Exit status of a stage that ended because a neighbour did: look there.
LEFT = 3

TICK = 0.1  # seconds between looks at the tallies


class Failure(Exception):
    """Something that ends the run, told in one line; or already told."""


class Stopped(Exception):
    """A signal asked us to end."""

    def __init__(self, number):
        self.number = number


class Signals:
    """Signals as events that are waited for, not as interruptions.

    They stay blocked while there is something to clean up, so no clean-up can
    be cut in half. The stages inherit that: Ctrl-C reaches the whole group, but
    it is this process that decides. They end by their pipes, or by SIGKILL.
    """

    def __init__(self):
        # Who was started with SIGHUP ignored, by nohup, keeps that.
        self.stopping = {
            number
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            if signal.getsignal(number) != signal.SIG_IGN
        }
        self.waited = self.stopping | {signal.SIGCHLD}

    def __enter__(self):
        # Ignored, it would make the kernel forget how the stages ended.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.before = signal.pthread_sigmask(signal.SIG_BLOCK, self.waited)
        return self

    def __exit__(self, *_):
        signal.pthread_sigmask(signal.SIG_SETMASK, self.before)

    def wait(self, seconds):
        """Sleep until a stage ends or the time is over."""
        happened = signal.sigtimedwait(self.waited, seconds)
        if happened and happened.si_signo in self.stopping:
            raise Stopped(happened.si_signo)


class Shared:
    """All shared memory of a run: PREFIX.what and PREFIX.what.N."""

    def __init__(self, options):
        # Short, because some systems allow 31 characters in all.
        self.prefix = f"psl_{os.getpid()}_{secrets.token_hex(3)}"
        self.numbers = range(1, options.workers + 1)
        self.names = []
        self.feed = None
        self.tallies = []
        self.options = options

    def __enter__(self):
        try:
            self.create()
        except OSError as error:
            self.__exit__()
            asked = self.options.workers * self.options.ring
            asked *= self.options.segment_size
            raise Failure(
                f"cannot make {report.size(asked)} of shared memory: "
                f"{error.strerror or error}; fewer workers or smaller "
                "segments need less"
            ) from None
        return self

    def __exit__(self, *_):
        for number in self.numbers:
            # The workers make these, if they come so far.
            self.names += [self.name(what, number) for what in RESULTS]
        for name in self.names:
            with contextlib.suppress(FileNotFoundError):
                block = SharedMemory(name=name)
                block.close()
                block.unlink()

    def name(self, what, number=None):
        name = f"{self.prefix}.{what}"
        return name if number is None else f"{name}.{number}"

    def create(self):
        ring, segment = self.options.ring, self.options.segment_size
        self.feed = self.create_list([0] * len(FEED), self.name("feed"))
        for number in self.numbers:
            name = self.name("segments", number)
            SharedMemory(name=name, create=True, size=ring * segment).close()
            self.names.append(name)
            name = self.name("ranges", number)
            self.create_list([0] * (1 + ring * RANGE_SLOTS), name).close()
            name = self.name("tally", number)
            self.tallies.append(self.create_list([0] * len(TALLY), name))

    def create_list(self, values, name):
        made = ShareableList(values, name=name)
        self.names.append(name)
        return made

    def totals(self):
        """The workers' tallies, added up."""
        return dict(zip(TALLY, map(sum, zip(*self.tallies))))

    def result(self, what):
        """What each worker published, one list after the other."""
        for number in self.numbers:
            published = ShareableList(name=self.name(what, number))
            yield published
            published.close()

    def memory(self):
        """Peak memory of each stage, as it told before it ended."""
        stages = [("feeder (C)", dict(zip(FEED, self.feed)))] + [
            (f"worker {number} (Lua)", dict(zip(TALLY, tally)))
            for number, tally in zip(self.numbers, self.tallies)
        ]
        return [
            {
                "process": name,
                "peak": slots["peak"] * 1024,
                "shared": slots["shared"] * 1024,
            }
            for name, slots in stages
        ]


class Stages:
    """The feeder and the workers, as processes."""

    def __init__(self):
        self.running = {}  # process -> what it is called
        self.left = False  # somebody ended because somebody else did

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.running:
            process.kill()
        for process in self.running:
            process.wait()

    def start(self, name, command, **how):
        try:
            process = subprocess.Popen(command, **how)
        except OSError as error:
            raise Failure(
                f"cannot start {command[0]}: {error.strerror}"
            ) from None
        self.running[process] = name

    def start_all(self, shared, options, log):
        segments = (str(options.segment_size), str(options.ring))
        longest = str(options.max_line)
        with contextlib.ExitStack() as ours:
            bells = []
            for number in shared.numbers:
                read_end, write_end = os.pipe()
                bells.append(write_end)
                ours.callback(os.close, write_end)
                command = [
                    options.lua, os.path.join(HERE, "worker.lua"),
                    shared.prefix, str(number), *segments, longest,
                    str(options.max_keys), str(options.max_text),
                    str(report.BUCKETS_MAX),
                ]
                try:
                    self.start(f"worker {number}", command, stdin=read_end)
                finally:
                    os.close(read_end)
            command = [
                options.feeder, shared.prefix, *segments, longest,
                *map(str, bells),
            ]
            self.start(
                "the feeder", command,
                stdin=log, stdout=subprocess.PIPE, pass_fds=bells,
            )

    def reap(self):
        """Notice who ended; Failure if that was not as it should be."""
        for process, name in list(self.running.items()):
            status = process.poll()
            if status is None:
                continue
            del self.running[process]
            if status == LEFT:
                self.left = True
            elif status < 0:
                killer = signal.Signals(-status).name
                raise Failure(
                    f"{name} (process {process.pid}) was killed by {killer}"
                )
            elif status == 1:
                raise Failure  # it has said why
            elif status != 0:
                raise Failure(f"{name} failed with exit status {status}")
        if self.left and not self.running:
            raise Failure("the stages lost each other")


class Progress:
    """One line on a terminal that tells how far the run is."""

    def __init__(self, options, log):
        self.shown = not options.quiet and sys.stderr.isatty()
        self.begin = time.monotonic()
        # 0 for a pipe: then there is no share, and no end in sight.
        self.size = os.fstat(log.fileno()).st_size

    def show(self, totals):
        if not self.shown:
            return
        seconds = max(time.monotonic() - self.begin, 1e-3)
        span = totals["span"]
        parts = [report.size(span)]
        if self.size:
            share = min(span / self.size, 1)
            parts.append(f"{share:4.0%}")
        parts.append(f"{totals['lines'] / seconds:,.0f} lines/s")
        if self.size and span:
            left = max(self.size - span, 0) / span * seconds
            parts.append(f"{left:,.0f} s left")
        sys.stderr.write("\r\033[K" + ", ".join(parts))
        sys.stderr.flush()

    def clear(self):
        if self.shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()


def merge_keys(parts):
    """Add up the counts of lists of bound, key, count, key, count, ..."""
    counts, bound = {}, 0
    for part in parts:
        values = iter(part)
        bound += next(values)
        for key, count in zip(values, values):
            # Lists store what is UTF-8 as str, the rest as bytes.
            if type(key) is str:
                key = key.encode()
            counts[key] = counts.get(key, 0) + count
    return report.Counts(counts, bound)


def merge_timelines(parts):
    """Add up lists of width, bucket, count, ... in the coarsest width."""
    parts = [list(part) for part in parts]
    width = max(part[0] for part in parts)
    counts = {}
    for part in parts:
        values = iter(part)
        factor = width // next(values)
        for bucket, count in zip(values, values):
            bucket //= factor
            counts[bucket] = counts.get(bucket, 0) + count
    return report.timeline(counts, width)


def triples(values):
    values = iter(values)
    return zip(values, values, values)


def collect(shared, options):
    """The report, from what the stages left in shared memory."""
    totals = shared.totals()
    examples = [
        example
        for part in shared.result("examples")
        for example in triples(part)
    ]
    return totals, report.build(
        totals={
            "lines": totals["lines"],
            "blank": totals["blank"],
            "requests": totals["requests"],
            "malformed": totals["malformed"],
            "bytes": totals["petabytes"] * 10**15 + totals["bytes"],
        },
        classes=[totals[name] for name in report.CLASSES],
        paths=merge_keys(shared.result("paths")),
        clients=merge_keys(shared.result("clients")),
        line=merge_timelines(shared.result("timeline")),
        examples=examples,
        top=options.top,
    )


def analyse(log, options):
    begin = time.monotonic()
    progress = Progress(options, log)
    with Signals() as signals, Shared(options) as shared, Stages() as stages:
        stages.start_all(shared, options, log)
        try:
            while stages.running:
                signals.wait(TICK)
                stages.reap()
                progress.show(shared.totals())
        finally:
            progress.clear()
        totals, result = collect(shared, options)
        if totals["span"] != shared.feed[FEED.index("bytes")]:
            raise Failure("a part of the input was not counted")
        memory = shared.memory()
        signals.wait(0)  # one may have come while merging
    result["run"] = {
        "program": "pipeline.py",
        "source": options.log,
        "seconds": time.monotonic() - begin,
        "input_bytes": totals["span"],
        "workers": options.workers,
        "segment_bytes": options.segment_size,
        "memory": [report.own_memory("pipeline.py")] + memory,
    }
    return result


def find_program(given, names, what):
    for name in [given] if given else names:
        found = shutil.which(name)
        if found:
            return found
    raise Failure(f"{what} not found: {given or ' or '.join(names)}")


def parse_options():
    number = report.whole_number
    parser = argparse.ArgumentParser(
        description="Report on a web access log: C reads it, Lua counts it, "
        "Python tells. All of them share memory by polyshm.",
        epilog="SIZE may end in K, M or G. Exit status: 0, 1 if something "
        "failed or no line is an access log line, 2 if the command line is "
        "wrong, 128 + N if signal N ended it (130 after Ctrl-C).",
    )
    report.add_options(parser)
    parser.add_argument(
        "--workers", type=number(1, 256), metavar="N",
        default=len(os.sched_getaffinity(0)),
        help="Lua processes (default: one per CPU, here %(default)s)",
    )
    parser.add_argument(
        "--segment-size", type=number(1024, 2**40), default=2**20,
        metavar="SIZE", help="of the pieces handed out (default 1M)",
    )
    parser.add_argument(
        "--ring", type=number(1, 1000), default=3, metavar="N",
        help="segments per worker (default 3)",
    )
    parser.add_argument(
        "--max-keys", type=number(2, 10**9), default=200_000, metavar="N",
        help="paths, and clients, a worker keeps (default 200000)",
    )
    parser.add_argument(
        "--max-text", type=number(2048, 2**40), default=2**24, metavar="SIZE",
        help="bytes of paths, and of clients, a worker keeps (default 16M)",
    )
    parser.add_argument("--lua", metavar="PROGRAM", help="Lua 5.4 to run")
    parser.add_argument(
        "--feeder", metavar="PROGRAM",
        help=f"{FEEDER}, if it is neither on PATH nor in build/release/bin",
    )
    parser.add_argument(
        "--quiet", action="store_true",
        help="show no progress, even if standard error is a terminal",
    )
    options = parser.parse_args()
    if options.segment_size < options.max_line + 2:
        parser.error(
            "a segment must have room for the longest line: --segment-size "
            f"of {options.max_line + 2} or more, or a smaller --max-line"
        )
    return options


def main():
    options = parse_options()
    try:
        options.lua = find_program(options.lua, ["lua5.4", "lua"], "Lua 5.4")
        built = os.path.join(HERE, "../../build/release/bin", FEEDER)
        options.feeder = find_program(options.feeder, [FEEDER, built], "feeder")
        try:
            # Before any memory is made. A FIFO waits here for its writer.
            log = report.open_log(options.log)
        except OSError as error:
            raise Failure(report.explain(error, options.log)) from None
        with log:
            result = analyse(log, options)
    except Failure as failure:
        if failure.args:
            print(f"pipeline.py: {failure}", file=sys.stderr)
        return 1
    except Stopped as stopped:
        name = signal.Signals(stopped.number).name
        print(f"pipeline.py: stopped by {name}", file=sys.stderr)
        return 128 + stopped.number
    return report.deliver(result, options, "pipeline.py")


if __name__ == "__main__":
    report.run(main, "pipeline.py")
