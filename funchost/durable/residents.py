"""The live orchestrations in memory, few enough that waiting ones cost nothing but disk."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from funchost.durable.execution import Replayed, Resident

# Those that wait for work of this host go on soon; those that wait for a timer or a person may not.
WORKING, WAITING = 1000, 32


@dataclass(frozen=True, slots=True)
class Live:
    """A live orchestration and the number of its next turn."""

    run: Replayed | Resident
    number: int


class Residents:
    """Keeps the latest of each kind; one that had to go is replayed when it is needed."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = threading.Lock()
        self._working: OrderedDict[str, Live] = OrderedDict()
        self._waiting: OrderedDict[str, Live] = OrderedDict()

    def keep(self, instance: str, live: Live) -> None:
        """Keep a live orchestration until its next turn, or until newer ones need the room."""
        if isinstance(live.run, Replayed):
            return
        working = live.run.walk.working
        kept, most = (self._working, WORKING) if working else (self._waiting, WAITING)
        with self._lock:
            kept[instance] = live
            if len(kept) > most:
                kept.popitem(last=False)

    def take(self, instance: str) -> Live | None:
        """Hand out a live orchestration for its next turn, if it is here."""
        with self._lock:
            return self._working.pop(instance, None) or self._waiting.pop(instance, None)
