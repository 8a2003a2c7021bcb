"""The commands on a state folder: instances, export, check, purge, keys and dead letters.

Reading works while a host runs; purging does not, since the host owns its store.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from funchost.app.indexing import alone, load_functions
from funchost.app.settings import SettingsError, export_local_settings
from funchost.check.checker import continued, first_divergence, recorded
from funchost.durable import history as h
from funchost.durable.retention import purge_older
from funchost.events import dead_letters
from funchost.keys import read_keys
from funchost.storage import deliveries, turns
from funchost.storage import instances as stored
from funchost.storage import warnings as stored_warnings
from funchost.storage.connection import Connection, connect
from funchost.storage.instances import TERMINAL, Filters, InstanceRecord
from funchost.storage.migrations import MIGRATIONS
from funchost.storage.store import CACHE, Store, schema_version
from funchost.web.management.status_api import warning_document

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def reading(state: Path) -> closing[Connection]:
    """Open the store of a running or stopped host for reading."""
    path = state / "store.db"
    if not path.exists():
        raise SettingsError(f"{state} holds no store; give the folder of a host with --state")
    db = connect(path.resolve(), cache=CACHE["reader"], read_only=True)
    if schema_version(db) == len(MIGRATIONS):
        return closing(db)
    db.close()
    Store(state).close()  # migrates the store of an earlier version, refuses that of a newer one
    return closing(connect(path.resolve(), cache=CACHE["reader"], read_only=True))


def instances(state: Path, status: str | None) -> Iterator[dict[str, Any]]:
    """Yield the instances, the oldest first."""
    with reading(state) as db:
        for row in stored.select(db, Filters(statuses=(status.capitalize(),) if status else ())):
            yield {
                "instanceId": row.id,
                "name": row.name,
                "runtimeStatus": row.status,
                "createdTime": row.created,
                "lastUpdatedTime": row.updated,
            }


def export(state: Path, instance: str | None) -> Iterator[dict[str, Any]]:
    """Yield instances with their input, output and whole history, for a golden replay."""
    with reading(state) as db:
        for row in _rows(db, instance):
            yield recording(row, h.read(turns.read(db, row.id)))


def check(
    app: Path, state: Path, instance: str | None = None
) -> Iterator[tuple[str, str, str | None]]:
    """Replay stored instances; yield the id, the orchestrator and the divergence of each.

    The divergence is None when the code agrees with the history. Running instances are replayed up
    to their last turn, all as of one moment.
    """
    with alone(app), reading(state) as db:
        export_local_settings(app)
        try:
            functions = load_functions(app)
        except Exception as error:
            raise SettingsError(
                f"the app in {app} cannot be loaded: {type(error).__name__}: {error}"
            ) from error
        db.execute("BEGIN")
        for row in _rows(db, instance):
            executions = (continued(db, row), recorded(db, row))
            yield row.id, row.name, first_divergence(functions, executions)


def _rows(db: Connection, instance: str | None) -> list[InstanceRecord]:
    """Return one instance, or all; SettingsError when there is none of this id."""
    if instance is None:
        return stored.select(db, Filters())
    row = stored.get(db, instance)
    if row is None:
        raise SettingsError(f"the store knows no instance {instance!r}; see `instances`")
    return [row]


def recording(row: InstanceRecord, events: list[h.Event]) -> dict[str, Any]:
    """Return an instance and its history as one document."""
    return {
        "instanceId": row.id,
        "name": row.name,
        "runtimeStatus": row.status,
        "executionId": row.execution,
        "parentInstanceId": row.parent,
        "input": row.input,
        "output": row.output,
        "customStatus": row.custom,
        "history": events,
    }


def warnings(state: Path) -> list[dict[str, str]]:
    """Return the warnings, the newest first."""
    with reading(state) as db:
        return [
            warning_document(record)
            for record in stored_warnings.newest(db, stored_warnings.count(db))
        ]


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
    try:
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    except (OverflowError, ValueError):
        return timedelta.max


def keys(state: Path) -> dict[str, Any]:
    """Return the keys of a state folder."""
    if not state.exists():
        raise SettingsError(f"{state} does not exist; give the folder of a host with --state")
    return asdict(read_keys(state))


def letters(state: Path) -> list[dict[str, Any]]:
    """Return the dead letters."""
    with reading(state) as db:
        return [dead_letters.document(letter) for letter in deliveries.dead_letters(db)]


def settle_letter(state: Path, verb: str, number: int) -> None:
    """Deliver a dead letter of a stopped host at its next start, or discard it."""
    store = Store(state)
    try:
        with store.transaction() as db:
            settle = dead_letters.replay if verb == "replay" else deliveries.delete_dead_letter
            if not settle(db, number):
                raise SettingsError(f"there is no dead letter {number}; see `dead-letters list`")
    finally:
        store.close()
