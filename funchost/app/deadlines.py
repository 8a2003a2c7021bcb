"""Ends the wait for work that takes longer than a limit, with one timer of the event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Generic, TypeVar

K = TypeVar("K")


class Deadlines(Generic[K]):
    """The ends of running work; without a limit nothing ends."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limit: timedelta | None,
        expired: Callable[[K, int], None],
    ) -> None:
        """Take the limit and the function that is called on the loop for work that exceeds it.

        It gets the work and the number of the thread that began it.
        """
        self._loop, self._expired = loop, expired
        self._seconds = limit.total_seconds() if limit else None
        self._lock, self._armed = threading.Lock(), False
        # In the order of their ends, because all have the same limit.
        self._ends: dict[int, tuple[float, K, int]] = {}

    def begin(self, work: K) -> None:
        """Count the time of a piece of work from now; any thread may call it."""
        if self._seconds is None:
            return
        with self._lock:
            self._ends[id(work)] = time.monotonic() + self._seconds, work, threading.get_ident()
            arm, self._armed = not self._armed, True
        if arm:
            self._loop.call_soon_threadsafe(self._check)

    def end(self, work: K) -> None:
        """Forget a piece of work; any thread may call it."""
        with self._lock:
            self._ends.pop(id(work), None)

    def _check(self) -> None:
        late: list[tuple[K, int]] = []
        with self._lock:
            moment = time.monotonic()
            for key, (end, work, thread) in list(self._ends.items()):
                if end > moment:
                    self._loop.call_later(end - moment, self._check)
                    break
                late.append((work, thread))
                del self._ends[key]
            else:
                self._armed = False
        for work, thread in late:
            self._expired(work, thread)
