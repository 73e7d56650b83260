# SPDX-License-Identifier: MIT
"""How pip builds the package: scikit-build-core, and what it cannot decide.

The extension module needs SWIG and Python's headers. SWIG comes from PyPI where
the system has none that suits. Without it, without the headers, or where the
interpreter is not CPython, the package is built without the extension, for
ctypes, and fits every Python 3. Who wants one or the other for certain says so:

    pip install . -C cmake.define.POLYSHM_PYTHON_EXTENSION=ON    (or OFF)
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile

from scikit_build_core import build

ROOT = os.path.dirname(  # of the repository, or of the source distribution
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
)
MANIFEST = os.path.join(ROOT, "core", "abi", "polyshm-abi.json")
EXTENSION = "POLYSHM_PYTHON_EXTENSION"
SWIG = "swig>=4.1,<4.4"  # 4.4 makes modules in another way


def find_swig():
    """The path of a SWIG that suits, or None."""
    for name in "swig", "swig4.0":
        path = shutil.which(name)
        if path is None:
            continue
        answer = subprocess.run(
            [path, "-version"], stdout=subprocess.PIPE, text=True
        )
        version = re.search(r"SWIG Version (\d+)\.(\d+)", answer.stdout)
        if version and (4, 1) <= tuple(map(int, version.groups())) < (4, 4):
            return path
    return None


def why_no_headers():
    """Why the extension cannot be compiled for this Python, or None."""
    if sys.implementation.name != "cpython":
        return f"{sys.implementation.name} is not CPython"
    header = os.path.join(sysconfig.get_path("include"), "Python.h")
    return None if os.path.exists(header) else f"there is no {header}"


def wish(settings):
    """What the user said about the extension: "ON", "OFF" or None."""
    said = settings.get(f"cmake.define.{EXTENSION}")
    if said is None:
        return None
    return "OFF" if str(said).upper() in ("0", "OFF", "NO", "FALSE") else "ON"


def decide(settings):
    """The settings with what was found out, and why there is no extension."""
    settings = dict(settings or {})
    wanted = wish(settings)
    swig = find_swig()
    problem = why_no_headers() or (None if swig else f"there is no {SWIG}")
    if wanted == "ON" and problem:
        sys.exit(f"polyshm: cannot build the extension module: {problem}")
    if wanted == "OFF":
        problem = "as you wish"
    if not swig and not os.path.exists(MANIFEST):
        sys.exit(f"polyshm: this is no source distribution, so it needs {SWIG}")
    settings[f"cmake.define.{EXTENSION}"] = "OFF" if problem else "ON"
    if problem:
        settings["wheel.py-api"] = "py3"  # it fits each
    if swig:
        settings["cmake.define.SWIG_EXECUTABLE"] = swig
    return settings, problem


@contextlib.contextmanager
def at_root():
    before = os.getcwd()
    os.chdir(ROOT)
    try:
        yield
    finally:
        os.chdir(before)


def absolute(folder):
    return folder and os.path.abspath(folder)


def requirements(hook, settings):
    with at_root():
        found = hook(settings)
    # Of no use without the headers, unless the manifest must be made.
    needed = not why_no_headers() or not os.path.exists(MANIFEST)
    return [*found, SWIG] if needed and not find_swig() else found


def prepare(hook, folder, settings):
    folder = absolute(folder)
    settings, _ = decide(settings)
    with at_root():
        return hook(folder, settings)


def make(hook, folder, settings, metadata):
    folder, metadata = absolute(folder), absolute(metadata)
    settings, problem = decide(settings)
    if problem:
        print(
            f"polyshm: without its extension module ({problem}): the package"
            " works through ctypes, which is slower",
            file=sys.stderr,
            flush=True,
        )
    with at_root():
        return hook(folder, settings, metadata)


@contextlib.contextmanager
def manifest():
    """The manifest is there for a while: who has no SWIG cannot make it."""
    if os.path.exists(MANIFEST):
        yield
        return
    swig = find_swig()
    if swig is None:
        sys.exit(f"polyshm: a source distribution needs {SWIG}")
    header = os.path.join("core", "include", "polyshm.h")
    maker = os.path.join("core", "abi", "manifest.py")
    try:
        with tempfile.TemporaryDirectory() as folder:
            tree = os.path.join(folder, "polyshm.xml")
            subprocess.run(
                [swig, "-xml", "-module", "polyshm", "-o", tree, header],
                check=True,
            )
            subprocess.run([sys.executable, maker, tree, MANIFEST], check=True)
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(MANIFEST)


# ---- what PEP 517 and PEP 660 name


def get_requires_for_build_wheel(config_settings=None):
    return requirements(build.get_requires_for_build_wheel, config_settings)


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    return prepare(
        build.prepare_metadata_for_build_wheel,
        metadata_directory,
        config_settings,
    )


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return make(
        build.build_wheel, wheel_directory, config_settings, metadata_directory
    )


def get_requires_for_build_editable(config_settings=None):
    return requirements(build.get_requires_for_build_editable, config_settings)


def prepare_metadata_for_build_editable(
    metadata_directory, config_settings=None
):
    return prepare(
        build.prepare_metadata_for_build_editable,
        metadata_directory,
        config_settings,
    )


def build_editable(
    wheel_directory, config_settings=None, metadata_directory=None
):
    return make(
        build.build_editable,
        wheel_directory,
        config_settings,
        metadata_directory,
    )


def get_requires_for_build_sdist(config_settings=None):
    with at_root():
        found = build.get_requires_for_build_sdist(config_settings)
    there = os.path.exists(MANIFEST) or find_swig()
    return found if there else [*found, SWIG]


def build_sdist(sdist_directory, config_settings=None):
    folder = absolute(sdist_directory)
    with at_root(), manifest():
        return build.build_sdist(folder, config_settings)
