"""The host's clock: every time stamp, timer and retry asks it, so that a test can move it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import time as system
from datetime import UTC, datetime


class Clock:
    """The machine's own time."""

    def time(self) -> float:
        """Return seconds since 1970."""
        return system.time()

    def vary(self, share: float) -> float:
        """Return a random factor that differs from 1 by at most this share."""
        return random.uniform(1 - share, 1 + share)

    async def wait(self, awake: asyncio.Event, until: float | None) -> None:
        """Return when woken or at the moment."""
        # Bounded, so that a moved wall clock is noticed.
        pause = 60.0 if until is None else min(60.0, max(0.0, until - self.time()))
        # Not wait_for: in Python 3.11 it loses a cancellation that comes together with the event,
        # so that the task would wait on after the host's end.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await awake.wait()


_clock = Clock()


def use(clock: Clock) -> Clock:
    """Set the clock of this Python process and return the one before; only the test kit does."""
    global _clock
    before, _clock = _clock, clock
    return before


def enter_utc() -> None:
    """Set UTC as the local zone of this process and of those that it starts, as in Azure."""
    os.environ["TZ"] = "UTC"
    system.tzset()


def time() -> float:
    """Return the present moment in seconds since 1970."""
    return _clock.time()


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.fromtimestamp(_clock.time(), UTC)


def vary(share: float) -> float:
    """Return a random factor that differs from 1 by at most this share."""
    return _clock.vary(share)


async def wait(awake: asyncio.Event, until: float | None) -> None:
    """Wait with the clock in use until woken or until the moment (seconds since 1970)."""
    await _clock.wait(awake, until)
