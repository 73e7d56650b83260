# SPDX-License-Identifier: MIT
"""Build, install and test the package with every Python at hand.

    tests/python/package/every_python.py [python...]

Each Python builds a wheel as pip does for a user, in an environment of its own,
and runs all of tests/python against it there, once with each backend. Without
arguments: what pyenv has, and what is on PATH as python3.N. It takes some minutes
for each, and needs PyPI.
"""

import glob
import os
import subprocess
import sys
import tempfile

import environments
from environments import Environment, clean

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
SOURCE = os.path.dirname(os.path.dirname(TESTS))
OLDEST = (3, 9)
# What is not for both backends: one, or none where it looks at a build folder.
ONLY = {"test_window.py": "ctypes", "test_backends.py": None}


def pythons():
    """Paths of interpreters, one of each version."""
    home = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    found = {}
    folders = os.environ["PATH"].split(os.pathsep)
    for pattern in (
        f"{home}/versions/*/bin/python3",
        *(f"{folder}/python3.*[0-9]" for folder in folders),
        sys.executable,
    ):
        for path in sorted(glob.glob(pattern)):
            found.setdefault(version(path), path)
    return [found[key] for key in sorted(found) if key >= OLDEST]


def version(path):
    result = subprocess.run(
        [path, "-I", "-c", "import sys; print(*sys.version_info[:3])"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return tuple(map(int, result.stdout.split()))


def backends(made):
    """Those that the installed package has."""
    for backend in "swig", "ctypes":
        result = environments.run(
            made.python, "-I", os.path.join(HERE, "smoke.py"), backend,
            cwd="/", env=clean(POLYSHM_BACKEND=backend),
        )  # fmt: skip
        yield backend, result


def check(python, folder):
    """Whether all went well."""
    title = f"Python {'.'.join(map(str, version(python)))} ({python})"
    print(f"== {title}", flush=True)
    made = Environment(os.path.join(folder, "environment"), python)
    result = made.pip("install", "--verbose", SOURCE, "numpy")
    if result.returncode != 0:  # a Python so new that there is no numpy for it
        result = made.pip("install", "--verbose", SOURCE)
    if result.returncode != 0:
        print(result.stdout)
        return False
    well = True
    for backend, result in backends(made):
        print(f"{backend}: smoke: {'ok' if result.returncode == 0 else 'FAILED'}")
        if result.returncode != 0:
            print(result.stdout)
            well = False
            continue
        for path in sorted(glob.glob(os.path.join(TESTS, "test_*.py"))):
            if ONLY.get(os.path.basename(path), backend) == backend:
                well = check_file(made, backend, path) and well
    return well


def check_file(made, backend, path):
    variables = clean(
        POLYSHM_BACKEND=backend,
        POLYSHM_SOURCE_DIR=SOURCE,
        POLYSHM_SHARED=os.path.join(os.path.dirname(SOURCE), "shared"),
        PYTHONDONTWRITEBYTECODE="1",
    )
    result = environments.run(
        made.python, "-W", "error", path, cwd="/", env=variables
    )
    lines = result.stdout.splitlines() or ["no word"]
    ran = [line for line in lines if line.startswith("Ran ")]
    outcome = " ".join([*ran, lines[-1]])
    print(f"{backend}: {os.path.basename(path)}: {outcome}", flush=True)
    if result.returncode != 0:
        print(result.stdout)
    return result.returncode == 0


def main(chosen):
    failed = []
    for python in chosen or pythons():
        with tempfile.TemporaryDirectory(prefix="polyshm-python-") as folder:
            if not check(python, folder):
                failed.append(python)
    print("\nfailed: " + ", ".join(failed) if failed else "\nall went well")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
