"""An inbox that an earlier version wrote: opened, listed and continued on both platforms."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from function_app.adapters.azure import earlier_records as azure_records
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.connection import Connection
from function_app.adapters.azure.reach.tables import Table
from function_app.adapters.local import earlier_records as local_records
from function_app.adapters.local.rows import LocalRows
from function_app.domain.events.inbox import Claim, Outcome, event_key
from function_app.ports import Rows
from function_app.records.inbox.inbox import StoredInbox
from tests.contracts.conftest import account, azurite, connection, identity, tls
from tests.records.earlier_state import fill_sqlite, fill_tables

__all__ = ["account", "azurite", "connection", "identity", "tls"]
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
LONG = {"id": "long", "text": "x" * 61_000}
Opens = Callable[[], Rows]


@pytest.fixture(params=["local", "azure"])
def opens(request: pytest.FixtureRequest, tmp_path: Path) -> Opens:
    """Return a function that opens a state from the time before records were rows."""
    if request.param == "azure":
        connected: Connection = request.getfixturevalue("connection")
        fill_tables(connected, "mlopsinbox")
        return lambda: azure_records.open_inbox(connected, Blobs(connected))
    file = tmp_path / "inbox.db"
    fill_sqlite(file)
    return lambda: local_records.open_inbox(file)


def claim(key: str, order: str = "") -> Claim:
    return Claim(
        key=key,
        owner=f"train-diabetes-{key}",
        type="Microsoft.Storage.BlobCreated",
        subject="data/a.csv",
        content=key,
        claimed_at=NOW + DAY,
        order=order,
    )


def test_everything_that_was_stored_is_listed(opens: Opens) -> None:
    # As at the next start, and as in a second process.
    for inbox in (StoredInbox(opens()), StoredInbox(opens())):
        events = inbox.list_events()
        assert [(e.payload["id"], e.outcome) for e in events] == [
            ("long", Outcome.REPEATED),
            ("4", None),
            ("3", None),
            ("2", Outcome.REFUSED),
            ("1", Outcome.STARTED),
        ]
        assert events[0].payload == LONG
        assert [inbox.get(each.event_key) for each in events] == list(events)
        assert [e.payload["id"] for e in inbox.list_pending(NOW + 9 * DAY)] == ["3", "4"]
        [letter] = inbox.list_events(Outcome.REFUSED)
        assert (letter.code, letter.reason) == ("UNKNOWN_MODEL", "why")
        assert letter.received_at == NOW + MINUTE
        claims = inbox.list_claims()
        assert [each.first_key for each in claims] == ["cccc", "aaaa", "bbbb", "aaaa"]
        assert inbox.list_damaged() == ()


def test_an_opened_inbox_goes_on(opens: Opens) -> None:
    inbox = StoredInbox(opens())
    *_, second, first = inbox.list_events()

    # What came before is known: an event by its text, a cause by its key and its order.
    again = replace(first, received_at=NOW + DAY, outcome=None)
    assert inbox.accept([again]) == (first,)
    assert not inbox.claim(claim("cccc")).created
    repeated = inbox.claim(claim("bbbb", order="2"))
    assert (repeated.created, repeated.newer is not None) == (False, True)
    assert repeated.newer is not None
    assert repeated.newer.first_key == "aaaa"
    assert not inbox.claim(claim("aaaa", order="3")).created
    assert inbox.claim(claim("bbbb", order="4")).created
    inbox.settle(replace(second, outcome=Outcome.STARTED))
    inbox.discard(event_key(LONG))

    reopened = StoredInbox(opens())
    assert [(e.payload["id"], e.outcome) for e in reopened.list_events()] == [
        ("4", None),
        ("3", None),
        ("2", Outcome.STARTED),
        ("1", Outcome.STARTED),
    ]
    assert len(reopened.list_claims()) == 5
    assert reopened.forget(NOW + 9 * DAY, NOW + 9 * DAY) == 7


def test_an_adoption_that_was_cut_goes_on_at_the_next_start(
    opens: Opens, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The rows are written, and the earlier records are still there, as after kill -9."""
    rows = opens()
    StoredInbox(rows).list_events()
    if isinstance(rows, LocalRows):
        fill_sqlite(tmp_path / "inbox.db")
    else:
        fill_tables(request.getfixturevalue("connection"), "mlopsinbox")

    test_everything_that_was_stored_is_listed(opens)


def test_damaged_records_of_an_earlier_version_are_named_and_hide_no_other(tmp_path: Path) -> None:
    file = tmp_path / "inbox.db"
    fill_sqlite(file)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE events SET event = '{' WHERE outcome = 'refused'")
        database.execute("UPDATE events SET received_at = 'x' WHERE outcome = 'started'")
        database.execute("UPDATE claims SET claim = '[]' WHERE key = 'cccc'")

    inbox = StoredInbox(local_records.open_inbox(file))

    assert [e.payload["id"] for e in inbox.list_events()] == ["long", "4", "3", "1"]
    assert len(inbox.list_claims()) == 3
    names = [name for name, _ in inbox.list_damaged()]
    assert len(names) == 3
    assert names[1] == "claim key/cccc"


def test_damaged_rows_of_an_earlier_version_are_named_and_hide_no_other(
    connection: Connection,
) -> None:
    fill_tables(connection, "mlopsinbox")
    table = Table(connection, "mlopsinbox")
    for row in list(table.query("PartitionKey ge @first", first="claim-")):
        if row.properties.get("outcome") == "refused" or row.partition == "claim-cccc":
            table.put(replace(row, text="{"))

    inbox = StoredInbox(azure_records.open_inbox(connection, Blobs(connection)))

    assert [e.payload["id"] for e in inbox.list_events()] == ["long", "4", "3", "1"]
    assert len(inbox.list_claims()) == 3
    assert len(inbox.list_damaged()) == 3
