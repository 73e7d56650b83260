# SPDX-License-Identifier: MIT
"""What the project wanted of itself, beside what was measured. Nothing fails by
it; it shows what has grown slower."""

import collections

from results import OURS, STOCK, number, times

# `wanted` and `before` (what an earlier version reached on a quiet machine, two
# cores of an AMD EPYC) are words; `measure(results)` gives a figure or None.
Target = collections.namedtuple("Target", "what wanted least most before measure")


def figures(section, language, pattern, side):
    def ratios(results):
        rows = results.find(section, language, pattern)
        return [r for r in (row.ratio(side) for row in rows) if r]

    return ratios


def at_least(what, bound, before, *where):
    """polyshm is so many times as fast as that side, in the worst row."""
    found = figures(*where)
    return Target(
        what, f"at least {bound}×", bound, None, before,
        lambda results: min(found(results), default=None),
    )  # fmt: skip


def at_most(what, bound, before, *where):
    """polyshm takes so many times as long as that side, in the worst row."""
    found = figures(*where)
    return Target(
        what, f"at most {bound}×", None, bound, before,
        lambda results: max((1 / one for one in found(results)), default=None),
    )  # fmt: skip


def value(what, bound, unit, before, *where):
    """polyshm's own figure."""

    def measure(results):
        return max((r.value(OURS) for r in results.find(*where)), default=None)

    return Target(what, f"at most {bound} {unit}", None, bound, before, measure)


def trailer(results):
    rows = results.find("memory", "Python", "shared memory of .* int, an item")
    pairs = [(r.value(OURS), r.value(STOCK)) for r in rows]
    differences = [ours - stock for ours, stock in pairs]
    # Pages are whole, and there is one header: neither belongs to an item.
    return round(max(differences), 1) if differences else None


def lua_and_memoryview(results):
    scale = results.find("access", "Python", "get int")
    scale = scale[0].value("memoryview") if scale else None
    rows = results.find("languages", "Lua", "[gs]et (int|float|str of 10)")
    worst = max((row.value(OURS) for row in rows), default=None)
    return worst / scale if worst and scale else None


ATOMIC = "atomic_fetch_add"
TARGETS = (
    at_least("Python: get and set of an int, float or str of 10, and stock", 25,
             "34 to 76×",
             "access", "Python", "[gs]et .*", STOCK),
    at_least("Python: all items of 100,000, their sum, and stock", 20,
             "40×, 57×",
             "bulk", "Python", "(read|sum of) all items, an item", STOCK),
    at_least("Python: find among 100,000, and stock", 200, "500×",
             "bulk", "Python", "find the last item, an item", STOCK),
    at_least("Python: attach to 100,000 items, and stock", 100, "167×",
             "create", "Python", "attach to .* items, close", STOCK),
    at_most("Python: create, use, close, unlink 4 KiB, and stock", 1.2, "1.1×",
            "create", "Python", "create, use, close, unlink .*", STOCK),
    at_most("C: create, use, close, unlink 4 KiB, and bare system calls", 1.6,
            "1.54×", "create", "C", "create, use, close, .*", "system calls"),
    at_most("C: attach to a tracked block, and bare system calls", 1.9, "1.18×",
            "create", "C", "attach .*", "system calls"),
    value("C: get an int", 3, "ns", "3.0", "languages", "C", "get int"),
    value("C: set an int", 15, "ns", "7.6", "languages", "C", "set int"),
    value("C: add", 15, "ns", "6.1", "languages", "C", "add"),
    value("C: get a str of 10", 6, "ns", "8.4",
          "languages", "C", "get str of 10"),
    value("C: set a str of 10", 40, "ns", "30",
          "languages", "C", "set str of 10"),
    value("C: lock, unlock", 20, "ns", "14", "languages", "C", "lock, unlock"),
    at_most("C: get an int, and a bare atomic addition", 0.6, "1.6×",
            "languages", "C", "get int", ATOMIC),
    at_most("C: set an int, and a bare atomic addition", 3, "4.1×",
            "languages", "C", "set int", ATOMIC),
    at_most("C: add, and a bare atomic addition", 3, "3.3×",
            "languages", "C", "add", ATOMIC),
    at_most("C: wake-up on one processor, and a bare futex", 1.15, "1.23×",
            "languages", "C", "there and back, set . wait, 1 cpu",
            "bare futex"),
    Target("Shared memory that polyshm adds to an item", "at most 16 bytes",
           None, 16, "", trailer),
    Target("Lua: get and set, and Python's access to a memoryview",
           "at most 4×", None, 4, "2.4 to 3.3×", lua_and_memoryview),
    at_most("Lua: get and set of an item, and a module by hand", 1.3,
            "0.6 to 0.8×", "languages", "Lua", "[gs]et (int|float|str of 10)",
            "by hand"),
    at_most("Lua: an element of a view, and a module by hand", 1.3, "1.0×",
            "languages", "Lua", "[gs]et element of .*", "by hand"),
    at_most("Lua: totable, and copying a table", 2, "1.0×",
            "languages", "Lua", "totable, an item", "copying a table"),
    at_least("Manager: one more block, and stock", 3, "9.5×",
             "manager", "Python", r"SharedMemory\(4096\), one more", STOCK),
    at_least("Manager: start to the first block, and stock", 1.7, "4.2×",
             "manager", "Python", "start, and the first .*", STOCK),
    value("Manager: memory with 10,000 blocks", 10_000, "KiB", "2,800",
          "manager", "Python", "memory of the manager .*"),
    at_least("Python: a native call, and ctypes with argtypes", 4, "",
             "native", "Python", "f64.*of a (block|view)", STOCK),
    at_most("Lua: a native call, and one by hand with its checks", 3, "",
            "native", "Lua", "(void|i64|f64).*", "by hand"),
    at_most("Lua: a call back, and one by hand", 2.5, "",
            "native", "Lua", "a comparison, as by hand", "by hand"),
)  # fmt: skip


def reached(target, figure):
    if target.least is not None:
        return figure >= target.least
    return figure <= target.most


def rows(results):
    """[(what, wanted, measured, reached, before)], all words."""
    found = []
    for target in TARGETS:
        figure = target.measure(results)
        if figure is None:
            continue
        factor = target.wanted.endswith("×")
        found.append(
            (
                target.what,
                target.wanted,
                times(figure) if factor else number(figure),
                "yes" if reached(target, figure) else "no",
                target.before or "–",
            )
        )
    return found
