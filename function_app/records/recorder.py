"""Writes the events of one process to the audit log, repetitions as one entry with a count."""

import logging
import threading
from collections.abc import Iterable
from datetime import datetime

from function_app.domain.audit import AuditEvent, Head
from function_app.domain.coalescing import Coalescer
from function_app.errors import MlopsError
from function_app.ports import Rows
from function_app.records.audit import AuditLog

LOG = logging.getLogger("mlops.audit")


class Recorder:
    """Records events; safe for threads. The counts of open windows are lost when a process dies."""

    def __init__(self, rows: Rows) -> None:
        self.log = AuditLog(rows)
        self._coalescer, self._lock = Coalescer(), threading.Lock()
        self._announced = Head()

    def record(self, event: AuditEvent) -> None:
        """Write the event, or count it as a repetition; MlopsError when it cannot be written."""
        with self._lock:
            ended, new = self._coalescer.add(event)
        self._write(ended)
        if new is None:
            return
        try:
            self.log.append(new)
        except MlopsError:
            with self._lock:
                self._coalescer.forget(new)
            raise

    def flush(self, now: datetime | None = None) -> None:
        """Write the counts of the windows that ended before `now`, of all windows without it."""
        with self._lock:
            events = list(self._coalescer.ended(now) if now else self._coalescer.counted())
        self._write(events)

    def announce(self) -> None:
        """Log the head when it has changed since it was logged last."""
        head = self.log.readable_head()
        if head is not None and head != self._announced:
            self._announced = head
            LOG.info("audit log: head %s", head)

    def _write(self, events: Iterable[AuditEvent]) -> None:
        for event in events:
            try:
                self.log.append(event)
            except MlopsError as error:
                LOG.error("%d repetitions are not in the audit log: %s", event.count, error)
