"""The retry policy of a function (`@app.retry`), which the host obeys for timers.

Sources: Azure Functions documentation, "Azure Functions error handling and retries"; for the pauses
that grow, azure-webjobs-sdk, RandomizedExponentialBackoffStrategy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from funchost import clock

VARIATION = 0.2  # the share by which an exponential pause grows more or less than twice
_INTERVAL = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})")


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """The retries of a failed function: their greatest number and the pauses before them."""

    most: int  # -1: without end
    shortest: timedelta
    longest: timedelta

    def pause(self, count: int) -> timedelta:
        """Return the pause before retry `count`, which counts from 1.

        It begins with the shortest one. Each further pause adds a growth that doubles, and that is
        varied as in the real host, so that functions that fail together do not retry together.
        """
        if count == 1 or self.shortest == self.longest:
            return min(self.shortest, self.longest)
        growth = clock.vary(VARIATION) * 2 ** min(count - 2, 30)
        seconds = self.shortest.total_seconds() * (1 + growth)  # may exceed the longest timedelta
        return timedelta(seconds=min(seconds, self.longest.total_seconds()))

    def admits(self, count: int) -> bool:
        """Return whether a failed function may be called again for the given time."""
        return self.most < 0 or count <= self.most


def read_policy(document: Mapping[str, object] | None) -> RetryPolicy | None:
    """Return the policy of a retry setting, None without one; ValueError names a fault."""
    if document is None:
        return None
    text = str(document.get("max_retry_count", ""))
    try:
        most = int(text)
    except ValueError:
        raise ValueError(f"max_retry_count is {text!r}: use a whole number") from None
    strategy = str(document.get("strategy", "")).replace("_", "").lower()
    if strategy == "fixeddelay":
        pause = _interval(document, "delay_interval")
        return RetryPolicy(most=most, shortest=pause, longest=pause)
    if strategy == "exponentialbackoff":
        shortest = _interval(document, "minimum_interval")
        longest = _interval(document, "maximum_interval")
        return RetryPolicy(most=most, shortest=shortest, longest=longest)
    raise ValueError("the strategy of its retry policy must be fixed_delay or exponential_backoff")


def _interval(document: Mapping[str, object], name: str) -> timedelta:
    text = str(document.get(name) or "")
    match = _INTERVAL.fullmatch(text)
    if match is None:
        raise ValueError(f"{name} of its retry policy is {text!r}: write hh:mm:ss")
    hours, minutes, seconds = (int(part) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)
