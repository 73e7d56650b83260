# SPDX-License-Identifier: MIT
import ctypes
import errno
import gc
import os
import pickle
import stat
import subprocess
import sys
import threading
import time
import unittest

from polyshm import CorruptError, SharedMemory, core
from support import FOLDER, CleanCase, fresh_name


class Opening(CleanCase):
    def test_created_block_is_zeroed_and_of_its_exact_size(self):
        block = self.make(SharedMemory, create=True, size=100)
        self.assertEqual(block.size, 100)
        self.assertEqual(bytes(block.buf), bytes(100))
        self.assertEqual(
            (block.buf.format, block.buf.itemsize, block.buf.shape),
            ("B", 1, (100,)),
        )
        self.assertFalse(block.buf.readonly)

    def test_automatic_name_is_stock_pythons(self):
        block = SharedMemory(create=True, size=1)
        self.addCleanup(block.unlink)
        self.assertRegex(block.name, r"\Apsm_[0-9a-f]{8}\Z")

    def test_attached_block_shares_bytes(self):
        block = self.make(SharedMemory, create=True, size=5)
        other = SharedMemory(block.name)
        other.buf[:] = b"hello"
        self.assertEqual(bytes(block.buf), b"hello")
        other.close()
        self.assertEqual(bytes(block.buf), b"hello")

    def test_size_is_ignored_but_checked_when_attaching(self):
        block = self.make(SharedMemory, create=True, size=5)
        self.assertEqual(SharedMemory(block.name, size=1).size, 5)
        with self.assertRaisesRegex(ValueError, "positive integer"):
            SharedMemory(block.name, size=-1)

    def test_arguments_that_stock_refuses(self):
        for error, text, arguments in (
            (ValueError, "'name' can only be None if create=True", {}),
            (
                ValueError,
                "'size' must be a positive number different from zero",
                {"create": True},
            ),
            (
                ValueError,
                "'size' must be a positive integer",
                {"create": True, "size": -1},
            ),
            (TypeError, "'>=' not supported between", {"size": "1"}),
            (TypeError, "'>=' not supported between", {"size": None}),
            (TypeError, "'float' object", {"create": True, "size": 1.5}),
            (OverflowError, "too large", {"create": True, "size": 2**63}),
            (TypeError, "can only concatenate str", {"name": 3}),
            (TypeError, "can only concatenate str", {"name": b"x"}),
            (ValueError, "embedded null character", {"name": "a\0b"}),
            (UnicodeEncodeError, "surrogates", {"name": "\udc80"}),
            (TypeError, "", {"nonsense": 1}),
        ):
            with self.subTest(arguments=arguments):
                with self.assertRaisesRegex(error, text):
                    SharedMemory(**arguments)

    def check_os_error(self, number, filename, **arguments):
        with self.assertRaises(OSError) as caught:
            SharedMemory(**arguments)
        self.assertEqual(
            (caught.exception.errno, caught.exception.filename),
            (number, filename),
        )
        return caught.exception

    def test_system_errors_are_stocks(self):
        name = self.make(SharedMemory, create=True, size=1).name
        error = self.check_os_error(errno.ENOENT, "/no-such", name="no-such")
        self.assertIsInstance(error, FileNotFoundError)
        error = self.check_os_error(
            errno.EEXIST, "/" + name, name=name, create=True, size=1
        )
        self.assertIsInstance(error, FileExistsError)
        self.check_os_error(errno.EINVAL, "/", name="")
        self.check_os_error(errno.EINVAL, "/a/b", name="a/b")
        long = "x" * 256
        self.check_os_error(errno.ENAMETOOLONG, "/" + long, name=long)
        self.check_os_error(errno.EEXIST, "/.", name=".", create=True, size=1)

    def test_a_block_too_large_leaves_nothing(self):
        name = fresh_name()
        error = self.check_os_error(
            errno.ENOSPC, "/" + name, name=name, create=True, size=2**50
        )
        self.assertIn("--shm-size", str(error))
        self.assertFalse(os.path.exists(os.path.join(FOLDER, name)))

    def test_names_of_255_bytes_and_odd_characters(self):
        for name in (
            fresh_name().ljust(255, "x"),
            fresh_name() + ":x",
            fresh_name() + "\n",
            fresh_name() + " é€😀",
            fresh_name() + "%s'\"",
        ):
            block = SharedMemory(name, create=True, size=3)
            try:
                self.assertEqual(block.name, name)
                self.assertTrue(os.path.exists(os.path.join(FOLDER, name)))
                self.assertEqual(SharedMemory(name).size, 3)
            finally:
                block.unlink()

    def test_leading_slashes_lead_to_one_block(self):
        name = fresh_name()
        block = SharedMemory("/" + name, create=True, size=3)
        try:
            self.assertEqual(block.name, "/" + name)
            self.assertEqual(SharedMemory(name).size, 3)
            self.assertEqual(SharedMemory("//" + name).size, 3)
        finally:
            block.unlink()

    def test_mode(self):
        def mode(**options):
            block = self.make(SharedMemory, create=True, size=1, **options)
            path = os.path.join(FOLDER, block.name)
            return stat.S_IMODE(os.stat(path).st_mode)

        # The sticky bit marks what is tracked.
        self.assertEqual(mode(), 0o1600)
        self.assertEqual(mode(track=False), 0o600)
        self.addCleanup(os.umask, os.umask(0o022))
        self.assertEqual(mode(mode=0o666), 0o1644)
        self.assertEqual(mode(mode=0o666, track=False), 0o644)

    def test_read_only(self):
        block = self.make(SharedMemory, create=True, size=1)
        view = SharedMemory(block.name, read_only=True)
        self.assertTrue(view.buf.readonly)
        with self.assertRaises(TypeError):
            view.buf[0] = 1
        with self.assertRaises(ValueError):
            SharedMemory(create=True, size=1, read_only=True)

    def test_an_empty_file_is_waited_for(self):
        name = fresh_name()
        path = os.path.join(FOLDER, name)
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            with self.assertRaisesRegex(CorruptError, "empty"):
                SharedMemory(name)
            self.assertTrue(os.path.exists(path))

            def size_it():
                time.sleep(0.02)
                os.ftruncate(descriptor, 7)

            thread = threading.Thread(target=size_it)
            thread.start()
            self.assertEqual(SharedMemory(name).size, 7)
            thread.join()
        finally:
            os.close(descriptor)
            os.unlink(path)

    def test_failed_attach_never_unlinks(self):
        # In a child, since an address-space limit cannot be raised again.
        block = self.make(SharedMemory, create=True, size=1 << 28, sparse=True)
        program = (
            "import resource, sys, polyshm\n"
            "resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28))\n"
            "try:\n"
            "    polyshm.SharedMemory(sys.argv[1])\n"
            "except OSError as error:\n"
            "    print(error.errno)\n"
        )
        if "san.so" in os.environ.get("LD_PRELOAD", ""):
            self.skipTest("a sanitizer's shadow needs more address space")
        result = subprocess.run(
            [sys.executable, "-c", program, block.name],
            capture_output=True,
            text=True,
        )
        self.assertEqual(
            (result.stdout, result.stderr), (f"{errno.ENOMEM}\n", "")
        )
        self.assertEqual(SharedMemory(block.name).size, 1 << 28)

    def test_file_size_limit_is_an_error_and_no_signal(self):
        program = (
            "import resource, signal, polyshm\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
            "try:\n"
            "    polyshm.SharedMemory(create=True, size=8192)\n"
            "except OSError as error:\n"
            "    print('ulimit' in str(error))\n"
        )
        result = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True
        )
        self.assertEqual((result.stdout, result.stderr), ("True\n", ""))


class Closing(CleanCase):
    def test_close_is_idempotent_and_keeps_what_it_tells(self):
        block = self.make(SharedMemory, create=True, size=9)
        text = repr(block)
        block.close()
        block.close()
        self.assertIsNone(block.buf)
        self.assertEqual((block.size, repr(block)), (9, text))

    def test_close_with_views_left(self):
        block = self.make(SharedMemory, create=True, size=9)
        view = block.buf[2:4]
        for _ in range(2):
            with self.assertRaisesRegex(
                BufferError, "cannot close exported pointers exist"
            ):
                block.close()
        self.assertIsNone(block.buf)
        view[0] = 1
        view.release()
        block.close()

    def test_views_outlive_the_object(self):
        block = self.make(SharedMemory, create=True, size=9)
        view = block.buf[2:4]
        foreign = (ctypes.c_ubyte * 2).from_buffer(view)
        del block, view
        gc.collect()
        foreign[1] = 7
        self.assertEqual(list(foreign), [0, 7])

    def test_a_dropped_object_unmaps_at_once(self):
        def maps(name):
            with open("/proc/self/maps") as lines:
                return sum(f"inode {inode}" in line or f" {inode} " in line
                           for line in lines)

        gc.disable()
        self.addCleanup(gc.enable)
        block = self.make(SharedMemory, create=True, size=9)
        inode = os.stat(os.path.join(FOLDER, block.name)).st_ino
        self.assertEqual(maps(block.name), 1)
        del block
        self.assertEqual(maps(None), 0)

    def test_unlink_is_independent_of_close(self):
        block = SharedMemory(fresh_name(), create=True, size=2)
        block.unlink()
        block.buf[0] = 1
        with self.assertRaises(FileNotFoundError) as caught:
            block.unlink()
        self.assertEqual(caught.exception.filename, "/" + block.name)
        block.close()

    def test_no_descriptor_is_kept(self):
        before = len(os.listdir("/proc/self/fd"))
        blocks = [
            self.make(SharedMemory, create=True, size=1) for _ in range(10)
        ]
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
        del blocks

    def test_properties_are_read_only(self):
        block = self.make(SharedMemory, create=True, size=1)
        for name in ("buf", "name", "size"):
            with self.assertRaises(AttributeError):
                setattr(block, name, 1)

    def test_pickle_attaches(self):
        block = self.make(SharedMemory, create=True, size=3)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            copy = pickle.loads(pickle.dumps(block, protocol))
            copy.buf[0] = protocol
            self.assertEqual(block.buf[0], protocol)


class Misuse(CleanCase):
    def test_an_object_that_was_never_initialised(self):
        class Forgetful(SharedMemory):
            def __init__(self):
                pass

        for block in (SharedMemory.__new__(SharedMemory), Forgetful()):
            self.assertIsNone(block.buf)
            for use in (block.view, lambda: core.Block.close(block)):
                with self.assertRaisesRegex(ValueError, "not initialised"):
                    use()

    def test_comparison_with_anything(self):
        block = self.make(SharedMemory, create=True, size=3)
        other = SharedMemory(block.name)
        self.assertTrue(block == block)
        self.assertFalse(block == other)
        for foreign in (None, 1, "x", object(), [], SharedMemory):
            self.assertFalse(block == foreign)
            self.assertTrue(block != foreign)
        self.assertEqual(len({block, other, block}), 2)

    def test_swigs_own_methods_are_hidden(self):
        block = self.make(SharedMemory, create=True, size=3)
        for name in ("acquire", "append", "disown", "next", "own"):
            self.assertFalse(hasattr(block, name), name)

    def test_second_init(self):
        block = self.make(SharedMemory, create=True, size=3)
        name = block.name
        for _ in range(3):
            try:
                block.__init__(name)
            except (ValueError, RuntimeError, TypeError):
                pass
        self.assertEqual(bytes(SharedMemory(name).buf), bytes(3))

    def test_lend_needs_a_fresh_block(self):
        from polyshm import ShareableList

        items = self.make(ShareableList, [1])
        for wrong in (None, 1, "x", object(), items, items.shm):
            with self.assertRaises(TypeError):
                items.lend_block(wrong)


if __name__ == "__main__":
    unittest.main()
