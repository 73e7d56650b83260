# SPDX-License-Identifier: MIT
"""What test_differential.py is made of: random values, outcomes of operations
that can be compared, and pairs of things, one of polyshm's and one of stock's.
"""

import collections
import itertools
import os
import random
import struct

import differences

TYPES = "ShareableList", "SharedMemory"
NUMBERS = (
    0, 1, -1, 255, 2**31, 2**62, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1,
    2**64, 2**200,
)  # fmt: skip
FLOATS = (
    0.0, -0.0, 1.0, 1.5, -273.154, 1e308, 5e-324,
    float("inf"), float("-inf"), float("nan"),
)  # fmt: skip
LETTERS = "ab \0é€😀zß"


class Text(str):
    pass


class Number(int):
    pass


class Index:
    def __init__(self, index):
        self.index = index

    def __index__(self):
        return self.index


# ----------------------------------------------------------------- choosing


class Chooser(random.Random):
    def length(self):
        return self.choice((0, 1, 3, 7, 8, 9, 15, 16, 17, 40, 300))

    def text(self, length=None):
        length = self.length() if length is None else length
        letters = "abc" if self.random() < 0.5 else LETTERS
        return "".join(self.choices(letters, k=length))

    def value(self):
        """Mostly what a list can hold."""
        kind = self.random()
        if kind < 0.25:
            return self.choice((self.randint(-5, 5), *NUMBERS))
        if kind < 0.4:
            return self.choice(FLOATS)
        if kind < 0.5:
            return self.choice((True, False, None))
        if kind < 0.72:
            return self.text()
        if kind < 0.94:
            return bytes(self.choices(b"ab\0\xff", k=self.length()))
        return self.choice(
            (
                Text("x"),
                Number(3),
                "\udc80",
                [],
                {},
                1j,
                bytearray(b"x"),
                object,
            )
        )

    def storable(self):
        """What stock stores at creation and reads back, NULs at the end aside."""
        while True:
            value = self.value()
            if is_storable(value) and not differences.is_cut_by_stock(value):
                return value

    def key(self, length):
        kind = self.random()
        if kind < 0.8:
            return self.randint(-length - 2, length + 1)
        if kind < 0.9:
            return self.choice((True, False, 2**70, -(2**70), 1.0, -0.5))
        return self.choice(
            ("0", None, b"", [], Index(0), Index(-1), slice(0, 2))
        )

    def sequence(self):
        """A function that makes the same sequence each time."""
        kind = self.random()
        if kind < 0.7:
            made = [self.storable() for _ in range(self.randint(0, 9))]
        elif kind < 0.8:
            made = [self.value() for _ in range(self.randint(1, 5))]
        elif kind < 0.85:
            return lambda: iter([1, "a"])
        else:
            made = self.choice(
                (
                    (), [], "", 0, None, False, "text", b"bytes", (1, "b"),
                    {"k": 1}, range(4), 5, object, [2**70, []],
                )
            )  # fmt: skip
        return lambda: made

    def size(self):
        return self.choice(
            (
                1, 1, 1, 100, 100, 4096, 5000, True, 0, False, -1, "1", None, 1.5,
                0.0, -0.5, float("nan"), 2**50, 2**63, 2**70, Index(5),
            )
        )  # fmt: skip

    def odd_name(self):
        """A function from one side's own name to an odd one."""
        return self.choice(
            (
                lambda name: "/" + name,
                lambda name: "//" + name,
                lambda name: name + ":x",
                lambda name: name + "\n",
                lambda name: name + "é",
                lambda name: name + "\0x",
                lambda name: name + "\udc80",
                lambda name: name.ljust(255, "x"),
                lambda name: name.ljust(256, "x"),
                lambda name: name + "/x",
                lambda name: Text(name),
                lambda name: "",
                lambda name: ".",
                lambda name: "..",
                lambda name: 3,
                lambda name: name.encode(),
            )
        )


def is_storable(value):
    if type(value) is str:
        return value.isascii() or not any(
            0xD800 <= ord(c) < 0xE000 for c in value
        )
    if type(value) is int:
        return -(2**63) <= value < 2**63
    return type(value) in (float, bool, bytes, type(None))


# ---------------------------------------------------------------- outcomes


def plain(value):
    """Equal for what is the same: NaN, and 0.0 but not -0.0 or 0."""
    if isinstance(value, float):
        return "float", struct.pack("d", value)
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(item) for item in value]
    if type(value).__name__ in TYPES:
        return type(value).__name__
    return type(value).__name__, value


def outcome(work, *names):
    """What `work` answers or raises, with the names of blocks taken out."""

    def clean(text):
        for name in names:
            text = text.replace(name, "NAME").replace(repr(name)[1:-1], "NAME")
        return text

    try:
        value = work()
    except Exception as error:
        return "error", type(error), clean(str(error))
    if isinstance(value, str):
        value = clean(value)
    return "value", type(value).__name__, value


def same(ours, stocks):
    """An exception of ours may be of a subclass of stock's."""
    if ours[0] != stocks[0] or plain(ours[2]) != plain(stocks[2]):
        return False
    if ours[0] == "error":
        return issubclass(ours[1], stocks[1])
    return ours[1] == stocks[1]


# ------------------------------------------------------------------- pairs


def find(name):
    """The paths of what was made under a name, or under an odd one of it."""
    folder = "/dev/shm"
    return [
        os.path.join(folder, found)
        for found in os.listdir(folder)
        if found.startswith(name)
    ]


class Differ:
    """Runs operations on both modules, polyshm's first, and judges them."""

    def __init__(self, seed):
        from multiprocessing import shared_memory as stock

        import polyshm.shared_memory

        self.modules = polyshm.shared_memory, stock
        self.choose = Chooser(seed)
        self.rules = collections.Counter()
        self.operations = 0
        self.names = 0

    def fresh_names(self):
        """Two that differ in nothing but one letter."""
        self.names += 1
        names = [
            f"polyshm-diff-{os.getpid()}-{side}{self.names}-" for side in "ps"
        ]
        # Drawn names begin so, too, so that end() finds what they leave.
        for module, name in zip(self.modules, names):
            numbers = itertools.count()
            module._make_filename = lambda name=name, numbers=numbers: (
                f"/{name}{next(numbers)}"
            )
        return names

    def compare(self, operation, arguments, works, names, truth=None):
        """Both outcomes and the rule that explains why they differ, if they do.
        AssertionError if none does."""
        self.operations += 1
        ours, stocks = (
            outcome(work, *filter(None, (name,)))
            for work, name in zip(works, names)
        )
        rule = None
        if not same(ours, stocks):
            case = differences.Case(operation, arguments, ours, stocks, truth)
            rule = differences.rule_for(case)
            if rule is None:
                raise AssertionError(f"{case}\n  stored: {truth!r}")
            self.rules[rule.__name__] += 1
        return ours, stocks, rule

    def end(self, names):
        """Nothing of ours may be left; what stock leaves, it loses now."""
        ours, stocks = names
        for path in find(stocks):
            try:
                block = self.modules[1].SharedMemory(os.path.basename(path))
            except (OSError, ValueError):
                os.unlink(path)
            else:
                block.close()
                block.unlink()
        left = find(ours)
        for path in left:
            os.unlink(path)
        assert not left, left
