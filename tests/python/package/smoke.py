# SPDX-License-Identifier: MIT
"""smoke.py backend: is the polyshm of this environment whole, and its own? It
is run by the environment's Python, in isolated mode."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time

PATIENCE = 60  # seconds, for what must happen
WAIT = """
import sys, polyshm
block = polyshm.SharedMemory(sys.argv[1], create=True, size=100)
print("made", flush=True)
sys.stdin.read()
"""


def check(fact, what):
    if not fact:
        raise AssertionError(what)


def until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        check(time.monotonic() < deadline, what)
        time.sleep(0.01)


def helpers(path):
    """The ids of processes that run this program."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{process}/exe") == path:
                found.append(process)
        except OSError:
            pass
    return found


def check_places(backend):
    told = subprocess.run(
        [sys.executable, "-I", "-m", "polyshm", "--json"],
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout  # fmt: skip
    facts = json.loads(told)
    check(facts["backend"] == backend, told)
    for part in "package", "library", "helper", "manager":
        check((facts[part] or "").startswith(sys.prefix + "/"), told)
    return facts["helper"]


def check_death(helper):
    """A tracked block goes when its maker is killed: the helper sees to it."""
    name = f"polyshm-test-{os.getpid()}-{secrets.token_hex(4)}"
    path = f"/dev/shm/{name}"
    maker = subprocess.Popen(
        [sys.executable, "-I", "-c", WAIT, name],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        check(maker.stdout.readline() == b"made\n", "nothing was made")
        check(os.path.exists(path), f"there is no {path}")
        check(helpers(helper), "no helper of this environment runs")
        maker.send_signal(signal.SIGKILL)
        maker.communicate()
        until(lambda: not os.path.exists(path), f"{path} is still there")
        until(lambda: not helpers(helper), "its helper still runs")
    finally:
        maker.kill()
        maker.communicate()
        if os.path.exists(path):
            os.unlink(path)


def check_use():
    import polyshm
    from polyshm import shared_memory

    block = polyshm.SharedMemory(create=True, size=16)
    try:
        block.buf[:5] = b"howdy"
        with polyshm.SharedMemory(block.name) as again:
            check(bytes(again.buf[:5]) == b"howdy", "the bytes are not shared")
    finally:
        block.unlink()
    items = shared_memory.ShareableList([40, "two", None, 1.5, b"\0"])
    try:
        items.add(0, 2)
        again = polyshm.ShareableList(name=items.name)
        check(list(again) == [42, "two", None, 1.5, b"\0"], list(again))
    finally:
        items.unlink()


def check_manager():
    from polyshm import SharedMemoryManager

    with SharedMemoryManager() as manager:
        name = manager.SharedMemory(16).name
        check(manager.list_segments() == [name], manager.list_segments())
        check(os.path.exists(f"/dev/shm/{name}"), f"there is no {name}")
    check(not os.path.exists(f"/dev/shm/{name}"), f"{name} is still there")


def main(backend):
    check("polyshm" not in sys.modules, "polyshm was imported before")
    helper = check_places(backend)
    check_death(helper)
    check_use()
    check_manager()


if __name__ == "__main__":
    main(*sys.argv[1:])
