"""Attacks on the audit log as a whole, which the chain alone cannot show."""

import pytest

from function_app.domain.access.audit import Fault
from function_app.ports import Ledger, Rows
from function_app.ports.rows import Delete
from function_app.records.audit import ENTRY, ONCE, PARTITION, AuditLog
from function_app.records.changes import expected_entries
from tests.activities.law_bench import MODEL, Bench
from tests.attacks.attack import SAME, attack
from tests.contracts.conftest import account, connection

__all__ = ["account", "connection"]


@pytest.fixture
def bench(stores: tuple[Ledger, Rows]) -> Bench:
    return Bench(*stores)


def faults(bench: Bench) -> tuple[Fault, ...]:
    expected = expected_entries(MODEL, bench.changes.of_model(MODEL))
    return AuditLog(bench.rows).check(expected=lambda: expected).faults


def remove(bench: Bench, prefix: str) -> None:
    rows = bench.rows.query(PARTITION, prefix)
    bench.rows.write(PARTITION, [Delete(key=row.key, etag=row.etag) for row in rows])


@attack(
    point=8,
    does="deletes the whole audit log with its head, so that an empty chain is in order",
    answer="`mlopsctl audit verify` names each change of production without an entry, exit code 1",
    log="mlops.audit: audit log checked: head 0, with faults",
    before="absent",
    azure=SAME,
    by="trial",
)
def test_a_log_that_was_deleted_lacks_the_changes_of_production(bench: Bench) -> None:
    bench.bring_up("1")
    assert faults(bench) == ()

    remove(bench, "")

    [fault] = faults(bench)
    assert "Change 1" in fault.problem
    assert "release-diabetes-1" in fault.problem


@attack(
    point=8,
    does="deletes one entry from the middle of the audit log",
    answer="`mlopsctl audit verify` names the number of the missing entry, exit code 1",
    log="mlops.audit: audit log checked, with faults",
    before="absent",
    azure=SAME,
    by="trial",
)
def test_an_entry_that_was_deleted_leaves_a_gap(bench: Bench) -> None:
    bench.bring_up("1")
    bench.bring_up("2")
    keys = [row.key for row in bench.rows.query(PARTITION, ENTRY)]
    missing = keys[len(keys) // 2]
    assert keys[0] != missing != keys[-1]

    remove(bench, missing)

    assert int(missing.removeprefix(ENTRY)) in [fault.number for fault in faults(bench)]


def test_a_log_that_was_written_anew_lacks_the_changes_before(bench: Bench) -> None:
    bench.bring_up("1")
    remove(bench, "")
    bench.bring_up("2")

    assert ["Change 1" in fault.problem for fault in faults(bench)] == [True]


def test_a_name_without_its_entry_is_a_fault(bench: Bench) -> None:
    bench.bring_up("1")
    assert bench.rows.query(PARTITION, ONCE)
    remove(bench, ENTRY)

    assert any("Change 1" in fault.problem for fault in faults(bench))


def test_a_change_that_has_just_begun_is_not_expected_yet(bench: Bench) -> None:
    bench.approve("1")
    bench.promote("1")

    assert expected_entries(MODEL, bench.changes.of_model(MODEL)) == {}
