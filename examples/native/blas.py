# SPDX-License-Identifier: MIT
"""A dot product and a matrix product by BLAS, on blocks that numpy sees as arrays
and that the Lua program blas.lua is given, too:

    python blas.py LIBBLAS [LUA BLAS.LUA]
"""

import contextlib
import subprocess
import sys

import numpy

from polyshm import SharedMemory, native

ROW_MAJOR, PLAIN = 101, 111  # CBLAS's constants
ROWS, INNER, COLUMNS = 40, 30, 20

blas = native.load(sys.argv[1])
dot = blas.bind("cblas_ddot", "f64(i32, const [f64], i32, const [f64], i32)")
multiply = blas.bind(
    "cblas_dgemm",
    "void(i32, i32, i32, i32, i32, i32, f64, const [f64], i32, const [f64], i32,"
    " f64, [f64], i32)",
)


def make(stack, *shape):
    """A shared block, and the array that it is."""
    block = stack.enter_context(
        SharedMemory(create=True, size=8 * int(numpy.prod(shape)))
    )
    stack.callback(block.unlink)
    return block, block.view("f8", shape)


def run(a, b, c):
    left, right, product = map(numpy.asarray, (a, b, c))
    left[:] = numpy.random.default_rng(1).standard_normal(left.shape)
    right[:] = numpy.random.default_rng(2).standard_normal(right.shape)

    found = dot(INNER, left[3], 1, left[4], 1)
    assert numpy.isclose(found, left[3] @ left[4])
    multiply(
        ROW_MAJOR, PLAIN, PLAIN, ROWS, COLUMNS, INNER,
        1.0, left, INNER, right, COLUMNS, 0.0, product, COLUMNS,
    )  # fmt: skip
    assert numpy.allclose(product, left @ right)
    print("Python: dot and matrix product are numpy's")


def check_lua(names, a, b, c):
    """Lua computes the same into the same block."""
    numpy.asarray(c)[:] = 0
    subprocess.run([*sys.argv[2:], sys.argv[1], *names], check=True)
    assert numpy.allclose(c, numpy.asarray(a) @ numpy.asarray(b))


with contextlib.ExitStack() as stack:
    shapes = (ROWS, INNER), (INNER, COLUMNS), (ROWS, COLUMNS)
    blocks, views = zip(*(make(stack, *shape) for shape in shapes))
    for view in views:
        stack.enter_context(view)
    run(*views)
    if len(sys.argv) > 2:
        check_lua([block.name for block in blocks], *views)
