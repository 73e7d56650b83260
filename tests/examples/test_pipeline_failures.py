# SPDX-License-Identifier: MIT
"""examples/pipeline ends as it should, whatever happens to it: a message of one
line, the right exit status, and nothing left behind."""

import contextlib
import os
import shutil
import signal
import subprocess
import unittest

import pipeline_support
from pipeline_support import (
    FEEDER, LUA, blocks_of, processes_of, python, until,
)
from polyshm import ShareableList

LINE = b'c - - [10/Mar/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 5\n'


class Case(pipeline_support.Case):
    def check(self, process, status, message, stdin=None):
        """How it ended, and what it said in its one line."""
        result = self.finish(process, stdin)
        self.assertEqual(status, result[0], result)
        self.assertRegex(result[2], r"\A[^\n]*" + message + r"[^\n]*\n\Z")
        self.assertNotIn("Traceback", result[2])
        return result[1]


class Input(Case):
    def test_missing(self):
        process = self.start(self.path("no.log"))
        self.check(process, 1, r"no\.log: No such file or directory")

    def test_directory(self):
        self.check(self.start(self.folder), 1, ": Is a directory")

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_unreadable(self):
        name = self.write(LINE)
        os.chmod(name, 0)
        self.check(self.start(name), 1, ": Permission denied")

    def test_read_error(self):
        # There is no memory at address 0.
        process = self.start("/proc/self/mem")
        self.check(process, 1, "reading the input: Input/output error")

    def test_empty(self):
        for how in ({}, {"stdin": subprocess.PIPE}):
            name = "-" if how else self.write(b"")
            status, out, err = self.finish(self.start(name, **how), b"")
            self.assertEqual((0, ""), (status, err))
            self.assertIn(b"0 lines: 0 requests", out)
            self.assertIn(b"The input is empty.", out)

    def test_only_blank_lines(self):
        status, out, err = self.finish(self.start(self.write(b"\n\r\n")))
        self.assertEqual((0, ""), (status, err))
        self.assertIn(b"2 lines: 0 requests, 0 malformed, 2 blank", out)

    def test_garbage(self):
        for content in (b"hello\n" * 1000, os.urandom(300_000), b"\0"):
            process = self.start(self.write(content))
            out = self.check(process, 1, "no line of the input is an access")
            self.assertIn(b" 0 requests, ", out)
            self.assertIn(b"Malformed lines (", out)

    def test_plain_says_the_same(self):
        for name, status, message in (
            (self.path("no.log"), 1, b"No such file or directory"),
            (self.folder, 1, b"Is a directory"),
            (self.write(b"hello\n"), 1, b"no line of the input"),
            (self.write(b"", "empty"), 0, b""),
        ):
            result = subprocess.run(
                python("plain.py", name),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            self.assertEqual(status, result.returncode)
            self.assertIn(message, result.stderr)


class Output(Case):
    def test_nobody_reads_the_report(self):
        read_end, write_end = os.pipe()
        os.close(read_end)
        process = self.start(self.write(LINE * 100), stdout=write_end)
        os.close(write_end)
        status, _, err = self.finish(process)
        self.assertEqual((141, ""), (status, err))

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            process = self.start(self.write(LINE), stdout=full)
        self.check(process, 1, "standard output: No space left on device")
        for option in ("--json", "--svg"):
            process = self.start(self.write(LINE), option, "/dev/full")
            self.check(process, 1, "/dev/full: No space left on device")

    def test_file_that_cannot_be_made(self):
        process = self.start(self.write(LINE), "--json", self.folder)
        self.check(process, 1, ": Is a directory")


class CommandLine(Case):
    def test_misuse(self):
        name = self.write(LINE)
        for arguments, message in (
            ([], "the following arguments are required: log"),
            ([name, "--workers", "0"], "0 is not between 1 and 256"),
            ([name, "--workers", "two"], "not a number: 'two'"),
            ([name, "--segment-size", "-4K"], "expected one argument"),
            ([name, "--segment-size", "4K"], "room for the longest line"),
            ([name, "--top", "1e3"], "not a number"),
            ([name, "--max-line", "9" * 30], "not a number"),
            ([name, "--what"], "unrecognized arguments"),
        ):
            status, out, err = self.finish(self.start(*arguments))
            self.assertEqual((2, b""), (status, out))
            self.assertIn(message, err)
            self.assertTrue(err.startswith("usage: "))

    def test_help(self):
        status, out, err = self.finish(self.start("--help"))
        self.assertEqual((0, ""), (status, err))
        for option in ("--workers", "--json", "--svg", "--max-line", "--quiet"):
            self.assertIn(option.encode(), out)

    def test_stages_that_are_not_there(self):
        name = self.write(LINE)
        for option in ("--lua", "--feeder"):
            process = self.start(name, option, "/nowhere/program")
            self.check(process, 1, "not found: /nowhere/program")

    def test_stages_alone(self):
        for command in ([FEEDER], [LUA, python("worker.lua")[1]]):
            result = subprocess.run(command, stderr=subprocess.PIPE)
            self.assertEqual(2, result.returncode)
            self.assertIn(b"start pipeline.py instead", result.stderr)

    def test_worker_without_the_module(self):
        env = {**os.environ, "LUA_PATH": "", "LUA_CPATH": ""}
        status, out, err = self.finish(self.start(self.write(LINE), env=env))
        self.assertEqual((1, b""), (status, out))
        self.assertIn("module 'polyshm' not found", err)

    def test_too_little_shared_memory(self):
        process = self.start(
            self.write(LINE), "--segment-size", "1024G", "--workers", 2
        )
        self.check(process, 1, "cannot make 6.0 TiB of shared memory: ")

    def test_too_little_shared_memory_for_the_results(self):
        """The pipeline in a mount namespace whose /dev/shm has one MiB."""
        small = "mount -t tmpfs -o size=1M tmpfs /dev/shm"
        unshare = ["unshare", "--mount", "sh", "-c"]
        if shutil.which("unshare") is None or subprocess.run(
            unshare + [small], stderr=subprocess.DEVNULL
        ).returncode != 0:
            self.skipTest("needs the right to mount")
        content = b"".join(
            b"host-%d - - " % i + LINE[6:] for i in range(40_000)
        )
        name = self.write(content)
        command = python(
            "pipeline.py", name, "--lua", LUA, "--feeder", FEEDER,
            "--workers", 1, "--segment-size", "66K",
        )
        script = small + ' && "$@"; echo $?; ls /dev/shm'
        result = subprocess.run(
            unshare + [script, "sh", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.assertEqual(b"1\n", result.stdout)
        self.assertRegex(result.stderr, rb"\Aworker 1: .*\n\Z")


class Deaths(Case):
    """While the pipeline waits for more input, something happens to it."""

    def begin(self, **how):
        process = self.start(
            "-", "--workers", 2, "--segment-size", "66K",
            stdin=subprocess.PIPE, **how,
        )
        process.stdin.write(LINE * 10_000)
        process.stdin.flush()

        def both_count():
            self.assertIsNone(process.poll(), "ended too early")
            tallies = [
                name for name in blocks_of(process.pid) if ".tally." in name
            ]
            return len(tallies) == 2 and all(map(self.lines, tallies))

        until(both_count, "the first counts")
        return process

    def lines(self, name):
        try:
            tally = ShareableList(name=name)
        except FileNotFoundError:
            return 0
        try:
            return tally[1]
        finally:
            tally.shm.close()

    def stage(self, process, what):
        """Process ids of the feeder or the workers."""
        return [
            pid
            for pid, command in processes_of(process.pid)
            if what.encode() in command
        ]

    def test_goes_on_after_the_wait(self):
        process = self.begin()
        status, out, err = self.finish(process, LINE * 10_000)
        self.assertEqual((0, ""), (status, err))
        self.assertIn(b"20,000 lines: 20,000 requests", out)

    def test_killed_worker(self):
        process = self.begin()
        victim = self.stage(process, "worker.lua")[1]
        os.kill(victim, signal.SIGKILL)
        out = self.check(
            process, 1,
            rf"worker [12] \(process {victim}\) was killed by SIGKILL",
        )
        self.assertEqual(b"", out)

    def test_killed_worker_at_full_speed(self):
        """Neither is it hidden by the feeder, which notices first."""
        process = self.begin()
        os.kill(self.stage(process, "worker.lua")[0], signal.SIGKILL)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(LINE * 100_000)
        self.check(process, 1, "was killed by SIGKILL")

    def test_killed_feeder(self):
        process = self.begin()
        (victim,) = self.stage(process, os.path.basename(FEEDER))
        os.kill(victim, signal.SIGKILL)
        self.check(
            process, 1,
            rf"the feeder \(process {victim}\) was killed by SIGKILL",
        )

    def test_signals_to_the_group(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number=number):
                process = self.begin()
                os.killpg(process.pid, number)
                self.check(
                    process, 128 + number, f"stopped by {number.name}"
                )

    def test_signal_to_the_parent(self):
        process = self.begin()
        process.send_signal(signal.SIGTERM)
        self.check(process, 143, "stopped by SIGTERM")

    def test_stages_leave_signals_to_the_parent(self):
        process = self.begin()
        for pid, _ in processes_of(process.pid):
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(pid, number)
        status, out, err = self.finish(process, LINE)
        self.assertEqual((0, ""), (status, err))
        self.assertIn(b"10,001 lines", out)

    def test_nohup(self):
        process = self.begin(
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
        )
        os.killpg(process.pid, signal.SIGHUP)
        status, out, err = self.finish(process, LINE)
        self.assertEqual((0, ""), (status, err))
        self.assertIn(b"10,001 lines", out)

    def test_waiting_for_a_fifo(self):
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        process = self.start(fifo)

        def is_waiting():
            with open(f"/proc/{process.pid}/wchan", encoding="ascii") as file:
                return file.read() == "wait_for_partner"

        try:
            until(is_waiting, "the open of the FIFO", 10)
        except AssertionError:
            self.skipTest("this system does not tell where processes wait")
        os.killpg(process.pid, signal.SIGINT)
        status, out, err = self.finish(process)
        self.assertEqual((130, b"", ""), (status, out, err))

    def test_killed_parent(self):
        """Nobody can clean up then, but the stages do not stay."""
        process = self.begin()
        process.kill()
        until(lambda: not processes_of(process.pid), "the stages' end")
        self.assertEqual(b"", process.stdout.read())
        # Its blocks are what clear() is for.


if __name__ == "__main__":
    unittest.main()
