"""Writes the events of one process to the audit log, repetitions as one entry with a count."""

import logging
import threading
from collections.abc import Iterable
from datetime import datetime

from function_app.domain.access.audit import AuditEvent, Head
from function_app.domain.access.coalescing import Coalescer
from function_app.errors import MlopsError
from function_app.ports import Rows
from function_app.records.audit import AuditLog
from function_app.records.open_counts import OpenCounts

LOG = logging.getLogger("mlops.audit")


class Recorder:
    """Records events; safe for threads.

    Counts of open windows are stored once a second at most, and another process writes them when
    this one dies.
    """

    def __init__(self, rows: Rows) -> None:
        self.log = AuditLog(rows)
        self._coalescer, self._lock = Coalescer(), threading.Lock()
        self._open, self._storing = OpenCounts(rows), threading.Lock()
        self._announced = Head()

    def record(self, event: AuditEvent, once: str = "") -> None:
        """Write the event, or count it as a repetition; MlopsError when it cannot be written.

        `once` is the name of a fact that has one entry even if it is recorded several times, such
        as a stored decision.
        """
        if once:
            self.log.append(event, once=once)
            return
        with self._lock:
            ended, new = self._coalescer.add(event)
        self._write(ended)
        if new is None:
            self._store_open(event.at)
            return
        try:
            self.log.append(new)
        except MlopsError:
            with self._lock:
                self._coalescer.forget(new)
            raise

    def flush(self, now: datetime | None = None) -> None:
        """Write the counts of the windows that ended before `now`, of all windows without it.

        With `now`, write also the counts that ended processes left.
        """
        with self._lock:
            events = list(self._coalescer.ended(now) if now else self._coalescer.counted())
        self._write(events)
        if now is not None:
            self._write(self._left_over(now))
            self._store_open(now)

    def announce(self) -> None:
        """Log the head when it has changed since it was logged last."""
        head = self.log.readable_head()
        if head is not None and head != self._announced:
            self._announced = head
            LOG.info("audit log: head %s", head)

    def _left_over(self, now: datetime) -> tuple[AuditEvent, ...]:
        try:
            with self._storing:
                return self._open.take_over(now)
        except MlopsError as error:
            LOG.error("counts of an ended process are not in the audit log yet: %s", error)
            return ()

    def _store_open(self, now: datetime) -> None:
        """Store the open counts, unless that is not due or another thread does it."""
        if not self._storing.acquire(blocking=False):
            return
        try:
            if not self._open.is_due(now):
                return
            with self._lock:
                events = self._coalescer.open()
            taken = self._open.store(events, now)
            with self._lock:
                self._coalescer.settle(taken)
        except MlopsError as error:
            LOG.error("open counts of the audit log are not stored: %s", error)
        finally:
            self._storing.release()

    def _write(self, events: Iterable[AuditEvent]) -> None:
        for event in events:
            try:
                self.log.append(event)
            except MlopsError as error:
                LOG.error("%d repetitions are not in the audit log: %s", event.count, error)
