"""The commands on a state folder: instances, export, purge, keys and dead letters.

Reading works while a host runs; purging does not, since the host owns its store.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from funchost.app.settings import SettingsError
from funchost.durable import history as h
from funchost.durable.instances import TERMINAL
from funchost.events import dead_letters
from funchost.keys import read_keys
from funchost.retention import purge_older
from funchost.storage.store import Store

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def reading(state: Path) -> closing[sqlite3.Connection]:
    """Open the store of a running or stopped host for reading."""
    path = state / "store.db"
    if not path.exists():
        raise SettingsError(f"{state} holds no store; give the folder of a host with --state")
    db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30)
    db.row_factory = sqlite3.Row
    return closing(db)


def instances(state: Path, status: str | None) -> Iterator[dict[str, Any]]:
    """Yield the instances, the oldest first."""
    with reading(state) as db:
        query = "SELECT * FROM instances WHERE ? IS NULL OR lower(status)=lower(?) ORDER BY created"
        for row in db.execute(query, (status, status)):
            yield {
                "instanceId": row["id"],
                "name": row["name"],
                "runtimeStatus": row["status"],
                "createdTime": row["created"],
                "lastUpdatedTime": row["updated"],
            }


def export(state: Path, instance: str | None) -> Iterator[dict[str, Any]]:
    """Yield instances with their input, output and whole history: what a golden replay needs."""
    with reading(state) as db:
        query = "SELECT * FROM instances WHERE ? IS NULL OR id=? ORDER BY created"
        rows = db.execute(query, (instance, instance)).fetchall()
        if instance is not None and not rows:
            raise SettingsError(f"the store knows no instance {instance!r}; see `instances`")
        for row in rows:
            yield recording(row, h.read(db.execute(h.TURNS, (row["id"],)).fetchall()))


def recording(row: sqlite3.Row, events: list[h.Event]) -> dict[str, Any]:
    """Return an instance and its history as one document."""
    return {
        "instanceId": row["id"],
        "name": row["name"],
        "runtimeStatus": row["status"],
        "executionId": row["execution"],
        "parentInstanceId": row["parent"],
        "input": row["input"],
        "output": row["output"],
        "customStatus": row["custom"],
        "history": events,
    }


def purge(state: Path, statuses: list[str], older_than: str) -> int:
    """Delete ended instances of a stopped host; return how many."""
    by_name = {status.lower(): status for status in TERMINAL}
    unknown = [status for status in statuses if status.lower() not in by_name]
    if unknown:
        raise SettingsError(f"status {unknown[0]!r} cannot be purged; use {', '.join(TERMINAL)}")
    age = parse_age(older_than)
    store = Store(state)
    try:
        return purge_older(store, age, tuple(by_name[status.lower()] for status in statuses))
    finally:
        store.close()


def parse_age(text: str) -> timedelta:
    """Read an age such as 7d, 12h, 30m or 0s."""
    match = re.fullmatch(r"(\d+)([dhms])", text)
    if match is None:
        raise SettingsError(f"age {text!r} is not understood; write 7d, 12h, 30m or 45s")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def keys(state: Path) -> dict[str, Any]:
    """Return the keys of a state folder."""
    if not state.exists():
        raise SettingsError(f"{state} does not exist; give the folder of a host with --state")
    return asdict(read_keys(state))


def letters(state: Path) -> list[dict[str, Any]]:
    """Return the dead letters."""
    with reading(state) as db:
        return [dead_letters.document(row) for row in db.execute(dead_letters.LIST)]


def settle_letter(state: Path, verb: str, number: int) -> None:
    """Deliver a dead letter of a stopped host at its next start, or discard it."""
    store = Store(state)
    try:
        with store.transaction() as db:
            settle = dead_letters.replay if verb == "replay" else dead_letters.discard
            if not settle(db, number):
                raise SettingsError(f"there is no dead letter {number}; see `dead-letters list`")
    finally:
        store.close()
