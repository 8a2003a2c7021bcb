"""Changes of production leave entries in the audit log, each state of a change once."""

from pathlib import Path
from typing import Any

import pytest

from function_app.adapters.local.rows import LocalRows
from function_app.domain.release.authorization import ChangeKind, Order
from function_app.domain.release.release import ReleaseStatus
from function_app.records.audit import AuditLog
from function_app.records.ledger.ledger import StoredLedger
from tests.activities.law_bench import MODEL, Bench, image, release


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(StoredLedger(LocalRows(tmp_path / "ledger.db")), LocalRows(tmp_path / "ledger.db"))


def entries(bench: Bench) -> list[tuple[Any, ...]]:
    """Return the action, the person and the subject of each entry, oldest first."""
    found = AuditLog(bench.rows).newest(lambda event: True, 100)
    return [(e["action"], e["who"], e["subject"]) for e in reversed(found)]


def test_a_promotion_names_the_approver_and_what_was_approved_once(bench: Bench) -> None:
    bench.approve("1")
    bench.production.slow = 2
    for _ in range(4):
        bench.promote("1")
    bench.end("1", ReleaseStatus.PROMOTED)
    bench.end("1", ReleaseStatus.PROMOTED)

    release_id = release("1").release_id
    assert entries(bench) == [
        ("promotion begun", "ada", release_id),
        ("promotion done", "ada", release_id),
    ]
    [entry, *_] = AuditLog(bench.rows).newest(lambda event: True, 1)
    assert entry["refers_to"] == f"{release_id}/{image('1').digest}"


def test_a_promotion_that_was_taken_back_says_so(bench: Bench) -> None:
    bench.approve("1")
    bench.promote("1")
    bench.roll_back(restores=release("1"))
    bench.roll_back(restores=release("1"))

    assert [action for action, _, _ in entries(bench)] == [
        "promotion begun",
        "promotion taken back",
    ]


def test_a_roll_back_names_the_order_and_its_person(bench: Bench) -> None:
    bench.bring_up("1")
    bench.bring_up("2")
    earlier = bench.changes.of_model(MODEL)
    bench.changes.place(
        Order(
            order_id="order-1",
            kind=ChangeKind.ROLL_BACK,
            model=MODEL,
            by="grace",
            comment="slow",
            ordered_at=bench.moment,
            after=earlier[-1].number,
            image=image("1"),
            release=release("2"),
        )
    )
    bench.policy(operators=("grace",))
    bench.roll_back(order="order-1")
    bench.roll_back(order="order-1")

    assert entries(bench)[-2:] == [
        ("roll back begun", "grace", "order-1"),
        ("roll back done", "grace", "order-1"),
    ]
    assert AuditLog(bench.rows).check().faults == ()
