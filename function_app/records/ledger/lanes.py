"""Lanes: one row for each entry in a queue, and one for each lane that every change rewrites.

The row of the lane makes two changes of one lane conflict, so that never more stories are inside
than the lane holds. Entries have rows of their own, because a queue may be long.
"""

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote, unquote

from function_app.domain.codec import dump, find_damaged
from function_app.domain.stories.lane import LaneEntry, LaneHolder, LanePosition, LaneRequest, enter
from function_app.ports import Rows
from function_app.ports.rows import MOST_CHANGES, Delete, Put, Row
from function_app.records.changing import until_unchanged
from function_app.records.damage import read_row
from function_app.records.readable import load_each

LANES = "lanes"


class Lanes:
    """Stores the holders and the queue of each lane."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def take(self, request: LaneRequest, now: datetime) -> LaneHolder:
        """Enter the lane or its queue, or renew the entry; return the holder of the lane.

        PlatformError when another entry cannot be read, because its owner may be inside.
        """
        key = entry_key(request.lane, request.owner)

        def attempt() -> LaneHolder:
            lane, stored = self._lane(request.lane)
            own = stored.get(key)
            others = {name: read_row(LaneEntry, row) for name, row in stored.items() if name != key}
            # An own entry that cannot be read is replaced as if it were not there.
            before = load_each(LaneEntry, [(key, own.content)] if own else [])
            entry, holder = enter((*before, *others.values()), request, now)
            expired = [stored[name] for name, other in others.items() if other.until < now]
            changes: list[Put | Delete] = [
                lane,
                Put(key=key, content=dump(entry), etag=own.etag if own else None),
                *(Delete(key=row.key, etag=row.etag) for row in expired),
            ]
            self._rows.write(LANES, changes[:MOST_CHANGES])
            return holder

        return until_unchanged("take a lane", attempt)

    def leave(self, lane: str, owner: str) -> None:
        """Remove the owner's entry; nothing happens when there is none."""
        key = entry_key(lane, owner)

        def attempt() -> None:
            head, stored = self._lane(lane)
            if (own := stored.get(key)) is not None:
                self._rows.write(LANES, [head, Delete(key=key, etag=own.etag)])

        until_unchanged("leave a lane", attempt)

    def list(self) -> tuple[LanePosition, ...]:
        """Return the readable entries by lane: inside first, then by their turn."""
        listed = [
            (unquote(row.key.partition("/")[0]), entry)
            for row in self._entries()
            for entry in load_each(LaneEntry, [(row.key, row.content)])
        ]
        return tuple(
            LanePosition(lane=lane, owner=entry.owner, since=entry.since, inside=entry.inside)
            for lane, entry in sorted(listed, key=lambda each: (each[0], each[1].turn))
        )

    def find_damaged(self) -> tuple[tuple[str, str], ...]:
        """Return the name of each entry that cannot be read, and the problem."""
        named = ((f"lane entry {row.key}", row.content) for row in self._entries())
        return find_damaged(LaneEntry, named)

    def _entries(self) -> Iterable[Row]:
        return (row for row in self._rows.query(LANES) if not row.key.endswith("/"))

    def _lane(self, lane: str) -> tuple[Put, dict[str, Row]]:
        """Return the change that every writer of the lane makes, and the entries by their keys."""
        prefix = entry_key(lane, "")
        stored = {row.key: row for row in self._rows.query(LANES, prefix)}
        head = stored.pop(prefix, None)
        return Put(key=prefix, content={}, etag=head.etag if head else None), stored


def entry_key(lane: str, owner: str) -> str:
    """Return the key of an owner's entry in a lane; that of the lane itself when `owner` is ""."""
    return f"{quote(lane, safe='')}/{owner}"
