"""An inbox and a ledger that an earlier version wrote: opened, listed, continued on two platforms."""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from function_app.adapters.azure import earlier_records as azure_records
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.connection import Connection
from function_app.adapters.azure.reach.tables import Table
from function_app.adapters.local import earlier_records as local_records
from function_app.domain.events.inbox import Claim, Outcome, event_key
from function_app.domain.release.release import ReleaseStatus
from function_app.domain.stories.lane import LaneRequest
from function_app.errors import PlatformError
from function_app.ports import Rows
from function_app.records.inbox.inbox import StoredInbox
from function_app.records.ledger.ledger import StoredLedger
from tests.contracts.conftest import account, azurite, connection, identity, tls
from tests.records.earlier_state import fill_sqlite, fill_tables

__all__ = ["account", "azurite", "connection", "identity", "tls"]
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
LONG = {"id": "long", "text": "x" * 61_000}


@dataclass(frozen=True, kw_only=True)
class State:
    """A state of an earlier version on one platform: `fill` writes it again, `open` adopts it."""

    fill: Callable[[], None]
    open: Callable[[], Rows]


def stored(request: pytest.FixtureRequest, kind: str) -> State:
    """Return the filled state of an inbox or a ledger on the platform of this test."""
    if request.param == "azure":
        connected: Connection = request.getfixturevalue("connection")
        state = State(
            fill=lambda: fill_tables(connected, f"mlops{kind}"),
            open=lambda: _open_tables(kind, connected),
        )
    else:
        file: Path = request.getfixturevalue("tmp_path") / f"{kind}.db"
        state = State(fill=lambda: fill_sqlite(file), open=lambda: _open_file(kind, file))
    state.fill()
    return state


def _open_tables(kind: str, connected: Connection) -> Rows:
    if kind == "inbox":
        return azure_records.open_inbox(connected, Blobs(connected))
    return azure_records.open_ledger(connected)


def _open_file(kind: str, file: Path) -> Rows:
    if kind == "inbox":
        return local_records.open_inbox(file)
    return local_records.open_ledger(file)


@pytest.fixture(params=["local", "azure"])
def inbox_state(request: pytest.FixtureRequest) -> State:
    return stored(request, "inbox")


@pytest.fixture(params=["local", "azure"])
def ledger_state(request: pytest.FixtureRequest) -> State:
    return stored(request, "ledger")


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


def check_inbox(rows: Rows) -> None:
    inbox = StoredInbox(rows)
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


def check_ledger(rows: Rows) -> None:
    ledger = StoredLedger(rows)
    records = ledger.list_releases()
    assert [(r.release.release_id, r.status.value) for r in records] == [
        ("release-diabetes-3", "in_progress"),
        ("release-diabetes-2", "awaiting_approval"),
        ("release-two-words-1.0-rc1", "failed"),
        ("release-diabetes-1", "promoted"),
    ]
    assert ledger.releases(9).releases == records
    assert [ledger.get_release(r.release.release_id) for r in records] == list(records)
    decision = ledger.get_decision("release-diabetes-1")
    assert decision is not None
    assert (decision.decided_by, decision.comment) == ("ada", "ok")
    assert [(p.lane, p.owner, p.inside) for p in ledger.list_lanes()] == [
        ("all-trainings", "train-diabetes-a", True),
        ("rollout-diabetes", "release-diabetes-3", True),
        ("rollout-diabetes", "release-diabetes-2", False),
    ]
    assert ledger.list_lanes()[0].since == NOW + 3 * MINUTE
    assert ledger.get_record("findings / last") == {"at": "2026", "report": "ü"}
    assert ledger.list_damaged() == ()


CHECKS = {"inbox": check_inbox, "ledger": check_ledger}


@pytest.fixture(params=["inbox", "ledger"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["local", "azure"])
def state(request: pytest.FixtureRequest, kind: str) -> State:
    return stored(request, kind)


def test_everything_that_was_stored_is_listed(state: State, kind: str) -> None:
    # As at the next start, and as in a second process.
    for rows in (state.open(), state.open()):
        CHECKS[kind](rows)


def test_an_adoption_that_was_cut_goes_on_at_the_next_start(state: State, kind: str) -> None:
    """The rows are written, and the earlier records are still there, as after kill -9."""
    CHECKS[kind](state.open())
    state.fill()

    CHECKS[kind](state.open())


def test_an_opened_inbox_goes_on(inbox_state: State) -> None:
    inbox = StoredInbox(inbox_state.open())
    *_, second, first = inbox.list_events()

    # The earlier records are known: an event by its text, a cause by its key and its order.
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

    reopened = StoredInbox(inbox_state.open())
    assert [(e.payload["id"], e.outcome) for e in reopened.list_events()] == [
        ("4", None),
        ("3", None),
        ("2", Outcome.STARTED),
        ("1", Outcome.STARTED),
    ]
    assert len(reopened.list_claims()) == 5
    assert reopened.forget(NOW + 9 * DAY, NOW + 9 * DAY) == 7


def test_an_opened_ledger_goes_on(ledger_state: State) -> None:
    ledger = StoredLedger(ledger_state.open())
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

    again = StoredLedger(ledger_state.open())
    assert [(r.release.version, r.status.value) for r in again.releases(9).releases] == [
        ("3", "promoted"),
        ("2", "superseded"),
        ("1.0-rc1", "failed"),
        ("1", "promoted"),
    ]
    assert again.get_record("findings / last") == {"at": "now"}
    assert len(again.list_lanes()) == 2


def damage(file: Path, statements: Iterable[str]) -> None:
    fill_sqlite(file)
    with closing(sqlite3.connect(file)) as database, database:
        for statement in statements:
            database.execute(statement)


def test_damaged_events_in_a_file_are_named_and_hide_no_others(tmp_path: Path) -> None:
    file = tmp_path / "inbox.db"
    damage(
        file,
        (
            "UPDATE events SET event = '{' WHERE outcome = 'refused'",
            "UPDATE events SET received_at = 'x' WHERE outcome = 'started'",
            "UPDATE claims SET claim = '[]' WHERE key = 'cccc'",
        ),
    )

    inbox = StoredInbox(local_records.open_inbox(file))

    assert [e.payload["id"] for e in inbox.list_events()] == ["long", "4", "3", "1"]
    assert len(inbox.list_claims()) == 3
    names = [name for name, _ in inbox.list_damaged()]
    assert len(names) == 3
    assert names[1] == "claim key/cccc"


def test_damaged_events_in_a_table_are_named_and_hide_no_others(connection: Connection) -> None:
    fill_tables(connection, "mlopsinbox")
    table = Table(connection, "mlopsinbox")
    for row in list(table.query("PartitionKey ge @first", first="claim-")):
        if row.properties.get("outcome") == "refused" or row.partition == "claim-cccc":
            table.put(replace(row, text="{"))

    inbox = StoredInbox(azure_records.open_inbox(connection, Blobs(connection)))

    assert [e.payload["id"] for e in inbox.list_events()] == ["long", "4", "3", "1"]
    assert len(inbox.list_claims()) == 3
    assert len(inbox.list_damaged()) == 3


def test_damaged_releases_in_a_file_are_named_and_hide_no_others(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    damage(
        file,
        (
            "UPDATE releases SET record = '{' WHERE release_id LIKE '%-2'",
            "UPDATE lane_places SET since = 'x' WHERE owner = 'release-diabetes-2'",
            "UPDATE decisions SET decision = '[]'",
            "UPDATE notes SET content = 'null'",
        ),
    )

    ledger = StoredLedger(local_records.open_ledger(file))

    assert len(ledger.list_releases()) == 3
    assert len(ledger.list_lanes()) == 2
    with pytest.raises(PlatformError, match="Restore the records from a backup"):
        ledger.get_decision("release-diabetes-1")
    assert [name for name, _ in ledger.list_damaged()] == [
        "release-diabetes-2",
        "lane entry rollout-diabetes/release-diabetes-2",
    ]


def test_damaged_releases_in_a_table_are_named_and_hide_no_others(connection: Connection) -> None:
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
