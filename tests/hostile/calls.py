# SPDX-License-Identifier: MIT
"""A good peer's calls, each of which is told before, judged and counted: what
calls.c does, for peers in Python."""

import os
import sys
import time

ME, FOLDER, PROMISES, SEED, PATIENCE = sys.argv[1:]

current = "-"
promised = {}
counts = {}
longest = 0.0, "nothing"
ncall = 0
board = os.open(os.path.join(FOLDER, ME), os.O_CREAT | os.O_WRONLY, 0o600)

with open(PROMISES) as file:
    for line in file:
        if line.strip() and not line.startswith("#"):
            what, *answers = line.split()
            promised[what] = answers


def wrong(message):
    sys.exit(f"peer {ME}: {current}: {message}")


class Failed:
    pass


FAILED = Failed()


def caller(name_of):
    """A function that calls others: the result, or FAILED. `name_of` tells which
    status an exception stands for."""

    def call(what, function, *arguments, **options):
        global current, ncall, longest
        current = what
        ncall += 1
        if what not in promised:
            wrong("nothing is promised of it")
        os.pwrite(board, b"%-20s %12d\n" % (what.encode(), ncall), 0)
        begin = time.monotonic()
        result, error, answer = FAILED, None, "OK"
        try:
            result = function(*arguments, **options)
        except Exception as failure:
            answer = name_of(failure)
            error = repr(failure)
        took = time.monotonic() - begin
        longest = max(longest, (took, what))
        counts[what, answer] = counts.get((what, answer), 0) + 1
        if answer not in promised[what]:
            wrong(f"not promised: {answer}, {error}")
        if took > float(PATIENCE) * (4 if what == "look.holders" else 1):
            wrong(f"it took {took:.3f} s")
        return result

    return call


def are_over():
    return os.path.exists(os.path.join(FOLDER, "stop"))


def tell(adds):
    for (what, answer), count in counts.items():
        print("count", what, answer, count)
    print(f"longest {longest[0]:.6f} {longest[1]}")
    print("adds", adds)
    print("done", flush=True)
    sys.stdin.read()
