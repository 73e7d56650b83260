# SPDX-License-Identifier: MIT
"""A peer of the stress test, in Python.

Does to the list what worker.c does, until it is killed or told to stop.
values.h tells what the slots are for, board.h which letters it writes for what.
"""

import os
import random
import re
import sys
import time

from polyshm import ShareableList

PATIENCE = 5  # seconds, which no call may exceed
TOTAL = 1000000

# As in values.h.
(
    STOP, SUM, TURNS, LEFT, RIGHT, LEDGER, INSIDE, ROUNDS,
    TEXT, BIG, MIXED, AHEAD, BEHIND, BELL,
) = range(14)

SHORT = 0, 41
LONG = 12000, 3500


def say(letters):
    os.write(1, letters)


def check(condition, message):
    if not condition:
        sys.exit(f"stress: Python peer: {message}")


def draw():
    return random.getrandbits(32)


# ---------------------------------------------------------------- whole values


def make(n, measure, kind):
    least, spread = measure
    letters = chr(97 + n % 26) * (least + n % spread)
    text = f"{n:08x}{letters}" + "\0" * (n % 3)
    return text if kind is str else text.encode()


def kind_of(n):
    return str if n % 5 else bytes


def number_of(value):
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, str) and re.match("[0-9a-f]{8}", value):
        return int(value[:8], 16)
    return None


def is_text(value, measure):
    n = number_of(value)
    return n is not None and value == make(n, measure, kind_of(n))


def make_mixed(n):
    return (
        lambda: None,
        lambda: n // 6 % 2 == 1,
        lambda: n,
        lambda: n + 0.5,
        lambda: make(n, SHORT, str),
        lambda: make(n, SHORT, bytes),
    )[n % 6]()


def is_mixed(value):
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, int):
        n = value
    elif isinstance(value, float):
        n = int(value - 0.5) if value == value and abs(value) < 2**40 else -1
    else:
        n = number_of(value)
    if n is None or not 0 <= n < 2**32:
        return False
    made = make_mixed(n)
    return type(made) is type(value) and made == value


def read(sl):
    for index, is_whole in (
        (TEXT, lambda value: is_text(value, SHORT)),
        (BIG, lambda value: is_text(value, LONG)),
        (MIXED, is_mixed),
    ):
        value = sl[index]
        check(is_whole(value), f"slot {index} is torn: {value!r:.60}")
    say(b"rrr")


def write(sl):
    n = draw()
    sl[TEXT] = make(n, SHORT, kind_of(n))
    n = draw()
    sl[BIG] = make(n, LONG, kind_of(n))
    sl[MIXED] = make_mixed(draw())
    say(b"www")


# -------------------------------------------------------------------- counters


def add(sl):
    say(b"A")
    sl.add(SUM, 1)
    say(b"a")


def swap(sl):
    say(b"S")
    while True:
        found = sl[TURNS]
        if sl.swap(TURNS, found, found + 1):
            break
    say(b"s")


# -------------------------------------------------------------------- the lock


def undo(sl):
    ledger = sl[LEDGER]
    if ledger is not None:
        left, right, _ = map(int, ledger.split())
        sl[LEFT] = left
        sl[RIGHT] = right
        sl[LEDGER] = None
    say(b"x")


def transfer(sl, amount):
    left, right = sl[LEFT], sl[RIGHT]
    check(left + right == TOTAL, f"{left} + {right} is not the total")
    sl[LEDGER] = f"{left} {right} {amount}"
    sl[LEFT] = left - amount
    sl[RIGHT] = right + amount
    sl[LEDGER] = None


def lock(sl):
    say(b"L")
    with sl.lock(timeout=PATIENCE) as held:
        if held.recovered:
            undo(sl)
        else:
            check(sl[INSIDE] == 0, f"{sl[INSIDE]} has the lock, too")
            check(sl[LEDGER] is None, "not told that a holder died")
        sl[INSIDE] = os.getpid()
        transfer(sl, random.randrange(100))
        sl[ROUNDS] = sl[ROUNDS] + 1
        inside = sl[INSIDE]
        check(inside == os.getpid(), f"{inside} came into the lock")
        sl[INSIDE] = 0
    say(b"l")


# ------------------------------------------------------------------- snapshots


def is_balanced(left, right, ledger):
    if ledger is None:
        return left + right == TOTAL
    was_left, was_right, amount = map(int, ledger.split())
    return (
        was_left + was_right == TOTAL
        and left in (was_left, was_left - amount)
        and right in (was_right, was_right + amount)
    )


def look(sl):
    pair = sl.snapshot(LEFT, LEDGER + 1)
    check(is_balanced(*pair), f"a snapshot shows {pair}")
    ahead, behind = sl.snapshot(AHEAD, BEHIND + 1)
    check(ahead - behind in (0, 1), f"{ahead} is ahead of {behind}")
    say(b"pp")


# --------------------------------------------------------------------- waiting


def wait(sl):
    seen = sl.version(BELL)
    check(sl.wait(BELL, PATIENCE, seen=seen), "nobody rang")
    say(b"v")


def ring(sl):
    sl.add(BELL)
    say(b"w")


DOINGS = (read, read, write, add, add, swap, lock, look, ring, wait)


def main():
    name, seed = sys.argv[1:]
    random.seed(int(seed))
    sl = ShareableList(name=name, timeout=PATIENCE)
    say(b"R")
    while sl[STOP] == 0:
        begin = time.monotonic()
        random.choice(DOINGS)(sl)
        took = time.monotonic() - begin
        check(took <= 2 * PATIENCE, f"a call took {took:.1f} s")
    sl.close()


if __name__ == "__main__":
    main()
