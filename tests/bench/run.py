# SPDX-License-Identifier: MIT
"""Run the sections of the benchmark and keep what they tell.

Usage: run.py --build FOLDER --results FILE [option...]

Each section is a process of its own, in a /dev/shm of its own where the user may
have that (tests/alone.c). A section that fails, or leaves something there, is
told, and is the only thing that makes this fail.
"""

import argparse
import json
import os
import subprocess
import sys
import time

import machine

HERE = os.path.dirname(os.path.abspath(__file__))
SECTIONS = (
    "access", "bulk", "create", "lock", "wake", "manager", "native", "languages",
    "pipeline", "items", "processes", "memory",
)  # fmt: skip
PATIENCE = 900  # seconds for one section: a busy machine is no failure


def environment(build):
    paths = [f"{build}/python", HERE]
    return dict(
        os.environ,
        PYTHONPATH=os.pathsep.join(paths),
        PYTHONDONTWRITEBYTECODE="1",
    )


def run(section, given, file):
    """Seconds it took, and whether all went well."""
    command = [sys.executable, "-m", f"sections.{section}"]
    command += ["--effort", given.effort, "--build", given.build]
    command += ["--no-peers"] * given.no_peers
    alone = f"{given.build}/tests/bin/alone"
    if os.access(alone, os.X_OK) and not given.here:
        command.insert(0, alone)
    begun = time.monotonic()
    try:
        status = subprocess.run(
            command, stdout=file, env=environment(given.build), timeout=PATIENCE
        ).returncode
    except subprocess.TimeoutExpired:
        print(f"{section}: not done after {PATIENCE} s", file=sys.stderr)
        status = 1
    return time.monotonic() - begun, status == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--build", required=True, type=os.path.abspath)
    parser.add_argument("--results", required=True)
    parser.add_argument("--effort", default="full", choices=("full", "quick", "smoke"))
    parser.add_argument("--only", action="append", choices=SECTIONS, default=[])
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument(
        "--here", action="store_true", help="in the /dev/shm that there is"
    )
    given = parser.parse_args()

    begun = time.monotonic()
    failed = []
    with open(given.results, "w", encoding="utf-8") as file:
        print(json.dumps({"machine": machine.describe(given.build)}), file=file)
        file.flush()
        for section in given.only or SECTIONS:
            print(f"{section:<12}", end="", flush=True)
            took, good = run(section, given, file)
            print(f"{took:6.1f} s{'' if good else '   FAILED'}", flush=True)
            if not good:
                failed.append(section)
        told = {"effort": given.effort, "seconds": time.monotonic() - begun}
        print(json.dumps({"run": told}), file=file)
    sys.exit(f"these sections failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
