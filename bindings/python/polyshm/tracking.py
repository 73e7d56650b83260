# SPDX-License-Identifier: MIT
"""Who removes a block: the process tree that made it, nobody, or Python's own
resource tracker, where a program asks for that."""

import os

from . import core

VARIABLE = "POLYSHM_TREE"

_token = None


def enter():
    """Have children that get a copy of os.environ belong to our process tree.

    The library sets the variable where os.environ does not see it.
    """
    global _token
    token = core.tree_enter()
    if token != _token:
        os.environ[VARIABLE] = _token = token


def is_stocks():
    """Whether creators register with multiprocessing.resource_tracker."""
    return os.environ.get("POLYSHM_PYTHON_TRACKER") == "1"


def flags(create, track, sparse, foreign):
    """What these options of a constructor mean to the library."""
    found = 0
    if create and (is_stocks() or not _is_wanted(track)):
        found |= core.UNTRACKED
    if sparse:
        found |= core.SPARSE
    if foreign:
        found |= core.FOREIGN
    return found


def begin(made, create, track):
    """After `made` was opened: register it if that is wanted."""
    if not create:
        if track:
            _register(made)
        elif track is None and is_stocks():
            made._registered = None
        return
    enter()
    if is_stocks() and _is_wanted(track):
        try:
            _register(made)
        except BaseException:
            core.unlink(made._name)
            raise


def end(made):
    """After `made` was unlinked."""
    if made._registered is None:
        # Its creator registered it. If that was with another tracker than ours,
        # ours must not be told of what it does not know.
        _register(made)
    if made._registered:
        _tell("unregister", made)
        made._registered = False


def _is_wanted(track):
    return track is None or track


def _register(made):
    _tell("register", made)
    made._registered = True


def _tell(what, made):
    from multiprocessing import resource_tracker  # few need it

    getattr(resource_tracker, what)(made._name, "shared_memory")
