# SPDX-License-Identifier: MIT
"""What the tests of examples/pipeline share: running it, and looking for what
it may have left behind."""

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
FOLDER = os.path.join(ROOT, "examples/pipeline")
BIN = os.path.join(
    os.environ.get("POLYSHM_BINARY_DIR", os.path.join(ROOT, "build/release")),
    "bin",
)
GENERATE = os.path.join(BIN, "polyshm-example-generate")
FEEDER = os.path.join(BIN, "polyshm-example-feed")
LUA = os.environ.get("POLYSHM_LUA_EXECUTABLE") or shutil.which("lua5.4")

sys.path.insert(0, FOLDER)

import compare  # noqa: E402
import plain  # noqa: E402
import report  # noqa: E402

# Far more than anything takes; only a hang gets there.
PATIENCE = 120

ALL = 10**9  # for --top

LINE = b'c - - [10/Mar/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 5\n'


def python(name, *arguments):
    return [sys.executable, os.path.join(FOLDER, name), *map(str, arguments)]


def until(condition, what, patience=PATIENCE):
    """Wait for something that another process is about to do."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.005)


def processes_of(pid):
    """The stages of the pipeline with that process id, as (id, command)."""
    mark = f"psl_{pid}_".encode()
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                command = file.read()
            if mark in command:
                found.append((int(entry), command))
    return found


def blocks_of(pid):
    return [n for n in os.listdir("/dev/shm") if n.startswith(f"psl_{pid}_")]


class Case(unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, content, name="access.log"):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)

    def generate(self, *arguments):
        name = self.path("generated.log")
        subprocess.run(
            [GENERATE, *map(str, arguments), "--output", name], check=True
        )
        return name

    def start(self, *arguments, **how):
        """A pipeline in a process group of its own, like one of a shell."""
        how.setdefault("stdin", subprocess.DEVNULL)
        how.setdefault("stdout", subprocess.PIPE)
        process = subprocess.Popen(
            python(
                "pipeline.py", "--lua", LUA, "--feeder", FEEDER, *arguments
            ),
            stderr=subprocess.PIPE,
            start_new_session=True,
            **how,
        )
        self.addCleanup(self.clear, process)
        return process

    def clear(self, process):
        """After a test that failed half-way."""
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        for name in blocks_of(process.pid):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join("/dev/shm", name))

    def finish(self, process, stdin=None):
        """Wait for the end and see that nothing is left; what it printed."""
        out, err = process.communicate(stdin, timeout=PATIENCE)
        self.assertEqual([], processes_of(process.pid), "processes are left")
        self.assertEqual([], blocks_of(process.pid), "blocks are left")
        return process.returncode, out or b"", err.decode()

    def check(self, process, status, message, stdin=None):
        """How it ended, and what it said in its one line."""
        result = self.finish(process, stdin)
        self.assertEqual(status, result[0], result)
        self.assertRegex(result[2], r"\A[^\n]*" + message + r"[^\n]*\n\Z")
        self.assertNotIn("Traceback", result[2])
        return result[1]

    def pipeline(self, *arguments, stdin=None):
        """The JSON report of a run that has to succeed."""
        name = self.path("report.json")
        process = self.start(
            "--json", name, "--top", ALL, *arguments,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        )
        status, _, err = self.finish(process, stdin)
        self.assertEqual((0, ""), (status, err))
        return self.load(name)

    def assert_same(self, expected, result):
        """assertEqual takes hours to show how large reports differ."""
        found = compare.differences(expected, result, "")
        self.assertEqual([], list(itertools.islice(found, 10)))

    def load(self, name):
        with open(name, encoding="utf-8") as file:
            result = json.load(file)
        del result["run"]
        return result

    def reference(self, name, longest=report.LONGEST):
        """The same report by plain.py."""
        with open(name, "rb") as file:
            counted, size = plain.count(file, longest)
        self.assertEqual(os.path.getsize(name), size)
        # Through JSON, which knows no tuples.
        return json.loads(json.dumps(report.build(**counted, top=ALL)))
