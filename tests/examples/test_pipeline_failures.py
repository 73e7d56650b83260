# SPDX-License-Identifier: MIT
"""examples/pipeline ends as it should, whatever happens to it: a message of one
line, the right exit status, and nothing left behind."""

import os
import shutil
import subprocess
import unittest

from pipeline_support import FEEDER, LINE, LUA, Case, python


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
        self.check(process, 1, "cannot make 40.0 TiB of shared memory: ")

    def test_too_little_shared_memory_for_the_results(self):
        """The pipeline in a mount namespace whose /dev/shm has one MiB."""
        small = "mount -t tmpfs -o size=1M tmpfs /dev/shm"
        unshare = ["unshare", "--mount", "sh", "-c"]
        if shutil.which("unshare") is None or subprocess.run(
            unshare + [small], stderr=subprocess.DEVNULL
        ).returncode != 0:
            self.skipTest("needs the right to mount")
        content = b"".join(
            b"host-%d - - " % i + LINE[6:].replace(b"/ ", b"/%d " % i)
            for i in range(40_000)
        )
        name = self.write(content)
        command = python(
            "pipeline.py", name, "--lua", LUA, "--feeder", FEEDER,
            "--workers", 1, "--segment-size", "66K", "--ring", 14,
        )
        script = small + ' && "$@"; echo $?; ls /dev/shm'
        result = subprocess.run(
            unshare + [script, "sh", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.assertEqual(b"1\n", result.stdout)
        self.assertRegex(result.stderr, rb"\Aworker 1: .*\n\Z")


if __name__ == "__main__":
    unittest.main()
