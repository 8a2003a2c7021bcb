"""A ledger that an earlier version wrote: opened, listed and continued on both platforms."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from function_app.adapters.azure import earlier_records as azure_records
from function_app.adapters.azure.reach.connection import Connection
from function_app.adapters.azure.reach.tables import Table
from function_app.adapters.local import earlier_records as local_records
from function_app.adapters.local.rows import LocalRows
from function_app.domain.release.release import ReleaseStatus
from function_app.domain.stories.lane import LaneRequest
from function_app.ports import Rows
from function_app.records.ledger.ledger import StoredLedger
from tests.contracts.conftest import account, azurite, connection, identity, tls
from tests.records.earlier_state import fill_sqlite, fill_tables

__all__ = ["account", "azurite", "connection", "identity", "tls"]
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Opens = Callable[[], Rows]


@pytest.fixture(params=["local", "azure"])
def opens(request: pytest.FixtureRequest, tmp_path: Path) -> Opens:
    """Return a function that opens a state from the time before records were rows."""
    if request.param == "azure":
        connected: Connection = request.getfixturevalue("connection")
        fill_tables(connected, "mlopsledger")
        return lambda: azure_records.open_ledger(connected)
    file = tmp_path / "ledger.db"
    fill_sqlite(file)
    return lambda: local_records.open_ledger(file)


def test_everything_that_was_stored_is_listed(opens: Opens) -> None:
    # As at the next start, and as in a second process.
    for ledger in (StoredLedger(opens()), StoredLedger(opens())):
        records = ledger.list_releases()
        assert [(r.release.release_id, r.status.value) for r in records] == [
            ("release-diabetes-3", "in_progress"),
            ("release-diabetes-2", "awaiting_approval"),
            ("release-two-words-1.0-rc1", "failed"),
            ("release-diabetes-1", "promoted"),
        ]
        assert ledger.releases(9).releases == records
        assert [ledger.get_release(r.release.release_id) for r in records] == list(records)
        [decision] = ledger.list_decisions()
        assert decision == ledger.get_decision("release-diabetes-1")
        assert (decision.decided_by, decision.comment) == ("ada", "ok")
        assert [(p.lane, p.owner, p.inside) for p in ledger.list_lanes()] == [
            ("all-trainings", "train-diabetes-a", True),
            ("rollout-diabetes", "release-diabetes-3", True),
            ("rollout-diabetes", "release-diabetes-2", False),
        ]
        assert ledger.list_lanes()[0].since == NOW + 3 * MINUTE
        assert ledger.get_record("findings / last") == {"at": "2026", "report": "ü"}
        assert ledger.list_damaged() == ()


def test_an_opened_ledger_goes_on(opens: Opens) -> None:
    ledger = StoredLedger(opens())
    third = ledger.get_release("release-diabetes-3")
    assert third is not None
    hold = timedelta(hours=1)
    request = LaneRequest(
        lane="rollout-diabetes", owner="release-diabetes-2", since=NOW + 2 * MINUTE, hold=hold
    )
    assert not ledger.take_lane(request, NOW).inside
    ledger.leave_lane("rollout-diabetes", "release-diabetes-3")
    assert ledger.take_lane(request, NOW).inside

    assert ledger.supersede(third.release, NOW) == ("release-diabetes-2",)
    ledger.save_release(replace(third, status=ReleaseStatus.PROMOTED))
    ledger.save_record("findings / last", {"at": "now"})

    again = StoredLedger(opens())
    assert [(r.release.version, r.status.value) for r in again.releases(9).releases] == [
        ("3", "promoted"),
        ("2", "superseded"),
        ("1.0-rc1", "failed"),
        ("1", "promoted"),
    ]
    assert again.get_record("findings / last") == {"at": "now"}
    assert len(again.list_lanes()) == 2


def test_an_adoption_that_was_cut_goes_on_at_the_next_start(
    opens: Opens, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The rows are written, and the earlier records are still there, as after kill -9."""
    rows = opens()
    StoredLedger(rows).list_releases()
    if isinstance(rows, LocalRows):
        fill_sqlite(tmp_path / "ledger.db")
    else:
        fill_tables(request.getfixturevalue("connection"), "mlopsledger")

    test_everything_that_was_stored_is_listed(opens)


def test_damaged_records_of_an_earlier_version_are_named_and_hide_no_other(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    fill_sqlite(file)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE releases SET record = '{' WHERE release_id LIKE '%-2'")
        database.execute("UPDATE lane_places SET since = 'x' WHERE owner = 'release-diabetes-2'")
        database.execute("UPDATE decisions SET decision = '[]'")
        database.execute("UPDATE notes SET content = 'null'")

    ledger = StoredLedger(local_records.open_ledger(file))

    assert len(ledger.list_releases()) == 3
    assert len(ledger.list_lanes()) == 2
    assert ledger.list_decisions() == ()
    assert [name for name, _ in ledger.list_damaged()] == [
        "release-diabetes-2",
        "lane entry rollout-diabetes/release-diabetes-2",
    ]


def test_damaged_rows_of_an_earlier_version_are_named_and_hide_no_other(
    connection: Connection,
) -> None:
    fill_tables(connection, "mlopsledger")
    table = Table(connection, "mlopsledger")
    for partition, key in (
        ("model-diabetes", "release-diabetes-2!"),
        ("model-diabetes", "release-diabetes-1!decision"),
        ("lane-rollout-diabetes", "places"),
    ):
        row = table.get(partition, key)
        assert row is not None
        table.put(replace(row, text="{"))

    ledger = StoredLedger(azure_records.open_ledger(connection))

    assert len(ledger.list_releases()) == 3
    assert [place.lane for place in ledger.list_lanes()] == ["all-trainings"]
    assert [name for name, _ in ledger.list_damaged()] == [
        "release-diabetes-2",
        "lane entry rollout-diabetes/unreadable",
    ]


def test_an_account_without_an_earlier_version_gets_no_table_of_it(connection: Connection) -> None:
    assert StoredLedger(azure_records.open_ledger(connection)).list_releases() == ()

    with pytest.raises(Exception, match="TableNotFound"):
        list(Table(connection, "mlopsledger", make=False).query("PartitionKey eq @p", p="x"))
