"""The inbox in Azure Tables: rows by day, pointers by key, and marks on what is pending.

An event counts as kept when its row is there. Its pointer, which says when it came first and so
where its row lies, and its mark are written before; both do no harm when the row never comes.
"""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from function_app.adapters.azure.claims import AzureClaims
from function_app.adapters.azure.inbox_rows import (
    AFTER,
    EVENTS,
    PENDING,
    day,
    downwards,
    event_place,
    mark,
    moment_of,
    pointer,
    pointer_place,
    upwards,
)
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.connection import Connection
from function_app.adapters.azure.reach.tables import (
    MOST_OPERATIONS,
    Changed,
    Row,
    Table,
    until_unchanged,
)
from function_app.domain.codec import dump, load
from function_app.domain.events.inbox import Claim, Claimed, InboxEvent, Outcome
from function_app.errors import PlatformError

TABLE = "mlopsinbox"
# A longer payload lies in a blob. A transaction takes 4 MiB, so many payloads must be shorter.
LONGEST_INLINE, LONGEST_TOGETHER, SHORT = 60_000, 2_500_000, 8_000
_WORKERS, _PART = 8, 500


class AzureInbox:
    """Events and claims; every method may be called again."""

    def __init__(self, connection: Connection, blobs: Blobs) -> None:
        self._table, self._blobs = Table(connection, TABLE), blobs
        self._claims = AzureClaims(self._table)

    def ensure(self) -> str:
        """Make the table, or find it."""
        self._table.ensure()
        return f"table {TABLE}"

    def accept(self, events: Sequence[InboxEvent]) -> tuple[InboxEvent, ...]:
        """Keep all of the events or none; return each as it is kept, an earlier one unchanged.

        One transaction keeps up to 100 events of a day. More are kept in several: when one fails,
        the sender hears of it, sends all of them again, and finds what is kept already.
        """
        first = {event.event_key: event for event in reversed(events)}

        def attempt() -> dict[str, InboxEvent]:
            found = {key: self._find_or_point(event) for key, event in first.items()}
            kept = {key: event for key, (event, is_kept) in found.items() if is_kept}
            self._keep([event for event, is_kept in found.values() if not is_kept])
            return {key: event for key, (event, _) in found.items()} | kept

        kept = until_unchanged("keep events", attempt)
        return tuple(kept[event.event_key] for event in events)

    def claim(self, claim: Claim) -> Claimed:
        return self._claims.claim(claim)

    def settle(self, event: InboxEvent) -> None:
        def attempt() -> None:
            row = self._row_of(event.event_key)
            if row is None:
                return
            came = self._event(row).received_at
            waiting = mark(event.event_key, came)
            if event.outcome is None:
                self._table.put(waiting)
            settled = self._row(replace(event, received_at=came), LONGEST_INLINE)
            self._table.write(replace=[replace(settled, etag=row.etag)])
            if event.outcome is not None:
                self._table.delete(waiting)

        until_unchanged("settle an event", attempt)

    def get(self, event_key: str) -> InboxEvent | None:
        row = self._row_of(event_key)
        return self._event(row) if row else None

    def list_events(
        self, outcome: Outcome | None = None, limit: int = 500
    ) -> tuple[InboxEvent, ...]:
        condition = "PartitionKey ge @first and PartitionKey lt @last"
        values: dict[str, Any] = {"first": EVENTS, "last": EVENTS[:-1] + AFTER}
        if outcome is not None:
            condition += " and outcome eq @outcome"
            values["outcome"] = outcome.value
        return tuple(
            self._event(row) for row in self._table.query(condition, limit=limit, **values)
        )

    def list_pending(self, before: datetime) -> tuple[InboxEvent, ...]:
        return tuple(event for marked, event in self._pending(before) if event is not None)

    def discard(self, event_key: str) -> None:
        row = self._row_of(event_key)
        if row is not None:
            self._table.delete(mark(event_key, self._event(row).received_at))
            # Without its etag: gone is gone, whatever it became meanwhile.
            self._table.delete(replace(row, etag=""))
            self._forget_payload(row)
        partition, key = pointer_place(event_key)
        self._table.delete(Row(partition=partition, key=key))

    def list_claims(self, limit: int = 500) -> tuple[Claim, ...]:
        return self._claims.list_claims(limit)

    def forget(self, events_before: datetime, claims_before: datetime) -> int:
        rows = self._table.query(
            "PartitionKey ge @first and PartitionKey lt @last and RowKey ge @key "
            "and outcome ne @nothing",
            first=day(EVENTS, events_before),
            last=EVENTS[:-1] + AFTER,
            key=downwards(events_before) + AFTER,
            nothing="",
            select=("event_key", "payload_blob"),
        )
        events = 0
        with ThreadPoolExecutor(_WORKERS) as pool:
            while part := list(islice(rows, _PART)):
                events += sum(1 for _ in pool.map(self._forget_event, part))
        # Marks of events that never came, because a call that would have kept them failed.
        for marked, event in self._pending(events_before):
            if event is None:
                self._table.delete(marked)
        return events + self._claims.forget(claims_before)

    def _find_or_point(self, event: InboxEvent) -> tuple[InboxEvent, bool]:
        """Return the event as it is or will be kept, and whether it is."""
        key = event.event_key
        if self._table.create(pointer(key, event.received_at)):
            return event, False
        stored = self._table.get(*pointer_place(key))
        if stored is None:
            raise Changed
        came = moment_of(stored)
        row = self._table.get(*event_place(came, key))
        if row is None:
            return replace(event, received_at=came), False
        return self._event(row), True

    def _keep(self, events: list[InboxEvent]) -> None:
        together = sum(len(_text(event)) for event in events)
        longest = LONGEST_INLINE if together < LONGEST_TOGETHER else SHORT
        rows = [self._row(event, longest) for event in events]
        for at in range(0, len(rows), MOST_OPERATIONS):
            part = events[at : at + MOST_OPERATIONS]
            self._table.write(replace=[mark(e.event_key, e.received_at) for e in part])
        for partition in sorted({row.partition for row in rows}):
            own = [row for row in rows if row.partition == partition]
            for at in range(0, len(own), MOST_OPERATIONS):
                self._table.write(create=own[at : at + MOST_OPERATIONS])

    def _pending(self, before: datetime) -> Iterator[tuple[Row, InboxEvent | None]]:
        """Yield marks with their events, without those that something became of."""
        condition = "PartitionKey eq @pending and RowKey lt @key"
        for marked in self._table.query(condition, pending=PENDING, key=upwards(before)):
            key = str(marked.properties["event_key"])
            row = self._table.get(*event_place(moment_of(marked), key))
            if row is not None and row.properties["outcome"]:
                # A crash came between settling and this.
                self._table.delete(marked)
            else:
                yield marked, self._event(row) if row else None

    def _row_of(self, event_key: str) -> Row | None:
        stored = self._table.get(*pointer_place(event_key))
        return self._table.get(*event_place(moment_of(stored), event_key)) if stored else None

    def _forget_event(self, row: Row) -> None:
        event_key = str(row.properties["event_key"])
        stored = self._table.get(*pointer_place(event_key))
        # First: a row without its pointer is found again here, a pointer without its row is not.
        # One that was forgotten and came anew has another place.
        if stored and event_place(moment_of(stored), event_key) == (row.partition, row.key):
            self._table.delete(stored)
        self._table.delete(row)
        self._forget_payload(row)

    def _forget_payload(self, row: Row) -> None:
        if name := row.properties["payload_blob"]:
            self._blobs.delete(str(name))

    def _row(self, event: InboxEvent, longest: int) -> Row:
        partition, key = event_place(event.received_at, event.event_key)
        text, blob = _text(event), ""
        if len(text) > longest:
            blob = f"inbox/{event.event_key}.json"
            self._blobs.create_json(blob, event.payload)
            text = _text(replace(event, payload=None))
        properties = {
            "event_key": event.event_key,
            "channel": event.channel,
            "outcome": event.outcome.value if event.outcome else "",
            "payload_blob": blob,
        }
        return Row(partition=partition, key=key, text=text, properties=properties)

    def _event(self, row: Row) -> InboxEvent:
        event = load(InboxEvent, row.json())
        if not row.properties["payload_blob"]:
            return event
        name = str(row.properties["payload_blob"])
        content = self._blobs.read(name)
        if content is None:
            text = f"The blob {name} is gone. Discard the event and let it be sent again."
            raise PlatformError("azure", "read an event", text)
        return replace(event, payload=json.loads(content))


def _text(event: InboxEvent) -> str:
    # The payload is anything that JSON can say: it is not ours to decode.
    return json.dumps({**dump(replace(event, payload=None)), "payload": event.payload})
