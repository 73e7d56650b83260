# SPDX-License-Identifier: MIT
"""Native calls: every type both ways, blocks and what is wrong with them,
callbacks and what goes wrong in them."""

import errno
import gc
import math
import os
import struct
import subprocess
import sys
import threading
import time
import unittest
import weakref

import polyshm
from polyshm import ShareableList, SharedMemory, native
from support import CleanCase, fresh_name

try:
    import numpy
except ImportError:
    numpy = None

KERNELS = os.environ.get("POLYSHM_BINARY_DIR", "") + "/tests/bin/kernels.so"
RANGES = {
    f"{sign}{bits}": (-(1 << bits - 1), (1 << bits - 1) - 1)
    if sign == "i"
    else (0, (1 << bits) - 1)
    for sign in "iu"
    for bits in (8, 16, 32, 64)
}
F32_MOST = (2 - 2**-23) * 2.0**127
CODES = dict(zip((*RANGES, "f32", "f64"), "bhiqBHIQfd"))

AVAILABLE = native.available and os.path.exists(KERNELS)
if AVAILABLE:
    kernels = native.load(KERNELS)


def same(one, other):
    """Bit by bit, except that one NaN is as good as another."""
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    return repr(one) == repr(other) and type(one) is type(other)


class NativeCase(CleanCase):
    def setUp(self):
        super().setUp()
        if not AVAILABLE:
            self.skipTest("there are no native calls, or no kernels to call")

    def make_block(self, size=800):
        block = SharedMemory(create=True, size=size, name=fresh_name())
        self.addCleanup(self.remove, block.name)
        return block

    def assertSame(self, one, other):
        self.assertTrue(same(one, other), f"{one!r} is not {other!r}")


class Types(NativeCase):
    def test_integers_cross_with_their_edges(self):
        for name, (least, most) in RANGES.items():
            echo = kernels.bind(f"echo_{name}", f"{name}({name})")
            call = kernels.bind(f"call_{name}", f"{name}({name}, fn {name}({name}))")
            at = kernels.bind(
                f"call_at_{name}", f"{name}({name}, fn {name}(*{name}))"
            )
            for value in (least, least + 1, 0, 1, most - 1, most):
                self.assertSame(echo(value), value)
                self.assertSame(call(value, lambda x: x), value)
                self.assertSame(at(value, lambda x: x), value)
            self.assertSame(echo(True), 1)
            for value in (least - 1, most + 1, 1 << 64, -1 << 63 if least == 0
                          else (-1 << 63) - 1, 1 << 100, -1 << 100):  # fmt: skip
                with self.assertRaises(OverflowError):
                    echo(value)
                with self.assertRaises(OverflowError):
                    call(0, lambda x, value=value: value)
            for value in (1.0, "1", None, b"1", print, []):
                with self.assertRaises(TypeError):
                    echo(value)
                with self.assertRaises(TypeError):
                    call(0, lambda x, value=value: value)

    def test_integers_of_any_length(self):
        """Python keeps them in digits of 15 or 30 bits."""
        values = {
            sign * (1 << bits) + more
            for bits in range(70) for sign in (1, -1) for more in (-1, 0, 1)
        }  # fmt: skip
        for name, (least, most) in RANGES.items():
            echo = kernels.bind(f"echo_{name}", f"{name}({name})")
            for value in values:
                if least <= value <= most:
                    self.assertSame(echo(value), value)
                else:
                    with self.assertRaises(OverflowError):
                        echo(value)

    def test_integers_of_other_classes(self):
        class Integer(int):
            pass

        class Index:
            def __index__(self):
                return -7

        echo = kernels.bind("echo_i64", "i64(i64)")
        for value in (0, 1, -1, (1 << 40), -(1 << 40), (1 << 63) - 1):
            self.assertSame(echo(Integer(value)), value)
        self.assertSame(echo(False), 0)
        self.assertSame(echo(Index()), -7)
        self.assertSame(kernels.bind("echo_f64", "f64(f64)")(Integer(-3)), -3.0)

    def test_the_argument_that_is_wrong_is_told(self):
        plain = [1 << 40, 2.5, -3, "text"]
        for signature, right in (
            ("void(i64, f64, i8, str)", plain),
            ("void(i64, f64, i8, str, const buf)", [*plain, b"bytes"]),
        ):
            call = kernels.bind("nothing", signature)
            self.assertIsNone(call(*right))
            for i, value in enumerate(("x", [], None, 4)):
                given = [*right[:i], value, *right[i + 1 :]]
                with self.assertRaisesRegex(TypeError, f"argument {i + 1} of nothing"):
                    call(*given)
            with self.assertRaisesRegex(OverflowError, "value 3 .*i8: it is 128"):
                call(*right[:2], 128, *right[3:])

    def test_floats_cross_with_their_edges(self):
        for name, most in (("f32", F32_MOST), ("f64", sys.float_info.max)):
            echo = kernels.bind(f"echo_{name}", f"{name}({name})")
            call = kernels.bind(
                f"call_at_{name}", f"{name}({name}, fn {name}(*{name}))"
            )
            for value in (0.0, -0.0, 1.5, -2.25, math.inf, -math.inf, most, -most,
                          2.0**-149, math.nan):  # fmt: skip
                self.assertSame(echo(value), value)
                self.assertSame(call(value, lambda x: x), value)
            self.assertSame(echo(3), 3.0)
            for value in ((1 << 53) + 1, (1 << 64) - 1, 1 << 64):
                with self.assertRaises(OverflowError):
                    echo(value)
            for value in ("1", None, b"", 1j):
                with self.assertRaises(TypeError):
                    echo(value)
        for name in ("f32", "f64"):
            self.integers_of_others(kernels.bind(f"echo_{name}", f"{name}({name})"))
        echo = kernels.bind("echo_f32", "f32(f32)")
        self.assertSame(echo(0.1), struct.unpack("f", struct.pack("f", 0.1))[0])
        with self.assertRaisesRegex(OverflowError, "f32"):
            echo(1e300)

    def integers_of_others(self, echo):
        """They must be floats exactly, as int must."""

        class Integer(int):
            pass

        class Number:
            def __init__(self, value):
                self.value = value

            def __index__(self):
                return self.value

            def __float__(self):
                return float(self.value)

        kinds = [Integer, Number]
        if numpy:
            kinds += [numpy.uint64, numpy.array]
            self.assertSame(echo(numpy.float32(1.5)), 1.5)
            self.assertSame(echo(numpy.array(1.5)), 1.5)
        for kind in kinds:
            self.assertSame(echo(kind(3)), 3.0)
            for value in ((1 << 53) + 1, (1 << 64) - 1):
                with self.assertRaises(OverflowError):
                    echo(kind(value))

    def test_pointers_cross(self):
        echo = kernels.bind("echo_ptr", "ptr(ptr)")
        call = kernels.bind("call_ptr", "ptr(ptr, fn ptr(ptr))")
        for value in (1, 2**63, 2**64 - 1, kernels.symbol("twice"), None):
            self.assertSame(echo(value), value)
            self.assertSame(call(value, lambda x: x), value)
        self.assertIsNone(echo(0))
        for value in (-1, 2**64):
            with self.assertRaises(OverflowError):
                echo(value)
        for value in (1.0, "x", b"x", [], print):
            with self.assertRaises(TypeError):
                echo(value)

    def test_strings_cross(self):
        echo = kernels.bind("echo_str", "str(str)")
        call = kernels.bind("call_str", "i32(str, fn i32(str))")
        for value in ("", "abc", "grün", "x" * 100000):
            self.assertSame(echo(value), value)
            self.assertSame(call(value, len), len(value))
        self.assertEqual(echo(b"bytes"), "bytes")
        self.assertEqual(os.fsencode(echo(b"\xff")), b"\xff")
        self.assertIsNone(kernels.bind("no_str", "str()")())
        for value in ("a\0b", b"a\0b"):
            with self.assertRaisesRegex(ValueError, "zero byte"):
                echo(value)
        for value in (None, 1, bytearray(b"x")):
            with self.assertRaises(TypeError):
                echo(value)
        with self.assertRaises(UnicodeEncodeError):
            echo("\udcff")

    def test_all_registers_are_used(self):
        many = kernels.bind(
            "many",
            "f64(i8, f64, u16, f32, i32, f64, u64, f32, i64, f64, u8, f64, i16, "
            "f32, u32, f64, f64, f64, i64, f64)",
        )
        self.assertSame(many(*range(1, 21)), float(sum(i * i for i in range(1, 21))))

    @unittest.skipUnless(numpy, "numpy is not installed")
    def test_numbers_of_numpy(self):
        self.assertSame(kernels.bind("echo_i8", "i8(i8)")(numpy.int64(5)), 5)
        self.assertSame(kernels.bind("echo_f64", "f64(f64)")(numpy.float32(2)), 2.0)
        with self.assertRaises(TypeError):
            kernels.bind("echo_i8", "i8(i8)")(numpy.float64(5))


class Binding(NativeCase):
    def test_what_is_missing(self):
        with self.assertRaisesRegex(OSError, "libnosuch.so.9"):
            native.load("libnosuch.so.9")
        with self.assertRaisesRegex(OSError, "no_such_symbol"):
            kernels.bind("no_such_symbol", "void()")
        with self.assertRaisesRegex(OSError, "no_such_symbol"):
            kernels.symbol("no_such_symbol")
        with self.assertRaisesRegex(ValueError, "'i6' at character 10"):
            kernels.bind("nothing", "f64(ptr, i6)")
        with self.assertRaisesRegex(ValueError, "variable arguments"):
            kernels.bind("nothing", "i32(str, ...)")
        with self.assertRaisesRegex(ValueError, "embedded null"):
            kernels.bind("nothing", "i32()\0")
        for wrong in (None, 1, b"nothing"):
            with self.assertRaisesRegex(TypeError, "a symbol must be str"):
                kernels.bind(wrong, "void()")
            for bind in (kernels.bind, native.at):
                with self.assertRaisesRegex(TypeError, "a signature must be str"):
                    bind("nothing" if bind == kernels.bind else 1, wrong)
            with self.assertRaisesRegex(TypeError, "a signature must be str"):
                native.callback(wrong, print)
            with self.assertRaises(TypeError):
                kernels.symbol(wrong)
        with self.assertRaises(TypeError):
            native.load(1)
        for wrong in (None, "x", 1.0):
            with self.assertRaises(TypeError):
                native.at(wrong, "void()")

    def test_messages_tell_which_argument(self):
        echo = kernels.bind("echo_i8", "i8(i8)")
        fill = kernels.bind("fill_f64", "void([f64], count, f64)")
        repeat = kernels.bind("repeat", "i64(i64, fn i64(i64))")
        block = self.make_block()
        self.addCleanup(block.close)
        for call, arguments, error, text in (
            (echo, (300,), OverflowError, r"echo_i8\(\): value 1 does not fit i8"),
            (echo, ("1",), TypeError, r"argument 1 of echo_i8\(\): "),
            (fill, (None, 1), TypeError, r"argument 1 of fill_f64\(\): a block is "),
            (fill, (bytearray(8), 1), TypeError, "this bytearray is not on a "),
            (fill, (block.buf[::2], 1), BufferError, r"argument 1 of fill_f64\(\)"),
            (fill, (block.buf[1:9], 1), ValueError, r"fill_f64\(\): value 1 is not"),
            (repeat, (1, 0), TypeError, r"repeat\(\): value 2 is a function at NULL"),
            (repeat, (1, lambda i: "x"), TypeError, "a callback's answer: 'str'"),
            (repeat, (1, lambda i: 2**63), OverflowError,
             r"repeat\(\): a callback's answer does not fit i64"),
        ):  # fmt: skip
            with self.assertRaisesRegex(error, text):
                call(*arguments)

    def test_it_shows_what_it_is(self):
        twice = kernels.bind("twice", "i64(i64)")
        self.assertEqual(repr(twice), "<native function twice: i64(i64)>")
        self.assertEqual(twice.__name__, "twice")
        self.assertEqual(twice.signature, "i64(i64)")
        self.assertIn("kernels.so", repr(kernels))
        with self.assertRaises(TypeError):
            type(twice)()

    def test_the_number_of_arguments(self):
        twice = kernels.bind("twice", "i64(i64)")
        for arguments in ((), (1, 2)):
            with self.assertRaisesRegex(TypeError, "takes 1 argument, not"):
                twice(*arguments)
        with self.assertRaisesRegex(TypeError, "keyword"):
            twice(1, value=2)
        with self.assertRaisesRegex(TypeError, "argument 1 of twice"):
            twice("x")

    def test_by_address_and_in_this_process(self):
        self.assertEqual(native.at(kernels.symbol("twice"), "i64(i64)")(21), 42)
        self.assertEqual(native.load().bind("abs", "i32(i32)")(-3), 3)
        from_path = native.load(os.fsencode(KERNELS))
        self.assertEqual(from_path.symbol("twice"), kernels.symbol("twice"))

    def test_errno_is_kept(self):
        swap = kernels.bind("swap_errno", "i32(i32)")
        self.assertEqual(swap(errno.EAGAIN), 0)
        self.assertEqual(native.errno(), errno.EAGAIN)
        self.assertEqual(swap(0), 0)
        self.assertEqual(native.errno(), 0)


class Blocks(NativeCase):
    def setUp(self):
        super().setUp()
        self.block = self.make_block()
        self.fill = kernels.bind("fill_f64", "void([f64], count, f64)")
        self.last = kernels.bind("last_f64", "f64(count, const [f64])")

    def tearDown(self):
        self.block.close()  # nothing is pinned

    def test_what_is_an_array(self):
        self.assertIsNone(self.fill(self.block, 2.5))
        with self.block.view("d") as view:
            self.assertEqual(sum(view), 250.0)
            self.fill(view[10:13], 1)
            self.assertEqual(sum(view), 250.0 - 4.5)
            self.assertEqual(self.last(view[10:13]), 1.0)
            self.assertEqual(self.last(view[:0]), 0.0)
        self.fill(self.block.buf[792:], 7)
        self.assertEqual(self.last(self.block), 7.0)
        self.assertEqual(self.last(self.block.buf), 7.0)
        self.assertEqual(self.last(self.block.view("d", (10, 10))), 7.0)

    def test_bytes_are_for_reading(self):
        total = kernels.bind("sum_bytes", "u64(const buf, len)")
        self.assertEqual(total(b"abc"), 97 + 98 + 99)
        self.assertEqual(total(b""), 0)
        self.block.buf[:] = bytes([1]) * 800
        self.assertEqual(total(self.block), 800)
        self.assertEqual(total(self.block.buf[3:8]), 5)
        self.assertEqual(total(self.block.view("i", 5, 4)), 20)
        with self.assertRaises(TypeError):
            self.fill(b"x" * 8, 1)
        with self.assertRaises(TypeError):
            kernels.bind("sum_bytes", "u64(buf, len)")(b"x")

    def test_every_element_type(self):
        for name, code in CODES.items():
            view = self.block.view(code)
            if name not in ("u8", "f64"):
                with self.assertRaisesRegex(TypeError, "elements of type " + name):
                    self.fill(view, 1)
            fill = kernels.bind(f"fill_{name}", f"void([{name}], count, {name})")
            last = kernels.bind(f"last_{name}", f"{name}(count, const [{name}])")
            edge = RANGES.get(name, (0, 1.5))[1]
            fill(view, edge)
            self.assertEqual(set(view), {edge})
            self.assertSame(last(view), edge)
            view.release()

    def test_what_is_no_array(self):
        for wrong in (None, 1, "x", [1.0], bytearray(80), memoryview(b"x" * 80),
                      struct, ShareableList):  # fmt: skip
            with self.assertRaises((TypeError, BufferError)):
                self.fill(wrong, 1)
        with self.block.view("d") as view, self.assertRaises(BufferError):
            self.fill(view[::2], 1)
        with self.block.buf[4:84] as part, self.assertRaisesRegex(
            ValueError, "not aligned"
        ):
            self.fill(part, 1)
        half = self.block.buf[:160].cast("c")
        self.fill(half, 1)
        half.release()

    def test_what_is_read_only(self):
        with SharedMemory(self.block.name, read_only=True) as reader:
            self.assertEqual(self.last(reader), 0.0)
            with reader.view("d") as view:
                self.assertEqual(self.last(view), 0.0)
                for wrong in (reader, view):
                    with self.assertRaisesRegex(PermissionError, "not const"):
                        self.fill(wrong, 1)
        with self.block.buf.toreadonly() as view:
            self.assertEqual(self.last(view), 0.0)
            with self.assertRaises(PermissionError):
                self.fill(view, 1)

    def test_what_was_closed(self):
        view = self.block.view("d")
        view.release()
        with self.assertRaises(ValueError):
            self.fill(view, 1)
        self.block.close()
        with self.assertRaises(polyshm.ClosedError):
            self.fill(self.block, 1)
        with self.assertRaises(TypeError):
            self.fill(SharedMemory.__new__(SharedMemory), 1)

    def test_it_is_pinned_during_the_call(self):
        touch = native.at(
            kernels.symbol("repeat"), "i64(i64, fn i64(i64), [f64])"
        )

        def close(i):
            with self.assertRaises(polyshm.BusyError):
                self.block.close()
            return 5

        self.assertEqual(touch(1, close, self.block), 5)

    def check_while_arguments_are_taken(self, make_view):
        """The view goes, and its block stays to the end of the call."""
        block = self.make_block()
        other = SharedMemory(block.name)
        self.addCleanup(other.close)
        view = make_view(block)

        class Releasing:
            def __float__(self):
                nonlocal block
                view.release()
                del block
                gc.collect()
                return 1.5

        self.fill(view, Releasing())
        with other.view("f8") as numbers:
            self.assertEqual(numbers.tolist(), [1.5] * 100)

    def test_a_view_that_goes_while_arguments_are_taken(self):
        self.check_while_arguments_are_taken(lambda block: block.view("f8"))

    @unittest.skipUnless(numpy, "numpy is not installed")
    def test_the_view_of_an_array_that_goes(self):
        self.check_while_arguments_are_taken(
            lambda block: memoryview(numpy.ndarray((100,), "f8", block.buf))
        )

    @unittest.skipUnless(numpy, "numpy is not installed")
    def test_an_array_whose_base_was_released(self):
        array = numpy.frombuffer(self.block.buf, "f8")
        array.base.release()
        self.block.close()
        with self.assertRaises(TypeError):
            self.fill(array, 1)

    @unittest.skipUnless(numpy, "numpy is not installed")
    def test_arrays_of_numpy(self):
        array = numpy.asarray(self.block.view("f8"))
        self.fill(array, 1.5)
        self.assertEqual(array.sum(), 150)
        grid = array.reshape(10, 10)
        self.fill(grid[5], 0)
        self.assertEqual(array.sum(), 135)
        self.fill(grid.T, 3)  # one piece, if in another order
        self.fill(numpy.frombuffer(self.block.buf, "f8", 10), 4)
        self.assertEqual(array.sum(), 310)
        self.fill(numpy.ndarray((3,), "f8", self.block.buf, 16), 5)
        self.assertEqual(array[2:5].sum(), 15)
        for wrong in (grid[:, 1], array[::2]):
            with self.assertRaises((TypeError, ValueError, BufferError)):
                self.fill(wrong, 1)
        for wrong in (numpy.zeros(10), array.astype(complex), array + 1,
                      array.view("i8"), array.view(">f8"),
                      numpy.array(array)):  # fmt: skip
            with self.assertRaises(TypeError):
                self.fill(wrong, 1)
        array.flags.writeable = False
        with self.assertRaises(PermissionError):
            self.fill(array, 1)
        self.assertEqual(self.last(array), 3)
        del array, grid, wrong


class Callbacks(NativeCase):
    def setUp(self):
        super().setUp()
        self.repeat = kernels.bind("repeat", "i64(i64, fn i64(i64))")
        self.runs = 0

    def count(self, value):
        self.runs += 1
        return value

    def test_any_callable(self):
        self.assertEqual(self.repeat(5, self.count), 10)
        self.assertEqual(self.runs, 5)
        self.assertEqual(self.repeat(5, kernels.bind("twice", "i64(i64)")), 20)
        self.assertEqual(self.repeat(5, kernels.symbol("twice")), 20)
        for wrong in (None, "x", 1.0):
            with self.assertRaises(TypeError):
                self.repeat(5, wrong)
        with self.assertRaises(TypeError):
            self.repeat(5, 0)

    def test_an_exception_ends_it(self):
        def fail(value):
            self.runs += 1
            raise LookupError(value)

        try:
            self.repeat(5, fail)
        except LookupError as error:
            traceback = error.__traceback__
            self.assertEqual(error.args, (0,))
        self.assertEqual(self.runs, 1)
        names = []
        while traceback is not None:
            names.append(traceback.tb_frame.f_code.co_name)
            traceback = traceback.tb_next
        self.assertEqual(names[-1], "fail")
        with self.assertRaises(KeyboardInterrupt):
            self.repeat(5, lambda i: (_ for _ in ()).throw(KeyboardInterrupt))

    def test_recursion_ends(self):
        """Long before the stack does, which sanitizers' builds need more of."""
        self.addCleanup(sys.setrecursionlimit, sys.getrecursionlimit())
        sys.setrecursionlimit(400)
        with self.assertRaises(RecursionError):
            self.repeat(1, lambda i: self.deeper(i))
        self.assertEqual(self.repeat(5, self.count), 10)

    def deeper(self, value):
        return self.repeat(1, self.deeper)

    def test_nested_calls_have_their_own(self):
        def outer(i):
            with self.assertRaises(ZeroDivisionError):
                self.repeat(3, lambda j: 1 // 0)
            return self.repeat(3, lambda j: i + j)

        self.assertEqual(self.repeat(2, outer), 9)

    def test_null_is_none(self):
        seen = []
        call = kernels.bind("call_null", "i64(fn i64(*i64, str))")
        self.assertEqual(call(lambda *given: seen.append(given) or 8), 8)
        self.assertEqual(seen, [(None, None)])

    def test_two_are_told_apart(self):
        both = kernels.bind("both", "i64(fn i64(i64), fn i64(i64))")
        self.assertEqual(both(self.count, lambda x: -x), 998)
        self.assertEqual(both(kernels.symbol("twice"), self.count), 2002)

    def test_callbacks_stay(self):
        keep = kernels.bind("keep", "void(fn i64(i64))")
        call_kept = kernels.bind("call_kept", "i64(i64)")
        on_thread = kernels.bind("call_on_thread", "i64(fn i64(i64))")
        with native.callback("i64(i64)", self.count) as callback:
            self.assertEqual(self.repeat(3, callback), 3)
            keep(callback)
            gc.collect()
            self.assertEqual(call_kept(9), 9)  # which has let the GIL go
            self.assertEqual(self.runs, 4)
            echo = kernels.bind("echo_ptr", "ptr(ptr)")
            self.assertEqual(echo(callback), callback.address)
            self.assertEqual(native.at(callback.address, "i64(i64)")(4), 4)
            self.assertEqual(on_thread(callback), 0)
            self.assertEqual(on_thread(self.count), 0)
            self.assertEqual(self.runs, 5)
            results = []
            thread = threading.Thread(target=lambda: results.append(call_kept(7)))
            thread.start()
            thread.join()
            self.assertEqual(results, [7])
            keep(self.count)  # for that call alone
            self.assertEqual(call_kept(9), 0)
            keep(callback)
            callback_in = native.callback("i64(i64)", lambda x: call_kept(x) + 1)
            self.assertEqual(self.repeat(3, callback_in), 6)
        for use in (self.repeat, echo):
            with self.assertRaisesRegex(ValueError, "freed"):
                use(*[1] * (use is self.repeat), callback)
        with self.assertRaisesRegex(ValueError, "freed"):
            callback.address
        callback.free()

    def test_an_exception_in_a_callback_that_stays(self):
        callback = native.callback("i64(i64)", lambda x: {}[x])
        kernels.bind("keep", "void(fn i64(i64))")(callback)
        with self.assertRaises(KeyError):
            kernels.bind("call_kept", "i64(i64)")(1)

    def test_one_that_frees_itself(self):
        def run(i):
            self.runs += 1
            callback.free()
            return 100

        callback = native.callback("i64(i64)", run)
        self.assertEqual(self.repeat(5, callback), 100)
        self.assertEqual(self.runs, 1)

    def test_one_that_another_thread_frees(self):
        """The call that was given it goes on with zeros, and not with whatever
        comes to its place."""
        running, freed = threading.Event(), threading.Event()

        def run(i):
            self.runs += 1
            running.set()
            self.assertTrue(freed.wait(60))
            return 100

        callback = native.callback("i64(i64)", run)

        def free():
            running.wait(60)
            callback.free()
            self.others = [
                native.callback("i64(i64)", lambda i: 7) for _ in range(50)
            ]
            freed.set()

        thread = threading.Thread(target=free)
        thread.start()
        self.assertEqual(self.repeat(5, callback), 100)
        thread.join()
        self.assertEqual(self.runs, 1)
        with self.assertRaisesRegex(ValueError, "freed"):
            self.repeat(5, callback)

    def test_one_that_is_freed_while_arguments_are_taken(self):
        class Freeing:
            def __index__(self):
                callback.free()
                return 5

        call = native.at(kernels.symbol("twice"), "i64(fn i64(i64), i64)")
        callback = native.callback("i64(i64)", self.count)
        address = callback.address
        self.assertEqual(call(callback, Freeing()), 2 * address)
        with self.assertRaisesRegex(ValueError, "freed"):
            callback.address

    def test_calls_by_others_inside_a_callback(self):
        """ctypes lets the GIL go, and does not tell us."""
        import ctypes

        call_kept = ctypes.CDLL(KERNELS).call_kept
        call_kept.argtypes, call_kept.restype = [ctypes.c_int64], ctypes.c_int64
        callback = native.callback("i64(i64)", lambda i: len([i] * 5) // i)
        kernels.bind("keep", "void(fn i64(i64))")(callback)
        self.assertEqual(call_kept(1), 0)  # in no call of ours
        self.assertEqual(self.repeat(1, lambda i: call_kept(1)), 5)

        def fail_twice(i):
            call_kept(0)
            raise LookupError

        with self.assertRaises(ZeroDivisionError):
            self.repeat(3, fail_twice)
        self.assertEqual(self.repeat(5, self.count), 10)

    def test_cycles_are_collected(self):
        class Holder:
            def run(self):
                pass

        holder = Holder()
        holder.callback = native.callback("void()", holder.run)
        gone = weakref.ref(holder)
        del holder
        gc.collect()
        self.assertIsNone(gone())

    def test_wrong_ones(self):
        with self.assertRaisesRegex(TypeError, "another signature"):
            self.repeat(1, native.callback("i64(i32)", self.count))
        with self.assertRaisesRegex(ValueError, "a type is expected"):
            native.callback("i64(x)", self.count)
        with self.assertRaises(TypeError):
            native.callback("i64(i64)", 5)
        with self.assertRaises(TypeError):
            native.callback(b"i64(i64)", self.count)
        with self.assertRaises(TypeError):
            type(native.callback("i64(i64)", self.count))()

    def test_other_threads_run(self):
        """Unless the function takes one."""
        ran = threading.Event()
        usleep = native.load().bind("usleep", "i32(u32)")
        thread = threading.Thread(target=ran.set)
        while not ran.is_set():
            if not thread.is_alive() and thread.ident is None:
                thread.start()
            usleep(1000)
        thread.join()

    def test_or_do_not(self):
        """With threads=False: a signal's handler, for one, comes afterwards."""
        call = kernels.bind("twice", "i64(i64)", threads=False)
        self.assertEqual(call(21), 42)
        kernels.bind("keep", "void(fn i64(i64))")(
            callback := native.callback("i64(i64)", self.count)
        )
        call_kept = kernels.bind("call_kept", "i64(i64)", threads=False)
        self.assertEqual(call_kept(5), 5)
        del callback

    def test_calls_of_many_threads(self):
        totals = []

        def work(number):
            seen = []
            for _ in range(200):
                seen.append(self.repeat(3, lambda i: number * 10 + i))
            totals.append((number, set(seen)))

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(
            sorted(totals), [(n, {30 * n + 3}) for n in range(4)]
        )


class Guard(NativeCase):
    def setUp(self):
        super().setUp()
        self.items = self.make(ShareableList, [0])
        self.addCleanup(self.items.close)
        self.other = self.attach(self.items)
        self.guarded = kernels.bind(
            "repeat", "i64(i64, fn i64(i64))", lock=self.items, timeout=0.01
        )

    def try_other(self, i):
        try:
            self.other.lock(timeout=0).unlock()
        except TimeoutError:
            return 0
        return 1

    def test_it_is_held_during_the_call(self):
        self.assertEqual(self.guarded(1, self.try_other), 0)
        self.assertEqual(self.try_other(0), 1)
        with self.items.lock():
            self.assertEqual(self.guarded(1, self.try_other), 0)
        with self.assertRaises(ZeroDivisionError):
            self.guarded(1, lambda i: 1 // 0)
        self.assertEqual(self.try_other(0), 1)

    def test_it_is_waited_for(self):
        with self.other.lock(), self.assertRaises(TimeoutError):
            self.guarded(1, self.try_other)
        patient = kernels.bind(
            "repeat", "i64(i64, fn i64(i64))", lock=self.items
        )
        locked, left = threading.Event(), threading.Event()

        def hold():
            with self.other.lock():
                locked.set()
                time.sleep(0.3)
                left.set()

        thread = threading.Thread(target=hold)
        thread.start()
        locked.wait()
        self.assertEqual(patient(1, lambda i: left.is_set()), 1)
        thread.join()

    def test_the_list_cannot_be_closed_meanwhile(self):
        def close(i):
            with self.assertRaises(polyshm.BusyError):
                self.items.close()
            return 1

        self.assertEqual(self.guarded(1, close), 1)
        self.items.close()
        with self.assertRaises(polyshm.ClosedError):
            self.guarded(1, close)

    def test_a_dead_holder(self):
        script = (
            "import os, sys, polyshm\n"
            "items = polyshm.ShareableList(name=sys.argv[1])\n"
            "lock = items.lock()\n"
            "os.kill(os.getpid(), 9)\n"
        )
        subprocess.run([sys.executable, "-c", script, self.items.shm.name])
        for _ in range(2):
            with self.assertRaisesRegex(polyshm.BusyError, "died"):
                self.guarded(1, self.try_other)
        with self.items.lock() as lock:
            self.assertTrue(lock.recovered)
        self.assertEqual(self.guarded(1, self.try_other), 0)

    def test_wrong_ones(self):
        for wrong in ([], "x", 1, SharedMemory):
            with self.assertRaises(TypeError):
                kernels.bind("nothing", "void()", lock=wrong)
        with self.assertRaises(ValueError):
            kernels.bind("nothing", "void()", lock=self.items, timeout=math.nan)


class Absent(unittest.TestCase):
    """Over ctypes, or without libffi."""

    def refused(self, backend):
        script = (
            "from polyshm import UnsupportedError, native\n"
            "assert not native.available and not native.callbacks\n"
            "for call in (native.load, native.errno,\n"
            "             lambda: native.at(1, 'void()'),\n"
            "             lambda: native.callback('void()', print)):\n"
            "    try:\n"
            "        call()\n"
            "    except UnsupportedError as error:\n"
            "        print(error)\n"
        )
        environment = dict(os.environ, POLYSHM_BACKEND=backend)
        return subprocess.run(
            [sys.executable, "-c", script], env=environment, check=True,
            stdout=subprocess.PIPE, text=True,
        ).stdout.splitlines()  # fmt: skip

    def test_over_ctypes(self):
        lines = self.refused("ctypes")
        self.assertEqual(len(lines), 4)
        self.assertIn("use ctypes itself", lines[0])

    @unittest.skipIf(
        native.available or polyshm.backend != "swig", "it has native calls"
    )
    def test_without_libffi(self):
        lines = self.refused("swig")
        self.assertEqual(len(lines), 3)  # errno() is 0
        self.assertIn("libffi", lines[0])


if __name__ == "__main__":
    unittest.main()
