# SPDX-License-Identifier: MIT
"""Random operations on lists, for test_differential.py."""

import operator
import pickle
import struct

import differences
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
        assert self.area(pair[0]) == bytes(pair[1].shm.buf), (
            operation,
            arguments,
        )
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
        return bytes(sl.shm.buf[: sl._offset_back_transform_codes + len(sl)])

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
