# SPDX-License-Identifier: MIT
"""SharedMemoryManager: stock Python's interface, what it adds, and its ends."""

import gc
import multiprocessing
import os
import pickle
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from multiprocessing import AuthenticationError, ProcessError
from multiprocessing.managers import SharedMemoryManager as StockManager

import polyshm
from polyshm import ClosedError, ProtocolError, ShareableList, SharedMemory
from polyshm.managers import SharedMemoryManager
from support import Background, CleanCase, fresh_name, until

# What needs a manager whose key others know.
KEY = b"secret"

CLIENT = """
import sys
from polyshm.managers import SharedMemoryManager
m = SharedMemoryManager(eval(sys.argv[1]), b"secret")
m.connect()
"""


def remove_socket(path):
    """What a manager leaves that was killed."""
    folder = os.path.dirname(path)
    for name in os.listdir(folder):
        os.unlink(f"{folder}/{name}")
    os.rmdir(folder)


def has_ended(pid):
    """One that has may stay there until its new parent looks."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(") ")[2].startswith("Z")
    except (FileNotFoundError, ProcessLookupError):
        return True


def abstract():
    return b"\0" + fresh_name().encode()


class ManagerCase(CleanCase):
    def setUp(self):
        StockManager()  # starts its tracker, whose descriptor stays
        super().setUp()

    def manager(self, *arguments, **keywords):
        """A manager that was started, and is shut down when the test ends."""
        keywords.setdefault("authkey", KEY)
        manager = SharedMemoryManager(*arguments, **keywords)
        manager.start()
        self.addCleanup(manager.shutdown)
        return manager

    def connect(self, manager, authkey=KEY, **keywords):
        other = SharedMemoryManager(manager.address, authkey, **keywords)
        other.connect()
        self.addCleanup(other.close)
        return other

    def is_there(self, name):
        return os.path.exists(f"/dev/shm/{name}")


class Stocks(ManagerCase):
    """What programs that know stock Python's manager rely on."""

    def test_basics(self):
        manager = SharedMemoryManager()
        with self.assertRaisesRegex(ValueError, "address type of None"):
            manager.SharedMemory(size=9)
        manager.start()
        lists = [manager.ShareableList(range(n)) for n in range(5, 8)]
        blocks = [manager.SharedMemory(size=n) for n in (32, 48)]
        self.assertEqual(list(ShareableList(name=lists[1].shm.name)), [*range(6)])
        self.assertEqual(blocks[1].size, 48)
        self.assertEqual(
            manager.list_segments(),
            [made.name for made in (*lists, *blocks)],
        )
        manager.shutdown()
        for made in (*lists, *blocks):
            self.assertFalse(self.is_there(made.name))
            made.shm.close() if made in lists else made.close()

    def test_with(self):
        with SharedMemoryManager() as manager:
            made = manager.ShareableList("howdy")
            block = manager.SharedMemory(128)
            self.assertEqual(list(made), list("howdy"))
            self.assertTrue(self.is_there(block.name))
        self.assertFalse(self.is_there(block.name))
        self.assertFalse(self.is_there(made.name))
        with self.assertRaisesRegex(ProcessError, "^Manager has shut down$"):
            with manager:
                pass

    def test_states(self):
        manager = self.manager()
        for call, words in (
            (manager.start, "^Already started server$"),
            (manager.get_server, "^Already started SharedMemoryServer$"),
        ):
            with self.assertRaisesRegex(ProcessError, words):
                call()
        manager.shutdown()
        manager.shutdown()
        for call, words in (
            (manager.start, "^Manager has shut down$"),
            (manager.get_server, "^SharedMemoryManager has shut down$"),
        ):
            with self.assertRaisesRegex(ProcessError, words):
                call()
        with self.assertRaises(FileNotFoundError):
            manager.SharedMemory(9)

    def test_what_stock_says_of_the_same(self):
        """Exceptions of the same kind for the same mistakes."""
        folder = tempfile.mkdtemp()
        self.addCleanup(os.rmdir, folder)
        for arguments in (
            (f"{folder}/none",),
            (abstract(),),
            (("127.0.0.1", 1),),
            (b"no zero byte",),
            (17,),
            (None, None, "no serializer"),
            (None, "no bytes"),
            (None, None, "pickle", None, 5),
        ):
            raised = []
            for kind in StockManager, SharedMemoryManager:
                try:
                    kind(*arguments).connect()
                except Exception as error:
                    raised.append(type(error))
            self.assertEqual(len(raised), 2, arguments)
            self.assertIs(*raised, arguments)
        for size in 0, -1, "x", None:
            raised = []
            for kind in StockManager, SharedMemoryManager:
                with kind() as manager:
                    try:
                        manager.SharedMemory(size)
                    except Exception as error:
                        raised.append(type(error))
            self.assertEqual(len(raised), 2, size)
            self.assertIs(*raised, size)

    def test_connecting_is_not_needed(self):
        manager = self.manager()
        other = SharedMemoryManager(manager.address, KEY)
        block = other.SharedMemory(10)
        self.assertEqual(manager.list_segments(), [block.name])
        other.close()
        block.close()

    def test_the_key_of_the_process_is_the_default(self):
        manager = self.manager(authkey=None)
        other = self.connect(manager, None)
        self.assertEqual(other.list_segments(), [])
        program = (
            "import sys, multiprocessing, polyshm\n"
            "multiprocessing.current_process().authkey = bytes.fromhex(sys.argv[2])\n"
            "m = polyshm.SharedMemoryManager(sys.argv[1]); m.connect()\n"
            "print(m.list_segments())"
        )
        key = multiprocessing.current_process().authkey.hex()
        child = self.peer(program, manager.address, key)
        self.assertEqual(child.communicate()[0], "[]\n")

    def test_the_process(self):
        manager = self.manager()
        process = manager._process
        self.assertEqual(manager.pid, process.pid)
        self.assertTrue(process.is_alive())
        self.assertIn(str(process.pid), repr(process))
        # It ignores what Ctrl-C sends to all, and so does the connection.
        os.kill(process.pid, signal.SIGINT)
        block = manager.SharedMemory(10)
        manager.shutdown()
        self.assertFalse(process.is_alive())
        manager.join()
        self.assertIsNone(manager._process)
        self.assertFalse(self.is_there(block.name))
        block.close()

    def test_join_waits(self):
        manager = self.manager()
        manager.join(0)
        self.assertIsNotNone(manager._process)
        other = self.connect(manager)
        waiter = Background(manager.join)
        other.shutdown()
        waiter.result()

    def test_initializer(self):
        """It runs in the manager's process, which is a Python then."""
        for method in "fork", "spawn":
            with self.subTest(method):
                mark = fresh_name()
                manager = SharedMemoryManager(
                    authkey=KEY, ctx=multiprocessing.get_context(method)
                )
                manager.start(_leave_mark, (mark,))
                self.addCleanup(manager.shutdown)
                with open(f"/dev/shm/{mark}") as file:
                    self.assertEqual(int(file.read()), manager._process.pid)
                os.unlink(f"/dev/shm/{mark}")
                os.kill(manager._process.pid, signal.SIGINT)
                block = manager.SharedMemory(10)
                manager.shutdown()
                self.assertFalse(self.is_there(block.name))
                block.close()
                manager.join()
        with self.assertRaises(TypeError):
            SharedMemoryManager().start(5)

    def test_pickled_for_a_child(self):
        for method in "fork", "spawn":
            with self.subTest(method):
                ctx = multiprocessing.get_context(method)
                manager = self.manager(authkey=secrets.token_bytes(10))
                child = ctx.Process(target=_make_named, args=(manager, "x"))
                child.start()
                child.join()
                child.close()
                (name,) = manager.list_segments()
                self.assertEqual(bytes(SharedMemory(name).buf[:1]), b"x")
        with self.assertRaisesRegex(TypeError, "AuthenticationString"):
            pickle.dumps(self.manager())

    def test_what_cannot_be_had(self):
        with self.assertRaises(polyshm.UnsupportedError):
            SharedMemoryManager.register("dict", dict)
        with self.assertRaises(polyshm.UnsupportedError):
            SharedMemoryManager(serializer="xmlrpclib")


class Additions(ManagerCase):
    def test_names(self):
        manager = self.manager()
        name = fresh_name()
        block = manager.SharedMemory(10, name)
        self.assertEqual(block.name, name)
        with self.assertRaises(FileExistsError) as caught:
            manager.ShareableList([1], name=name)
        self.assertEqual(caught.exception.filename, name)
        self.assertEqual(manager.list_segments(), [name])
        with self.assertRaises(TypeError):
            manager.SharedMemory(10, b"bytes")
        with self.assertRaises(OSError):
            manager.SharedMemory(10, "a/b")
        block.close()

    def test_options(self):
        manager = self.manager()
        block = manager.SharedMemory(10, sparse=True, mode=0o640)
        self.assertEqual(os.stat(f"/dev/shm/{block.name}").st_mode & 0o777, 0o640)
        made = manager.ShareableList(["a"], capacity=100, timeout=3)
        self.assertGreaterEqual(made.capacity(0), 100)
        self.assertEqual(made.timeout, 3)
        made[0] = "a" * 100
        made.shm.close()
        block.close()

    def test_blocks_are_whole(self):
        """They can do what others can."""
        manager = self.manager()
        block = manager.SharedMemory(64)
        self.assertEqual(bytes(block.buf), bytes(64))
        view = block.view("q", 2)
        with self.assertRaises(BufferError):
            block.close()
        view.release()
        copy = pickle.loads(pickle.dumps(block))
        self.assertEqual(copy.name, block.name)
        made = manager.ShareableList([1, "two", None])
        self.assertEqual(made.add(0), 2)
        self.assertEqual(list(pickle.loads(pickle.dumps(made))), [2, "two", None])
        self.assertIs(made.shm, made.shm)
        for each in copy, block, made.shm:
            each.close()

    def test_track_and_release(self):
        manager = self.manager()
        mine = self.make(SharedMemory, create=True, size=10)
        manager.track(mine.name)
        other = manager.SharedMemory(10)
        manager.release(mine.name)
        self.assertFalse(self.is_there(mine.name))
        self.assertEqual(manager.list_segments(), [other.name])
        for name in mine.name, fresh_name():
            with self.assertRaises(FileNotFoundError):
                manager.release(name)
        for wrong in None, b"bytes", 5:
            with self.assertRaises(TypeError):
                manager.track(wrong)
            with self.assertRaises(TypeError):
                manager.release(wrong)
        other.unlink()
        with self.assertRaises(FileNotFoundError) as caught:
            manager.release(other.name)
        self.assertIsNotNone(caught.exception.errno)
        mine.close()
        other.close()

    def test_many_segments(self):
        manager = self.manager()
        names = [fresh_name() for _ in range(500)]
        for name in names:
            manager.track(name)
        self.assertEqual(manager.list_segments(), names)

    def test_unlinked_by_the_user(self):
        """It keeps neither the manager from ending nor others from going."""
        manager = self.manager()
        blocks = [manager.SharedMemory(10) for _ in range(3)]
        blocks[0].unlink()
        manager.shutdown()
        for block in blocks:
            self.assertFalse(self.is_there(block.name))
            block.close()

    def test_connected_can_be_closed(self):
        manager = self.manager()
        with self.connect(manager) as other:
            block = other.SharedMemory(10)
        self.assertEqual(manager.list_segments(), [block.name])
        for call in (lambda: other.SharedMemory(9), other.list_segments):
            self.assertRaises(ClosedError, call)
        with self.assertRaisesRegex(ProcessError, "^Manager has been closed$"):
            other.start()
        other.close()
        other.shutdown()  # of what is closed
        self.assertEqual(len(manager.list_segments()), 1)
        other.connect()
        self.assertEqual(other.list_segments(), [block.name])
        block.close()

    def test_connected_can_be_shut_down(self):
        manager = self.manager()
        block = manager.SharedMemory(10)
        other = self.connect(manager)
        other.shutdown()
        other.shutdown()
        manager.join()
        self.assertFalse(self.is_there(block.name))
        with self.assertRaises(FileNotFoundError):
            manager.list_segments()
        block.close()

    def test_closed_one_that_was_started(self):
        manager = self.manager()
        address, process = manager.address, manager._process
        manager.close()
        manager.shutdown()
        self.assertTrue(process.is_alive())
        other = SharedMemoryManager(address, KEY)
        other.connect()
        other.shutdown()
        process.join()

    def test_addresses(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(os.rmdir, folder)
        name = fresh_name()
        for given, wanted in (
            (f"{folder}/plain", f"{folder}/plain"),
            (f"unix:{folder}/marked", f"{folder}/marked"),
            (b"\0" + name.encode(), b"\0" + name.encode()),
            ("\0" + name, b"\0" + name.encode()),
            (f"unix:@{name}", b"\0" + name.encode()),
            (("127.0.0.1", 0), ("127.0.0.1", None)),
            (("localhost", 0), ("127.0.0.1", None)),
            ("tcp:127.0.0.1:0", ("127.0.0.1", None)),
        ):
            with self.subTest(given):
                manager = self.manager(given)
                if isinstance(wanted, tuple):
                    self.assertEqual(manager.address[0], wanted[0])
                    self.assertGreater(manager.address[1], 0)
                else:
                    self.assertEqual(manager.address, wanted)
                self.assertEqual(self.connect(manager).list_segments(), [])
                stock = StockManager(manager.address, KEY)
                stock.connect()
                manager.shutdown()
        if socket.has_ipv6 and os.path.exists("/proc/net/if_inet6"):
            with open("/proc/net/if_inet6") as file:
                if "lo\n" in file.read():
                    manager = self.manager(("::1", 0))
                    self.assertEqual(manager.address[0], "::1")
                    self.connect(manager)

    def test_paths_that_look_like_something_else(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(os.rmdir, folder)
        before = os.getcwd()
        os.chdir(folder)
        self.addCleanup(os.chdir, before)
        manager = self.manager("@path")
        self.assertTrue(os.path.exists(f"{folder}/@path"))
        self.connect(manager)
        manager.shutdown()

    def test_addresses_that_are_none(self):
        for wrong, kind in (
            (b"bytes", ValueError),
            (5, TypeError),
            ((1, 2, 3), TypeError),
            (("host", "port"), TypeError),
            (b"\0a\0b", ValueError),
            ("tcp:nowhere", OSError),
            ("/" + "x" * 200, OSError),
        ):
            with self.subTest(wrong):
                with self.assertRaises(kind):
                    SharedMemoryManager(wrong, KEY).connect()

    def test_taken_addresses(self):
        manager = self.manager()
        other = SharedMemoryManager(manager.address, KEY)
        with self.assertRaises(OSError):
            other.start()
        with self.assertRaises(OSError):
            SharedMemoryManager(manager.address, KEY).get_server()
        self.assertEqual(manager.list_segments(), [])

    def test_keys(self):
        manager = self.manager()
        for wrong in b"", b"Secret", b"s" * 4096:
            with self.assertRaises(AuthenticationError):
                self.connect(manager, wrong)
        with self.assertRaises(ValueError):
            self.connect(manager, b"s" * 4097)
        empty = self.manager(authkey=b"")
        self.connect(empty, b"")
        self.assertNotIn("secret", repr(manager))

    def test_other_machines_only_when_asked(self):
        with self.assertRaises(PermissionError):
            SharedMemoryManager(("", 0), KEY).get_server()
        server = SharedMemoryManager(("", 0), KEY, remote=True).get_server()
        port = server.address[1]
        thread = Background(server.serve)
        self.connect(SharedMemoryManager(("127.0.0.1", port), KEY)).shutdown()
        thread.result()


class Trouble(ManagerCase):
    def listen(self, serve):
        """A socket whose clients are served so."""
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        address = abstract()
        listener.bind(address)
        listener.listen()

        def run():
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    serve(client)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(listener.shutdown, socket.SHUT_RDWR)
        return address

    def say_nothing(self):
        done = threading.Event()
        address = self.listen(lambda client: done.wait(60))
        self.addCleanup(done.set)
        return address

    def test_silence_times_out(self):
        address = self.say_nothing()
        with self.assertRaises(TimeoutError):
            SharedMemoryManager(address, KEY, timeout=0.05).connect()
        for wrong in 0, -1, float("nan"):
            with self.assertRaises(ValueError):
                SharedMemoryManager(timeout=wrong)
        for forever in None, 1e300, float("inf"):
            self.manager(timeout=forever)

    def test_garbage(self):
        address = self.listen(lambda client: client.sendall(b"\0\0\0\4asdf"))
        with self.assertRaises((ProtocolError, AuthenticationError)):
            SharedMemoryManager(address, KEY).connect()
        address = self.listen(lambda client: None)
        with self.assertRaises(OSError):
            SharedMemoryManager(address, KEY).connect()

    def test_ctrl_c_at_once(self):
        address = self.say_nothing()
        manager = SharedMemoryManager(address, KEY, timeout=None)
        for call in manager.connect, manager.list_segments:
            timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
            with self.assertRaises(KeyboardInterrupt):
                timer.start()
                call()
            timer.join()

    def test_handlers_run_and_calls_go_on(self):
        seen = []

        def ring(number, frame):
            seen.append(number)
            if len(seen) == 10:
                os.kill(manager.pid, signal.SIGCONT)

        handler = signal.signal(signal.SIGALRM, ring)
        self.addCleanup(signal.signal, signal.SIGALRM, handler)
        self.addCleanup(signal.setitimer, signal.ITIMER_REAL, 0)
        manager = self.manager()
        os.kill(manager.pid, signal.SIGSTOP)
        signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
        manager.release(manager.SharedMemory(10).name)
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.assertGreaterEqual(len(seen), 10)

    def test_others_run_meanwhile(self):
        manager = self.manager()
        os.kill(manager.pid, signal.SIGSTOP)
        asking = Background(manager.list_segments)
        time.sleep(0.05)
        self.assertTrue(asking.is_alive())
        os.kill(manager.pid, signal.SIGCONT)
        self.assertEqual(asking.result(), [])

    def test_killed(self):
        manager = self.manager()
        block, closed = manager.SharedMemory(10), manager.SharedMemory(10)
        closed.close()
        os.kill(manager.pid, signal.SIGKILL)
        manager._process.join()
        with self.assertRaises(ConnectionError):
            manager.SharedMemory(10)
        manager.shutdown()  # of what has ended
        self.assertTrue(polyshm.inspect(block.name).held)
        self.assertTrue(polyshm.inspect(closed.name).orphan)
        polyshm.gc()
        self.assertTrue(self.is_there(block.name))
        self.assertFalse(self.is_there(closed.name))
        block.close()
        polyshm.gc()
        self.assertFalse(self.is_there(block.name))
        remove_socket(manager.address)

    def test_stopped_ones_are_ended(self):
        """shutdown() leaves nothing, even if the manager does not answer."""
        manager = self.manager(timeout=2, shutdown_timeout=0.05)
        process = manager._process
        os.kill(process.pid, signal.SIGSTOP)
        manager.shutdown()
        self.assertFalse(process.is_alive())
        remove_socket(manager.address)

    def test_threads(self):
        manager = self.manager()

        def work():
            for _ in range(30):
                block = manager.SharedMemory(100)
                other = self.connect(manager)
                other.release(block.name)
                other.close()
                block.close()

        for thread in [Background(work) for _ in range(4)]:
            thread.result()
        self.assertEqual(manager.list_segments(), [])

    def test_closing_under_others(self):
        for _ in range(10):
            manager = self.manager()

            def work():
                while True:
                    manager.SharedMemory(100).close()

            threads = [Background(work) for _ in range(3)]
            until(lambda: manager._manager and manager.list_segments())
            manager.shutdown()
            for thread in threads:
                with self.assertRaises((OSError, ClosedError)):
                    thread.result()


class Ends(ManagerCase):
    """Who ends, and what of the manager's is left."""

    def test_collected(self):
        manager = SharedMemoryManager(authkey=KEY)
        manager.start()
        process, block = manager._process, manager.SharedMemory(10)
        del manager
        gc.collect()
        self.assertFalse(process.is_alive())
        self.assertFalse(self.is_there(block.name))
        block.close()

    def test_detached(self):
        manager = SharedMemoryManager(authkey=KEY, detached=True)
        manager.start()
        process, address = manager._process, manager.address
        del manager
        gc.collect()
        self.assertTrue(process.is_alive())
        SharedMemoryManager(address, KEY).list_segments()
        other = SharedMemoryManager(address, KEY)
        other.connect()
        other.shutdown()
        process.join()

    def start_elsewhere(self, rest):
        """Another program that starts a manager, and what it prints."""
        program = (
            "import os, sys, time, polyshm\n"
            "m = polyshm.SharedMemoryManager(authkey=b'secret')\n"
            "m.start()\n"
            "b = m.SharedMemory(10)\n"
            "print(m.pid, m.address, b.name, flush=True)\n"
        )
        child = self.peer(program + rest)
        pid, address, name = child.stdout.readline().split()
        return child, int(pid), address, name

    def check_gone(self, pid, address, name):
        until(lambda: has_ended(pid))
        self.assertFalse(self.is_there(name))
        self.assertFalse(os.path.exists(address))

    def test_program_ends(self):
        child, *of_manager = self.start_elsewhere("")
        child.wait()
        self.check_gone(*of_manager)

    def test_program_is_killed(self):
        child, *of_manager = self.start_elsewhere("time.sleep(100)")
        child.kill()
        self.check_gone(*of_manager)

    def test_fork_child_leaves_it_alone(self):
        manager = self.manager()
        block = manager.SharedMemory(10)

        def work():
            if manager.list_segments() != [block.name]:
                return 1
            with manager:  # as a fork in the middle of a `with` has it
                other = manager.SharedMemory(10)
            manager.shutdown()
            return 0 if self.is_there(other.name) else 2

        self.check_child(self.fork(work))
        self.assertEqual(len(manager.list_segments()), 2)
        block.close()

    def test_creator_is_killed_and_its_blocks_stay(self):
        manager = self.manager()
        child = self.peer(
            CLIENT + "print(m.SharedMemory(10).name, flush=True); input()",
            repr(manager.address),
        )
        name = child.stdout.readline().strip()
        child.kill()
        child.wait()
        time.sleep(0.05)
        self.assertTrue(self.is_there(name))
        self.assertEqual(manager.list_segments(), [name])


class Servers(ManagerCase):
    def serve(self, address=None, **keywords):
        server = SharedMemoryManager(address, KEY, **keywords).get_server()
        thread = Background(server.serve_forever)
        return server, thread

    def test_in_a_thread(self):
        server, thread = self.serve()
        manager = self.connect(server)
        block = manager.SharedMemory(10)
        self.assertEqual(manager.list_segments(), [block.name])
        self.assertIsNone(manager.pid)
        with self.assertRaises(polyshm.BusyError):
            server.serve()
        manager.shutdown()
        with self.assertRaises(SystemExit) as caught:
            thread.result()
        self.assertEqual(caught.exception.code, 0)
        self.assertFalse(self.is_there(block.name))
        block.close()

    def test_stop(self):
        server, thread = self.serve(abstract())
        block = self.connect(server).SharedMemory(10)
        server.stop()
        self.assertRaises(SystemExit, thread.result)
        self.assertFalse(self.is_there(block.name))
        with self.assertRaises(ConnectionRefusedError):
            SharedMemoryManager(server.address, KEY).connect()
        block.close()

    def test_never_served(self):
        server = SharedMemoryManager(authkey=KEY).get_server()
        address = server.address
        self.assertTrue(os.path.exists(address))
        del server
        gc.collect()
        self.assertFalse(os.path.exists(address))

    def test_ctrl_c(self):
        for number in signal.SIGINT, None:
            program = (
                "import sys\nfrom polyshm.managers import SharedMemoryManager\n"
                "s = SharedMemoryManager(authkey=b'secret').get_server()\n"
                "print(s.address, flush=True)\n"
                "s.serve_forever()\n"
            )
            child = self.peer(program)
            address = child.stdout.readline().strip()
            manager = self.connect(SharedMemoryManager(address, KEY))
            block = manager.SharedMemory(10)
            if number is None:
                manager.shutdown()
            else:
                child.send_signal(number)
            self.assertEqual(child.wait(), 0)
            self.assertFalse(self.is_there(block.name))
            block.close()

    def test_it_tells_the_logger(self):
        with self.assertLogs("polyshm.managers", "INFO") as logs:
            server, thread = self.serve()
            with self.assertRaises(AuthenticationError):
                self.connect(server, b"wrong")
            self.connect(server).shutdown()
            self.assertRaises(SystemExit, thread.result)
        levels = {record.levelname for record in logs.records}
        self.assertEqual(levels, {"INFO", "WARNING"})

    def test_quiet_without_a_logger(self):
        program = (
            "import threading\nfrom polyshm.managers import SharedMemoryManager\n"
            "m = SharedMemoryManager(authkey=b'a')\n"
            "s = m.get_server()\n"
            "t = threading.Thread(target=s.serve); t.start()\n"
            "try: SharedMemoryManager(s.address, b'b').connect()\n"
            "except Exception as error: print(type(error).__name__)\n"
            "s.stop(); t.join()\n"
        )
        found = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True
        )
        self.assertEqual((found.stdout, found.stderr), ("AuthenticationError\n", ""))


def _leave_mark(mark):
    with open(f"/dev/shm/{mark}", "w") as file:
        file.write(str(os.getpid()))


def _make_named(manager, text):
    block = manager.SharedMemory(10)
    block.buf[:1] = text.encode()
    block.close()


if __name__ == "__main__":
    # Who runs us in the background ignores it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    unittest.main()
