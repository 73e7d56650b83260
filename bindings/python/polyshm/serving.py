# SPDX-License-Identifier: MIT
"""Being the manager, in this process."""

import logging
import signal
import sys
import threading

from . import core
from .address import from_core, to_core

_log = logging.getLogger("polyshm.managers")
_log.addHandler(logging.NullHandler())

_LEVELS = (
    (logging.DEBUG, core.LEVEL_DEBUG),
    (logging.INFO, core.LEVEL_INFO),
    (logging.WARNING, core.LEVEL_WARNING),
    (logging.ERROR, core.LEVEL_ERROR),
)


def _level():
    """How severe events must be for the logger to take them."""
    for severity, level in _LEVELS:
        if _log.isEnabledFor(severity):
            return level
    return core.LEVEL_NONE


class SharedMemoryServer:
    """What SharedMemoryManager.get_server() returns: it listens, and serves within
    serve_forever().

    What it does is told to the logger "polyshm.managers", at the level which that
    has when the server is made.
    """

    def __init__(self, address, authkey, *, remote=False, md5=True, parent=0):
        flags = core.SERVER_REMOTE if remote else 0
        if not md5:
            flags |= core.SERVER_NO_MD5
        self._server = core.Server(
            to_core(address), bytes(authkey), flags, _level(), parent
        )
        self._turn = threading.Lock()

    @property
    def address(self):
        """Where clients can connect, as stock Python writes it."""
        return from_core(self._server.get_address())

    def serve_forever(self):
        """Serve until a client asks to shut down, stop() is called or Ctrl-C
        pressed. Then all its blocks are unlinked, and SystemExit is raised as in
        stock Python."""
        self.serve()
        sys.exit(0)

    def serve(self):
        """The same, but it returns."""
        if not self._turn.acquire(blocking=False):
            raise core.BusyError("another thread serves")
        severity = {level: severity for severity, level in _LEVELS}
        try:
            while True:
                try:
                    event = self._server.next_event()
                except (KeyboardInterrupt, SystemExit):
                    self.stop()
                    continue
                if event is None:
                    break
                _log.log(severity[event[0]], "%s", event[1])
        finally:
            self._turn.release()

    def stop(self):
        """Let serve_forever() end, from any thread."""
        self._server.stop()


def serve_for(parent, address, authkey, md5, writer, initializer, initargs):
    """What a Python does that start(initializer) started."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    initializer(*initargs)
    server = SharedMemoryServer(address, authkey, md5=md5, parent=parent)
    writer.send(server.address)
    writer.close()
    server.serve()
