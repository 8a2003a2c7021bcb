"""Waits for signals with a time limit, on every Unix: macOS has no sigtimedwait."""

from __future__ import annotations

import os
import select
import signal

HEARD = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Signals:
    """The signals that reached this process since it began to listen."""

    def __init__(self) -> None:
        self._read, write = os.pipe()
        for end in (self._read, write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        for number in HEARD:
            signal.signal(number, lambda *_: None)
        unblock()

    def fileno(self) -> int:
        """Return a descriptor that is readable when a signal came."""
        return self._read

    def wait(self, seconds: float | None) -> list[int]:
        """Return the signals that came, in order; an empty list when the time is over."""
        if not select.select([self._read], [], [], seconds)[0]:
            return []
        return list(os.read(self._read, 1024))


def fork() -> int:
    """Fork this process; the fork has the default actions again, and these signals are blocked.

    A signal that comes before the fork is ready waits until it calls `unblock` or makes Signals of
    its own; an inherited handler would lose it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    child = None
    try:
        child = os.fork()
    finally:
        if child == 0:
            signal.set_wakeup_fd(-1)
            for number in HEARD:
                signal.signal(number, signal.SIG_DFL)
        else:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return child


def unblock() -> None:
    """Let the signals come, also those that have come since the fork."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
