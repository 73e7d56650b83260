# SPDX-License-Identifier: MIT
"""A child in one language makes a block, closes it and exits; its parent, in
another, attaches. All of them are one process tree, which then takes the block
along."""

import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
import unittest

C_PEER = sys.argv.pop(1)
LUA = os.environ["POLYSHM_LUA_EXECUTABLE"]
PATIENCE = 60  # seconds

# They get the name as their first argument, and parents the command of their
# child as the rest of them.
PYTHON_CHILD = """
import sys, polyshm
items = polyshm.ShareableList([1, "Python"], name=sys.argv[1])
if "wait" in sys.argv:
    sys.stdin.readline()
"""
LUA_CHILD = """
local polyshm = require "polyshm"
assert(polyshm.ShareableList({1, "Lua"}, {name = arg[1]})):close()
"""
PYTHON_PARENT = """
import os, subprocess, sys, polyshm
def run(**keywords):
    subprocess.run(sys.argv[2:], check=True, **keywords)
if os.environ["HOW"] == "copy":
    run(env=dict(os.environ))
elif os.environ["HOW"] == "fork":
    child = os.fork()
    if child == 0:
        os.execv(sys.argv[2], sys.argv[2:])
    assert os.waitpid(child, 0) == (child, 0)
else:
    run()
polyshm.gc()
items = polyshm.ShareableList(name=sys.argv[1])
print(items[1], flush=True)
items.close()
sys.stdin.readline()
"""
LUA_PARENT = """
local polyshm = require "polyshm"
local words = {}
for i = 2, #arg do words[#words + 1] = "'" .. arg[i] .. "'" end
local command = table.concat(words, " ")
if os.getenv "HOW" == "popen" then
  assert(io.popen(command)):close()
else
  assert(os.execute(command))
end
polyshm.gc()
local list = assert(polyshm.ShareableList(nil, {name = arg[1]}))
io.stdout:setvbuf "line"
print(list[2])
list:close()
io.read()
"""
# Who is told the name when its parent is dead, and has only imported till then.
PYTHON_HEIR = """
import sys, polyshm
print("here", flush=True)
items = polyshm.ShareableList(name=sys.stdin.readline().strip())
print(items[1], flush=True)
items.close()
sys.stdin.readline()
"""
LUA_HEIR = """
local polyshm = require "polyshm"
io.stdout:setvbuf "line"
print "here"
local list = assert(polyshm.ShareableList(nil, {name = io.read()}))
print(list[2])
list:close()
io.read()
"""
PYTHON_ANCESTOR = """
import subprocess, sys, polyshm
polyshm.ShareableList([1, "left"], name=sys.argv[1]).close()
subprocess.run(sys.argv[2:])
"""


def end(process):
    process.kill()
    process.communicate()


class HandOver(unittest.TestCase):
    def setUp(self):
        self.name = f"polyshm-cross-{os.getpid()}-{secrets.token_hex(4)}"
        self.addCleanup(self.remove)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    @property
    def path(self):
        return f"/dev/shm/{self.name}"

    def remove(self):
        # Its tree's helper may do it at the same time.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    def until(self, there):
        deadline = time.monotonic() + PATIENCE
        while os.path.exists(self.path) != there:
            self.assertLess(time.monotonic(), deadline, "it did not happen")
            time.sleep(0.001)

    def command(self, interpreter, program):
        path = os.path.join(self.folder, secrets.token_hex(4))
        with open(path, "w") as file:
            file.write(program)
        return [interpreter, path]

    def start(self, *words, **environment):
        environment = dict(os.environ, **environment)
        environment.pop("POLYSHM_TREE", None)
        process = subprocess.Popen(
            words,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(end, process)
        return process

    def check(self, parent, child, expected, how):
        root = self.start(*parent, self.name, *child, self.name, HOW=how)
        self.assertEqual(root.stdout.readline().strip(), expected)
        self.assertTrue(os.path.exists(self.path))
        root.communicate("\n")
        self.assertEqual(root.returncode, 0)
        self.until(there=False)

    def test_lua_to_python(self):
        parent = self.command(sys.executable, PYTHON_PARENT)
        child = self.command(LUA, LUA_CHILD)
        for how in "run", "copy", "fork":
            with self.subTest(how=how):
                self.check(parent, child, "Lua", how)

    def test_python_to_lua(self):
        parent = self.command(LUA, LUA_PARENT)
        child = self.command(sys.executable, PYTHON_CHILD)
        for how in "execute", "popen":
            with self.subTest(how=how):
                self.check(parent, child, "Python", how)

    def test_who_has_imported_is_of_the_tree(self):
        collect = "import polyshm; polyshm.gc()"
        ancestor = self.command(sys.executable, PYTHON_ANCESTOR)
        for heir in (
            self.command(sys.executable, PYTHON_HEIR),
            self.command(LUA, LUA_HEIR),
        ):
            with self.subTest(heir=heir):
                root = self.start(*ancestor, self.name, *heir)
                self.assertEqual(root.stdout.readline(), "here\n")
                root.kill()
                root.wait()
                # A helper that knew of nobody would look once in a while.
                time.sleep(1.5)
                subprocess.run([sys.executable, "-c", collect], check=True)
                print(self.name, file=root.stdin, flush=True)
                self.assertEqual(root.stdout.readline(), "left\n")
                root.communicate("\n")
                self.until(there=False)

    def test_who_attaches_is_a_holder(self):
        child = self.command(sys.executable, PYTHON_CHILD)
        for peer in (
            [C_PEER],
            [LUA, os.path.join(os.path.dirname(__file__), "peer.lua")],
        ):
            with self.subTest(peer=peer):
                creator = self.start(*child, self.name, "wait")
                self.until(there=True)
                holder = self.start(*peer)
                print("attach", self.name, file=holder.stdin, flush=True)
                self.assertEqual(holder.stdout.readline(), "ok\n")
                creator.communicate("\n")
                collect = "import polyshm; polyshm.gc()"
                subprocess.run([sys.executable, "-c", collect], check=True)
                self.assertTrue(os.path.exists(self.path))
                print("close", self.name, file=holder.stdin, flush=True)
                self.assertEqual(holder.stdout.readline(), "ok\n")
                self.until(there=False)


if __name__ == "__main__":
    unittest.main()
