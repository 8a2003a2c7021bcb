"""A clock that stands still until it is moved: seven days pass in milliseconds."""

from __future__ import annotations

import asyncio
import random
import threading
from datetime import UTC, datetime

from funchost.clock import Clock

START = datetime(2026, 1, 1, tzinfo=UTC)


class VirtualClock(Clock):
    """Records all waits with their moments, so that a test can move from one to the next."""

    def __init__(self, start: datetime = START) -> None:
        """Start at a moment in UTC."""
        self._moment, self._lock = start.timestamp(), threading.Lock()
        self._random = random.Random(0)  # each run of a test has the same pauses
        self._waiting: dict[asyncio.Event, tuple[asyncio.AbstractEventLoop, float | None]] = {}

    def time(self) -> float:
        """Return the moment in seconds since 1970."""
        return self._moment

    def vary(self, share: float) -> float:
        """Return the next factor of a fixed series; each differs from 1 by at most this share."""
        return self._random.uniform(1 - share, 1 + share)

    async def wait(self, awake: asyncio.Event, until: float | None) -> None:
        """Return when woken or when the clock reaches the moment."""
        if until is not None and until <= self._moment:
            return
        with self._lock:
            self._waiting[awake] = (asyncio.get_running_loop(), until)
        try:
            await awake.wait()
        finally:
            with self._lock:
                del self._waiting[awake]

    def resting(self, waiters: int) -> bool:
        """Return whether at least `waiters` waits are open, all for later moments."""
        with self._lock:
            waiting = [e for e, (_, until) in self._waiting.items() if not e.is_set()]
            due = [u for _, u in self._waiting.values() if u is not None and u <= self._moment]
        return len(waiting) >= waiters and not due

    def next_moment(self) -> float | None:
        """Return the earliest awaited moment."""
        with self._lock:
            return min((u for _, u in self._waiting.values() if u is not None), default=None)

    def move(self, moment: float) -> None:
        """Set the clock forward and wake the waits whose moment has come."""
        with self._lock:
            self._moment = max(self._moment, moment)
            due = [
                (loop, event)
                for event, (loop, until) in self._waiting.items()
                if until is not None and until <= self._moment
            ]
        for loop, event in due:
            loop.call_soon_threadsafe(event.set)
