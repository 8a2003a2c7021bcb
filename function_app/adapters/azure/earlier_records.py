"""Records of earlier versions in Azure: rows of another layout, which become rows of this one.

They are copied first and deleted then, so that a crash in between loses none. It is done at the
first use in each process, because an earlier version may still run during a deployment.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.connection import Connection
from function_app.adapters.azure.reach.tables import MOST_OPERATIONS, Changed, Row, Table, decode
from function_app.adapters.azure.rows import INBOX_TABLE, AzureRows
from function_app.domain.codec import load
from function_app.errors import ContractError, NotFoundError
from function_app.records.earlier.inbox import EarlierEvent, adopt_claims, adopt_events
from function_app.records.earlier.ledger import EarlierLedger, adopt_ledger

LEDGER_TABLE = "mlopsledger"
_CHUNK, _WORKERS = 500, 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def open_ledger(connection: Connection) -> AzureRows:
    """Return the rows of the ledger; rows of an earlier version are adopted at the first use."""
    return AzureRows(connection, before=lambda rows: _adopt_ledger(connection, rows))


def _adopt_ledger(connection: Connection, rows: AzureRows) -> None:
    table = Table(connection, LEDGER_TABLE, make=False)
    stored = list(_between(table, "lane-", "lane.")) + list(_between(table, "model-", "model."))
    stored += _between(table, "notes", "notes.")
    if not stored:
        return
    earlier = EarlierLedger(
        # The key of a release is its id with `!`, that of its decision goes on behind the sign.
        releases=tuple((r.key.partition("!")[0], r.text) for r in stored if _is(r, "release")),
        decisions=tuple((r.key.partition("!")[0], r.text) for r in stored if _is(r, "decision")),
        notes=tuple((decode(r.key), r.text) for r in stored if r.partition == "notes"),
        lane_entries=tuple(entry for row in stored for entry in _entries(row)),
    )
    adopt_ledger(rows, earlier)
    _delete(table, stored)


def open_inbox(connection: Connection, blobs: Blobs) -> AzureRows:
    """Return the rows of the inbox; rows of an earlier version are adopted at the first use."""
    before = partial(_adopt_inbox, connection, blobs)
    return AzureRows(connection, INBOX_TABLE, before=before)


def _adopt_inbox(connection: Connection, blobs: Blobs, rows: AzureRows) -> None:
    """Adopt events and claims; the rows that pointed to them stay, and nothing reads them."""
    table = Table(connection, INBOX_TABLE)
    for stored in _chunks(_between(table, "event-", "event.")):
        adopt_events(rows, (_event(row, blobs) for row in stored))
        _delete(table, stored)
        for name in (row.properties.get("payload_blob") for row in stored):
            blobs.delete(str(name)) if name else None
    for stored in _chunks(_between(table, "claim-", "claim.")):
        keys = (decode(row.partition.removeprefix("claim-")) for row in stored)
        adopt_claims(rows, zip(keys, (row.text for row in stored), strict=True))
        with ThreadPoolExecutor(_WORKERS) as pool:
            list(pool.map(lambda row: _delete(table, [row]), stored))


def _event(row: Row, blobs: Blobs) -> EarlierEvent:
    """Return an event; its arrival time is in its key, and a long payload is in a blob."""
    moment, _, key = row.key.partition("-")
    text, blob = row.text, row.properties.get("payload_blob")
    if blob and (payload := blobs.read(str(blob))) is not None:
        with suppress(ValueError):
            text = json.dumps({**json.loads(text), "payload": json.loads(payload)})
    return EarlierEvent(
        event_key=decode(key),
        received_at=_EPOCH + timedelta(microseconds=10**18 - int(moment)),
        outcome=str(row.properties.get("outcome") or "") or None,
        text=text,
    )


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk


def _is(row: Row, kind: str) -> bool:
    return row.properties.get("kind") == kind


def _entries(row: Row) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the lane and the fields of each entry in a lane's row."""
    lane = row.properties.get("lane")
    if row.partition.startswith("lane-") and lane is not None:
        try:
            entries = load(tuple[dict[str, Any], ...], row.json())
        except (ValueError, ContractError):
            entries = ({"owner": "unreadable", "damaged": row.text[:1000]},)
        yield from ((str(lane), entry) for entry in entries)


def _between(table: Table, first: str, last: str) -> Iterator[Row]:
    """Yield the rows of all partitions from `first` on and before `last`; none without a table."""
    condition = "PartitionKey ge @first and PartitionKey lt @last"
    with suppress(NotFoundError):
        yield from table.query(condition, first=first, last=last)


def _delete(table: Table, rows: list[Row]) -> None:
    """Delete the rows; a row that changed meanwhile stays and is adopted at the next start."""
    for partition in sorted({row.partition for row in rows}):
        own = [row for row in rows if row.partition == partition]
        for at in range(0, len(own), MOST_OPERATIONS):
            with suppress(Changed):
                table.write(delete=own[at : at + MOST_OPERATIONS])
