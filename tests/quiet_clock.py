"""A clock for limits in tests: it runs as fast as this machine works.

Ten busy processes on two cores leave a test a sixth of the machine, so that a wait of 20 s needs
120 s. A limit in seconds of a quiet machine is the same in both cases. While the machine stands
still, or this process does, the clock stands still too.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_LOAD = Path("/proc/loadavg")
# The clock ticks so often, and counts no more for one tick: a longer one was a standstill.
TICK, LONGEST_TICK = 0.2, 1.0  # seconds


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
        self._lock = threading.Lock()

    def seconds(self) -> float:
        """Return how long a quiet machine would have taken.

        Between two calls at most LONGEST_TICK is counted: `ticking` calls often enough.
        """
        with self._lock:
            now = self._monotonic()
            rate = min(1.0, self._cores / max(1.0, self._runnable()))
            self._seconds += min(now - self._last, LONGEST_TICK) * rate
            self._last = now
            return self._seconds


class Standstills:
    """Records gaps in which this process did not run, so that a failure shows the machine's load."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic, self._last = monotonic, monotonic()
        self._gaps: list[float] = []

    def watch(self) -> None:
        """Tick in a thread until this process ends."""

        def tick() -> None:
            while True:
                time.sleep(TICK)
                self.tick()

        threading.Thread(target=tick, daemon=True).start()

    def tick(self) -> None:
        """Note the time since the last tick when it is longer than a tick may be."""
        now = self._monotonic()
        if now - self._last > LONGEST_TICK:
            self._gaps.append(now - self._last)
        self._last = now

    def begin(self) -> None:
        """Forget the gaps before this test."""
        self._gaps.clear()

    def describe(self) -> str:
        """Return how often this process stood still since `begin`, and how busy the machine is."""
        self.tick()
        gaps, wanting = list(self._gaps), runnable()
        still = f"{len(gaps)} times, {sum(gaps):.1f} s in all" if gaps else "never"
        return (
            f"During this test the process stood still for over {LONGEST_TICK:g} s: {still}. "
            f"Now {wanting:g} processes want {os.cpu_count()} cores."
        )


@contextmanager
def ticking(clock: QuietClock) -> Iterator[QuietClock]:
    """Let a clock tick in a thread: it also counts while a test waits for an answer."""
    over = threading.Event()

    def tick() -> None:
        while not over.wait(TICK):
            clock.seconds()

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield clock
    finally:
        over.set()
        ticker.join()
