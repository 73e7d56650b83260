# SPDX-License-Identifier: MIT
"""Who removes a block: the process tree that made it, nobody, or Python's own
resource tracker, where a program asks for that."""

import os

from . import core

VARIABLE = "POLYSHM_TREE"

# Not looked up for each block: that takes longer than most system calls.
_IS_STOCKS = os.environ.get("POLYSHM_PYTHON_TRACKER") == "1"

_token = None


def enter():
    """Have children that get a copy of os.environ belong to our process tree.

    The library sets the variable where os.environ does not see it.
    """
    global _token
    token = core.tree_enter()
    if token != _token:
        os.environ[VARIABLE] = _token = token


def is_stocks(name):
    """Whether the creator of `name` registers with Python's tracker.

    Some trackers choke on some names, after the block has been made: a colon or
    a line break (up to 3.13.0), what is not ASCII (up to 3.14), more than 254
    bytes (3.15). Such blocks are tracked the polyshm way. A drawn name, which is
    None here, is none of these.
    """
    return _IS_STOCKS and (
        name is None
        or name.isascii()
        and len(name) <= 255  # with the slash
        and ":" not in name
        and "\n" not in name
    )


class Plan:
    """What `track` means to a block that is going to be opened."""

    __slots__ = "flags", "track", "is_stocks"

    def __init__(self, name, create, track):
        self.track = track
        wanted = track is None or track
        self.is_stocks = wanted and is_stocks(name)
        is_ours = wanted and not self.is_stocks
        self.flags = core.UNTRACKED if create and not is_ours else 0

    def begin(self, made, is_new):
        """After `made` was opened: register it if that is wanted."""
        if is_new:
            enter()
            if self.is_stocks:
                try:
                    _register(made)
                except BaseException:
                    core.unlink(made._name)
                    raise
        elif self.track:
            _register(made)
        elif self.is_stocks:
            made._registered = None


def end(made):
    """After `made` was unlinked."""
    if made._registered is None:
        # Its creator registered it. If that was with another tracker than ours,
        # ours must not be told of what it does not know.
        _register(made)
    if made._registered:
        _tell("unregister", made)
        made._registered = False


def _register(made):
    _tell("register", made)
    made._registered = True


def _tell(what, made):
    from multiprocessing import resource_tracker  # few need it

    getattr(resource_tracker, what)(made._name, "shared_memory")
