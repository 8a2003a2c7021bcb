"""Counts of repeated events that are not in the audit log yet, stored so that a crash loses few.

Each process has one row. A row that did not change for TAKEN_OVER is taken over by another process:
it deletes the row first, so that of two processes one writes the counts.
"""

import logging
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from function_app.domain.access.audit import AuditEvent
from function_app.domain.codec import dump
from function_app.ports import Rows
from function_app.ports.rows import Delete, Put, Row, RowsChangedError
from function_app.records.readable import load_each

LOG = logging.getLogger("mlops.audit")
PARTITION = "audit-open"
# The shortest interval between two writes of the counts; a crash loses the counts since the last.
INTERVAL = timedelta(seconds=1)
TAKEN_OVER = timedelta(minutes=5)
# The most events in one row, those with the highest counts, because a row has a size limit.
MOST = 100


class OpenCounts:
    """The open counts of one process; one thread at a time may use it."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._key = uuid.uuid4().hex  # noqa: TID251 - names a process, never part of a story
        self._events: tuple[AuditEvent, ...] = ()
        self._stored_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Return whether the counts were not stored for INTERVAL."""
        return self._stored_at is None or now - self._stored_at >= INTERVAL

    def store(self, events: Iterable[AuditEvent], now: datetime) -> tuple[AuditEvent, ...]:
        """Store these open counts instead of the earlier ones.

        When another process took the earlier ones over, nothing is stored, and their events are
        returned: they are in the log already.
        """
        self._stored_at = now
        open_events = tuple(sorted(events, key=lambda event: -event.count)[:MOST])
        if not (open_events or self._events):
            return ()
        row = self._rows.get(PARTITION, self._key)
        if row is None and self._events:
            taken, self._events = self._events, ()
            return taken
        etag = row.etag if row else None
        content = {"at": dump(now), "events": dump(open_events)}
        change = (
            Put(key=self._key, content=content, etag=etag)
            if open_events
            else Delete(key=self._key, etag=etag or "")
        )
        try:
            self._rows.write(PARTITION, [change])
        except RowsChangedError:
            taken, self._events = self._events, ()
            return taken
        self._events = open_events
        return ()

    def take_over(self, now: datetime) -> tuple[AuditEvent, ...]:
        """Return the counts that ended processes left, and delete their rows."""
        taken: list[AuditEvent] = []
        for row in self._rows.query(PARTITION):
            if row.key != self._key and str(row.content.get("at", "")) < dump(now - TAKEN_OVER):
                taken += self._take(row)
        return tuple(taken)

    def _take(self, row: Row) -> tuple[AuditEvent, ...]:
        try:
            self._rows.write(PARTITION, [Delete(key=row.key, etag=row.etag)])
        except RowsChangedError:
            return ()
        return load_each(AuditEvent, ((row.key, event) for event in row.content.get("events", ())))
