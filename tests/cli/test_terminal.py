#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the program does on a terminal only: it asks, colours, and redraws."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios

from support import CommandCase, main, programs

PATIENCE = 60  # seconds, for what must happen
ESCAPE = "\x1b["


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, *words, rows=24, columns=80, **variables):
        environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        environment.pop("NO_COLOR", None)
        environment.update(variables)
        self.fd, other = pty.openpty()
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(other, termios.TIOCSWINSZ, size)
        self.process = subprocess.Popen(
            [programs["polyshm"], *words],
            stdin=other,
            stdout=other,
            stderr=other,
            env=environment,
            start_new_session=True,
        )
        os.close(other)
        self.seen = ""

    def read(self):
        """More of what it wrote; "" at the end."""
        if not select.select([self.fd], [], [], PATIENCE)[0]:
            raise AssertionError(f"nothing more came after {self.seen!r}")
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # how Linux ends a terminal
            data = b""
        self.seen += data.decode(errors="replace")
        return data

    def wait_for(self, pattern):
        while not re.search(pattern, self.seen):
            if not self.read():
                raise AssertionError(f"{pattern!r} is not in {self.seen!r}")

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        """(exit code, all that it wrote)."""
        while self.read():
            pass
        return self.process.wait(), self.seen.replace("\r\n", "\n")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.fd)


class TerminalCase(CommandCase):
    def start(self, *words, **keywords):
        terminal = Terminal(*words, **keywords)
        self.addCleanup(terminal.close)
        return terminal


class Asking(TerminalCase):
    def ask(self, answer, *words):
        self.maker("list", self.name, "i1")
        terminal = self.start("rm", *words, self.name)
        terminal.wait_for(r"\[y/N\] ")
        terminal.type(answer)
        return terminal.end()

    def test_yes(self):
        code, seen = self.ask("y\n")
        self.assertEqual(code, 0)
        self.assertRegex(
            seen, f"^polyshm: remove {self.name}, a list of [0-9]+ bytes\\?"
        )
        self.assertFalse(self.exists(self.name))

    def test_anything_else_is_no(self):
        for answer in ("\n", "n\n", "x\n", "\x04"):
            with self.subTest(answer=answer):
                self.assertEqual(self.ask(answer)[0], 0)
                self.assertTrue(self.exists(self.name))
                self.remove_blocks()

    def test_each_is_asked_for(self):
        names = [f"{self.name}-{letter}" for letter in "abc"]
        for name in names:
            self.maker("block", name, "1")
        terminal = self.start("rm", *names)
        for name, answer in zip(names, "yny"):
            terminal.wait_for(name + r".*\[y/N\] ")
            terminal.type(answer + "\n")
        self.assertEqual(terminal.end()[0], 0)
        left = [name for name in names if self.exists(name)]
        self.assertEqual(left, names[1:2])

    def test_not_with_these_options(self):
        for option in ("--yes", "--force"):
            self.maker("list", self.name, "i1")
            self.assertEqual(self.start("rm", option, self.name).end(), (0, ""))
            self.assertFalse(self.exists(self.name))

    def test_what_is_in_use_is_refused_and_not_asked_for(self):
        self.maker("list", self.name, "i1")
        with subprocess.Popen(
            [programs["maker"], "hold", self.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as holder:
            self.assertEqual(holder.stdout.readline(), b"ready\n")
            code, seen = self.start("rm", self.name).end()
        self.assertEqual(code, 4)
        self.assertIn("is in use by", seen)
        self.assertNotIn("[y/N]", seen)


class Colours(TerminalCase):
    def setUp(self):
        super().setUp()
        self.maker("list", self.name, "i1")

    def test_on_a_terminal(self):
        for words in (["ls", self.name], ["show", self.name]):
            code, seen = self.start(*words).end()
            self.assertEqual(code, 0)
            self.assertIn(ESCAPE + "1m", seen)
            self.assertEqual(seen.count(ESCAPE + "0m") * 2, seen.count(ESCAPE))

    def test_none_where_they_are_refused(self):
        for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            for words in (["ls", self.name], ["show", self.name], ["doctor"]):
                with self.subTest(variables=variables, words=words):
                    seen = self.start(*words, **variables).end()[1]
                    self.assertNotEqual(seen, "")
                    self.assertNotIn(ESCAPE, seen)

    def test_an_empty_refusal_is_none(self):
        seen = self.start("ls", self.name, NO_COLOR="").end()[1]
        self.assertIn(ESCAPE, seen)

    def test_never_in_json(self):
        self.assertNotIn(ESCAPE, self.start("ls", "-j", self.name).end()[1])

    def test_names_bring_none(self):
        name = self.name + "\x1b[31m"
        self.maker("list", name, "s\x1b[32m")
        for words in (["ls", self.name + "*"], ["show", name],
                      ["show", "-j", name], ["rm", name + "x"]):  # fmt: skip
            seen = self.start(*words, NO_COLOR="1").end()[1]
            self.assertIn("[31m", seen)
            self.assertNotIn("\x1b", seen)


class Watching(TerminalCase):
    def setUp(self):
        super().setUp()
        self.maker("list", self.name, "i1", "sabc", "n")

    def test_redraws_and_marks(self):
        terminal = self.start("watch", "--count", "1", self.name)
        terminal.wait_for(r"none\x1b\[K\r\n\x1b\[J")
        self.polyshm("set", self.name, "1", "new")
        code, seen = terminal.end()
        self.assertEqual(code, 0)
        before, after = seen.split(ESCAPE + "H")[1:]
        self.assertIn("0 changes", before)
        self.assertNotIn(ESCAPE + "7m", before)
        self.assertIn("1 change", after)
        self.assertIn(f'{ESCAPE}7m*     1  str    "new"{ESCAPE}0m', after)
        self.assertIn("      0  int    1" + ESCAPE + "K", after)

    def test_marks_without_colours(self):
        terminal = self.start("watch", "-c", "1", self.name, NO_COLOR="1")
        terminal.wait_for(r"none\x1b\[K\r\n\x1b\[J")
        self.polyshm("set", self.name, "0", "5")
        seen = terminal.end()[1]
        self.assertIn("\n*     0  int    5", seen)
        self.assertNotIn("m", "".join(re.findall(r"\x1b\[\d*(\D)", seen)))

    def test_keeps_to_the_screen(self):
        self.maker("list", self.name + "-long", *["s" + "w" * 300] * 60)
        terminal = self.start(
            "watch", "--once", self.name + "-long", rows=10, columns=30
        )
        lines = re.sub(r"\x1b\[\d*\D", "", terminal.end()[1]).split("\n")
        self.assertLessEqual(len(lines), 10)
        self.assertEqual(max(map(len, lines)), 30)
        self.assertIn("... and 53 more", lines)

    def test_an_interrupt_ends_it(self):
        terminal = self.start("watch", self.name)
        terminal.wait_for("none")
        terminal.process.send_signal(signal.SIGINT)
        self.assertEqual(terminal.end()[0], -signal.SIGINT)

    def test_lines_where_nothing_can_be_redrawn(self):
        terminal = self.start("watch", "--once", self.name, TERM="dumb")
        self.assertNotIn(ESCAPE, terminal.end()[1])


if __name__ == "__main__":
    main()
