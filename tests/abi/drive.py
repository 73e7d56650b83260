#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Drive the library as a program that was compiled against some manifest would.

Usage: drive.py [--calls N] [--seed S] [--older] MANIFEST LIBRARY

Only the manifest is known: each function in it is called through libffi (ctypes),
with good and with hostile arguments: NULL, closed handles, huge numbers, structs
of wrong sizes, noise. Every status must be one that the manifest has; a failure
must have a message and leave the outputs as they were; and each function must
succeed and, if it can, fail at least once; what this build leaves out may always
answer that it is unsupported. A crash is reported with its call.

With --older, the manifest is made the one of an earlier release first: structs
lose their last member.
"""

import argparse
import ctypes as c
import json
import os
import random
import signal
import subprocess
import sys
import threading

from arguments import SCALARS, Makers, ctype_of, own_prefix

# One in so many, and why not more.
RARELY = {
    "polyshm_manager_start": 8,  # it starts a process
    "polyshm_manager_shutdown": 8,  # nothing more can be asked of that
}
# Addresses where nobody listens, or can.
NOWHERE = [
    b"/no/such/folder/socket", b"", b"x" * 5000, b"\0", b"/" + b"x" * 107,
    b"127.0.0.1:99999", b"[::1", b"127.0.0.1:1",
]  # fmt: skip
# What must not be chosen at random: it is added to the flags.
FORCED = {"polyshm_gc": {"flags": "POLYSHM_GC_DRY_RUN"}}
# They need what random calls do not bring about, or answer no status.
MAY_ALWAYS_FAIL = {
    "polyshm_helper_path",  # where there is none
    "polyshm_function_userdata",  # inside a callback only
    "polyshm_list_unlock",  # needs its lock
    "polyshm_manager_track",  # needs a block of that name, at that moment
    "polyshm_manager_release",  # needs one that the manager owns
    "polyshm_server_next",  # has nothing to tell without clients
}


def short(value):
    return value[:40] if isinstance(value, bytes) else value


def result_type(returns):
    if returns["kind"] in ("status", "scalar"):
        return SCALARS[returns["scalar"]][0]
    return None if returns["kind"] == "nothing" else c.c_void_p


def make_older(manifest):
    """Structs that may grow were once shorter by their last member."""
    for struct in manifest["structs"].values():
        if struct["fields"][0]["name"] == "struct_size" and len(struct["fields"]) > 2:
            last = struct["fields"].pop()
            # Members share eight bytes: what is left is padded to them.
            struct["size"] = (last["offset"] + 7) // 8 * 8


class Driver:
    def __init__(self, manifest, path, seed, log):
        self.manifest = manifest
        self.library = c.CDLL(path)
        self.log = log
        self.random = random.Random(seed)
        constants = manifest["constants"]
        self.statuses = {v for k, v in constants.items() if "_E_" in k} | {0}
        self.functions = {}
        for name, described in manifest["functions"].items():
            function = self.library[name]
            function.restype = result_type(described["returns"])
            function.argtypes = [ctype_of(p) for p in described["parameters"]]
            self.functions[name] = function
        self.message = self.library["polyshm_error_message"]
        self.message.restype = c.c_char_p
        self.makers = Makers(manifest, self.library, self.random, own_prefix())
        self.succeeded, self.failed, self.supported = set(), set(), set()
        self.made = set()  # handles, of a kind
        self.problems = []

    def check_version(self):
        version = self.library["polyshm_version"]
        version.restype = c.c_uint32
        major = self.manifest["library"]["soversion"]
        if version() >> 16 != major:
            self.problems.append(f"the library is not of version {major}")

    def features(self):
        """What the library says it can do; an old one has no such function."""
        function = self.functions.get("polyshm_features")
        return function() if function else 0

    def call(self, name, bad, **given):
        described = self.manifest["functions"][name]
        arguments = self.makers.all(described, bad, given)
        for parameter, argument in zip(described["parameters"], arguments):
            constant = FORCED.get(name, {}).get(parameter["name"])
            if constant:
                argument.value |= self.manifest["constants"][constant]
        values = [
            c.cast(a.value, c.c_void_p) if isinstance(a.value, c._CFuncPtr) else a.value
            for a in arguments
        ]
        self.log.seek(0)
        self.log.truncate()
        self.log.write(f"{name}{tuple(map(short, values))}")
        self.log.flush()
        result = self.functions[name](*values)
        self.look(name, described, arguments, result)

    def look(self, name, described, arguments, result):
        if described["returns"]["kind"] != "status":
            self.succeeded.add(name)
        elif result not in self.statuses:
            self.problems.append(f"{name} answers {result}, which is no status")
        elif result == 0:
            self.succeeded.add(name)
        else:
            self.failed.add(name)
            if result != self.manifest["constants"]["POLYSHM_E_UNSUPPORTED"]:
                self.supported.add(name)
            self.look_at_failure(name, described, arguments)
        self.keep_handles(name, described, arguments, result)

    def look_at_failure(self, name, described, arguments):
        if len(self.message() or b"") < 5:
            self.problems.append(f"{name} fails without a message")
        for parameter, argument in zip(described["parameters"], arguments):
            if argument.out is not None and bytes(argument.out) != argument.before:
                self.problems.append(f"{name} fails and writes {parameter['name']}")

    def keep_handles(self, name, described, arguments, result):
        for parameter, argument in zip(described["parameters"], arguments):
            if parameter["kind"] != "handle" or argument.value is None:
                continue
            pool = self.makers.alive[parameter["handle"]]
            if parameter.get("ownership") == "released":
                pool.remove(argument.value)
            elif parameter.get("ownership") == "new" and result == 0:
                made = int.from_bytes(bytes(argument.out), "little")
                if not made:
                    self.problems.append(f"{name} succeeds without a handle")
                pool.append(made)
                self.made.add(parameter["handle"])
                while len(pool) > 8:  # of them, some are closed
                    self.free(parameter["handle"], pool.pop(0))

    def free(self, kind, handle):
        """A manager may be one that would outlive us."""
        shutdown = self.functions.get(f"{kind}_shutdown")
        if shutdown:
            shutdown(handle)
        self.functions[self.manifest["handles"][kind]["free"]](handle)

    def addresses(self, name, bad):
        """Where to: to a manager of ours, to a fresh place, or nowhere."""
        parameters = self.manifest["functions"][name]["parameters"]
        if not any(p["name"] == "address" and p["kind"] == "string" for p in parameters):
            return {}
        if bad and self.random.randrange(2):
            return {"address": self.random.choice(NOWHERE)}
        return {"address": self.address(name)}

    def address(self, name):
        if name == "polyshm_manager_connect":
            ask = self.functions["polyshm_manager_address"]
            managers = self.makers.alive["polyshm_manager"]
            address = c.cast(ask(managers[-1]), c.c_char_p).value if managers else None
            return address or NOWHERE[0]
        if name == "polyshm_manager_serve":  # it would not come back
            return self.random.choice(NOWHERE)
        return None

    def serve_once(self):
        """A manager in this process, which SIGTERM ends."""
        if "polyshm_manager_serve" not in self.functions:
            return
        end = threading.Event()

        def interrupt():
            while not end.wait(0.1):
                os.kill(os.getpid(), signal.SIGTERM)

        before = signal.signal(signal.SIGTERM, lambda *_: None)
        thread = threading.Thread(target=interrupt)
        thread.start()
        self.call("polyshm_manager_serve", False, address=None)
        end.set()
        thread.join()
        signal.signal(signal.SIGTERM, before)

    def is_out_of_reach(self, name):
        """Whether it needs a handle that no call has made."""
        return any(
            p["kind"] == "handle" and p["direction"] == "in"
            and p["handle"] not in self.made
            for p in self.manifest["functions"][name]["parameters"]
        )  # fmt: skip

    def drive(self, calls):
        self.check_version()
        names = list(self.functions)
        for _ in range(calls):
            name = self.random.choice(names)
            # A freed handle is gone for good, so that is done less often.
            often = 4 if name.endswith("_free") else RARELY.get(name, 1)
            if self.random.randrange(often) == 0:
                bad = self.random.randrange(2) == 0
                self.call(name, bad, **self.addresses(name, bad))
        self.serve_once()
        for name in sorted(self.supported - self.succeeded - MAY_ALWAYS_FAIL):
            if not self.is_out_of_reach(name):
                self.problems.append(f"{name} never succeeded")
        never = self.failed - self.supported - self.succeeded
        if never and self.features() != 0:
            self.problems.append(f"unsupported in spite of its features: {never}")
        for name in sorted(set(names) - self.failed):
            described = self.manifest["functions"][name]
            if described["returns"]["kind"] == "status" and described["parameters"]:
                self.problems.append(f"{name} never failed")
        for handle, pool in self.makers.alive.items():
            for one in pool:
                self.free(handle, one)


def remove_leftovers(prefix):
    for name in os.listdir("/dev/shm"):
        if name.startswith(prefix.decode()):
            os.unlink(f"/dev/shm/{name}")


def run(options):
    with open(options.manifest, encoding="utf-8") as file:
        manifest = json.load(file)
    if options.older:
        make_older(manifest)
    with open(options.log, "w", encoding="utf-8") as log:
        driver = Driver(manifest, options.library, options.seed, log)
        try:
            driver.drive(options.calls)
        finally:
            remove_leftovers(own_prefix())
    if driver.problems:
        sys.exit("\n".join(sorted(set(driver.problems))))
    print(f"{options.calls} calls of {len(driver.functions)} functions")


def watch(options):
    """Run it in a process of its own, and tell which call that died of."""
    log = f"{os.environ.get('TMPDIR', '/tmp')}/polyshm-drive-{os.getpid()}"
    try:
        result = subprocess.run([sys.executable, *sys.argv, "--log", log])
        if result.returncode < 0 or result.returncode > 2:
            with open(log, encoding="utf-8") as file:
                sys.exit(f"it died ({result.returncode}) of {file.read().strip()}")
        sys.exit(result.returncode)
    finally:
        if os.path.exists(log):
            os.unlink(log)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--calls", type=int, default=40000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--older", action="store_true")
    parser.add_argument("--log", help=argparse.SUPPRESS)
    parser.add_argument("manifest")
    parser.add_argument("library")
    options = parser.parse_args()
    if options.log:
        run(options)
    else:
        watch(options)


if __name__ == "__main__":
    main()
