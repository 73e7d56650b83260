# SPDX-License-Identifier: MIT
"""The examples of native calls, as they are, and what they must lead to.

Usage: test_native.py sort|compress|blas|kernel|pipeline KERNEL STAGE
"""

import ctypes.util
import os
import subprocess
import sys

from polyshm import SharedMemory, native

FOLDER = os.path.join(os.environ["POLYSHM_SOURCE_DIR"], "examples", "native")
LUA = os.environ["POLYSHM_LUA_EXECUTABLE"]
SKIP = 77
COUNT = 10000


def example(name):
    return os.path.join(FOLDER, name)


def run(*command):
    words = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    print(words, end="", flush=True)
    return words


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIP)


def library(name, package):
    """As the loader calls it."""
    found = ctypes.util.find_library(name)
    if found is None:
        skip(f"there is no lib{name} ({package})")
    return found


def sort(kernel, _):
    words = run(LUA, example("sort.lua"), kernel, "1000000")
    assert "by Lua" in words and "by C" in words
    words = run(sys.executable, example("sort.py"), kernel, "100000")
    assert "by Python" in words and "by C" in words


def compress(*_):
    z = library("z", "zlib1g")
    by_lua = run(LUA, example("compress.lua"), z)
    by_python = run(sys.executable, example("compress.py"), z)
    assert by_lua == by_python


def blas(*_):
    try:
        import numpy  # noqa: F401
    except ImportError:
        skip("there is no numpy")
    found = library("blas", "libblas3")
    try:
        native.load(found).symbol("cblas_ddot")
    except OSError:
        skip(f"{found} has no cblas_ddot")
    words = run(sys.executable, example("blas.py"), found, LUA, example("blas.lua"))
    assert words.count("matrix product") == 2


def kernel(path, _):
    """Lua and Python call a kernel with a function of their own."""
    block = SharedMemory(create=True, size=8 * COUNT)
    try:
        with block.view("d") as items:
            for i in range(COUNT):
                items[i] = i
            count_if = native.load(path).bind(
                "count_if", "i64(const [f64], count, fn i32(f64))"
            )
            assert count_if(items, lambda x: x % 3 == 0) == -(-COUNT // 3)
        words = run(
            LUA, "-e",
            "local polyshm, native = require 'polyshm', require 'polyshm.native'\n"
            f"local block = assert(polyshm.SharedMemory '{block.name}')\n"
            f"local count_if = native.load('{path}'):bind('count_if',\n"
            "  'i64(const [f64], count, fn i32(f64))')\n"
            "print(count_if(block, function(x) return x % 3 == 0 and 1 or 0 end))",
        )  # fmt: skip
        assert int(words) == -(-COUNT // 3)
    finally:
        block.close()
        block.unlink()


def smooth(samples, radius):
    return [
        sum(near) / len(near)
        for i in range(len(samples))
        for near in [samples[max(0, i - radius) : i + radius + 1]]
    ]


def pipeline(kernel, stage):
    prefix = f"polyshm-example-{os.getpid()}-"
    stages = example("stages.txt")
    try:
        words = run(stage, stages, kernel, prefix, str(COUNT))
        words += run(LUA, example("stage.lua"), stages, "2", kernel, prefix)
        words += run(sys.executable, example("stage.py"), stages, "3", kernel, prefix)
        assert words.split("\n")[:3] == [
            "C ran scale", f"Lua ran smooth: {COUNT - 6}", "Python ran scale: None"
        ]  # fmt: skip
        samples = [0.5 * (i * 7919 % 1000) for i in range(COUNT)]
        expected = [10 * mean for mean in smooth(samples, 3)]
        with SharedMemory(prefix + "smoothed") as block, block.view("d") as found:
            assert all(abs(a - b) < 1e-9 for a, b in zip(found, expected))
            assert len(found) == COUNT
        # Each language runs each line.
        before = bytes(SharedMemory(prefix + "smoothed").buf)
        for runner in ((LUA, "stage.lua"), (sys.executable, "stage.py")):
            run(runner[0], example(runner[1]), stages, "2", kernel, prefix)
            run(runner[0], example(runner[1]), stages, "3", kernel, prefix)
            assert bytes(SharedMemory(prefix + "smoothed").buf) == before
    finally:
        for name in ("samples", "smoothed"):
            try:
                os.unlink(f"/dev/shm/{prefix}{name}")
            except FileNotFoundError:
                pass


PARTS = {f.__name__: f for f in (sort, compress, blas, kernel, pipeline)}

if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in PARTS:
        sys.exit(__doc__)
    PARTS[sys.argv[1]](*sys.argv[2:])
