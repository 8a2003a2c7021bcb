"""Records of earlier versions on this machine: SQLite tables that become rows when a file opens."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from function_app.adapters.local.reach.database import Database
from function_app.adapters.local.rows import LocalRows
from function_app.records.earlier.inbox import EarlierEvent, adopt_claims, adopt_events
from function_app.records.earlier.ledger import EarlierLedger, adopt_ledger

_LEDGER = {
    "releases": "release_id, record",
    "decisions": "release_id, decision",
    "notes": "name, content",
    "lane_places": "lane, owner, since, until, inside",
}
_INBOX = {"events": "event_key, received_at, outcome, event", "claims": "key, claim"}


def open_ledger(path: Path) -> LocalRows:
    """Return the rows of a ledger; records of an earlier version are converted to rows."""
    rows = LocalRows(path)

    def store(tables: dict[str, list[Any]]) -> None:
        entries = (
            (lane, {"owner": owner, "since": since, "until": until, "inside": bool(inside)})
            for lane, owner, since, until, inside in tables.get("lane_places", ())
        )
        earlier = EarlierLedger(
            releases=tuple(tables.get("releases", ())),
            decisions=tuple(tables.get("decisions", ())),
            notes=tuple(tables.get("notes", ())),
            lane_entries=tuple(entries),
        )
        adopt_ledger(rows, earlier)

    _adopt(path, _LEDGER, store)
    return rows


def open_inbox(path: Path) -> LocalRows:
    """Return the rows of an inbox; records of an earlier version are converted to rows."""
    rows = LocalRows(path)

    def store(tables: dict[str, list[Any]]) -> None:
        events = (
            EarlierEvent(event_key=key, received_at=_moment(came), outcome=outcome, text=text)
            for key, came, outcome, text in tables.get("events", ())
        )
        adopt_events(rows, events)
        adopt_claims(rows, tables.get("claims", ()))

    _adopt(path, _INBOX, store)
    return rows


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)


def _adopt(
    path: Path, columns: dict[str, str], store: Callable[[dict[str, list[Any]]], None]
) -> None:
    """Convert the content of the earlier tables to rows, and drop the tables."""
    database = Database(path, "")
    with database.reading() as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        names = [name for (name,) in connection.execute(query) if name in columns]
        tables = {
            name: connection.execute(f"SELECT {columns[name]} FROM {name}").fetchall()
            for name in names
        }
    if not names:
        return
    store(tables)
    with database.transaction() as connection:
        for name in names:
            (count,) = connection.execute(f"SELECT count(*) FROM {name}").fetchone()
            # A run of the earlier version may have written meanwhile: it is read at the next start.
            if count == len(tables[name]):
                connection.execute(f"DROP TABLE {name}")
