# SPDX-License-Identifier: MIT
"""The process of a manager that was started: not our child, but ours to end."""

import os
import select
import signal
import time


class Daemon:
    """What stands for it: as much of multiprocessing.Process as has a meaning."""

    exitcode = None  # only a parent could know
    _watch = None  # a descriptor that tells when it ends

    def __init__(self, pid, name):
        self.pid = self.ident = pid
        self.name = f"{name}-{pid}"
        self._ended = False
        try:
            self._watch = os.pidfd_open(pid)
        except ProcessLookupError:
            self._ended = True
        except (AttributeError, OSError):
            pass  # not on this system: its number has to do

    def __repr__(self):
        state = "started" if self.is_alive() else "stopped"
        return f"<{type(self).__name__} name={self.name!r} pid={self.pid} {state}>"

    def __del__(self):
        self._forget()

    def _forget(self):
        watch, self._watch = self._watch, None
        if watch is not None:
            os.close(watch)

    def _has_ended(self, seconds):
        """Whether it has, or does so within this time; None has no end."""
        if self._watch is not None:
            poll = select.poll()
            poll.register(self._watch, select.POLLIN)
            return bool(poll.poll(None if seconds is None else seconds * 1000))
        deadline = None if seconds is None else time.monotonic() + seconds
        while self._signal(0):
            if deadline is not None and time.monotonic() >= deadline:
                return False
            time.sleep(0.005)
        return True

    def _signal(self, number):
        """Send it; whether there was anybody to take it."""
        try:
            if self._watch is None:
                os.kill(self.pid, number)
            else:
                signal.pidfd_send_signal(self._watch, number)
        except ProcessLookupError:
            return False
        return True

    def is_alive(self):
        self.join(0)
        return not self._ended

    def join(self, timeout=None):
        """Wait until it has ended."""
        if not self._ended and self._has_ended(timeout):
            self._ended = True
            self._forget()

    def terminate(self):
        """Have it shut down."""
        if not self._ended:
            self._signal(signal.SIGTERM)

    def kill(self):
        """End it at once. What it owns goes when nobody has it open any more."""
        if not self._ended:
            self._signal(signal.SIGKILL)
