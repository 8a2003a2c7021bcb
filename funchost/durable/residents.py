"""A cache of live orchestrations; those beyond its bound are replayed from disk when needed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from funchost.durable.execution import Replayed, Resident

# Orchestrations that wait for an activity continue soon; those that wait for a timer or a person
# may wait for days.
WORKING, WAITING = 1000, 32


@dataclass(frozen=True, slots=True)
class Live:
    """A live orchestration and the number of its next turn."""

    run: Replayed | Resident
    number: int


class Residents:
    """Keeps the latest orchestrations of each kind; an evicted one is replayed when needed."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._working: OrderedDict[str, Live] = OrderedDict()
        self._waiting: OrderedDict[str, Live] = OrderedDict()

    def keep(self, instance: str, live: Live) -> None:
        """Keep a live orchestration until its next turn, or until newer ones evict it."""
        if isinstance(live.run, Replayed):
            return
        working = live.run.walk.working
        kept, most = (self._working, WORKING) if working else (self._waiting, WAITING)
        with self._lock:
            kept[instance] = live
            if len(kept) > most:
                kept.popitem(last=False)

    def take(self, instance: str) -> Live | None:
        """Remove and return a live orchestration, None when it was evicted."""
        with self._lock:
            return self._working.pop(instance, None) or self._waiting.pop(instance, None)
