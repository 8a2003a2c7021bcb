"""A clock for limits in tests: it runs as fast as this machine works.

Ten busy processes on two cores leave a test a sixth of the machine, so that a wait of 20 s needs
120 s. A limit in seconds of a quiet machine is the same in both cases.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

_LOAD = Path("/proc/loadavg")


def runnable() -> float:
    """Return how many processes want a core at this moment; this one is among them."""
    try:
        return float(_LOAD.read_text().split()[3].split("/")[0])
    except OSError:
        return os.getloadavg()[0]  # macOS: the mean of the last minute


class QuietClock:
    """Counts seconds of a quiet machine from its making."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        runnable: Callable[[], float] = runnable,
        cores: int | None = None,
    ) -> None:
        """Take the clock and the count of runnable processes; `cores` defaults to this machine's."""
        self._monotonic, self._runnable = monotonic, runnable
        self._cores = cores or os.cpu_count() or 1
        self._last = monotonic()
        self._seconds = 0.0

    def seconds(self) -> float:
        """Return how long a quiet machine would have taken; ask often: a step has one rate."""
        now = self._monotonic()
        rate = min(1.0, self._cores / max(1.0, self._runnable()))
        self._seconds += (now - self._last) * rate
        self._last = now
        return self._seconds
