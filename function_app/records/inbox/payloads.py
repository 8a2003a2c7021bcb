"""Payloads of events: JSON text beside the fields of the event, or in rows of its own when long."""

import hashlib
import json
from dataclasses import replace
from typing import Any

from function_app.domain.codec import dump
from function_app.domain.events.inbox import InboxEvent
from function_app.errors import PlatformError
from function_app.ports import Rows
from function_app.ports.rows import Delete, Put, Row, RowsChangedError
from function_app.records.damage import REMEDY

# The most characters of JSON in the row of the event, and in each row of a longer payload. The text
# is ASCII, and its JSON is at most twice as long.
INLINE, PIECE = 60_000, 200_000


class Payloads:
    """Stores the payload of each event, which may be any JSON value."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def store(self, event: InboxEvent) -> dict[str, Any]:
        """Return the content of the event's row; rows of a long payload are stored before it."""
        content: dict[str, Any] = dump(replace(event, payload=None))
        text = json.dumps(event.payload)
        if len(text) <= INLINE:
            return {**content, "text": text}
        # Named by the text too, so that pieces of two texts never mix.
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        partition = f"payload/{event.event_key}/{digest}"
        pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
        for number, piece in enumerate(pieces):
            try:
                self._rows.write(partition, [Put(key=f"{number:04}", content={"text": piece})])
            except RowsChangedError:
                continue  # an earlier attempt stored it
        return {**content, "pieces": [partition, len(pieces)]}

    def read(self, row: Row) -> Any:
        """Return the payload of an event's row; PlatformError when it cannot be read."""
        try:
            text = row.content["text"] if "text" in row.content else self._joined(row.content)
            return json.loads(text)
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            text = f"Its payload is damaged. {REMEDY}"
            raise PlatformError("records", f"read {row.key} of {row.partition}", text) from error

    def delete(self, content: dict[str, Any]) -> None:
        """Delete the rows of a long payload."""
        partition = _partition(content)
        for row in self._rows.query(partition) if partition else ():
            try:
                self._rows.write(partition, [Delete(key=row.key, etag=row.etag)])
            except RowsChangedError:
                continue  # another process deleted it

    def _joined(self, content: dict[str, Any]) -> str:
        pieces = [row.content["text"] for row in self._rows.query(_partition(content))]
        if len(pieces) != content["pieces"][1]:
            raise ValueError("A piece is gone.")
        return "".join(pieces)


def _partition(content: dict[str, Any]) -> str:
    """Return the partition of a long payload, "" when the event has none or is damaged."""
    pieces = content.get("pieces")
    named = isinstance(pieces, list) and pieces and isinstance(pieces[0], str)
    return str(pieces[0]) if named and pieces else ""
