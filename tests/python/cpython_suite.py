# SPDX-License-Identifier: MIT
"""CPython's own tests of shared memory, ShareableList and the resource tracker,
with polyshm in the place of multiprocessing.shared_memory and of its manager.

    cpython_suite.py [--all] [--python PATH]... [--backend swig|ctypes|stock]...
                     [--start-method fork|spawn|forkserver]... [--tracker 0|1]...

They come from the Python's own `test` package, unchanged. Each Python gets a
virtual environment whose .pth file makes every interpreter that starts in it,
children and `-I` included, import polyshm.shared_memory for
multiprocessing.shared_memory, and gives multiprocessing.managers polyshm's
SharedMemoryManager.

They run twice. With POLYSHM_PYTHON_TRACKER=1 all of them must pass. Without it,
blocks are tracked the polyshm way, and the tests in DIFFERENCES must fail, each
in its own way: they pin what Python's tracker says and whom it takes for an
owner. Anything else is a failure of this program. `--backend stock` runs the
tests as they are, to see what this system makes of them.
"""

import argparse
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import pythons

HERE = os.path.dirname(os.path.abspath(__file__))
METHODS = "fork", "spawn", "forkserver"
SKIP = 77

INJECT = """\
import importlib.abc, importlib.machinery, importlib.util, sys

PACKAGE = "multiprocessing"


class Replaced(importlib.abc.Loader):
    def exec_module(self, module):
        import polyshm.shared_memory
        sys.modules[module.__name__] = polyshm.shared_memory


class Changed(importlib.abc.Loader):
    def __init__(self, loader):
        self.loader = loader

    def exec_module(self, module):
        self.loader.exec_module(module)
        import polyshm.managers
        module.SharedMemoryManager = polyshm.managers.SharedMemoryManager


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == PACKAGE + ".shared_memory":
            return importlib.util.spec_from_loader(name, Replaced())
        if name == PACKAGE + ".managers":
            found = importlib.machinery.PathFinder.find_spec(name, path, target)
            found.loader = Changed(found.loader)
            return found


sys.meta_path.insert(0, Finder())
"""
INJECTED = (
    "from multiprocessing import managers, shared_memory;"
    "print(shared_memory.SharedMemory.__module__,"
    "      managers.SharedMemoryManager.__module__)"
)

# What fails without POLYSHM_PYTHON_TRACKER: why it does, and how.
DIFFERENCES = {
    "WithProcessesTestSharedMemory."
    "test_shared_memory_cleaned_after_process_termination": (
        "the killed process belongs to the test's process tree, which keeps the "
        "block until it ends as a whole; nothing is printed about it",
        "A SharedMemory segment was leaked after",
    ),
    "TestResourceTracker.test_resource_tracker": (
        "the resource tracker knows nothing of the blocks, and neither removes "
        "them nor prints about them",
        "leaked shared_memory objects' not found",
    ),
}


def make_environment(python, backend, folder):
    """A virtual environment of `python` with polyshm injected; its python."""
    environment = os.path.join(folder, f"{python.version}-{backend}")
    subprocess.run(
        [python.executable, "-m", "venv", "--without-pip", environment],
        check=True,
    )
    executable = os.path.join(environment, "bin", "python")
    if backend != "stock":
        package = pythons.package_folder(python, backend, folder)
        (site,) = (
            os.path.join(environment, "lib", name, "site-packages")
            for name in os.listdir(os.path.join(environment, "lib"))
        )
        with open(os.path.join(site, "polyshm_inject.py"), "w") as file:
            file.write(INJECT)
        with open(os.path.join(site, "polyshm.pth"), "w") as file:
            file.write(f"{package}\nimport polyshm_inject\n")
    return executable


def surroundings(backend, tracker):
    """Environment variables for the tests: a process tree of their own."""
    found = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("POLYSHM_", "PYTHON"))
        or name in ("POLYSHM_HELPER", "POLYSHM_MANAGER")
    }
    if backend != "stock":
        found["POLYSHM_BACKEND"] = backend
        if tracker:
            found["POLYSHM_PYTHON_TRACKER"] = "1"
    return found


def check_injection(executable, backend, environment):
    """Whether interpreters that ignore the environment get the right module."""
    wanted = "multiprocessing" if backend == "stock" else "polyshm"
    for options in ["-I"], ["-E"], ["-s", "-B"]:
        found = subprocess.run(
            [executable, *options, "-c", INJECTED],
            env=environment,
            stdout=subprocess.PIPE,
            universal_newlines=True,
            check=True,
        ).stdout.strip()
        if found != f"{wanted}.shared_memory {wanted}.managers":
            raise SystemExit(f"{executable} {options} imports {found}")


def run(executable, backend, tracker, method, folder, verbose):
    """Run the tests once: {test: (outcome, text)}."""
    environment = surroundings(backend, tracker)
    check_injection(executable, backend, environment)
    output = os.path.join(folder, "outcomes.json")
    # Nobody waits five minutes for what is known not to happen.
    patience = "0" if tracker or backend == "stock" else "2"
    process = subprocess.run(
        [executable, os.path.join(HERE, "cpython_driver.py"), output, method,
         patience],
        env=environment,
        stdout=None if verbose else subprocess.PIPE,
        stderr=None if verbose else subprocess.STDOUT,
        cwd=folder,
    )  # fmt: skip
    if process.returncode != 0:
        sys.stdout.buffer.write(process.stdout or b"")
        raise SystemExit(f"the tests ended with {process.returncode}")
    with open(output) as file:
        return json.load(file)


def judge(outcomes, tracker, backend):
    """What is not as it should be, in words; and the differences that are."""
    expected = {} if tracker or backend == "stock" else DIFFERENCES
    wrong, different = [], []
    for test, (outcome, text) in sorted(outcomes.items()):
        why, pattern = expected.get(test, (None, None))
        if outcome == "failed" and why and re.search(pattern, text):
            different.append((test, why))
        elif outcome == "failed":
            wrong.append(f"{test} failed:\n{text}")
        elif why and outcome == "passed":
            wrong.append(f"{test} passed, though {why}")
    wrong += [
        f"{test} did not run" for test in expected if test not in outcomes
    ]
    return wrong, different


class Table:
    """The results, one line a run; what was skipped or differed, once each."""

    def __init__(self):
        self.notes = collections.OrderedDict()
        self.wrong = 0
        print(
            f"{'python':<10} {'backend':<8} {'start':<11} {'tracker':<8}"
            f"{'run':>5}{'passed':>8}{'skipped':>9}{'differ':>8}{'failed':>8}"
        )

    def add(self, python, backend, method, tracker, outcomes):
        wrong, different = judge(outcomes, tracker, backend)
        counts = collections.Counter(
            outcome for outcome, _ in outcomes.values()
        )
        print(
            f"{python.version:<10} {backend:<8} {method:<11} "
            f"{'python' if tracker or backend == 'stock' else 'polyshm':<8}"
            f"{len(outcomes):>5}{counts['passed']:>8}{counts['skipped']:>9}"
            f"{len(different):>8}{len(wrong):>8}",
            flush=True,
        )
        for text in wrong:
            print("  WRONG", text, flush=True)
        for test, why in different:
            self.notes[f"differs: {test}: {why}"] = None
        for test, (outcome, text) in outcomes.items():
            if outcome == "skipped":
                self.notes[f"skipped: {test}: {text}"] = None
        self.wrong += len(wrong)

    def end(self):
        for note in self.notes:
            print(note)


def parse():
    parser = argparse.ArgumentParser(description="CPython's tests on polyshm")
    parser.add_argument("--python", action="append", metavar="PATH")
    parser.add_argument(
        "--all", action="store_true", help="every Python at hand"
    )
    parser.add_argument(
        "--backend", action="append", choices=("swig", "ctypes", "stock")
    )
    parser.add_argument("--start-method", action="append", choices=METHODS)
    parser.add_argument("--tracker", action="append", type=int, choices=(0, 1))
    parser.add_argument("--verbose", action="store_true", help="all output")
    return parser.parse_args()


def choose(options):
    """The Pythons to run, without those that cannot."""
    if options.all:
        found = pythons.installed()
    else:
        found = [
            pythons.Python(path) for path in options.python or [sys.executable]
        ]
    able = []
    for python in found:
        missing = [
            what
            for what, there in (
                ("test package", python.tests),
                ("venv module", python.venv),
            )
            if not there
        ]
        if missing:
            print(
                f"{python} ({python.executable}) has no {missing[0]}: skipped"
            )
        else:
            able.append(python)
    return able


def main():
    options = parse()
    found = choose(options)
    if not found:
        return SKIP
    folder = tempfile.mkdtemp(prefix="polyshm-cpython-")
    try:
        table = Table()
        for python in found:
            for backend in options.backend or ["swig"]:
                executable = make_environment(python, backend, folder)
                for method in options.start_method or METHODS:
                    trackers = (
                        [1] if backend == "stock" else options.tracker or [1, 0]
                    )
                    for tracker in trackers:
                        outcomes = run(
                            executable, backend, tracker, method, folder,
                            options.verbose,
                        )  # fmt: skip
                        table.add(python, backend, method, tracker, outcomes)
        table.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if table.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
