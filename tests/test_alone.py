# SPDX-License-Identifier: MIT
"""test_alone.py ALONE: what every other test is run by."""

import os
import signal
import subprocess
import sys
import unittest

ALONE = sys.argv.pop(1)

# What hangs, as a test leaves it that is killed for taking too long.
LEAVE = """
import os, signal, subprocess, sys
words = [sys.executable, "-c", "import signal; signal.pause()"]
null = subprocess.DEVNULL
left = subprocess.Popen(words, stdout=null, stderr=null, start_new_session=True)
os.kill(left.pid, signal.SIGSTOP)
print(left.pid, flush=True)
os._exit(int(sys.argv[1]))
"""


def run(program, *words, **how):
    return subprocess.run(
        [ALONE, sys.executable, "-c", program, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **how,
    )


def is_there(pid):
    return os.path.exists(f"/proc/{pid}")


class Alone(unittest.TestCase):
    def test_it_tells_how_the_test_ended(self):
        for code in 0, 1, 77:
            found = run(f"raise SystemExit({code})")
            self.assertEqual((found.returncode, found.stderr), (code, ""))
        found = run("import os; os.kill(os.getpid(), 9)")
        self.assertEqual(found.returncode, 1)
        self.assertEqual(found.stderr, "alone: killed by Killed\n")

    def test_a_failed_one_leaves_no_process(self):
        found = run(LEAVE, "3")
        self.assertEqual((found.returncode, found.stderr), (3, ""))
        self.assertFalse(is_there(int(found.stdout)))

    def test_one_that_passed_may(self):
        """As the helper of its tree is, which goes in its own time."""
        left = int(run(LEAVE, "0").stdout)
        self.assertTrue(is_there(left))
        os.kill(left, signal.SIGKILL)

    def test_nothing_is_ignored(self):
        """Whatever is where the tests are run, such as in the background."""
        numbers = [
            signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM
        ]  # fmt: skip

        def ignore():
            signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
            for number in numbers:
                signal.signal(number, signal.SIG_IGN)

        told = run(
            "for line in open('/proc/self/status'):\n"
            "    if line.startswith(('SigIgn', 'SigBlk')):\n"
            "        print(int(line.split()[1], 16))\n",
            preexec_fn=ignore,
        ).stdout.split()
        for number in numbers:
            for mask in told:
                self.assertFalse(int(mask) >> number - 1 & 1, (number, told))


if __name__ == "__main__":
    unittest.main()
