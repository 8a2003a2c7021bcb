"""The thread that replays ended instances, so that code which is not deterministic is reported.

An execution that continues as new is an end, too: the last one of each instance is stored.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue

from funchost.check.divergence import CONTINUED, Recorded, divergence
from funchost.durable import history as h
from funchost.durable.execution import instance_of
from funchost.durable.turn import FunctionMap
from funchost.storage import instances, turns
from funchost.storage.connection import Reader
from funchost.storage.instances import InstanceRecord

LOG = logging.getLogger("funchost.check")
MODES = ("off", "sample", "all")
EVERY = 20  # "sample" replays the first instance of each orchestrator and then every 20th
WAITING = 1000  # ended instances that may wait for their replay; further ones are not replayed
LONGEST = 1000  # turns; a longer history is left to `python -m funchost check`
# The thread rests so many times as long as a replay took, so that replays take at most a tenth of a
# core, or a third where each instance is replayed.
REST = {"sample": 9, "all": 2}


class Checker:
    """Replays ended instances one after the other, in the background."""

    def __init__(
        self,
        store: Reader,
        functions: FunctionMap,
        mode: str,
        warn: Callable[[str, str, str], object],
    ) -> None:
        """Take one of MODES, and a function for warnings.

        The function gets an instance, the name of its orchestrator and the text of its divergence.
        """
        self._store, self._functions, self._mode, self._warn = store, functions, mode, warn
        self._ended: Counter[str] = Counter()
        self._waiting: SimpleQueue[str | None] = SimpleQueue()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="check", daemon=True)
        self._thread.start()

    def add(self, instance: str, name: str) -> None:
        """Let an ended instance of this orchestrator be replayed, if the mode asks for it."""
        if self._mode == "off":
            return
        number = self._ended[name]
        self._ended[name] += 1
        if self._mode == "sample" and number % EVERY:
            return
        if self._waiting.qsize() < WAITING:
            self._waiting.put(instance)

    def _run(self) -> None:
        while (instance := self._waiting.get()) is not None and not self._closed.is_set():
            begun = time.thread_time()
            try:
                self._check(instance)
            except Exception:
                LOG.exception("instance %s could not be replayed", instance)
            self._closed.wait((time.thread_time() - begun) * REST[self._mode])

    def _check(self, instance: str) -> None:
        row = instances.get(self._store, instance)
        if row is None:
            return
        step = first_divergence(self._functions, self._ended_executions(row))
        if step is not None:
            self._warn(row.id, row.name, step)

    def _ended_executions(self, row: InstanceRecord) -> Iterator[Recorded | None]:
        yield continued(self._store, row)
        if row.ended and turns.count(self._store, row.id) <= LONGEST:
            yield recorded(self._store, row)

    def close(self) -> None:
        """End after the present replay."""
        self._closed.set()
        self._waiting.put(None)
        # An orchestrator that never returns must not keep the host from stopping.
        self._thread.join(5)


def first_divergence(functions: FunctionMap, executions: Iterable[Recorded | None]) -> str | None:
    """Return how the code leaves the first of these histories that it leaves, else None."""
    steps = (divergence(functions, each) for each in executions if each)
    return next((step for step in steps if step is not None), None)


def recorded(reader: Reader, row: InstanceRecord) -> Recorded:
    """Return a stored instance with its history."""
    return _recorded(row, h.read(turns.read(reader, row.id)), row.status)


def continued(reader: Reader, row: InstanceRecord) -> Recorded | None:
    """Return the last execution of an instance that continued as new, None when none is stored."""
    former = turns.former(reader, row.id)
    if former is None:
        return None
    _, execution, given, following, events = former
    then = row._replace(execution=execution, input=given, output=following, custom=None)
    return _recorded(then, json.loads(events), CONTINUED)


def _recorded(row: InstanceRecord, events: list[h.Event], status: str) -> Recorded:
    one = instance_of(row, lambda: events)
    return Recorded(
        instance=one, status=status, output=row.output, events=events, custom=row.custom
    )
