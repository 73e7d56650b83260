# SPDX-License-Identifier: MIT
"""The Pythons at hand, and polyshm for each of them.

They are the running one, those that the environment variable POLYSHM_PYTHONS
names (paths, with colons between), pyenv's, and python3.<minor> on PATH.
"""

import glob
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get(
    "POLYSHM_SOURCE_DIR", os.path.dirname(os.path.dirname(HERE))
)
BINARY = os.environ.get(
    "POLYSHM_BINARY_DIR", os.path.join(SOURCE, "build", "release")
)

_DESCRIBE = """
import importlib.util, json, os, sys, sysconfig
def has(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False
print(json.dumps({
    "executable": sys.executable,
    "home": os.path.realpath(sys.base_prefix),
    "version": sys.version.split()[0],
    "key": list(sys.version_info[:3]),
    "abi": sysconfig.get_config_var("SOABI"),
    "include": sysconfig.get_path("include"),
    "tests": has("test._test_multiprocessing"),
    "venv": has("venv"),
}))
"""


class Python:
    """One interpreter; `tests` tells whether it has CPython's own tests."""

    def __init__(self, executable):
        answer = subprocess.run(
            [executable, "-I", "-c", _DESCRIBE],
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.__dict__.update(json.loads(answer.stdout))

    def __repr__(self):
        return f"Python {self.version}"

    def is_running(self):
        return os.path.realpath(self.executable) == os.path.realpath(
            sys.executable
        )

    def is_supported(self):
        return self.key >= [3, 9]


def installed(least=(3, 9)):
    """The running one first, then one of each version, the oldest first."""
    candidates = os.environ.get("POLYSHM_PYTHONS", "").split(os.pathsep)
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    candidates += glob.glob(
        os.path.join(pyenv, "versions", "3.*", "bin", "python3")
    )
    candidates += [shutil.which(f"python3.{minor}") for minor in range(8, 20)]
    found = {}
    running = Python(sys.executable)
    for candidate in filter(None, candidates):
        try:
            python = Python(candidate)
        except (OSError, ValueError, subprocess.CalledProcessError):
            continue  # a pyenv shim of a version that is not selected
        if python.key >= list(least) and python.version != running.version:
            found.setdefault(python.version, python)
    return [running, *sorted(found.values(), key=lambda python: python.key)]


def package_folder(python, backend, folder):
    """What goes onto that Python's path so that it imports this build's polyshm.

    The build folder has the extension for one Python. For others it is compiled,
    into `folder`, from the same generated C; without, there is no such package.
    """
    built = os.path.join(BINARY, "python")
    if backend != "swig" or glob.glob(f"{built}/polyshm/_core.{python.abi}.so"):
        return built
    package = os.path.join(folder, python.version, "polyshm")
    os.makedirs(package)
    for path in glob.glob(f"{built}/polyshm/*"):
        if not path.endswith(".so") and os.path.isfile(path):
            os.symlink(path, os.path.join(package, os.path.basename(path)))
    libraries = os.path.join(BINARY, "lib")
    wrapper = os.path.join(BINARY, "bindings", "python", "polyshm_python.c")
    command = [
        os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-g0", "-w",
        f"-I{python.include}", f"-I{SOURCE}/swig", f"-I{SOURCE}/core/include",
        wrapper, "-o", f"{package}/_core.{python.abi}.so",
        f"-L{libraries}", "-lpolyshm", f"-Wl,-rpath,{libraries}",
    ]  # fmt: skip
    subprocess.run(command, check=True)
    return os.path.dirname(package)
