# SPDX-License-Identifier: MIT
"""Stock Python's module and polyshm, driven with the same random operations.

    test_differential.py [--seed N] [--operations N] [--backend B] [--all]

Results, exceptions (type and text) and the bytes in the block must be the same,
up to what differences.py lists; polyshm must moreover read back what was stored.
--all does so in every Python at hand, each against its own stock module.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile

import pythons
from differing_blocks import Blocks
from differing_lists import Lists


def silence_tracker():
    """Start stock's tracker where nobody hears what it has to say about what
    stock leaves behind."""
    from multiprocessing import resource_tracker

    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        resource_tracker.ensure_running()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def run_here(options):
    silence_tracker()
    for kind in Lists, Blocks:
        differ = kind(options.seed)
        share = options.operations * (3 if kind is Lists else 1) // 4
        while differ.operations < share:
            try:
                differ.session()
            except AssertionError:
                print(
                    f"{kind.__name__}, seed {options.seed}, operation "
                    f"{differ.operations}:"
                )
                raise
        print(
            f"Python {sys.version.split()[0]}: {kind.__name__.lower()}: "
            f"{differ.operations} operations, differences: "
            + ", ".join(
                f"{rule} {n}" for rule, n in sorted(differ.rules.items())
            ),
            flush=True,
        )


def run_everywhere(options):
    """In every Python at hand; how many failed."""
    failed = 0
    folder = tempfile.mkdtemp(prefix="polyshm-differential-")
    try:
        for python in pythons.installed():
            package = pythons.package_folder(python, options.backend, folder)
            failed += 0 != subprocess.call(
                [
                    python.executable, "-W", "error", os.path.abspath(__file__),
                    "--seed", str(options.seed),
                    "--operations", str(options.operations),
                ],
                env={
                    **os.environ,
                    "PYTHONPATH": package,
                    "POLYSHM_BACKEND": options.backend,
                },
            )  # fmt: skip
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description="polyshm against stock Python")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--operations", type=int, default=12000)
    parser.add_argument(
        "--all", action="store_true", help="every Python at hand"
    )
    parser.add_argument("--backend", choices=("swig", "ctypes"), default="swig")
    options = parser.parse_args()
    if options.all:
        return 1 if run_everywhere(options) else 0
    run_here(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
