# SPDX-License-Identifier: MIT
"""Where polyshm is meant to differ from stock Python: the defects of stock that
it does not copy, and what it offers on top. test_differential.py accepts nothing
else.

A rule is asked about one operation that came out differently. It answers True
only if what stock did is the defect, and what polyshm did is right.
"""

import struct
import sys


class Case:
    """One operation on two things that were equal before it.

    `ours` and `stocks` are its outcomes: ("value", type name, what) or ("error",
    type, text). `truth` are the values that were stored, for a list.
    """

    def __init__(self, operation, arguments, ours, stocks, truth=None):
        self.operation = operation
        self.arguments = arguments
        self.ours = ours
        self.stocks = stocks
        self.truth = truth

    def raised(self, outcome, *types):
        return outcome[0] == "error" and issubclass(outcome[1], types)

    def both_raised(self, *types):
        return self.raised(self.ours, *types) and self.raised(
            self.stocks, *types
        )

    def __repr__(self):
        lines = [f"{self.operation}{self.arguments!r}"[:400]]
        lines.append(f"  polyshm: {str(self.ours)[:400]}")
        lines.append(f"  stock:   {str(self.stocks)[:400]}")
        return "\n".join(lines)


def ends_in_nul(value):
    return isinstance(value, (str, bytes)) and value[-1:] in ("\0", b"\0")


def is_cut_by_stock(value):
    """Whether stock reserves a byte for each character, and there are more."""
    return isinstance(value, str) and (
        len(value.encode("utf-8", "surrogatepass")) > 8 * (len(value) // 8 + 1)
    )


READS = "get", "values", "contains", "count", "index", "repr"


# ------------------------------------------------------------------- lists


def trailing_nuls(case):
    """Zero bytes at the end of str and bytes are kept (gh-96779, gh-106939).

    The test compares ours with what was stored, in any case.
    """
    return case.operation in READS and any(map(ends_in_nul, case.truth))


def negative_index(case):
    """An index below -len is out of range, too; stock gets at the formats."""
    if case.operation not in ("get", "set"):
        return False
    index = case.arguments[0]
    return (
        isinstance(index, int)
        and index < -len(case.truth)
        and case.raised(case.ours, IndexError)
        and case.ours[2].endswith("index out of range")
    )


def kind_of_key(case):
    """What is no number is refused in list's words; slices and what has
    __index__ work."""
    if case.operation not in ("get", "set"):
        return False
    key = case.arguments[0]
    if not case.raised(case.stocks, TypeError) or isinstance(key, (int, float)):
        return False
    return (
        isinstance(key, slice)
        or hasattr(key, "__index__")
        or case.ours[:2] == ("error", TypeError)
        and case.ours[2]
        == f"list indices must be integers or slices, not {type(key).__name__}"
    )


def packing_format_of_nowhere(case):
    """_get_packing_format() checks its lower bound, too."""
    return (
        case.operation == "packing"
        and case.arguments[0] < -len(case.truth)
        and case.raised(case.ours, IndexError)
    )


def deletion(case):
    """`del sl[0]` is a TypeError, as for a tuple; stock looks for a method."""
    return (
        case.operation == "delete"
        and case.raised(case.ours, TypeError)
        and case.raised(case.stocks, AttributeError)
    )


def non_ascii(case):
    """Strings are stored whole (gh-88336, gh-145261); stock cuts them when a
    list is made."""
    return case.operation in READS and any(map(is_cut_by_stock, case.truth))


def iterators(case):
    """A list is made from an iterator, which stock reads three times."""
    return (
        case.operation == "make"
        and hasattr(case.arguments[0], "__next__")
        and case.ours[0] == "value"
        and case.raised(case.stocks, struct.error)
    )


def closed(case):
    """A closed list says so, by a TypeError that is a ValueError, too; its
    length is still known, and it can be printed."""
    if case.operation in ("closed len", "closed repr"):
        return case.raised(case.stocks, TypeError) and case.ours[0] == "value"
    return (
        case.operation.startswith("closed ")
        and case.both_raised(TypeError)
        and "has been closed" in case.ours[2]
    )


# ------------------------------------------------------------------ blocks


def float_sizes(case):
    """Sizes are whole; 3.9 cuts what is not."""
    return (
        case.operation == "block"
        and isinstance(case.arguments[2], float)
        and sys.version_info < (3, 10)
        and case.raised(case.ours, TypeError)
    )


def nul_in_names(case):
    """A name with a NUL is refused; before 3.13 stock cuts it there."""
    return (
        sys.version_info < (3, 13)
        and case.operation in ("block", "list name")
        and "\0" in str(case.arguments[0])
        and case.ours == ("error", ValueError, "embedded null character")
    )


def non_ascii_names(case):
    """They work; stock's tracker refuses them when the block is there already."""
    return (
        sys.version_info < (3, 15)
        and case.operation in ("block", "list name")
        and not str(case.arguments[0]).isascii()
        and case.raised(case.stocks, UnicodeEncodeError)
        and not case.raised(case.ours, UnicodeEncodeError)
    )


def no_memory(case):
    """Memory is reserved: what is not there is ENOSPC now, not SIGBUS later."""
    return (
        case.operation == "block"
        and case.arguments[1]
        and case.arguments[2] >= 2**40
        and case.raised(case.ours, OSError)
        and "[Errno 28]" in case.ours[2]
    )


def folders(case):
    """Names that are a folder's are said to be so."""
    return (
        case.operation == "block"
        and case.arguments[0] in (".", "..")
        and case.both_raised(OSError)
        and "Is a directory" in case.ours[2]
    )


def size_before_name(case):
    """Where both are wrong, the size is looked at first: before anything exists
    that would have to go again."""
    return (
        case.operation == "block"
        and case.arguments[1]
        and case.raised(case.ours, TypeError, OverflowError)
        and case.ours[2]
        in (
            "Python int too large to convert to C long",
            "'float' object cannot be interpreted as an integer",
        )
        and case.raised(case.stocks, OSError, ValueError)
    )


RULES = (
    non_ascii,
    trailing_nuls,
    negative_index,
    kind_of_key,
    packing_format_of_nowhere,
    deletion,
    iterators,
    closed,
    float_sizes,
    nul_in_names,
    non_ascii_names,
    no_memory,
    folders,
    size_before_name,
)


def rule_for(case):
    for rule in RULES:
        if rule(case):
            return rule
    return None
