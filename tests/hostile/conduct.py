# SPDX-License-Identifier: MIT
"""conduct.py FOLDER_OF_PROGRAMS [--lua LUA] [--seconds N] [--seed N] ...

Good peers in C, Lua and Python, and a manager that they and stock Python share,
work beside a neighbour that means harm; all are one user's, with no privileges,
in a small /dev/shm of their own. In the end: did every call answer what
promises.txt allows, in time, did all have some work done, and is everything gone
that they had?
"""

import argparse
import ctypes
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ADDRESS = "POLYSHM_HOSTILE_MANAGER"
PROMISES = os.path.join(HERE, "promises.txt")
SHM = "/dev/shm"
SKIPPED = 77
KEY = "between friends"

CLONE_NEWNS = 0x20000
MS_REC_PRIVATE = 0x4000 | 1 << 18
MS_NOSUID_NODEV = 2 | 4
PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    pass


# ------------------------------------------------------------------ the place


def mount(room):
    """A /dev/shm of so many MiB, which goes with this process."""
    private = MS_REC_PRIVATE
    return (
        libc.unshare(CLONE_NEWNS) == 0
        and libc.mount(None, b"/", None, private, None) == 0
        and libc.mount(
            b"tmpfs", SHM.encode(), b"tmpfs", MS_NOSUID_NODEV,
            f"size={room}M,mode=1777".encode(),
        )
        == 0
    )  # fmt: skip


def be_nobody_special(descriptors=None):
    """In a child: modes hold for root as for anybody without capabilities."""
    if descriptors is not None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability)
    os.setpgid(0, 0)


def start(words, environment=None, descriptors=None):
    return subprocess.Popen(
        list(map(str, words)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | (environment or {}),
        text=True,
        preexec_fn=lambda: be_nobody_special(descriptors),
    )


def processes():
    """Those of this mount namespace: pid and command."""
    here = os.readlink("/proc/self/ns/mnt")
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/ns/mnt") == here:
                with open(f"/proc/{pid}/comm") as comm:
                    found[int(pid)] = comm.read().strip()
        except OSError:
            continue
    found.pop(os.getpid(), None)
    return found


# ----------------------------------------------------------- who is harmed


class Victim:
    """Who must not take harm, and says a line when it is there."""

    def __init__(self, name, words, environment=None, descriptors=None):
        self.name = name
        self.process = start(words, environment, descriptors)
        self.first_line = self.process.stdout.readline().strip()
        if not self.first_line:
            self.kill()
            raise Failure(f"{name} did not start")
        self.beginning = self.descriptors()
        self.memory = self.resident()

    def end(self, code):
        self.process.stdin.close()
        self.process.stdout.close()
        if code != 0:
            raise Failure(f"{self.name} ended with {code}")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def check_memory(self, most):
        """In MiB, more than in the beginning."""
        grown = self.resident() - self.memory
        if grown > most << 10 and not os.environ.get("ASAN_OPTIONS"):
            raise Failure(f"{self.name} has grown by {grown} KiB")

    def descriptors(self):
        folder = f"/proc/{self.process.pid}/fd"
        found = []
        for number in os.listdir(folder):
            try:
                found.append(os.readlink(f"{folder}/{number}"))
            except FileNotFoundError:
                continue
        return found

    def resident(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            for line in status:
                if line.startswith("VmRSS"):
                    return int(line.split()[1])
        return 0

    def stack(self):
        pid, text = self.process.pid, ""
        for what in "wchan", "syscall", "stack":
            try:
                with open(f"/proc/{pid}/{what}") as file:
                    text += f"{what}: {file.read().strip()}\n"
            except OSError:
                continue
        if shutil.which("gdb"):
            command = ["gdb", "-batch", "-p", str(pid), "-ex", "bt 30"]
            text += subprocess.run(
                command, capture_output=True, text=True, timeout=60
            ).stdout
        return text


class Manager(Victim):
    """It has fewer descriptors than the neighbour makes connections."""

    def __init__(self, options, folder):
        super().__init__(
            "manager",
            [options.command, "serve", "-l", "error", f"unix:{folder}/manager"],
            {"POLYSHM_AUTHKEY": KEY},
            descriptors=150,
        )

    def watch(self):
        if (code := self.process.poll()) is not None:
            raise Failure(f"the manager ended with {code}")

    def finish(self):
        """When all have gone, what it had for them has gone, too; and so have
        its blocks when it ends."""
        self.watch()
        wait_until_empty(
            "the manager's descriptors",
            lambda: self.descriptors()[len(self.beginning) :],
        )
        self.check_memory(4)
        self.process.terminate()
        self.end(self.process.wait(20))


class Peer(Victim):
    def __init__(self, name, words, folder, seed, patience, environment=None):
        self.board = os.path.join(folder, name)
        self.patience = patience
        self.counts = {}
        self.adds = None
        self.longest = "nothing was called"
        arguments = [name, folder, PROMISES, seed, patience]
        super().__init__(name, [*words, *arguments], environment)
        self.last = "", time.monotonic()

    def mappings(self):
        with open(f"/proc/{self.process.pid}/maps") as maps:
            return [line.strip() for line in maps if SHM + "/" in line]

    def doing(self):
        try:
            with open(self.board) as board:
                return board.read().strip()
        except FileNotFoundError:
            return ""

    def watch(self):
        """Is it alive, and does it go on?"""
        code = self.process.poll()
        if code is not None:
            raise Failure(f"{self.name} ended with {code} in: {self.doing()}")
        doing, now = self.doing(), time.monotonic()
        if doing != self.last[0]:
            self.last = doing, now
        elif now - self.last[1] > 5 * self.patience:
            raise Failure(
                f"{self.name} does not go on since {now - self.last[1]:.0f} s"
                f" in: {doing}\n{self.stack()}"
            )

    def finish(self, limit):
        """What it tells in the end; then what it still has."""
        output = self.process.stdout.fileno()
        os.set_blocking(output, False)
        rest = b""
        while b"done\n" not in rest:
            if time.monotonic() > limit:
                raise Failure(f"{self.name} does not end\n{self.stack()}")
            self.watch()
            try:
                rest += os.read(output, 1 << 16)
            except BlockingIOError:
                time.sleep(0.02)
        for line in rest.decode().splitlines():
            what, *words = line.split()
            if what == "count":
                self.counts[words[0], words[1]] = int(words[2])
            elif what == "adds":
                self.adds = int(words[0])
            elif what == "longest":
                self.longest = " ".join(words)
        self.check_leaks()
        self.process.stdin.close()
        self.end(self.process.wait(20))

    def check_leaks(self):
        """What a process of a tree keeps: two descriptors of the folder, to hold
        by and to test by, and one of the helper's socket."""
        blocks = [at for at in self.descriptors() if at.startswith(SHM + "/")]
        if blocks or self.mappings():
            raise Failure(f"{self.name} has {blocks} {self.mappings()}")
        if len(self.descriptors()) > len(self.beginning) + 3:
            raise Failure(f"{self.name} has {self.descriptors()}")
        self.check_memory(64)


def read_promises():
    with open(PROMISES) as file:
        rows = [line.split() for line in file if line.strip()]
    return {row[0]: row[1:] for row in rows if row[0] != "#"}


# ------------------------------------------------------------------ the test


def begin_peers(options, folder, peers, manager):
    """The first is C, for the two that follow to be where its list is."""
    bin_folder = options.programs
    kinds = [("c", [os.path.join(bin_folder, "hostile_peer")], None)]
    if options.lua:
        kinds.append(("lua", [options.lua, f"{HERE}/peer.lua"], None))
    if options.python:
        words = [options.python, "-W", "error", f"{HERE}/peer.py"]
        kinds.append(("python", words, {"POLYSHM_BACKEND": "swig"}))
        if options.ctypes:
            kinds.append(("ctypes", words, {"POLYSHM_BACKEND": "ctypes"}))
        kinds.append(("stock", [options.python, f"{HERE}/peer_stock.py"], None))
    for number in range(options.sets):
        for kind, words, environment in kinds:
            seed = options.seed + 100 * number + len(peers)
            peers.append(
                Peer(
                    f"{kind}{number}", words, folder, seed, options.patience,
                    {ADDRESS: manager.first_line} | (environment or {}),
                )
            )  # fmt: skip


def run_program(options, *words):
    program = os.path.join(options.programs, words[0])
    process = start([program, *words[1:]])
    out, _ = process.communicate(timeout=60)
    if process.returncode != 0:
        raise Failure(f"{' '.join(map(str, words))}: {process.returncode}")
    return out


def harm(options, peers, manager):
    """Let the neighbour in for some time; how often it did what."""
    program = os.path.join(options.programs, "hostile_neighbour")
    all_of_them = [*peers, manager]
    victims = [f"{victim.name}={victim.process.pid}" for victim in all_of_them]
    neighbour = start(
        [program, options.seed, *victims], {ADDRESS: manager.first_line}
    )
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        for victim in all_of_them:
            victim.watch()
        if neighbour.poll() is not None:
            raise Failure(f"the neighbour ended with {neighbour.returncode}")
        time.sleep(0.1)
    out, _ = neighbour.communicate("\n", timeout=60)
    for victim in all_of_them:
        os.kill(victim.process.pid, signal.SIGCONT)
    if neighbour.returncode != 0:
        raise Failure(f"the neighbour ended with {neighbour.returncode}")
    return {
        name: int(count) for name, count in map(str.split, out.splitlines())
    }


def end_peers(options, folder, peers):
    open(os.path.join(folder, "stop"), "w").close()
    limit = time.monotonic() + 6 * options.patience
    for peer in peers:
        peer.finish(limit)


def wait_until_empty(what, find):
    limit = time.monotonic() + 20
    while found := find():
        if time.monotonic() > limit:
            raise Failure(f"left behind: {what}: {found}")
        time.sleep(0.1)


def check_remains(options):
    """All that is left is the neighbour's, and goes with it."""
    run_program(options, "hostile_neighbour", "--tidy")
    wait_until_empty("processes", lambda: strangers())
    subprocess.run(
        [options.command, "gc"], check=True, stdout=subprocess.DEVNULL
    )
    wait_until_empty("names", lambda: os.listdir(SHM))


ours_from_the_beginning = {}


def strangers():
    while True:  # orphans have become children of this process
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                break
        except ChildProcessError:
            break
    return {
        pid: name
        for pid, name in processes().items()
        if pid not in ours_from_the_beginning
    }


WORK = (
    "steady.add", "steady.get", "steady.lock", "steady.snapshot",
    "wild.open", "wild.get", "own.create", "own.get",
    "managed.connect", "managed.block", "managed.list", "managed.release",
)  # fmt: skip
STOCK_WORK = "stock.connect", "stock.block", "stock.read", "stock.release"


def check_work(peers):
    """Whoever got no answer but errors has not been served. What succeeds at
    random only is not asked of a short run."""
    for peer in peers:
        for what in STOCK_WORK if peer.name.startswith("stock") else WORK:
            if not peer.counts.get((what, "OK")):
                raise Failure(f"{peer.name}: no {what} succeeded")


def tell(peers, misdeeds):
    print("\nmisdeeds:")
    for name, count in misdeeds.items():
        print(f"  {name:20} {count:8}")
    kinds = {}
    for peer in peers:
        kind = peer.name.rstrip("0123456789")
        for (what, status), count in peer.counts.items():
            row = kinds.setdefault((what, status), {})
            row[kind] = row.get(kind, 0) + count
    columns = sorted({kind for row in kinds.values() for kind in row})
    print(f"\n{'calls':20} {'answer':12}", *(f"{c:>9}" for c in columns))
    for (what, status), row in sorted(kinds.items()):
        figures = (f"{row.get(column, 0):9}" for column in columns)
        print(f"{what:20} {status:12}", *figures)
    print("\nlongest calls, seconds:")
    for peer in peers:
        print(f"  {peer.name:10} {peer.longest}")


def conduct(options, folder):
    peers = []
    manager = Manager(options, folder)
    try:
        run_program(options, "hostile_peer", "--make")
        begin_peers(options, folder, peers, manager)
        misdeeds = harm(options, peers, manager)
        end_peers(options, folder, peers)
        manager.finish()
        tell(peers, misdeeds)
        run_program(
            options, "hostile_peer", "--judge", sum(p.adds for p in peers)
        )
        if not os.environ.get("POLYSHM_HOSTILE_ONLY"):
            check_work(peers)
            idle = [name for name, count in misdeeds.items() if count == 0]
            if idle and options.seconds >= 60:
                raise Failure(f"never done: {idle}")
        check_remains(options)
    finally:
        for victim in [*peers, manager]:
            victim.kill()


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", help="where the C programs are")
    parser.add_argument("command", help="the command polyshm")
    parser.add_argument("--lua")
    parser.add_argument("--python")
    parser.add_argument("--ctypes", action="store_true")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--sets", type=int, default=1, help="peers of each kind")
    parser.add_argument("--room", type=int, default=16, help="MiB of /dev/shm")
    parser.add_argument("--patience", type=float, default=5)
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.getrandbits(32)
    return options


def main():
    options = read_options()
    if not mount(options.room):
        print("skipped: needs the right to mount a /dev/shm of its own")
        return SKIPPED
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    ours_from_the_beginning.update(processes())
    print(f"seed {options.seed}, {options.seconds:g} s", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        try:
            conduct(options, folder)
        except Failure as failure:
            print(f"FAILED: {failure}\n(--seed {options.seed})")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
