#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run a case of the program: a script whose output is known.

Usage: run.py [--update] POLYSHM MAKER CASE.sh

What the script writes to standard output is compared with CASE.stdout.exact,
after what differs from run to run was replaced; it must write nothing else, and
end with 0 (or 77: it cannot run here). --update writes down what came.

It gets a /dev/shm of its own, where that is possible: others look into blocks,
too, and hold them for that moment. A line "# private [options]" in the script
says that it cannot do without, and how that is mounted.
"""
import contextlib
import difflib
import os
import re
import secrets
import signal
import subprocess
import sys

from support import FOLDER, private_folder

SKIPPED = 77
PATIENCE = 240

REPLACED = [
    # names, as long as they were, so that columns stay
    (r"cli-[0-9a-f]{8}", "cli-NAMENAME"),
    (r'("(?:pid|uid)": )\d+', r"\g<1>0"),
    (r'("(?:created_ns|time_ns)": )\d+', r"\g<1>0"),
    (r'("user": )"[^"]*"', r'\1"user"'),
    (r"(?m)^(owner: +)\S+$", r"\1user"),
    (r"(?m)^(age: +)\S+$", r"\1AGE"),
    (r"\b\d+ (bash|maker|polyshm|python[0-9.]*)\b", r"PID \1"),
    (r"\bpython3?[0-9.]*\b", "python"),
    (r"(?m)^\d\d:\d\d:\d\d\.\d{3}", "TIME"),
    (r"\[\s+\]", "[]"),  # versions of json-c differ
    (r"\d+\.\d+\.\d+(?=[\",\n])", "VERSION"),
]
# Lines of `ls`: owners and ages have any width.
ROW = re.compile(r"^(.* (?:list|block) +\S+ +\S+) +\S+ +(\d{4}) +\S+ +", re.M)
HEADING = re.compile(r"^NAME .*$", re.M)


# What gcc's address sanitizer says of the helper's start, on a small stack.
NOISE = re.compile(
    rb"==\d+==WARNING: ASan is ignoring .*\nFalse positive .*\nFor details .*\n"
)


def normalise(text):
    for pattern, replacement in REPLACED:
        text = re.sub(pattern, replacement, text)
    text = ROW.sub(r"\1  user  \2  AGE  ", text)
    return HEADING.sub(lambda found: re.sub(" +", "  ", found[0]), text)


def command_of(script):
    """The command line, or None if it cannot run here."""
    with open(script, encoding="utf-8") as file:
        private = re.search(r"^# private ?(.*)$", file.read(), re.M)
    before = private_folder(private[1] if private else "")
    if before is None and private:
        return None
    return [*(before or []), "bash", script]


def clean(name, group):
    """Nothing of a case stays, whatever became of it."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass
    for file in os.listdir(os.fsencode(FOLDER)):
        if file.startswith(name.encode()):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(os.fsencode(FOLDER), file))


def run(command, environment, name):
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=PATIENCE)
    finally:
        clean(name, process.pid)
    return process.returncode, output, errors


def main(polyshm, maker, script, update=False):
    command = command_of(script)
    if command is None:
        print("skipped: no /dev/shm of its own can be had here")
        return SKIPPED
    name = f"cli-{secrets.token_hex(4)}"
    environment = {
        **os.environ,
        "POLYSHM": polyshm,
        "MAKER": maker,
        "PYTHON": sys.executable,
        "NAME": name,
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "TERM": "dumb",
    }
    code, output, errors = run(command, environment, name)
    if code == SKIPPED:
        print("skipped")
        return SKIPPED
    found = normalise(output.decode(errors="backslashreplace"))
    exact = script[: -len(".sh")] + ".stdout.exact"
    if update:
        with open(exact, "w", encoding="utf-8") as file:
            file.write(found)
    with open(exact, encoding="utf-8") as file:
        expected = file.read()
    difference = "".join(
        difflib.unified_diff(
            expected.splitlines(True), found.splitlines(True), exact, "found"
        )
    )
    print(difference, end="")
    errors = NOISE.sub(b"", errors)
    if errors:
        print(f"it wrote to standard error:\n{errors.decode(errors='replace')}")
    if code != 0:
        print(f"it ended with {code}")
    return 1 if difference or errors or code != 0 else 0


if __name__ == "__main__":
    arguments = sys.argv[1:]
    is_update = arguments[:1] == ["--update"]
    if len(arguments[is_update:]) != 3:
        sys.exit(__doc__)
    sys.exit(main(*arguments[is_update:], update=is_update))
