# SPDX-License-Identifier: MIT
"""python -m polyshm: which polyshm is this?"""

import argparse
import json
import os
import platform

import polyshm
from polyshm import core


def library():
    """The path of the library that this process has loaded."""
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        for line in maps:
            path = line.rstrip("\n").split(maxsplit=5)[-1]
            if os.path.basename(path).startswith("libpolyshm.so"):
                return path
    return None


def program(path):
    """The path of a program of polyshm's; None if there is none, or no use for
    it: managers need libnettle or libcrypto."""
    try:
        return path()
    except (OSError, polyshm.UnsupportedError):
        return None


def facts():
    return {
        "version": polyshm.__version__,
        "backend": polyshm.backend,
        "library": library(),
        "helper": program(core.helper_path),
        "manager": program(core.manager_path),
        "package": os.path.dirname(os.path.abspath(polyshm.__file__)),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def main():
    parser = argparse.ArgumentParser(
        prog="python -m polyshm",
        description="Print which polyshm this Python has: its version, the "
        "backend it works through, and where the library and its programs "
        "are: the helper removes what killed processes leave, the manager is "
        "what SharedMemoryManager starts.",
        epilog="POLYSHM_BACKEND=swig or ctypes chooses the backend, "
        "POLYSHM_HELPER=path another helper, POLYSHM_MANAGER=path another "
        "manager. To see and remove blocks, there "
        "is the command polyshm.",
    )
    parser.add_argument(
        "--json", action="store_true", help="print an object of JSON"
    )
    arguments = parser.parse_args()
    found = facts()
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    print(f"polyshm  {found.pop('version')}")
    for name, value in found.items():
        print(f"{name:8} {'none was found' if value is None else value}")


if __name__ == "__main__":
    main()
