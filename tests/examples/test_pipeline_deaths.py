# SPDX-License-Identifier: MIT
"""examples/pipeline while its processes are killed: the report is exact, or
there is none and an error says why; and nothing is left behind."""

import contextlib
import os
import random
import select
import signal
import subprocess
import time
import unittest

import pipeline_support
from pipeline_support import (
    ALL, FEEDER, LINE, PATIENCE, blocks_of, processes_of, until,
)
import pipeline
from polyshm import ShareableList

DYING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dying.lua")

REPLACED = (
    r"pipeline\.py: worker {} \(process {}\) was killed by SIGKILL, "
    r"worker \d+ takes its place\n"
)


class Case(pipeline_support.Case):
    def workers(self, process):
        """Process id -> number."""
        return {
            pid: int(command.split(b"\0")[3])
            for pid, command in processes_of(process.pid)
            if b"worker.lua" in command
        }

    def feeder(self, process):
        (pid,) = (
            pid
            for pid, command in processes_of(process.pid)
            if os.path.basename(FEEDER).encode() in command
        )
        return pid

    @contextlib.contextmanager
    def ring(self, process):
        """The pipeline's ring; not for longer than it runs."""
        (name,) = (n for n in blocks_of(process.pid) if n.endswith(".ring"))
        ring = ShareableList(name=name)
        try:
            yield ring
        finally:
            ring.close()

    def states(self, ring):
        return list(ring)[pipeline.FIRST + pipeline.STATE :: pipeline.SLOTS]

    def write_to(self, process, content):
        """Without waiting for ever for a pipeline that hangs."""
        stdin = process.stdin.fileno()
        os.set_blocking(stdin, False)
        left = memoryview(content)
        while left:
            _, ready, _ = select.select((), (stdin,), (), PATIENCE)
            self.assertTrue(ready, "the pipeline does not read")
            try:
                left = left[os.write(stdin, left) :]
            except BrokenPipeError:
                self.fail(f"it gave up: {process.communicate()[1].decode()}")

    def wait_until_counted(self, process, size):
        """All of these bytes, and the pipeline waits for more."""

        def is_counted():
            self.assertIsNone(process.poll(), "ended too early")
            if not any(n.endswith(".ring") for n in blocks_of(process.pid)):
                return False
            with self.ring(process) as ring:
                states = self.states(ring)
                return ring[pipeline.BYTES] == size and not any(states)

        until(is_counted, "the first counts")


class Idle(Case):
    """While the pipeline waits for more input, something happens to it."""

    def begin(self, **how):
        process = self.start(
            "-", "--workers", 2, "--segment-size", "66K", "--top", ALL,
            "--json", self.path("report.json"),
            stdin=subprocess.PIPE, **how,
        )
        self.write_to(process, LINE * 10_000)
        self.wait_until_counted(process, len(LINE) * 10_000)
        until(lambda: len(self.workers(process)) == 2, "the workers")
        return process

    def finish_exactly(self, process, message=""):
        """More input, and the report of all of it."""
        status, _, err = self.finish(process, LINE * 10_000)
        self.assertEqual(0, status, err)
        self.assertRegex(err, rf"\A{message}\Z")
        self.assert_same(
            self.reference(self.write(LINE * 20_000)),
            self.load(self.path("report.json")),
        )

    def test_goes_on_after_the_wait(self):
        self.finish_exactly(self.begin())

    def test_killed_worker(self):
        process = self.begin()
        pid, number = self.workers(process).popitem()
        os.kill(pid, signal.SIGKILL)
        self.finish_exactly(process, REPLACED.format(number, pid))

    def test_all_workers_killed(self):
        process = self.begin()
        for pid in self.workers(process):
            os.kill(pid, signal.SIGKILL)
        message = REPLACED.format(r"\d", r"\d+")
        self.finish_exactly(process, rf"({message}){{2}}")

    def test_killed_feeder(self):
        process = self.begin()
        victim = self.feeder(process)
        os.kill(victim, signal.SIGKILL)
        self.check(
            process, 1,
            rf"the feeder \(process {victim}\) was killed by SIGKILL",
        )

    def test_killed_feeder_and_workers(self):
        process = self.begin()
        for pid in (self.feeder(process), *self.workers(process)):
            # The end of the first is the end of the others.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        status, out, err = self.finish(process)
        self.assertEqual((1, b""), (status, out))
        self.assertIn("the feeder", err)

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
        self.finish_exactly(process)

    def test_nohup(self):
        process = self.begin(
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
        )
        os.killpg(process.pid, signal.SIGHUP)
        self.finish_exactly(process)

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

    def test_killed_parent_and_feeder(self):
        """Nor do they need the feeder to tell them."""
        process = self.begin()
        feeder = self.feeder(process)
        os.kill(process.pid, signal.SIGSTOP)
        os.kill(feeder, signal.SIGKILL)
        process.kill()
        until(lambda: not processes_of(process.pid), "the workers' end")


class Busy(Case):
    """Workers are killed while they count."""

    def begin(self, workers, segment, ring):
        name = self.generate("--size", "6M", "--seed", 31, "--malformed", 9)
        with open(name, "rb") as file:
            log = file.read()
        # Cut anywhere, also in lines.
        size = 299_993
        self.pieces = [log[at : at + size] for at in range(0, len(log), size)]
        self.sent = []
        self.size = 0
        self.killed = set()
        return self.start(
            "-", "--workers", workers, "--segment-size", segment,
            "--ring", ring, "--top", ALL, "--json", self.path("report.json"),
            stdin=subprocess.PIPE,
        )

    def send(self, process, piece):
        self.write_to(process, piece)
        self.sent.append(piece)
        self.size += len(piece)

    def victims(self, process):
        """The workers but for those that are still dying."""
        workers = self.workers(process).items()
        return {pid: n for pid, n in workers if pid not in self.killed}

    def kill(self, pid):
        os.kill(pid, signal.SIGKILL)
        self.killed.add(pid)

    def finish_exactly(self, process):
        status, _, err = self.finish(process)
        self.assertEqual(0, status, err)
        told = err.splitlines(keepends=True)
        self.assertEqual(len(self.killed), len(told), err)
        for line in told:
            self.assertRegex(line, REPLACED.format(r"\d+", r"\d+"))
        expected = self.reference(self.write(b"".join(self.sent)))
        self.assert_same(expected, self.load(self.path("report.json")))

    def test_killed_at_random_instants(self):
        for seed, workers, segment, ring in (
            (1, 1, "66K", 20), (2, 2, "66K", 8), (3, 3, "256K", 6),
        ):
            with self.subTest(seed=seed):
                rng = random.Random(seed)
                process = self.begin(workers, segment, ring)
                kills = 0
                for piece in self.pieces:
                    self.send(process, piece)
                    time.sleep(rng.random() * 0.005)
                    victims = sorted(self.victims(process))
                    if victims:
                        self.kill(rng.choice(victims))
                        kills += 1
                    # A busy machine may kill them faster than they come to
                    # a result, and the pipeline gives up after so many.
                    if kills == pipeline.TRIES // 2:
                        self.wait_until_counted(process, self.size)
                        kills = 0
                self.assertGreater(len(self.killed), 5)
                self.finish_exactly(process)

    def stands_still(self, pid):
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().split(b") ")[1].startswith(b"T")

    def stop_in_mid_range(self, process, pid, number):
        """Whether this worker now stands still with a range that it has taken
        and not handed in."""

        os.kill(pid, signal.SIGSTOP)
        until(lambda: self.stands_still(pid), "a worker to stop")
        with self.ring(process) as ring:
            taken = number in self.states(ring)
        mark = f".found.{number}."
        return taken and not any(mark in n for n in blocks_of(process.pid))

    def wait_for_counting(self, process, victims):
        """Until one of them has taken a range, or all is counted."""

        def is_something_taken():
            with self.ring(process) as ring:
                states = self.states(ring)
                idle = ring[pipeline.BYTES] == self.size and not any(states)
            return idle or not victims.isdisjoint(states)

        until(is_something_taken, "a worker to count")

    def test_killed_in_mid_range(self):
        process = self.begin(2, "256K", 24)
        piece = b"".join(self.pieces[:7])
        while len(self.killed) < 8:
            # Looked for before there is work, because that takes its time.
            until(lambda: self.victims(process), "a worker")
            victims = self.victims(process)
            self.send(process, piece)
            self.wait_for_counting(process, set(victims.values()))
            for pid, number in victims.items():
                if self.stop_in_mid_range(process, pid, number):
                    self.kill(pid)
                else:
                    os.kill(pid, signal.SIGCONT)
        self.finish_exactly(process)

    def test_stopped_and_continued(self):
        process = self.begin(2, "66K", 8)
        for i, piece in enumerate(self.pieces):
            self.send(process, piece)
            if i % 5 == 0:
                os.killpg(process.pid, signal.SIGSTOP)
                until(lambda: self.stands_still(process.pid), "a stop")
                os.killpg(process.pid, signal.SIGCONT)
        self.finish_exactly(process)

    def test_killed_feeder(self):
        process = self.begin(2, "66K", 8)
        for piece in self.pieces[:4]:
            self.send(process, piece)
        victim = self.feeder(process)
        os.kill(victim, signal.SIGKILL)
        out = self.check(
            process, 1,
            rf"the feeder \(process {victim}\) was killed by SIGKILL",
        )
        self.assertEqual(b"", out)


class Steps(Case):
    """Workers are killed before and after each thing that others can see."""

    def setUp(self):
        super().setUp()
        self.log = self.generate("--size", "180K", "--malformed", 20)

    def run_dying(self, step, dying, workers):
        """Start workers, of which so many die at that step."""
        process = self.start(
            self.log, "--workers", workers, "--segment-size", "66K",
            "--ring", 4, "--top", ALL, "--json", self.path("report.json"),
            env={
                **os.environ, "LUA_INIT": f"@{DYING}",
                "DYING_STEP": str(step), "DYING_WORKERS": str(dying),
            },
        )
        return self.finish(process)

    def check_steps(self, steps, workers):
        """Returns the first at which nobody died."""
        expected = self.reference(self.log)
        for step in steps:
            status, _, err = self.run_dying(step, workers, workers)
            self.assertEqual(0, status, f"step {step}: {err}")
            self.assert_same(expected, self.load(self.path("report.json")))
            if not err:
                return step
            told = REPLACED.format(r"\d", r"\d+")
            self.assertRegex(err, rf"\A({told})+\Z")
        raise AssertionError("workers have no end")

    def test_one_worker(self):
        """There are at least 3 ranges to take and read, and one to hand in."""
        steps = self.check_steps(range(1, 200), 1)
        self.assertGreater(steps, 20)

    def test_two_workers(self):
        self.check_steps(range(2, 200, 3), 2)

    def test_all_die_all_the_time(self):
        for step in (1, 7):
            status, out, err = self.run_dying(step, 10**6, 2)
            self.assertEqual((1, b""), (status, out))
            *others, last = err.splitlines(keepends=True)
            self.assertEqual(pipeline.TRIES - 1, len(others), err)
            for line in others:
                self.assertRegex(line, REPLACED.format(r"\d+", r"\d+"))
            self.assertRegex(
                last,
                r"\Apipeline\.py: worker \d+ \(process \d+\) was killed by "
                r"SIGKILL, the 10th in a row without a result\n\Z",
            )


if __name__ == "__main__":
    unittest.main()
