# SPDX-License-Identifier: MIT
"""Virtual environments for tests, and what pip puts into them."""

import hashlib
import os
import shutil
import subprocess
import sys

SKIPPED = 77  # an exit code that ctest knows
PATIENCE = 600  # seconds for one command; none should take so long

# What would lead another Python, or pip, to something of ours.
_MISLEADING = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "POLYSHM_HELPER",
               "POLYSHM_TREE", "LD_LIBRARY_PATH", "LD_PRELOAD")  # fmt: skip


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def clean(**more):
    """Our environment variables, less those that mislead."""
    kept = {k: v for k, v in os.environ.items() if k not in _MISLEADING}
    return {**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **more}


def run(*command, **keywords):
    """Run a command to its end; what it wrote, as a CompletedProcess."""
    keywords.setdefault("env", clean())
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        **keywords,
    )


def must(*command, **keywords):
    """The output of a command that must not fail."""
    result = run(*command, **keywords)
    if result.returncode != 0:
        words = " ".join(map(str, command))
        raise AssertionError(
            f"{words} ended with {result.returncode}:\n{result.stdout}"
        )
    return result.stdout


class Environment:
    """A virtual environment in a folder, made of some Python, with pip, or with
    nothing, served by another one's pip, which is made much faster."""

    def __init__(self, folder, base=sys.executable, served_by=None):
        self.folder = folder
        self.python = os.path.join(folder, "bin", "python")
        self.served_by = served_by
        if os.path.exists(self.python):
            return
        words = ["--without-pip"] if served_by else []
        result = run(base, "-m", "venv", *words, folder)
        if result.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            skip(f"{base} makes no environments:\n{result.stdout}")

    def pip(self, *words):
        command = [self.python, "-m", "pip"]
        if self.served_by:
            command = [
                self.served_by.python, "-m", "pip", "--python", self.python
            ]  # fmt: skip
        command += ["--no-input", "--retries", "1", "--timeout", "20"]
        return run(*command, *words)

    def install(self, *words):
        """Files of ours, with nothing from elsewhere."""
        result = self.pip("install", "--quiet", "--no-index", *words)
        if result.returncode != 0:
            raise AssertionError(result.stdout)


def with_tools(folder, *requirements):
    """An environment with packages of PyPI, made once and kept; skips the test
    where they cannot be had."""
    key = hashlib.sha256(" ".join(requirements).encode()).hexdigest()[:8]
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    folder = os.path.join(folder, f"tools-{version}-{key}")
    complete = os.path.join(folder, "complete")
    if not os.path.exists(complete):
        shutil.rmtree(folder, ignore_errors=True)
        made = Environment(folder)
        result = made.pip("install", "--quiet", *requirements)
        if result.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            wanted = " ".join(requirements)
            skip(f"pip cannot install {wanted}:\n{result.stdout}")
        with open(complete, "w"):
            pass
    return Environment(folder)
