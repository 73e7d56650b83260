# SPDX-License-Identifier: MIT
"""What the figures were measured on, in words for the page."""

import datetime
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess

PEERS = (
    "numpy", "hiredis", "iceoryx2", "lmdb", "posix_ipc", "redis", "SharedArray",
    "UltraDict",
)  # fmt: skip


def first_line(*command):
    """Of a program's words about itself, or nothing."""
    try:
        words = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ).stdout
    except OSError:
        return ""
    return words.splitlines()[0].strip() if words.strip() else ""


def processor():
    model, virtual = platform.machine(), ""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        words = file.read()
    found = re.search(r"^model name\s*: (.*)$", words, re.M)
    if found:
        model = found[1].strip()
    if re.search(r"^flags\s*:.*\bhypervisor\b", words, re.M):
        virtual = ", virtual machine"
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} {'core' if cores == 1 else 'cores'}{virtual}"


def memory():
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{pages / 2**30:.0f} GiB"


def system():
    name = ""
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except (OSError, AttributeError):
        pass
    # What follows names a build, of which only its makers know anything.
    version = ".".join(platform.release().split(".")[:2])
    return f"{name}, Linux {version}".removeprefix(", ")


def cached(build, name):
    try:
        with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as file:
            found = re.search(rf"^{name}:\w+=(.*)$", file.read(), re.M)
    except OSError:
        return ""
    return found[1] if found else ""


def compiler(build):
    program = cached(build, "CMAKE_C_COMPILER")
    kind = cached(build, "CMAKE_BUILD_TYPE")
    return f"{first_line(program, '--version')} ({kind})" if program else ""


def peers():
    found = []
    for name in PEERS:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            pass
    server = shutil.which("redis-cli") and first_line("redis-cli", "--version")
    if server:
        found.append(server.replace("redis-cli", "Redis server"))
    return ", ".join(found)


def python():
    kind = platform.python_implementation()
    return f"{kind} {platform.python_version()}, {platform.python_compiler()}"


def describe(build):
    found = {
        "processor": processor(),
        "memory": memory(),
        "system": system(),
        "C library": " ".join(platform.libc_ver()).strip(),
        "compiler": compiler(build),
        "Python": python(),
        "Lua": re.sub(r" +Copyright.*", "", first_line("lua5.4", "-v")),
        "LuaJIT": re.sub(r" +-- Copyright.*", "", first_line("luajit", "-v")),
        "peers": peers(),
        "load before": f"{os.getloadavg()[0]:.1f} (of one minute)",
        "date": datetime.date.today().isoformat(),
    }
    return {key: value for key, value in found.items() if value}
