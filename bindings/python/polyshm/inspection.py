# SPDX-License-Identifier: MIT
"""Blocks seen from outside: what there is, who has it, what nobody has."""

from . import core
from .shared_memory import about

__all__ = ["blocks", "gc", "holders", "inspect", "list_blocks"]


def inspect(name):
    """What the block called `name` is, as a BlockInfo, without attaching it.
    FileNotFoundError if there is none."""
    file = "/" + name
    try:
        return core.inspect(name)
    except OSError as error:
        raise about(error, file)


def blocks():
    """An iterator over the BlockInfo of all blocks, in the order of their names.

    They are those that there were at the call; what has gone since is left out.
    """
    return core.blocks()


def list_blocks():
    """The BlockInfo of all blocks there are, as a list."""
    return list(blocks())


def holders(name):
    """The ids of the processes that have the block called `name` open, as far as
    this user may see them. FileNotFoundError if there is no such block."""
    file = "/" + name
    try:
        return core.holders(name)
    except OSError as error:
        raise about(error, file)


def gc(dry_run=False):
    """Remove this user's orphans, and return how many there were.

    They are tracked blocks that nobody has open and whose process tree has ended;
    what processes leave behind that were all killed at once. With dry_run they
    are counted only.
    """
    return core.gc(core.GC_DRY_RUN if dry_run else 0)
