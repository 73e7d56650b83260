# SPDX-License-Identifier: MIT
"""Several processes that do the same at the same time, and one that answers."""

import contextlib
import multiprocessing
import os
import time
import traceback

# The peers' handles are made in each child, or are fit to be inherited.
fork = multiprocessing.get_context("fork")
BATCH = 16  # operations between two looks at the clock


def begin(body, *arguments):
    """A child that runs a function and nothing of ours at its end."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            body(*arguments)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return pid


def work(make, number, seconds, gate, results):
    with contextlib.ExitStack() as stack:
        operation = make(number, stack)
        operation()
        gate.wait(60)
        begun = now = time.perf_counter()
        count = 0
        while now - begun < seconds:
            for _ in range(BATCH):
                operation()
            count += BATCH
            now = time.perf_counter()
        results[number] = count / (now - begun)


def rate(make, processes, seconds):
    """Operations per second of them all. `make(number, stack)` is called in each
    process and gives what it repeats."""
    gate = fork.Barrier(processes)
    results = fork.RawArray("d", processes)
    children = [
        begin(work, make, number, seconds, gate, results)
        for number in range(processes)
    ]
    good = [os.waitpid(pid, 0)[1] == 0 for pid in children]
    if not all(good):
        raise RuntimeError("a process of the crowd has failed")
    return sum(results)


def rates(sides, processes, seconds, rounds):
    """The same of several sides, in turns: {side: [rate]}. A side that fails in
    its processes has said so, and is left out."""
    found = {side: [] for side in sides}
    for _ in range(rounds):
        for side in list(found):
            try:
                found[side].append(rate(sides[side], processes, seconds))
            except RuntimeError:
                del found[side]
    return found


class Answerer:
    """A child that answers for ever, ended by its number."""

    def __init__(self, make):
        self.gate = fork.Event()
        self.pid = begin(self.run, make)
        self.gate.wait(30)

    def run(self, make):
        with contextlib.ExitStack() as stack:
            answer = make(stack)
            self.gate.set()
            while True:
                answer()

    def end(self):
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
