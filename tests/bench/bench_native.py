# SPDX-License-Identifier: MIT
"""Native calls from Python, and the same through ctypes with argtypes: nanoseconds
per call, the least of many passes, taken in turns. Prints lines
`python <name> <ns> <by ctypes>`. With ctypes.PyDLL, the GIL stays held.
Arguments: the kernels, and how many percent of the passes are made."""

import ctypes as c
import sys
import time

from polyshm import SharedMemory, native

PERCENT = int(sys.argv[2]) if len(sys.argv) > 2 else 100
PASSES = max(1, 40 * PERCENT // 100)
COUNT = 20000

path = sys.argv[1]
kernels = native.load(path)
by_ctypes = c.CDLL(path)
block = SharedMemory(create=True, size=80)
block.unlink()
view = block.view("d")
array = (c.c_double * 10).from_buffer(block.buf)


def loop(statement, **names):
    exec(f"def run():\n for _ in range({COUNT}):\n  {statement}\n", names)
    return names["run"]


def least(*runs):
    best = [float("inf")] * len(runs)
    for _ in range(PASSES):
        for i, run in enumerate(runs):
            start = time.perf_counter()
            run()
            best[i] = min(best[i], time.perf_counter() - start)
    return best


def compare(name, symbol, signature, argtypes, restype, ours, theirs):
    one = kernels.bind(symbol, signature)
    brief = kernels.bind(symbol, signature, threads=False)
    other = by_ctypes[symbol]  # an object of its own each time
    other.argtypes, other.restype = argtypes, restype
    words = ", ".join("abc"[: len(ours)])
    others = ", ".join("abc"[: len(theirs)])
    best = least(
        loop(f"f({words})", f=one, **dict(zip("abc", ours))),
        loop(f"f({words})", f=brief, **dict(zip("abc", ours))),
        loop(f"f({others})", f=other, **dict(zip("abc", theirs))),
        loop("pass"),
    )
    ours, briefly, theirs = ((t - best[3]) / COUNT * 1e9 for t in best[:3])
    print(f"python {name:<40} {ours:8.1f} {theirs:8.1f}")
    print(f"python {'  threads=False':<40} {briefly:8.1f} {theirs:8.1f}")


doubles = c.POINTER(c.c_double)
compare("void()", "nothing", "void()", [], None, (), ())
compare("i64(i64)", "twice", "i64(i64)", [c.c_int64], c.c_int64, (21,), (21,))
for what, given in (("a block", block), ("a view", view)):
    compare(
        f"f64(count, const [f64]) of {what}", "last_f64",
        "f64(count, const [f64])", [c.c_size_t, doubles], c.c_double,
        (given,), (10, array),
    )  # fmt: skip
    compare(
        f"f64(const [f64] * 2, count) of {what}", "dot",
        "f64(const [f64], const [f64], count)",
        [doubles, doubles, c.c_size_t], c.c_double,
        (given, given), (array, array, 10),
    )  # fmt: skip
compare(
    "i64(i64, fn i64(i64)), a call back", "repeat", "i64(i64, fn i64(i64))",
    [c.c_int64, c.CFUNCTYPE(c.c_int64, c.c_int64)], c.c_int64,
    (1, lambda x: x), (1, c.CFUNCTYPE(c.c_int64, c.c_int64)(lambda x: x)),
)  # fmt: skip
try:
    import numpy
except ImportError:
    pass
else:
    numbers = numpy.asarray(view)
    pointer = numpy.ctypeslib.ndpointer(dtype="f8", ndim=1, flags="C")
    compare(
        "f64(const [f64] * 2, count) of arrays", "dot",
        "f64(const [f64], const [f64], count)",
        [pointer, pointer, c.c_size_t], c.c_double,
        (numbers, numbers), (numbers, numbers, 10),
    )  # fmt: skip
