# SPDX-License-Identifier: MIT
"""Stock Python's module and polyshm, driven with the same random operations.

    test_differential.py [--seed N] [--operations N] [--backend B] [--all]

Results, exceptions (type and text) and the bytes in the block must be the same,
up to what differences.py lists; polyshm must moreover read back what was stored.
--all does so in every Python at hand, each against its own stock module.
"""

import argparse
import operator
import os
import pickle
import shutil
import struct
import subprocess
import sys
import tempfile

import differences
import pythons
from differing import Differ, Text, outcome, same


class Lists(Differ):
    """A session is a pair of lists, until stock has spoilt its own."""

    OPERATIONS = {
        "get": lambda sl, key: sl[key],
        "set": lambda sl, key, value: sl.__setitem__(key, value),
        "values": lambda sl: list(sl),
        "len": lambda sl: len(sl),
        "reversed": lambda sl: len(list(reversed(sl))),
        "contains": lambda sl, value: value in sl,
        "count": lambda sl, value: sl.count(value),
        "index": lambda sl, value: sl.index(value),
        "repr": lambda sl: repr(sl),
        "format": lambda sl: sl.format,
        "packing": lambda sl, key: sl._get_packing_format(key),
        "offsets": lambda sl: (
            sl._allocated_offsets, sl._list_len, sl._offset_data_start,
            sl._offset_packing_formats, sl._offset_back_transform_codes,
        ),
        "delete": lambda sl: operator.delitem(sl, 0),
        "append": lambda sl: sl.append(1),
        "add": lambda sl: sl + [1],
        "equal": lambda sl: (sl == sl, sl == list(sl), sl != sl, bool(sl)),
        "order": lambda sl: sl < sl,
        "hash": lambda sl: hash(sl) == hash(sl),
        "name": lambda sl: (sl.shm.name, len({sl, sl.shm})) and sl.shm.name,
        "pickled": lambda sl: str(sl.__reduce__()[0].keywords),
        "alias": lambda sl: type(sl)[int].__args__,
    }  # fmt: skip

    def session(self):
        names = self.fresh_names()
        pair = None
        try:
            pair, truth = self.make(names)
            if pair is not None:
                for _ in range(self.choose.randint(1, 60)):
                    pair = self.step(pair, truth, names)
                    if pair is None:
                        break
                else:
                    self.close(pair, truth, names)
        finally:
            del pair
            self.remove(names[0])
            self.end(names)

    def remove(self, name):
        """A list of ours that a test made is removed by us."""
        try:
            block = self.modules[0].SharedMemory(name)
        except (OSError, ValueError):
            return
        block.unlink()

    def make(self, names):
        sequence = self.choose.sequence()
        made = {}

        def maker(module, name):
            def work():
                made[name] = module.ShareableList(sequence(), name=name)
                return type(made[name]).__name__

            return work

        works = [maker(m, name) for m, name in zip(self.modules, names)]
        try:
            truth = list(sequence() or ())
        except TypeError:
            truth = []
        ours, stocks, rule = self.compare(
            "make", (sequence(),), works, names, truth
        )
        if rule is not None or ours[0] == "error":
            return None, truth
        pair = [made[name] for name in names]
        rule = self.use("values", (), pair, truth, names)
        if rule is differences.non_ascii:
            return None, truth
        return pair, truth

    def arguments(self, operation, length):
        choose = self.choose
        if operation == "get":
            return (choose.key(length),)
        if operation == "packing":
            return (choose.randint(-length, length),)
        if operation == "set":
            return choose.key(length), choose.value()
        if operation in ("contains", "count", "index"):
            return (choose.value(),)
        return ()

    def step(self, pair, truth, names):
        """The pair to go on with; None at its end."""
        if self.choose.random() < 0.05:
            return self.attach(pair)
        operation = self.choose.choice(("get", "set", *self.OPERATIONS))
        if self.choose.random() < 0.4:
            operation = "set"
        arguments = self.arguments(operation, len(truth))
        # The argument of a search may be one of the values.
        if operation in ("contains", "count", "index") and truth:
            if self.choose.random() < 0.5:
                arguments = (self.choose.choice(truth),)
        before = self.area(pair[0])
        rule = self.use(operation, arguments, pair, truth, names)
        if operation == "set":
            if rule is not None:
                return None
            if self.failed is not None:
                assert self.area(pair[0]) == before, (arguments, self.failed)
            if self.failed is struct.error:
                self.rules["failed_assignment"] += 1
                return None  # stock's item is 0 now
        assert self.area(pair[0]) == bytes(pair[1].shm.buf), (operation, arguments)
        return pair

    def use(self, operation, arguments, pair, truth, names, prefix=""):
        """Do it to both; the rule that explains the difference."""
        work = self.OPERATIONS[operation]
        ours, _, rule = self.compare(
            prefix + operation,
            arguments,
            [lambda sl=sl: work(sl, *arguments) for sl in pair],
            names,
            truth,
        )
        self.failed = ours[1] if ours[0] == "error" else None
        if not prefix:
            self.check_truth(operation, arguments, truth, ours)
        return rule

    @staticmethod
    def area(sl):
        """The bytes of a list that CPython knows of."""
        return bytes(sl.shm.buf[:sl._offset_back_transform_codes + len(sl)])

    def check_truth(self, operation, arguments, truth, ours):
        """polyshm did what a plain list would do."""
        if operation == "set" and ours[0] == "value":
            key, value = arguments
            if isinstance(key, slice):
                return
            truth[key] = str(value) if type(value) is Text else value
        expected = {
            "get": lambda: truth[arguments[0]],
            "values": lambda: list(truth),
            "contains": lambda: any(arguments[0] == item for item in truth),
            "count": lambda: sum(arguments[0] == item for item in truth),
            "repr": lambda: f"ShareableList({truth}, name='NAME')",
        }.get(operation)
        if expected is None or ours[0] == "error":
            return
        expected = outcome(expected)
        assert same(ours, expected), (operation, arguments, ours, expected)

    def attach(self, pair):
        """Other handles of the same lists, by name or pickled."""
        self.operations += 1
        protocol = self.choose.randint(-1, pickle.HIGHEST_PROTOCOL)
        if protocol < 0:
            return [type(sl)(name=sl.shm.name) for sl in pair]
        return [pickle.loads(pickle.dumps(sl, protocol)) for sl in pair]

    def close(self, pair, truth, names):
        if not truth:
            return
        for sl in pair:
            sl.shm.close()
        for operation, arguments in (
            ("get", (0,)), ("set", (0, 1)), ("values", ()), ("repr", ()),
            ("count", (1,)), ("index", (1,)), ("contains", (1,)),
            ("len", ()), ("format", ()), ("packing", (0,)), ("name", ()),
        ):  # fmt: skip
            self.use(operation, arguments, pair, truth, names, "closed ")


class Blocks(Differ):
    def session(self):
        names = self.fresh_names()
        pair = None
        try:
            pair = self.open(names)
            if pair is not None:
                for _ in range(self.choose.randint(1, 15)):
                    self.step(pair, names)
                self.close(pair)
        finally:
            for block in pair or ():
                for end in block.close, block.unlink:
                    try:
                        end()
                    except (OSError, BufferError):
                        pass
            self.end(names)

    def open(self, names):
        """A pair of blocks with names and sizes of all kinds, or None."""
        odd = self.choose.random() < 0.4
        change = self.choose.odd_name() if odd else lambda name: name
        create = self.choose.choice((True, True, False))
        if not odd and self.choose.random() < 0.2:
            change = lambda name: None  # noqa: E731
        size = self.choose.size()
        made = {}

        def maker(module, name):
            def work():
                made[name] = module.SharedMemory(change(name), create, size)
                return type(made[name]).__name__

            return work

        works = [maker(m, name) for m, name in zip(self.modules, names)]
        self.compare("block", (change(names[0]), create, size), works, names)
        if len(made) == 2:
            return [made[name] for name in names]
        for block in made.values():  # which one side only has made
            block.close()
            block.unlink()
        return None

    def step(self, pair, names):
        choose = self.choose
        size = pair[0].size
        first, last = (choose.randint(-size - 2, size + 2) for _ in range(2))
        content = bytes(choose.choices(range(256), k=choose.randint(0, 9)))
        module = {type(pair[0]): self.modules[0], type(pair[1]): self.modules[1]}
        operations = {
            "buf": lambda block: bytes(block.buf[first:last:choose_step]),
            "item": lambda block: block.buf[first],
            "write": lambda block: block.buf.__setitem__(first, content[:1]),
            "store": lambda block: block.buf.__setitem__(first, 7),
            "splice": lambda block: block.buf.__setitem__(
                slice(first, first + len(content)), content
            ),
            "form": lambda block: (
                block.buf.format, block.buf.itemsize, block.buf.shape,
                block.buf.readonly, block.buf.nbytes, block.buf.contiguous,
            ),
            "size": lambda block: block.size,
            "name": lambda block: block.name,
            "repr": lambda block: repr(block),
            "reduce": lambda block: str(block.__reduce__()[1]),
            "set name": lambda block: setattr(block, "name", "x"),
            "set size": lambda block: setattr(block, "size", 1),
            "set buf": lambda block: setattr(block, "buf", None),
            "equal": lambda block: (block == block, block == 1, block != block),
            "again": lambda block: module[type(block)].SharedMemory(
                block.name, True, 5
            ),
            "attach": lambda block: bytes(
                self.kept(module[type(block)].SharedMemory(block.name, size=9)).buf
            ),
            "pickled": lambda block: bytes(
                self.kept(pickle.loads(pickle.dumps(block, protocol))).buf
            ),
            "len": lambda block: len(block),
        }  # fmt: skip
        choose_step = choose.choice((1, 1, 2, -1, -3))
        protocol = choose.randint(0, pickle.HIGHEST_PROTOCOL)
        operation = choose.choice(list(operations))
        works = [lambda block=block: operations[operation](block) for block in pair]
        taken = [block.name for block in pair]
        self.held = []
        self.compare(operation, (first, last, content), works, taken)
        self.held = []
        assert bytes(pair[0].buf) == bytes(pair[1].buf)

    def kept(self, block):
        """Stock's bytes go with their block."""
        self.held.append(block)
        return block

    def close(self, pair):
        taken = [block.name for block in pair]
        views = [block.buf[:1] for block in pair]
        for operation in self.choose.choices(
            ("close", "unlink", "release", "buf", "repr", "size", "pickled"), k=12
        ):
            work = {
                "close": lambda block, view: block.close(),
                "unlink": lambda block, view: block.unlink(),
                "release": lambda block, view: view.release(),
                "buf": lambda block, view: block.buf is None,
                "repr": lambda block, view: repr(block),
                "size": lambda block, view: block.size,
                "pickled": lambda block, view: str(block.__reduce__()[1]),
            }[operation]
            self.compare(
                "ending " + operation,
                (),
                [
                    lambda block=block, view=view: work(block, view)
                    for block, view in zip(pair, views)
                ],
                taken,
            )
        for view in views:
            view.release()


# ---------------------------------------------------------------------- main


def silence_tracker():
    """Start stock's tracker where nobody hears what it has to say about what
    stock leaves behind."""
    from multiprocessing import resource_tracker

    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        resource_tracker.ensure_running()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def run_here(options):
    silence_tracker()
    for kind in Lists, Blocks:
        differ = kind(options.seed)
        share = options.operations * (3 if kind is Lists else 1) // 4
        while differ.operations < share:
            try:
                differ.session()
            except AssertionError:
                print(f"{kind.__name__}, seed {options.seed}, operation "
                      f"{differ.operations}:")
                raise
        print(
            f"Python {sys.version.split()[0]}: {kind.__name__.lower()}: "
            f"{differ.operations} operations, differences: "
            + ", ".join(f"{rule} {n}" for rule, n in sorted(differ.rules.items())),
            flush=True,
        )


def run_everywhere(options):
    """In every Python at hand; how many failed."""
    failed = 0
    folder = tempfile.mkdtemp(prefix="polyshm-differential-")
    try:
        for python in pythons.installed():
            package = pythons.package_folder(python, options.backend, folder)
            failed += 0 != subprocess.call(
                [
                    python.executable, "-W", "error", os.path.abspath(__file__),
                    "--seed", str(options.seed),
                    "--operations", str(options.operations),
                ],
                env={
                    **os.environ,
                    "PYTHONPATH": package,
                    "POLYSHM_BACKEND": options.backend,
                },
            )  # fmt: skip
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description="polyshm against stock Python")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--operations", type=int, default=12000)
    parser.add_argument("--all", action="store_true", help="every Python at hand")
    parser.add_argument("--backend", choices=("swig", "ctypes"), default="swig")
    options = parser.parse_args()
    if options.all:
        return 1 if run_everywhere(options) else 0
    run_here(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
