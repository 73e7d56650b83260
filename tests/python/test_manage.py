# SPDX-License-Identifier: MIT
import copy
import os
import pickle
import stat
import subprocess
import sys
import threading
import time
import unittest

import polyshm
from polyshm import ShareableList, SharedMemory
from support import FOLDER, CleanCase, fresh_name, until

NOBODY = 65534
AS_ROOT = os.geteuid() == 0

ORPHAN = """
import os, sys
os.environ.pop("POLYSHM_TREE")
os.environ["POLYSHM_HELPER"] = "/nonexistent"
import polyshm
polyshm.SharedMemory(sys.argv[1], create=True, size=1)
polyshm.ShareableList([1], name=sys.argv[1] + "-list")
"""


class Inspect(CleanCase):
    def test_a_block(self):
        before = time.time()
        block = self.make(SharedMemory, create=True, size=5000)
        info = polyshm.inspect(block.name)
        self.assertIsInstance(info, polyshm.BlockInfo)
        self.assertEqual(
            (info.name, info.kind, info.size, info.length, info.mode, info.uid),
            (block.name, "block", 5000, None, 0o600, os.geteuid()),
        )
        self.assertEqual(
            (info.tracked, info.held, info.kept, info.orphan),
            (True, True, True, False),
        )
        # The kernel's clock for files is a coarse one.
        if info.created is not None:
            self.assertAlmostEqual(info.created, before, delta=60)
        for name in block.name, "/" + block.name, "//" + block.name:
            self.assertEqual(polyshm.inspect(name), info)

    def test_a_list(self):
        items = self.make(ShareableList, range(67), mode=0o640, track=False)
        info = polyshm.inspect(items.name)
        self.assertEqual(
            (info.kind, info.length, info.size, info.mode),
            ("list", 67, items.shm.size, 0o640 & ~umask()),
        )
        self.assertEqual(
            (info.tracked, info.held, info.kept, info.orphan),
            (False, True, False, False),
        )
        items.close()
        self.assertIs(polyshm.inspect(items.name).held, False)

    def test_what_is_closed_but_kept(self):
        block = self.make(SharedMemory, create=True, size=1)
        block.close()
        info = polyshm.inspect(block.name)
        self.assertEqual(
            (info.tracked, info.held, info.kept, info.orphan),
            (True, False, True, False),
        )

    def test_looking_changes_nothing(self):
        block = self.make(SharedMemory, create=True, size=1)
        block.buf[0] = 7
        for _ in range(100):
            polyshm.inspect(block.name)
        block.close()
        for _ in range(100):
            self.assertIs(polyshm.inspect(block.name).held, False)
        self.assertEqual(SharedMemory(block.name).buf[0], 7)

    def test_what_is_no_block(self):
        for name, error in (
            ("no-such", FileNotFoundError),
            ("", OSError),
            ("a/b", OSError),
            ("x" * 256, OSError),
        ):
            for look in polyshm.inspect, polyshm.holders:
                with self.assertRaises(error) as caught:
                    look(name)
                self.assertEqual(caught.exception.filename, "/" + name)
                self.assertNotIn("None", str(caught.exception))
        for look in polyshm.inspect, polyshm.holders:
            with self.assertRaises(TypeError):
                look(1)
            with self.assertRaises(TypeError):
                look(None)
            with self.assertRaises(ValueError):
                look("a\0b")
        name = fresh_name()
        path = os.path.join(FOLDER, name)
        os.symlink("/etc/passwd", path)
        self.addCleanup(os.unlink, path)
        with self.assertRaises(OSError):
            polyshm.inspect(name)

    def test_an_empty_file(self):
        name = fresh_name()
        self.addCleanup(self.remove, name)
        os.close(os.open(os.path.join(FOLDER, name), os.O_CREAT, 0o600))
        info = polyshm.inspect(name)
        self.assertEqual((info.kind, info.size, info.tracked), ("block", 0, False))

    def test_infos_are_values(self):
        info = polyshm.inspect(self.make(SharedMemory, create=True, size=1).name)
        self.assertEqual(pickle.loads(pickle.dumps(info)), info)
        self.assertEqual(copy.copy(info), info)
        self.assertIn(f"name={info.name!r}", repr(info))
        name, kind, *_ = info
        self.assertEqual((name, kind), (info.name, info.kind))
        with self.assertRaises((AttributeError, TypeError)):
            info.name = "x"

    @unittest.skipUnless(AS_ROOT, "needs two users")
    def test_somebody_elses(self):
        block = self.make(SharedMemory, create=True, size=1, mode=0o604)

        def look():
            os.setuid(NOBODY)
            info = polyshm.inspect(block.name)
            assert (info.held, info.uid) == (None, 0), info
            assert (info.tracked, info.orphan) == (True, False), info
            assert polyshm.gc() == 0
            return 0

        self.check_child(self.fork(look))
        self.assertIs(polyshm.inspect(block.name).held, True)


class Blocks(CleanCase):
    def mine(self, infos):
        return [info for info in infos if f"-{os.getpid()}-" in info.name]

    def test_all_in_order(self):
        made = [
            self.make(SharedMemory, create=True, size=1 + i) for i in range(20)
        ]
        made.append(self.make(ShareableList, [1, 2]))
        infos = self.mine(polyshm.blocks())
        self.assertEqual(
            [info.name for info in infos], sorted(each.name for each in made)
        )
        for info in infos:
            self.assertEqual(info, polyshm.inspect(info.name))

    def test_what_goes_meanwhile_is_left_out(self):
        made = [self.make(SharedMemory, create=True, size=1) for _ in range(20)]
        walk = polyshm.blocks()
        for block in made[5:]:
            block.unlink()
        late = self.make(SharedMemory, create=True, size=1)
        names = {info.name for info in self.mine(walk)}
        self.assertEqual(names, {block.name for block in made[:5]})
        self.assertNotIn(late.name, names)
        self.assertEqual(list(walk), [])

    def test_an_unfinished_walk(self):
        self.make(SharedMemory, create=True, size=1)
        for _ in range(100):
            next(polyshm.blocks())

    def test_many_threads_on_one_walk(self):
        made = [self.make(SharedMemory, create=True, size=1) for _ in range(200)]
        walk, seen = polyshm.blocks(), []

        def take():
            while True:
                try:
                    seen.append(next(walk))
                except ValueError:
                    pass  # another one is at it
                except StopIteration:
                    break

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(
            sorted(info.name for info in self.mine(seen)),
            sorted(block.name for block in made),
        )


class Holders(CleanCase):
    def test_who_has_it(self):
        block = self.make(SharedMemory, create=True, size=1)
        self.assertEqual(polyshm.holders(block.name), [os.getpid()])
        program = (
            "import sys, polyshm\n"
            "block = polyshm.SharedMemory(sys.argv[1])\n"
            "print('attached', flush=True)\n"
            "sys.stdin.readline()\n"
        )
        peers = [self.peer(program, block.name) for _ in range(3)]
        for peer in peers:
            peer.stdout.readline()
        self.assertEqual(
            sorted(polyshm.holders(block.name)),
            sorted([os.getpid(), *(peer.pid for peer in peers)]),
        )
        block.close()
        for peer in peers:
            peer.communicate("\n")
        self.assertEqual(polyshm.holders(block.name), [])

    def test_more_than_fit_at_first(self):
        block = self.make(SharedMemory, create=True, size=1)
        reader, writer = os.pipe()
        children = []
        for _ in range(40):
            children.append(self.fork(lambda: len(os.read(reader, 1)) - 1))
        try:
            found = polyshm.holders(block.name)
        finally:
            os.write(writer, b"x" * len(children))
            os.close(writer)
            os.close(reader)
            for child in children:
                self.check_child(child)
        self.assertEqual(sorted(found), sorted([os.getpid(), *children]))


class Collect(CleanCase):
    def test_orphans(self):
        name = fresh_name()
        for each in name, name + "-list":
            self.addCleanup(self.remove, each)
        names = name, name + "-list"
        wanted = (True, False, False, True)

        def attempt():
            subprocess.run([sys.executable, "-c", ORPHAN, name], check=True)
            try:
                infos = [polyshm.inspect(each) for each in names]
                count = polyshm.gc(dry_run=True)
                infos += [polyshm.inspect(each) for each in names]
            except FileNotFoundError:
                return False  # another program has swept
            return count >= 2 and all(
                (info.tracked, info.held, info.kept, info.orphan) == wanted
                for info in infos
            )

        # Or else another program was just looking at one of them.
        until(attempt)
        self.assertIsInstance(polyshm.gc(), int)
        for each in names:
            until(lambda: not os.path.exists(os.path.join(FOLDER, each)))

    def test_nothing_but_orphans(self):
        mine = [
            self.make(SharedMemory, create=True, size=1),
            self.make(SharedMemory, create=True, size=1, track=False),
            self.make(ShareableList, [1]),
        ]
        for each in mine:
            each.close()
        # A file that stock Python made, and one that only looks like ours.
        name = fresh_name()
        path = os.path.join(FOLDER, name)
        self.addCleanup(self.remove, name)
        os.close(os.open(path, os.O_CREAT, 0o600))
        folder = path + "-folder"
        os.mkdir(folder)
        self.addCleanup(os.rmdir, folder)
        os.chmod(folder, 0o1700)
        polyshm.gc()
        for each in mine:
            polyshm.inspect(each.name)
        self.assertTrue(os.path.exists(path))
        self.assertTrue(stat.S_ISDIR(os.stat(folder).st_mode))


@unittest.skipUnless(AS_ROOT, "needs two users")
class Foreign(CleanCase):
    def setUp(self):
        super().setUp()
        self.names = fresh_name(), fresh_name()
        for name in self.names:
            self.addCleanup(self.remove, name)

        def make():
            os.setuid(NOBODY)
            SharedMemory(
                self.names[0], create=True, size=1, mode=0o666, track=False
            )
            ShareableList([7], name=self.names[1], mode=0o666, track=False)
            return 0

        self.check_child(self.fork(make))

    def test_is_asked_for(self):
        block, items = self.names
        for attach in (
            lambda: SharedMemory(block),
            lambda: SharedMemory(block, read_only=True),
            lambda: ShareableList(name=items),
        ):
            with self.assertRaises(PermissionError) as caught:
                attach()
            self.assertIn("another user", str(caught.exception))
        self.assertEqual(SharedMemory(block, foreign=True).size, 1)
        self.assertEqual(list(ShareableList(name=items, foreign=True)), [7])
        self.assertEqual(polyshm.inspect(block).uid, NOBODY)


def umask():
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


if __name__ == "__main__":
    unittest.main()
