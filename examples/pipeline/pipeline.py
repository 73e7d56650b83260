#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Report on a web access log: C reads it, Lua counts it, Python tells.

This program owns the shared memory and the processes. It makes the blocks and
lists, starts one feeder (feed.c) and some workers (worker.lua), adds up what
the workers find, starts others for those that are killed, shows how far they
are, and removes everything, whatever happens. README.md has the picture.
"""

import argparse
import contextlib
import itertools
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time

import merge
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

# Slots of the ring, the same as in feed.c and worker.lua. The first three are
# bells: who adds to one wakes those who wait for it.
WORK, ROOM, NEWS, ENDED, BYTES, PEAK, SHARED, FIRST = range(8)
STATE, SLOTS = 0, 5  # of each segment, behind the first
FREE, READY = 0, -1  # states; others are the numbers of workers

# So many workers may be killed without one result between them.
TRIES = 10


class Failure(Exception):
    """Something that ends the run, told in one line; or already told."""


class Stopped(Exception):
    """A signal asked us to end."""

    def __init__(self, number):
        self.number = number


class Signals:
    """Signals as news in the ring, not as interruptions.

    They stay blocked while there is something to clean up, so no clean-up can
    be cut in half. The stages inherit that: Ctrl-C reaches the whole group, but
    it is this process that decides. They end by themselves, or by SIGKILL.
    """

    def __init__(self):
        # Who was started with SIGHUP ignored, by nohup, keeps that.
        self.stopping = {
            number
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            if signal.getsignal(number) != signal.SIG_IGN
        }
        self.waited = self.stopping | {signal.SIGCHLD}
        self.stopped = None
        self.over = False

    def __enter__(self):
        # Ignored, it would make the kernel forget how the stages ended.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.before = signal.pthread_sigmask(signal.SIG_BLOCK, self.waited)
        return self

    def __exit__(self, *_):
        signal.pthread_sigmask(signal.SIG_SETMASK, self.before)

    @contextlib.contextmanager
    def ringing(self, ring):
        """Ring for each signal, and for each stage that ends."""
        thread = threading.Thread(target=self.wait, args=(ring,))
        thread.start()
        try:
            yield
        finally:
            self.over = True
            signal.pthread_kill(thread.ident, signal.SIGCHLD)
            thread.join()

    def wait(self, ring):
        while not self.over:
            number = signal.sigwait(self.waited)
            if number in self.stopping:
                self.stopped = number
            ring.add(NEWS)

    def check(self):
        if self.stopped:
            raise Stopped(self.stopped)


class Shared:
    """All shared memory of a run.

    PREFIX.text is a row of segments, PREFIX.ring the list that says what is in
    each of them. The workers hand in what they found as PREFIX.found.N.1, .2,
    and so on, N being the number of the worker.
    """

    def __init__(self, options):
        # Short, because some systems allow 31 characters in all.
        self.prefix = f"psl_{os.getpid()}_{secrets.token_hex(3)}"
        self.segments = options.ring
        self.size = self.segments * options.segment_size
        self.slots = FIRST + self.segments * SLOTS
        self.states = range(FIRST + STATE, self.slots, SLOTS)
        self.ring = self.text = None
        self.collected = {}  # worker -> how many of its results

    def __enter__(self):
        try:
            self.text = SharedMemory(
                name=self.prefix + ".text", create=True, size=self.size
            )
            # No end to its patience: a stage may be stopped with Ctrl-Z.
            self.ring = ShareableList(
                [0] * self.slots, name=self.prefix + ".ring", timeout=None
            )
        except OSError as error:
            self.__exit__()
            raise Failure(
                f"cannot make {report.size(self.size)} of shared memory: "
                f"{error.strerror or error}; fewer or smaller segments "
                "need less"
            ) from None
        return self

    def __exit__(self, *_):
        for number in self.collected:
            for _ in self.results(number):
                pass
        for block in (self.text, self.ring and self.ring.shm):
            if block:
                block.close()
                block.unlink()

    def results(self, number):
        """What this worker has handed in since the last time."""
        while True:
            count = self.collected[number] + 1
            try:
                found = ShareableList(
                    name=f"{self.prefix}.found.{number}.{count}"
                )
            except FileNotFoundError:
                return
            self.collected[number] = count
            try:
                yield found
            finally:
                found.close()
                found.unlink()

    def free(self, number, segments):
        """What this worker has counted may be overwritten."""
        for segment in segments:
            if not self.ring.swap(self.states[segment], number, FREE):
                raise Failure(f"worker {number} counted what it did not take")
        self.ring.add(ROOM)

    def give_back(self, number):
        """What this worker had taken is for the others."""
        for state in self.states:
            self.ring.swap(state, number, READY)
        self.ring.add(WORK)


class Stages:
    """The feeder and the workers, as processes."""

    FEEDER = 0  # the workers are 1, 2, 3, ...

    def __init__(self, shared, options):
        self.shared = shared
        self.options = options
        # The fewer batches, the less there is to add up. A fifth is left for
        # the feeder, to be filled while the batches are handed in.
        self.batch = max(1, options.ring * 4 // 5 // options.workers)
        self.running = {}  # number -> process
        self.numbers = itertools.count(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.running.values():
            process.kill()
        for process in self.running.values():
            process.wait()

    def start(self, number, command, **how):
        try:
            process = subprocess.Popen(list(map(str, command)), **how)
        except OSError as error:
            raise Failure(
                f"cannot start {command[0]}: {error.strerror}"
            ) from None
        self.running[number] = process

    def start_feeder(self, log):
        shared, options = self.shared, self.options
        command = [
            options.feeder, shared.prefix, shared.segments,
            options.segment_size, options.max_line,
        ]
        self.start(self.FEEDER, command, stdin=log, stdout=subprocess.PIPE)

    def start_worker(self):
        shared, options = self.shared, self.options
        number = next(self.numbers)
        command = [
            options.lua, os.path.join(HERE, "worker.lua"),
            shared.prefix, number, shared.segments, options.segment_size,
            options.max_line, self.batch, options.max_keys, options.max_text,
            report.BUCKETS_MAX,
        ]
        shared.collected[number] = 0
        self.start(number, command, stdin=subprocess.DEVNULL)
        return number

    def ended(self):
        """The number of each stage that has ended, and how: in words if it was
        killed. Failure if it failed."""
        for number, process in list(self.running.items()):
            status = process.poll()
            if status is None:
                continue
            del self.running[number]
            name = f"worker {number}" if number else "the feeder"
            if status == 1:
                raise Failure  # it has said why
            if status > 0:
                raise Failure(f"{name} failed with exit status {status}")
            killer = signal.Signals(-status).name if status else None
            yield number, killer and (
                f"{name} (process {process.pid}) was killed by {killer}"
            )


class Progress:
    """One line on a terminal that tells how far the run is."""

    def __init__(self, options, log):
        self.shown = not options.quiet and sys.stderr.isatty()
        self.begin = time.monotonic()
        # 0 for a pipe: then there is no share, and no end in sight.
        self.size = os.fstat(log.fileno()).st_size

    def show(self, numbers):
        if not self.shown:
            return
        seconds = max(time.monotonic() - self.begin, 1e-3)
        span = numbers["span"]
        parts = [report.size(span)]
        if self.size:
            share = min(span / self.size, 1)
            parts.append(f"{share:4.0%}")
        parts.append(f"{numbers['lines'] / seconds:,.0f} lines/s")
        if self.size and span:
            left = max(self.size - span, 0) / span * seconds
            parts.append(f"{left:,.0f} s left")
        sys.stderr.write("\r\033[K" + ", ".join(parts))
        sys.stderr.flush()

    def clear(self):
        if self.shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()


def parts_of(found):
    """A list of length, values, length, values, ..., one part after the other.
    Each has to be read before the next; none is ever held as a whole."""
    values = iter(found)
    for length in values:
        yield itertools.islice(values, length)


class Run:
    """From a log to the counts of its lines."""

    def __init__(self, shared, stages, progress, options):
        self.shared = shared
        self.stages = stages
        self.progress = progress
        self.total = merge.Total(options)
        self.memory = {}  # worker -> its peak, and what of it is shared
        self.killed = 0  # workers, since the last result

    def collect(self, number):
        """Add up what this worker has handed in."""
        for found in self.shared.results(number):
            parts = parts_of(found)
            self.shared.free(number, next(parts))
            self.memory[number] = tuple(next(parts))
            self.total.add(parts)
            self.killed = 0

    def replace(self, number, how):
        """Let others do what this worker, which was killed, had not done."""
        self.killed += 1
        if self.killed == TRIES:
            raise Failure(f"{how}, the {TRIES}th in a row without a result")
        self.shared.give_back(number)
        other = self.stages.start_worker()
        self.progress.clear()
        print(
            f"pipeline.py: {how}, worker {other} takes its place",
            file=sys.stderr,
        )

    def look(self):
        """See what is new. Whether there will be more."""
        ended = dict(self.stages.ended())
        # Behind it, so that all that the dead have handed in is seen.
        for number in list(self.shared.collected):
            self.collect(number)
        for number, how in ended.items():
            if how and number == Stages.FEEDER:
                raise Failure(how)
            if how:
                self.replace(number, how)
            self.shared.collected.pop(number, None)
        return bool(self.stages.running)

    def told_memory(self):
        """Peak memory of each stage, as it told when it last could."""
        memory = {"feeder (C)": self.shared.ring.snapshot(PEAK, SHARED + 1)}
        for number in sorted(self.memory):
            memory[f"worker {number} (Lua)"] = self.memory[number]
        return [
            {"process": name, "peak": peak * 1024, "shared": shared * 1024}
            for name, (peak, shared) in memory.items()
        ]


def analyse(log, options):
    begin = time.monotonic()
    progress = Progress(options, log)
    with contextlib.ExitStack() as stack:
        signals = stack.enter_context(Signals())
        shared = stack.enter_context(Shared(options))
        stack.enter_context(signals.ringing(shared.ring))
        stages = stack.enter_context(Stages(shared, options))
        stack.callback(progress.clear)

        run = Run(shared, stages, progress, options)
        for _ in range(options.workers):
            stages.start_worker()
        stages.start_feeder(log)
        while True:
            # Taken before the look, so that no change after it is missed.
            seen = shared.ring.version(NEWS)
            signals.check()
            if not run.look():
                break
            progress.show(run.total.numbers)
            shared.ring.wait(NEWS, seen=seen)

        span = run.total.numbers["span"]
        if span != shared.ring[BYTES]:
            raise Failure("a part of the input was not counted")
        result = run.total.report(options.top)
        memory = run.told_memory()
        signals.check()  # one may have come meanwhile
    result["run"] = {
        "program": "pipeline.py",
        "source": options.log,
        "seconds": time.monotonic() - begin,
        "input_bytes": span,
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
        "--ring", type=number(1, 10_000), default=40, metavar="N",
        help="segments in all (default 40)",
    )
    parser.add_argument(
        "--max-keys", type=number(2, 10**9), default=200_000, metavar="N",
        help="paths, and clients, to keep (default 200000)",
    )
    parser.add_argument(
        "--max-text", type=number(2048, 2**40), default=2**24, metavar="SIZE",
        help="bytes of paths, and of clients, to keep (default 16M)",
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
