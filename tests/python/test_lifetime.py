# SPDX-License-Identifier: MIT
"""How long blocks live: what stock Python's resource tracker gets wrong, done
by us, with stock Python as the control; and the process tree."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import unittest

import polyshm
from support import FOLDER, PATIENCE, CleanCase, end, fresh_name, until

STOCK = "multiprocessing.shared_memory"
SANITIZED = "san.so" in os.environ.get("LD_PRELOAD", "")
VERSION = sys.version_info[:3]

PRELUDE = """\
import os, signal, subprocess, sys
from {module} import SharedMemory, ShareableList

def say(*words):
    print(*words, flush=True)

def hear():
    return sys.stdin.readline()

def run(program, *arguments, **keywords):
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], check=True, **keywords)

name = sys.argv[1]
"""

# A whole program, for run().
MAKE_ONE = (
    "import sys, polyshm; "
    "polyshm.SharedMemory(sys.argv[1], create=True, size=1).close()"
)


def exists(name):
    return os.path.lexists(os.path.join(FOLDER, name))


def find_helper(token):
    """The id of the process that watches over a tree; None without one."""
    words = b"polyshm-helper\0" + token.encode() + b"\0"
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if file.read() == words:
                    return int(pid)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return None


def helper_of(token):
    """The same, of a tree that has one."""
    # A program's words are not there at once when it starts.
    until(lambda: find_helper(token))
    return find_helper(token)


def opened_by(pid):
    """What a process has open; None if that is just changing."""
    try:
        return {
            os.readlink(f"/proc/{pid}/fd/{number}").partition(":")[0]
            for number in os.listdir(f"/proc/{pid}/fd")
        }
    except FileNotFoundError:
        return None


def environment(**more):
    """Ours, less what makes a program belong to our tree."""
    copy = dict(os.environ, **more)
    del copy["POLYSHM_TREE"]
    return copy


class Root(subprocess.Popen):
    """A program that is the root of a process tree of its own."""

    def __init__(self, case, program, *arguments, module="polyshm", **more):
        text = PRELUDE.format(module=module) + textwrap.dedent(program)
        super().__init__(
            [sys.executable, "-c", text, *arguments],
            env=environment(**more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.case = case
        case.addCleanup(end, self)

    def line(self):
        """What it says next. If it died instead, why."""
        line = self.stdout.readline()
        if not line:
            self.case.fail(f"the program ended:\n{self.stderr.read()}")
        return line.strip()

    def answer(self, word=""):
        print(word, file=self.stdin, flush=True)

    def finish(self):
        """End it. What it and its trackers wrote to standard error."""
        _, errors = self.communicate(timeout=PATIENCE)
        self.case.assertEqual(self.returncode, 0, errors)
        return errors

    def stop(self):
        """Stop it, so that it does nothing between two signals."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)


class LifetimeCase(CleanCase):
    def root(self, program, *arguments, **keywords):
        return Root(self, program, *arguments, **keywords)

    def name(self, tail=""):
        name = fresh_name() + tail
        self.addCleanup(self.remove, name)
        return name

    def check_gone(self, name):
        until(lambda: not exists(name))

    def check_there(self, name):
        """Now, and for good: nobody who sweeps takes it for an orphan."""
        polyshm.gc()
        self.assertTrue(exists(name))

    def check_silent(self, root):
        self.assertEqual(root.finish(), "")


class StockDefects(LifetimeCase):
    """Section by section what stock Python's tracker does wrong."""

    def test_an_unrelated_process_attaches_and_exits(self):
        program = "SharedMemory(name).close()"
        name = self.make(polyshm.SharedMemory, create=True, size=1).name
        self.check_silent(self.root(program, name))
        self.check_there(name)
        self.root(program, name, module=STOCK).finish()
        self.assertFalse(exists(name))

    def test_a_child_that_was_forked_before(self):
        program = """
            reader, writer = os.pipe()
            if os.fork() == 0:
                os.read(reader, 1)
                SharedMemory(name).close()
                os._exit(0)
            block = SharedMemory(name, create=True, size=1)
            os.write(writer, b"x")
            os.wait()
            say("the child has ended")
            hear()
        """
        name = self.name()
        root = self.root(program, name)
        root.line()
        self.check_there(name)
        self.check_silent(root)
        self.check_gone(name)

        root = self.root(program, name, module=STOCK)
        root.line()
        self.check_gone(name)  # while its creator has it
        root.finish()

    def test_a_child_that_was_forked_after(self):
        program = """
            block = SharedMemory(name, create=True, size=1)
            if os.fork() == 0:
                SharedMemory(name).close()
                os._exit(0)
            os.wait()
            say("the child has ended")
            hear()
        """
        name = self.name()
        root = self.root(program, name)
        root.line()
        self.check_there(name)
        self.check_silent(root)
        self.check_gone(name)

        if VERSION in {(3, 13, 18), (3, 14, 10), (3, 15, 2)}:
            root = self.root(program, name, module=STOCK)
            root.line()
            self.check_gone(name)
            root.finish()

    def test_somebody_else_unlinks(self):
        program = """
            block = SharedMemory(name, create=True, size=1)
            items = ShareableList([1], name=name + "-list")
            say("made")
            hear()
        """
        for module in "polyshm", STOCK:
            name = self.name()
            root = self.root(program, name, module=module)
            root.line()
            polyshm.SharedMemory(name).unlink()
            os.unlink(os.path.join(FOLDER, name + "-list"))
            if module == STOCK:
                self.assertIn("leaked shared_memory objects", root.finish())
            else:
                self.check_silent(root)

    def test_what_fails_leaves_nothing(self):
        program = """
            for make in (
                lambda: SharedMemory(name, create=True, size=2**50),
                lambda: SharedMemory(name),
                lambda: ShareableList([1, 2**63], name=name),
                lambda: ShareableList([1, "\\udc80"], name=name),
                lambda: ShareableList([1, []], name=name),
                lambda: ShareableList(name=name),
            ):
                try:
                    make()
                except (OSError, ValueError, KeyError, ArithmeticError) as error:
                    pass
                except Exception as error: # struct.error
                    assert type(error).__module__ == "struct", error
                else:
                    raise AssertionError("it did not fail")
                if "polyshm" in sys.modules:
                    assert not os.path.exists("/dev/shm/" + name)
        """
        name = self.name()
        self.check_silent(self.root(program, name))
        self.assertFalse(exists(name))
        # The first of them is forgotten by a tracker that never knew it; the
        # others find the name taken by the third.
        program = "SharedMemory(name, create=True, size=2**50)"
        root = self.root(program, name, module=STOCK)
        self.assertIn("KeyError", root.communicate()[1])

    @unittest.skipIf(SANITIZED, "a shadow needs more address space")
    def test_an_attach_that_fails(self):
        program = """
            import resource
            limit = 1 << 28
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            try:
                SharedMemory(name)
            except OSError as error:
                say(error.errno)
        """
        name = self.make(
            polyshm.SharedMemory, create=True, size=1 << 28, sparse=True
        ).name
        root = self.root(program, name)
        self.assertEqual(root.line(), str(errno.ENOMEM))
        self.check_silent(root)
        self.check_there(name)

        root = self.root(program, name, module=STOCK)
        self.assertEqual(root.line(), str(errno.ENOMEM))
        root.finish()
        self.assertFalse(exists(name))

    def test_names(self):
        program = """
            block = SharedMemory(name, create=True, size=1)
            assert block.name == name
            SharedMemory(name).close()
            child = os.fork()
            if child == 0:
                SharedMemory(name).close()
                os._exit(0)
            assert os.wait() == (child, 0)
            assert os.path.exists("/dev/shm/" + name)
        """
        for tail, stock_fails in (
            (":x", VERSION <= (3, 13, 0)),
            (":", VERSION <= (3, 13, 0)),
            ("\n", VERSION <= (3, 13, 0)),
            (" 日本😀", VERSION <= (3, 14, 10)),
            ("é" * 100, VERSION <= (3, 14, 10)),
            ("x" * (255 - len(fresh_name())), VERSION >= (3, 15)),
        ):
            name = self.name(tail)
            with self.subTest(name=name):
                self.check_silent(self.root(program, name))
                self.check_gone(name)
                if stock_fails:
                    root = self.root(program, name, module=STOCK)
                    errors = root.communicate(timeout=PATIENCE)[1]
                    self.assertIn("Error", errors)
                    self.assertTrue(exists(name))

    def test_two_spellings_of_one_name(self):
        program = """
            block = SharedMemory(name, create=True, size=1)
            for spelling in "/" + name, "//" + name, name:
                other = SharedMemory(spelling)
                other.buf[0] += 1
            assert block.buf[0] == 3
            SharedMemory("/" + name).unlink()
        """
        name = self.name()
        self.check_silent(self.root(program, name))
        self.assertFalse(exists(name))
        errors = self.root(program, name, module=STOCK).finish()
        self.assertIn("leaked shared_memory object", errors)

    def test_a_killed_helper(self):
        program = """
            first = SharedMemory(name, create=True, size=1)
            first.close()
            say(os.environ["POLYSHM_TREE"])
            hear()
            second = SharedMemory(name + "-second", create=True, size=1)
            second.close()
            say("made")
            hear()
        """
        name = self.name()
        second = name + "-second"
        self.addCleanup(self.remove, second)
        root = self.root(program, name)
        token = root.line()
        killed = helper_of(token)
        os.kill(killed, signal.SIGKILL)
        until(lambda: find_helper(token) != killed)
        self.check_there(name)
        root.answer()
        root.line()
        self.assertNotEqual(helper_of(token), killed)
        self.check_there(name)
        self.check_there(second)
        self.check_silent(root)
        self.check_gone(name)
        self.check_gone(second)

    def test_everything_killed_at_once(self):
        program = """
            first = SharedMemory(name, create=True, size=1)
            items = ShareableList([1], name=name + "-list")
            say(os.environ["POLYSHM_TREE"])
            hear()
        """
        create = "SharedMemory(create=True, size=1)"
        collect = "import polyshm; polyshm.gc()"
        for sweep in create, collect:
            name = self.name()
            names = name, name + "-list"
            self.addCleanup(self.remove, names[1])
            root = self.root(program, name)
            token = root.line()
            root.stop()
            os.kill(helper_of(token), signal.SIGKILL)
            until(lambda: find_helper(token) is None)
            for each in names:
                self.check_there(each)
            root.kill()
            root.communicate()
            self.root(sweep, name).finish()
            for each in names:
                # Somebody else who sweeps may be looking at it right now.
                self.check_gone(each)

    def test_everything_killed_at_once_with_stock(self):
        program = """
            block = SharedMemory(name, create=True, size=1)
            from multiprocessing import resource_tracker
            say(resource_tracker._resource_tracker._pid)
            hear()
        """
        name = self.name()
        root = self.root(program, name, module=STOCK)
        tracker = int(root.line())
        root.stop()
        os.kill(tracker, signal.SIGKILL)
        root.kill()
        root.communicate()
        self.root("SharedMemory(create=True, size=1)", "x", module=STOCK).finish()
        self.check_there(name)

    def test_a_child_that_goes_on_delays_nobodys_exit(self):
        program = """
            block = SharedMemory(name, create=True, size=1)
            block.close()
            if os.fork() == 0:
                hear()
                os._exit(0)
        """
        name = self.name()
        root = self.root(program, name)
        root.wait(PATIENCE)
        # The child belongs to the tree, which therefore has not ended.
        self.check_there(name)
        self.check_silent(root)
        self.check_gone(name)


class Tree(LifetimeCase):
    """What the process tree is, and what it holds."""

    def check_hand_over(self, program, **keywords):
        """A child makes a block, closes it and exits; its parent attaches."""
        name = self.name()
        attach = """
            import polyshm
            polyshm.gc()
            SharedMemory(name).close()
            say("there")
            hear()
        """
        root = self.root(
            textwrap.dedent(program) + textwrap.dedent(attach), name, **keywords
        )
        self.assertEqual(root.line(), "there")
        self.check_there(name)
        self.check_silent(root)
        self.check_gone(name)

    def test_hand_over_by_fork(self):
        self.check_hand_over("""
            child = os.fork()
            if child == 0:
                SharedMemory(name, create=True, size=1).close()
                os._exit(0)
            assert os.wait() == (child, 0)
        """)

    def test_hand_over_by_a_grandchild_in_a_session_of_its_own(self):
        self.check_hand_over("""
            reader, writer = os.pipe()
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    SharedMemory(name, create=True, size=1).close()
                    os.write(writer, b"x")
                os._exit(0)
            os.wait()
            os.read(reader, 1)
        """)

    def test_hand_over_by_subprocess(self):
        for keywords in "", "env=dict(os.environ)", "close_fds=False":
            self.check_hand_over(f"run({MAKE_ONE!r}, name, {keywords})")

    def test_hand_over_by_system(self):
        self.check_hand_over(f"""
            command = f"{{sys.executable}} -c '{MAKE_ONE}' {{name}}"
            assert os.system(command) == 0
        """)

    def test_hand_over_by_a_child_of_one_that_does_not_use_it(self):
        self.check_hand_over(f"""
            run(
                "import subprocess, sys;"
                "subprocess.run([sys.executable, '-c', *sys.argv[1:]])",
                {MAKE_ONE!r}, name)
        """)

    def test_hand_over_by_multiprocessing(self):
        # Children import the program, which therefore is a file.
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        with open(os.path.join(folder.name, "hand_over.py"), "w") as file:
            file.write(
                "import polyshm\n"
                "def make(name):\n"
                "    polyshm.SharedMemory(name, create=True, size=1).close()\n"
            )
        for method in "spawn", "fork", "forkserver":
            with self.subTest(method=method):
                self.check_hand_over(
                    f"""
                    import multiprocessing
                    sys.path.insert(0, {folder.name!r})
                    import hand_over
                    context = multiprocessing.get_context({method!r})
                    child = context.Process(target=hand_over.make, args=(name,))
                    child.start()
                    child.join()
                    assert child.exitcode == 0
                    """
                )

    def test_hand_over_across_exec(self):
        self.check_hand_over(f"""
            if len(sys.argv) == 2:
                run({MAKE_ONE!r}, name)
                # This program again, with one argument more.
                with open("/proc/self/cmdline") as file:
                    words = file.read().split("\\0")[:-1]
                os.execv(sys.executable, [*words, "again"])
        """)

    def test_a_child_without_the_environment_is_a_tree_of_its_own(self):
        program = f"""
            keep = {{"PYTHONPATH", "LD_PRELOAD", "ASAN_OPTIONS"}}
            env = {{key: os.environ[key] for key in keep & {{*os.environ}}}}
            run({MAKE_ONE!r}, name, env=env)
            say("made")
            hear()
        """
        name = self.name()
        root = self.root(program, name)
        root.line()
        self.check_gone(name)
        self.check_silent(root)

    def test_unrelated_children_do_not_keep_it(self):
        program = """
            SharedMemory(name, create=True, size=1).close()
            inherits = {"close_fds": False, "stdin": subprocess.DEVNULL,
                "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            say(subprocess.Popen(["sleep", "300"], **inherits).pid)
            hear()
        """
        name = self.name()
        root = self.root(program, name)
        sleeper = int(root.line())
        self.addCleanup(os.kill, sleeper, signal.SIGKILL)
        self.check_there(name)
        root.communicate()
        self.check_gone(name)
        os.kill(sleeper, 0)

    def test_the_end_by_signals(self):
        program = """
            block = SharedMemory(name, create=True, size=1)
            items = ShareableList(["x"], name=name + "-list")
            items.close()
            child = os.fork()
            say("made")
            hear()
            if child != 0:
                os.wait()
        """
        for kill, number in (
            (os.kill, signal.SIGTERM),
            (os.kill, signal.SIGKILL),
            (os.killpg, signal.SIGTERM),
            (os.killpg, signal.SIGKILL),
        ):
            with self.subTest(kill=kill.__name__, signal=number):
                name = self.name()
                names = name, name + "-list"
                self.addCleanup(self.remove, names[1])
                root = self.root(program, name)
                root.line()
                root.line()
                for each in names:
                    self.check_there(each)
                kill(root.pid, number)
                if kill is os.kill:
                    # Its child goes on, and has the block.
                    root.wait()
                    for each in names:
                        self.check_there(each)
                root.communicate()
                for each in names:
                    self.check_gone(each)

    def test_a_daemon_goes_on(self):
        program = """
            reader, writer = os.pipe()
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    SharedMemory(name, create=True, size=1).close()
                    os.write(writer, b"x")
                    hear()
                    SharedMemory(name).close()
                    say("attached")
                    hear()
                os._exit(0)
            os.wait()
            os.read(reader, 1)
        """
        name = self.name()
        root = self.root(program, name)
        root.wait(PATIENCE)
        self.check_there(name)
        root.answer()
        self.assertEqual(root.line(), "attached")
        self.check_there(name)
        self.check_silent(root)
        self.check_gone(name)

    def test_all_descriptors_closed(self):
        program = """
            made = [SharedMemory(name + tail, create=True, size=1)
                    for tail in ("", "-list")]
            made[0].close()
            os.closerange(3, 1000)
            # What takes their numbers must not be taken for them.
            files = [os.open("/dev/null", os.O_RDWR) for _ in range(20)]
            folders = [os.open("/dev/shm", os.O_RDONLY) for _ in range(20)]
            made.pop().unlink()
            SharedMemory(name + "-list", create=True, size=1).close()
            SharedMemory(name + "-list").close()
            for file in files:
                assert os.write(file, b"x") == 1
            say(os.environ["POLYSHM_TREE"])
            hear()
        """
        name = self.name()
        self.addCleanup(self.remove, name + "-list")
        root = self.root(program, name)
        helper_of(root.line())
        self.check_there(name + "-list")
        self.check_silent(root)
        self.check_gone(name)
        self.check_gone(name + "-list")

    def test_the_program_never_sees_the_helper(self):
        program = """
            told = []
            signal.signal(signal.SIGCHLD, lambda *_: told.append(1))
            SharedMemory(name, create=True, size=1).close()
            try:
                os.wait()
            except ChildProcessError:
                say("no child")
            assert not told
            say(os.getsid(0), os.environ["POLYSHM_TREE"])
            hear()
            try:
                os.wait()
            except ChildProcessError:
                say("no child")
            assert not told
        """
        name = self.name()
        root = self.root(program, name)
        self.assertEqual(root.line(), "no child")
        session, token = root.line().split()
        helper = helper_of(token)
        self.assertNotEqual(os.getsid(helper), int(session))
        self.assertEqual(os.readlink(f"/proc/{helper}/cwd"), "/")
        # Nothing of ours, once it has begun its work.
        needed = {"/dev/null", "/dev/shm", "socket", "anon_inode"}
        until(lambda: opened_by(helper) == needed)
        os.kill(helper, signal.SIGKILL)
        until(lambda: find_helper(token) is None)
        root.answer()
        self.assertEqual(root.line(), "no child")
        self.check_silent(root)

    def test_a_command_substitution_returns(self):
        # The helper lives as long as the root, which waits for the shell.
        program = f"""
            shell = '''out=$({{0}} -c '{MAKE_ONE}' {{1}} 2>&1); echo "[$out]" '''
            result = subprocess.run(
                ["sh", "-c", shell.format(sys.executable, name)],
                stdout=subprocess.PIPE, text=True)
            say(result.stdout.strip(), os.environ["POLYSHM_TREE"])
            hear()
        """
        name = self.name()
        root = self.root(program, name)
        output, token = root.line().split()
        self.assertEqual(output, "[]")
        helper_of(token)
        self.check_there(name)
        self.check_silent(root)
        self.check_gone(name)
        until(lambda: find_helper(token) is None)

    def test_without_a_helper(self):
        """Blocks are kept while who made them lives, and swept by the next."""
        program = """
            block = SharedMemory(name, create=True, size=1)
            block.close()
            say(os.environ["POLYSHM_TREE"])
            hear()
        """
        name = self.name()
        root = self.root(program, name, POLYSHM_HELPER="/nonexistent")
        self.assertIsNone(find_helper(root.line()))
        self.check_there(name)
        self.check_silent(root)
        polyshm.gc()
        self.check_gone(name)

    def test_the_variable_follows_the_tree(self):
        """When its root was gone before anything was made, a new one begins."""
        program = """
            import polyshm
            before = os.environ["POLYSHM_TREE"]
            pid = os.fork()
            if pid != 0:
                os._exit(0)
            while os.getppid() == int(before.partition(":")[0]):
                pass
            SharedMemory(name, create=True, size=1).close()
            after = os.environ["POLYSHM_TREE"]
            run("import sys, polyshm; polyshm.SharedMemory(sys.argv[1])", name,
                env=dict(os.environ))
            say(before, after, polyshm.core.tree_enter())
            hear()
        """
        name = self.name()
        root = self.root(program, name)
        before, after, known = root.line().split()
        self.assertEqual(after, known)
        self.assertNotEqual(before, after)
        helper_of(after)
        self.check_silent(root)
        self.check_gone(name)


class Holders(LifetimeCase):
    """Who has a block open keeps it, tree or not."""

    MAKE = """
        block = SharedMemory(name, create=True, size=1)
        items = ShareableList([1], name=name + "-list")
        say("made")
        hear()
    """

    def start(self):
        name = self.name()
        self.addCleanup(self.remove, name + "-list")
        root = self.root(self.MAKE, name)
        root.line()
        return root, name

    def test_another_tree(self):
        root, name = self.start()
        block = polyshm.SharedMemory(name)
        items = polyshm.ShareableList(name=name + "-list")
        self.check_silent(root)
        block.buf[0] = 7
        for each in name, name + "-list":
            self.check_there(each)
            self.assertEqual(polyshm.holders(each), [os.getpid()])
        items.close()
        self.check_gone(name + "-list")
        view = block.buf[:]
        with self.assertRaises(BufferError):
            block.close()
        self.check_there(name)
        view.release()
        block.close()
        self.check_gone(name)

    def test_stock_python(self):
        program = """
            from multiprocessing import resource_tracker
            block = SharedMemory(name)
            items = ShareableList(name=name + "-list")
            for each in block, items.shm:
                resource_tracker.unregister(each._name, "shared_memory")
            say("attached")
            hear()
        """
        root, name = self.start()
        stock = self.root(program, name, module=STOCK)
        stock.line()
        self.check_silent(root)
        for each in name, name + "-list":
            self.check_there(each)
            # We were not the last to leave, either.
            polyshm.SharedMemory(each).close()
            self.check_there(each)
            self.assertEqual(polyshm.holders(each), [stock.pid])
        stock.finish()
        # Nobody removes them at once: stock Python does not know how to.
        polyshm.gc()
        for each in name, name + "-list":
            self.check_gone(each)

    def test_closing_last_removes(self):
        """... what is not kept, at once and in this process."""
        root, name = self.start()
        block = polyshm.SharedMemory(name)
        self.check_silent(root)
        self.check_gone(name + "-list")
        block.close()
        self.assertFalse(exists(name))

    def test_untracked(self):
        program = """
            SharedMemory(name, create=True, size=1, track=False)
            ShareableList([1], name=name + "-list", track=False)
            SharedMemory(name, track=False).close()
            ShareableList(name=name + "-list", track=False).close()
            say(os.environ["POLYSHM_TREE"])
        """
        name = self.name()
        self.addCleanup(self.remove, name + "-list")
        root = self.root(program, name)
        # Nothing to watch over, no helper.
        self.assertIsNone(find_helper(root.line()))
        self.check_silent(root)
        for each in name, name + "-list":
            self.check_there(each)
            self.assertFalse(polyshm.inspect(each).tracked)

    def test_a_name_that_is_used_again(self):
        root, name = self.start()
        old = polyshm.SharedMemory(name)
        old.unlink()
        new = polyshm.SharedMemory(name, create=True, size=2)
        self.addCleanup(new.close)
        self.addCleanup(new.unlink)
        self.check_silent(root)
        self.check_gone(name + "-list")  # so it has swept
        old.close()
        self.check_there(name)
        self.assertEqual(polyshm.SharedMemory(name).size, 2)

    def test_the_name_of_an_orphan_is_free(self):
        name = self.name()
        program = "SharedMemory(name, create=True, size=1)"
        self.root(program, name, POLYSHM_HELPER="/nonexistent").finish()
        block = polyshm.SharedMemory(name, create=True, size=2)
        self.assertEqual(block.size, 2)
        block.unlink()


class PythonsTracker(LifetimeCase):
    """Where a program asks for multiprocessing.resource_tracker."""

    LEAKED = "leaked shared_memory object"

    def check_leaked(self, root, name):
        self.assertIn(self.LEAKED, root.finish())
        self.assertFalse(exists(name))

    def test_creators(self):
        for make in (
            "SharedMemory(name, create=True, size=1)",
            "SharedMemory(name, create=True, size=1, track=True)",
            "ShareableList([1], name=name)",
            "ShareableList([1], name=name, track=True)",
        ):
            program = f"""
                made = {make}
                mode = os.stat("/dev/shm/" + name).st_mode
                say(oct(mode), os.environ["POLYSHM_TREE"])
            """
            with self.subTest(make=make):
                name = self.name()
                root = self.root(program, name, POLYSHM_PYTHON_TRACKER="1")
                mode, token = root.line().split()
                self.assertEqual(mode, "0o100600")
                self.assertIsNone(find_helper(token))
                self.check_leaked(root, name)

    def test_creators_that_unlink(self):
        program = """
            for track in None, True, False:
                block = SharedMemory(name, create=True, size=1, track=track)
                block.unlink()
                block = SharedMemory(name, create=True, size=1)
                SharedMemory(name).unlink()
                items = ShareableList([1], name=name, track=track)
                items.shm.unlink()
                items = ShareableList([1], name=name)
                ShareableList(name=name).unlink()
        """
        root = self.root(program, self.name(), POLYSHM_PYTHON_TRACKER="1")
        self.check_silent(root)

    def test_creators_that_opt_out(self):
        name = self.name()
        root = self.root(
            "SharedMemory(name, create=True, size=1, track=False)",
            name,
            POLYSHM_PYTHON_TRACKER="1",
        )
        self.check_silent(root)
        self.check_there(name)

    def test_attachers_are_not_responsible(self):
        program = """
            SharedMemory(name)
            SharedMemory(name, track=False)
        """
        name = self.make(polyshm.SharedMemory, create=True, size=1).name
        for more in {}, {"POLYSHM_PYTHON_TRACKER": "1"}:
            self.check_silent(self.root(program, name, **more))
            self.check_there(name)

    def test_attachers_that_want_to_be(self):
        for program in (
            "SharedMemory(name, track=True).close()",
            "ShareableList(name=name, track=True).close()",
        ):
            name = self.make(polyshm.ShareableList, [1]).name
            self.check_leaked(self.root(program, name), name)
            name = self.make(polyshm.ShareableList, [1]).name
            program = program.replace("close", "unlink")
            self.check_silent(self.root(program, name))
            self.assertFalse(exists(name))

    def test_a_child_process_shares_its_parents(self):
        program = """
            import multiprocessing
            block = SharedMemory(name, create=True, size=1)
            for method in "spawn", "fork":
                context = multiprocessing.get_context(method)
                child = context.Process(target=block.close)
                child.start()
                child.join()
                assert child.exitcode == 0
            assert os.path.exists("/dev/shm/" + name)
            child = multiprocessing.get_context("spawn").Process(
                target=block.unlink)
            child.start()
            child.join()
            assert child.exitcode == 0
        """
        name = self.name()
        self.check_silent(self.root(program, name, POLYSHM_PYTHON_TRACKER="1"))
        self.assertFalse(exists(name))

    def test_a_failed_registration_leaves_nothing(self):
        program = """
            from multiprocessing import resource_tracker
            def fail(*_):
                raise RuntimeError("no")
            resource_tracker.register = fail
            for make in (
                lambda: SharedMemory(name, create=True, size=1),
                lambda: ShareableList([1], name=name),
            ):
                try:
                    make()
                except RuntimeError:
                    assert not os.path.exists("/dev/shm/" + name)
                else:
                    raise AssertionError
        """
        name = self.name()
        self.check_silent(self.root(program, name, POLYSHM_PYTHON_TRACKER="1"))


if __name__ == "__main__":
    unittest.main()
