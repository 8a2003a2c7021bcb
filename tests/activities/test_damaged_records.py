"""Stored records that cannot be read, and entries that the audit log lacks after a crash."""

import asyncio
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from function_app.activities.reconciliation import compare_platform, compare_records
from function_app.adapters.local.rows import LocalRows
from function_app.domain.access.audit import AuditEvent, Kind
from function_app.domain.codec import dump
from function_app.domain.events.inbox import Claim, InboxEvent, event_key
from function_app.domain.reconciliation import Finding, FindingKind, ModelName, ReconcileRequest
from function_app.domain.release.approval import Verdict
from function_app.domain.release.authorization import ChangeKind, ChangeState, Order
from function_app.domain.release.release import ReleaseRecord, ReleaseStatus
from function_app.domain.stories.lane import LaneRequest
from function_app.errors import ContractError, PlatformError
from function_app.ports.rows import Put
from function_app.records.accounts import GRACE, LATE, name_of_decision, record_missing
from function_app.records.audit import ENTRY, PARTITION, AuditLog
from function_app.records.damage import REMEDY, partition_of
from function_app.records.inbox.inbox import StoredInbox
from function_app.records.open_counts import TAKEN_OVER
from function_app.records.recorder import Recorder
from tests.activities.law_bench import MODEL, NOW, Bench, image
from tests.activities.production_bench import bench
from tests.contracts.conftest import account, azurite, connection, identity, tls

__all__ = ["account", "azurite", "bench", "connection", "identity", "tls"]
ROOT = Path(__file__).parents[2]
# Counts five repetitions, one a second, and ends as by kill -9.
COUNT_AND_DIE = """
import os, signal, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from function_app.adapters.local.rows import LocalRows
from function_app.domain.access.audit import AuditEvent, Kind
from function_app.records.recorder import Recorder

recorder = Recorder(LocalRows(Path(sys.argv[1])))
for second in range(6):
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    event = AuditEvent(kind=Kind.REFUSAL, action="approve", at=at, code="UNAUTHENTICATED")
    recorder.record(event)
os.kill(os.getpid(), signal.SIGKILL)
"""


def damage(bench: Bench, prefix: str, content: dict[str, Any], partition: str = "") -> str:
    """Write something else into the first row with this prefix; return its key."""
    partition = partition or partition_of(MODEL)
    row = bench.rows.query(partition, prefix)[0]
    bench.rows.write(partition, [Put(key=row.key, content=content, etag=row.etag)])
    return row.key


def damaged(bench: Bench) -> list[Finding]:
    return [f for f in bench.findings() if f.kind is FindingKind.DAMAGED_RECORD]


def entries(bench: Bench) -> list[Any]:
    return list(AuditLog(bench.rows).newest(lambda event: True, 100))


class NoStories:
    async def list(self, since: Any) -> list[Any]:
        return []

    async def find(self, instance_id: str) -> None:
        """Return no story."""


def compare(bench: Bench) -> list[Finding]:
    """Compare everything that is not of one model."""
    nothing = SimpleNamespace(
        list_runs=lambda since: (),
        list_releases=lambda: (),
        list_foreign=lambda: (),
        list_unreadable=lambda: (),
        expired=lambda now: (),
    )
    ports = SimpleNamespace(
        clock=bench,
        ledger=bench.ledger,
        inbox=StoredInbox(bench.rows),
        rows=bench.rows,
        jobs=nothing,
        staging=nothing,
        datasets=nothing,
    )
    request = ReconcileRequest(reason="test", models=())
    return list(
        asyncio.run(compare_records(cast(Any, ports), request, cast(Any, NoStories()))).findings
    )


def test_decisions_that_cannot_be_read_count_for_nothing_and_are_a_finding(bench: Bench) -> None:
    first, second = bench.ask("1"), bench.ask("2")
    bench.decide(first)
    bench.decide(second)
    key = damage(bench, "decision/release-diabetes-1/", {"decisions": [{"decided_by": "../ada"}]})

    assert bench.decisions.of_release(first) == ()
    assert [d.decided_by for d in bench.decisions.on_each((first, second))["release-diabetes-2"]]
    [finding] = damaged(bench)
    assert finding.subject == f"{MODEL}: {key}"
    assert "Its decisions do not count. Restore the records from a backup." in finding.detail
    with pytest.raises(PlatformError, match="could not read decision/release-diabetes-1/"):
        bench.decide(first)


def test_a_change_that_cannot_be_read_stops_changes_and_is_a_finding(bench: Bench) -> None:
    bench.bring_up("1")
    bench.approve("2")
    damage(bench, "change/", {"number": 1, "kind": "promotion", "cause": "../../x"})

    with pytest.raises(PlatformError, match="Restore the records from a backup"):
        bench.promote("2")

    assert bench.production.served == image("1")
    [finding] = damaged(bench)
    assert "Production of the model does not change until it is restored." in finding.detail


def test_an_order_that_cannot_be_read_is_a_finding(bench: Bench) -> None:
    bench.bring_up("1")
    bench.changes.place(order(bench))
    damage(bench, "order/", {"order_id": "o"})

    [finding] = damaged(bench)

    assert "The order is not carried out; give it again." in finding.detail


def test_releases_and_entries_that_cannot_be_read_are_findings(bench: Bench) -> None:
    bench.ask("1")
    bench.ask("2")
    AuditLog(bench.rows).append(AuditEvent(kind=Kind.ORDER, action="train", at=NOW))
    damage(bench, ENTRY, {"kind": "no such kind"}, PARTITION)
    assert [f.subject for f in compare(bench) if f.kind is FindingKind.DAMAGED_RECORD] == [
        "audit log: entry 1"
    ]

    broken = damaged_release(bench)

    found = [f for f in compare(bench) if f.kind is FindingKind.DAMAGED_RECORD]
    assert broken in found[0].subject
    assert "The release is in no list. Restore the records from a backup." in found[0].detail
    assert [r.release.version for r in bench.ledger.list_releases()] == ["2"]


def test_events_claims_and_entries_of_lanes_that_cannot_be_read_are_findings(bench: Bench) -> None:
    inbox, key = StoredInbox(bench.rows), event_key("x")
    inbox.accept([InboxEvent(event_key=key, channel="api", payload="x", received_at=NOW)])
    inbox.claim(Claim(key="cause", owner="o", type="t", subject="s", content="c", claimed_at=NOW))
    hold = timedelta(hours=1)
    bench.ledger.take_lane(LaneRequest(lane="l", owner="o", since=NOW, hold=hold), NOW)
    assert [f for f in compare(bench) if f.kind is FindingKind.DAMAGED_RECORD] == []

    damage(bench, "pending/", {}, "events")
    damage(bench, "at/", {}, "claims")
    damage(bench, "l/o", {}, "lanes")

    findings = [f for f in compare(bench) if f.kind is FindingKind.DAMAGED_RECORD]
    assert [finding.subject.split("/")[0] for finding in findings] == [
        "lane entry l",
        f"event {key}",
        "claim at",
    ]
    assert all(REMEDY in finding.detail for finding in findings)


def damaged_release(bench: Bench) -> str:
    """Store a release under a name that no pattern accepts, as another version might have."""
    record = bench.record("1")
    release = replace(record.release, version="../1")
    bench.ledger.save_release(
        replace(record, release=release, status=ReleaseStatus.AWAITING_APPROVAL)
    )
    return release.release_id


def order(bench: Bench, **change: Any) -> Order:
    made = Order(
        order_id="roll-back-diabetes-2-to-1-2",
        kind=ChangeKind.ROLL_BACK,
        model=MODEL,
        by="ada",
        comment="it is slow",
        ordered_at=bench.moment,
        after=1,
        image=image("1"),
    )
    return replace(made, **change)


@pytest.mark.parametrize("field", ["order_id", "model", "by"])
def test_an_order_with_a_name_that_is_a_path_is_not_stored(bench: Bench, field: str) -> None:
    with pytest.raises(ContractError, match=rf"Order\.{field}"):
        bench.changes.place(order(bench, **{field: "../../x"}))


def test_a_change_with_a_cause_that_is_a_path_is_not_stored(bench: Bench) -> None:
    bench.bring_up("1")
    [change] = bench.changes.of_model(MODEL)
    assert (change.cause, change.by, change.state) == (
        "release-diabetes-1",
        "ada",
        ChangeState.DONE,
    )

    with pytest.raises(ContractError, match=r"Change\.cause"):
        bench.changes.begin(MODEL, replace(change, number=2, cause="../x"))


def test_records_that_were_stored_before_names_had_types_still_open(bench: Bench) -> None:
    """The records have the form of version 0.1.0 and the versions after it."""
    digest = "sha256:" + "a" * 64
    stored_image = {"model": MODEL, "version": "1", "digest": digest, "uri": f"/images/m@{digest}"}
    change = {
        "number": 1,
        "kind": "promotion",
        "cause": "release-diabetes-1",
        "by": "ada+9b2f2f0e-77e0-4d0f-9a53-0d8c5f1f7a10",
        "begun_at": "2026-01-01T00:00:00Z",
        "image": stored_image,
        "former": None,
        "state": "done",
    }
    given = {
        "order_id": "roll-back-diabetes-nothing-to-1-2",
        "kind": "roll_back",
        "model": MODEL,
        "by": "ada@example.org",
        "comment": "two\nlines",
        "ordered_at": "2026-01-01T00:00:00Z",
        "after": 1,
        "image": stored_image,
        "release": None,
    }
    puts = [
        Put(key="change/000000001", content=change),
        Put(key=f"order/{given['order_id']}", content=given),
    ]
    bench.rows.write(partition_of(MODEL), puts)

    [opened] = bench.changes.of_model(MODEL)
    order_id = str(given["order_id"])
    assert (opened.by, opened.cause) == (change["by"], change["cause"])
    assert (bench.changes.order(MODEL, order_id) or order(bench)).comment == "two\nlines"
    assert damaged(bench) == []


def test_a_decision_that_a_crash_left_without_an_entry_gets_it_once(bench: Bench) -> None:
    record = bench.ask("1")
    # The app dies here: the decision is stored, the answer and the entry were never made.
    bench.decide(record, Verdict.REJECT)
    bench.changes.place(order(bench))

    assert record_missing(bench.rows, MODEL, bench.moment) == []
    bench.pass_time(minutes=2)
    compared = compare_platform(bench.ports, ModelName(model=MODEL)).findings
    late = [finding for finding in compared if finding.kind is FindingKind.LATE_ENTRY]

    assert [finding.repaired for finding in late] == [True, True]
    shown = [(e["kind"], e["action"], e["who"], e["subject"], e["reason"]) for e in entries(bench)]
    assert shown == [
        ("order", "roll back", "ada", "roll-back-diabetes-2-to-1-2", LATE),
        ("decision", "reject", "ada", "release-diabetes-1", LATE),
    ]
    assert record_missing(bench.rows, MODEL, bench.moment + GRACE) == []
    assert len(entries(bench)) == 2
    assert AuditLog(bench.rows).check().faults == ()


def test_an_entry_that_cannot_be_read_counts_for_no_decision(bench: Bench) -> None:
    bench.decide(bench.ask("1"))
    AuditLog(bench.rows).append(AuditEvent(kind=Kind.ORDER, action="train", at=NOW))
    damage(bench, ENTRY, {"kind": "no such kind"}, PARTITION)

    assert len(record_missing(bench.rows, MODEL, bench.moment + GRACE)) == 1


def test_a_withdrawal_without_an_entry_gets_its_own(bench: Bench) -> None:
    record = bench.ask("1")
    bench.decide(record)
    bench.decisions.withdraw(record, "ada", {}, "a mistake", bench.moment, lambda: False)

    record_missing(bench.rows, MODEL, bench.moment + GRACE)

    assert [(e["action"], e["why"]) for e in entries(bench)] == [
        ("withdraw", "a mistake"),
        ("approve", ""),
    ]


def test_a_decision_with_an_entry_gets_no_second_one(bench: Bench) -> None:
    first, second = bench.ask("1"), bench.ask("2")
    recorder = Recorder(bench.rows)
    # An entry of an earlier version has no name.
    given = bench.decide(first)
    recorder.record(entry_of(first))
    recorder.record(entry_of(second), once=name_of_decision(bench.decide(second)))
    recorder.record(entry_of(second), once=name_of_decision(bench.decide(second)))

    assert record_missing(bench.rows, MODEL, bench.moment + GRACE) == []
    assert record_missing(bench.rows, MODEL, bench.moment + GRACE) == []
    assert given.decided_by == "ada"
    assert len(entries(bench)) == 2


def entry_of(record: ReleaseRecord) -> AuditEvent:
    return AuditEvent(
        kind=Kind.DECISION,
        action="approve",
        at=NOW,
        who="ada",
        model=MODEL,
        subject=record.release.release_id,
    )


def test_counts_of_a_process_that_was_killed_are_written_by_another(tmp_path: Path) -> None:
    rows = LocalRows(tmp_path / "ledger.db")
    command = [sys.executable, "-c", COUNT_AND_DIE, str(tmp_path / "ledger.db")]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -9
    recorder = Recorder(rows)

    recorder.flush(NOW + timedelta(minutes=1))
    assert [e["count"] for e in recorder.log.newest(lambda event: True, 9)] == [1]
    recorder.flush(NOW + TAKEN_OVER + timedelta(minutes=1))

    assert [e["count"] for e in recorder.log.newest(lambda event: True, 9)] == [5, 1]
    recorder.flush(NOW + TAKEN_OVER + timedelta(minutes=9))
    assert len(recorder.log.newest(lambda event: True, 9)) == 2


def test_counts_that_another_process_took_over_are_not_written_twice(bench: Bench) -> None:
    refusal = AuditEvent(kind=Kind.REFUSAL, action="approve", at=NOW, code="UNAUTHENTICATED")
    slow, other = Recorder(bench.rows), Recorder(bench.rows)
    for second in range(4):
        slow.record(replace(refusal, at=NOW + timedelta(seconds=second)))
    other.flush(NOW + TAKEN_OVER + timedelta(minutes=1))

    # The process lives, and counts one more.
    slow.record(replace(refusal, at=NOW + timedelta(seconds=5)))
    slow.flush()

    counts = [e["count"] for e in entries(bench)]
    assert (sum(counts), counts) == (5, [1, 3, 1])


def test_a_row_of_open_counts_that_cannot_be_read_stops_nothing(bench: Bench) -> None:
    content = {"at": dump(NOW), "events": [{"kind": "nonsense"}]}
    bench.rows.write("audit-open", [Put(key="dead", content=content)])
    recorder = Recorder(bench.rows)

    recorder.flush(NOW + TAKEN_OVER + timedelta(minutes=1))

    assert entries(bench) == []
    assert bench.rows.query("audit-open") == ()
