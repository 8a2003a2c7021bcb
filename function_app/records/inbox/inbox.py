"""The inbox of both platforms: events under a key that sorts newest first, for each outcome.

An event has two rows: the event, and the name of its key under its event key. A change writes both
atomically, so that no crash leaves half of an event.
"""

import heapq
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from function_app.domain.events.inbox import Claim, Claimed, EventPage, InboxEvent, Outcome
from function_app.errors import MlopsError, PlatformError
from function_app.ports import Rows
from function_app.ports.rows import LONGEST_WRITE, MOST_CHANGES, Delete, Put, Row, RowsChangedError
from function_app.records.changing import until_unchanged
from function_app.records.damage import DamageCheck, Kind, read_row
from function_app.records.inbox.claims import Claims
from function_app.records.inbox.payloads import Payloads
from function_app.records.order import check_cursor, downwards
from function_app.records.readable import log_unreadable

EVENTS, BY_KEY, PENDING = "events", "key/", "pending/"
_STATES = (PENDING, *(f"{outcome.value}/" for outcome in Outcome))
_CURSOR = re.compile(r"[0-9]{19}-[A-Za-z0-9_-]{1,64}", re.ASCII)
# Events that a list reads at a time from each outcome.
_CHUNK = 100


class StoredInbox:
    """Events and claims; every method may be called again."""

    def __init__(self, rows: Rows) -> None:
        self._rows, self._payloads, self._claims = rows, Payloads(rows), Claims(rows)

    def accept(self, events: Sequence[InboxEvent]) -> tuple[InboxEvent, ...]:
        """Store the events; return each as it is stored, an event that was stored before unchanged.

        One write is atomic. More events than one write holds need several. When one write fails,
        the sender gets an error and sends all events again; the events that are stored are found
        then.
        """
        first = {event.event_key: event for event in reversed(events)}
        contents = {key: self._payloads.store(event) for key, event in first.items()}
        stored: dict[str, InboxEvent] = {}

        def attempt() -> None:
            # Rows are read only after a conflict with another write, because most events are new.
            while new := [event for key, event in first.items() if key not in stored]:
                try:
                    for batch in _batches(new, contents):
                        puts = [put for e in batch for put in _new(e, contents[e.event_key])]
                        self._rows.write(EVENTS, puts)
                        stored.update({event.event_key: event for event in batch})
                except RowsChangedError:
                    there = [event for event in new if self._rows.get(EVENTS, _pointer(event))]
                    if not there:
                        raise
                    stored.update({event.event_key: self._earlier(event) for event in there})

        until_unchanged("store events", attempt)
        return tuple(stored[event.event_key] for event in events)

    def claim(self, claim: Claim) -> Claimed:
        return self._claims.claim(claim)

    def settle(self, event: InboxEvent) -> None:
        content = self._payloads.store(event)

        def attempt() -> None:
            rows = self._find(event.event_key)
            if rows is None:
                return
            pointer, row = rows
            key = f"{_state(event.outcome)}{_moment(row)}-{event.event_key}"
            if key == row.key:
                self._rows.write(EVENTS, [Put(key=key, content=content, etag=row.etag)])
                return
            changes: list[Put | Delete] = [
                Delete(key=row.key, etag=row.etag),
                Put(key=key, content=content),
                Put(key=pointer.key, content={"key": key}, etag=pointer.etag),
            ]
            self._rows.write(EVENTS, changes)

        until_unchanged("settle an event", attempt)

    def get(self, event_key: str) -> InboxEvent | None:
        rows = self._find(event_key)
        return self._event(rows[1]) if rows else None

    def list_events(
        self, outcome: Outcome | None = None, limit: int = 500
    ) -> tuple[InboxEvent, ...]:
        return self.events(limit, outcome=outcome).events

    def events(
        self, limit: int, after: str | None = None, outcome: Outcome | None = None
    ) -> EventPage:
        check_cursor(after, _CURSOR)
        states = _STATES if outcome is None else (_state(outcome),)
        newest = heapq.merge(*(self._newest(state, after, limit) for state in states), key=_rest)
        shown: list[Row] = []
        for row in newest:
            if len(shown) == limit:
                following = _rest(shown[-1]) if shown else None
                return EventPage(events=tuple(self._readable(shown)), next=following)
            shown.append(row)
        return EventPage(events=tuple(self._readable(shown)))

    def list_pending(self, before: datetime) -> tuple[InboxEvent, ...]:
        after = f"{PENDING}{downwards(before)}."
        newest = tuple(self._readable(self._rows.query(EVENTS, PENDING, after=after)))
        return tuple(sorted(newest, key=lambda event: (event.received_at, event.event_key)))

    def discard(self, event_key: str) -> None:
        def attempt() -> None:
            rows = self._find(event_key)
            if rows is not None:
                self._delete(*rows)

        until_unchanged("discard an event", attempt)

    def list_claims(self, limit: int = 500) -> tuple[Claim, ...]:
        return self._claims.newest(limit)

    def list_damaged(self) -> tuple[tuple[str, str], ...]:
        return (*DamageCheck(self._rows, EVENTS, _CHECKED).find(), *self._claims.find_damaged())

    def forget(self, events_before: datetime, claims_before: datetime) -> int:
        count = 0
        for state in _STATES[1:]:
            after = f"{state}{downwards(events_before)}."
            while old := self._rows.query(EVENTS, state, after=after, limit=_CHUNK):
                for row in old:
                    self._forget(row)
                count += len(old)
        return count + self._claims.forget(claims_before)

    def _forget(self, row: Row) -> None:
        """Delete the row of an event, and the row with the name of its key."""

        def attempt() -> None:
            pointer = self._rows.get(EVENTS, BY_KEY + _rest(row)[20:])
            if pointer is not None and pointer.content.get("key") == row.key:
                self._delete(pointer, row)
            elif (now := self._rows.get(EVENTS, row.key)) is not None:
                self._rows.write(EVENTS, [Delete(key=now.key, etag=now.etag)])

        until_unchanged("forget an event", attempt)

    def _earlier(self, event: InboxEvent) -> InboxEvent:
        """Return the event as it is stored; as it came when its stored row cannot be read.

        Such an event is processed again: its claim contains the outcome, and settling
        replaces it.
        """
        try:
            return self.get(event.event_key) or event
        except PlatformError as error:
            log_unreadable(event.event_key, error)
            return event

    def _delete(self, pointer: Row, row: Row) -> None:
        # The payload is deleted first: after a crash the event remains, and the next attempt
        # deletes it.
        self._payloads.delete(row.content)
        changes = [Delete(key=each.key, etag=each.etag) for each in (pointer, row)]
        self._rows.write(EVENTS, changes)

    def _find(self, event_key: str) -> tuple[Row, Row] | None:
        """Return the row with the name of an event's key and that of the event, or None."""

        def attempt() -> tuple[Row, Row] | None:
            pointer = self._rows.get(EVENTS, BY_KEY + event_key)
            if pointer is None:
                return None
            row = self._rows.get(EVENTS, read_row(str, pointer, "key"))
            if row is None:
                raise RowsChangedError(f"Event {event_key[:64]} was settled in between.")
            return pointer, row

        return until_unchanged("read an event", attempt)

    def _newest(self, state: str, after: str | None, limit: int) -> Iterator[Row]:
        """Yield the rows of one outcome, newest first, a chunk at a time."""
        last, size = f"{state}{after}" if after else "", min(limit + 1, _CHUNK)
        while rows := self._rows.query(EVENTS, state, after=last, limit=size):
            yield from rows
            if len(rows) < size:
                return
            last = rows[-1].key

    def _readable(self, rows: Iterable[Row]) -> Iterator[InboxEvent]:
        """Yield the events that can be read; the others are logged."""
        for row in rows:
            try:
                yield self._event(row)
            except MlopsError as error:
                log_unreadable(row.key, error)

    def _event(self, row: Row) -> InboxEvent:
        event = read_row(InboxEvent, row)
        return replace(event, payload=self._payloads.read(row))


def new_event(
    event_key: str, moment: str, outcome: str | None, content: dict[str, Any]
) -> list[Put]:
    """Return the rows of an event that is not stored yet; `moment` is when it came, downwards."""
    key = f"{outcome}/{moment}-{event_key}" if outcome else f"{PENDING}{moment}-{event_key}"
    return [Put(key=BY_KEY + event_key, content={"key": key}), Put(key=key, content=content)]


def _new(event: InboxEvent, content: dict[str, Any]) -> list[Put]:
    return new_event(event.event_key, downwards(event.received_at), event.outcome, content)


def _batches(
    events: list[InboxEvent], contents: dict[str, dict[str, Any]]
) -> Iterator[list[InboxEvent]]:
    """Yield the events in groups that one write can hold."""
    batch: list[InboxEvent] = []
    size = 0
    for event in events:
        # JSON of the payload's text is at most twice as long.
        length = 2 * len(contents[event.event_key].get("text", "")) + 20_000
        if batch and (size + length > LONGEST_WRITE or len(batch) == MOST_CHANGES // 2):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += length
    if batch:
        yield batch


def _pointer(event: InboxEvent) -> str:
    return BY_KEY + event.event_key


def _state(outcome: Outcome | None) -> str:
    return f"{outcome.value}/" if outcome else PENDING


def _rest(row: Row) -> str:
    """Return the end of an event's key behind the outcome: its moment and event key."""
    return row.key.partition("/")[2]


def _label(key: str) -> str:
    """Return the name for people of the event under a key."""
    return f"event {key.partition('/')[2][20:]}"


_CHECKED = (
    *(
        Kind(prefix=state, target=InboxEvent, effect="The event is in no list.", label=_label)
        for state in _STATES
    ),
    Kind(
        prefix=BY_KEY,
        target=str,
        field="key",
        effect="Its event cannot be found.",
        label="event {}".format,
    ),
)


def _moment(row: Row) -> str:
    return _rest(row)[:19]
