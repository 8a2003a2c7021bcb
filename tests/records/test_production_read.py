"""The number of rows that a rule reads does not grow with the changes of production."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from function_app.domain.codec import dump
from function_app.domain.people.duties import ApprovalRules
from function_app.domain.release.release import ReleaseStatus
from function_app.ports.rows import Delete, Put
from function_app.records.accounts import (
    GRACE,
    SEARCHED,
    UNRECORDED,
    name_of_decision,
    name_of_order,
    record_missing,
    record_missing_of_page,
)
from function_app.records.audit import ONCE, PARTITION
from function_app.records.changes import LATEST, Changes
from function_app.records.damage import ORDER, PAGE, damaged_rows, partition_of
from function_app.records.decisions import Decisions
from function_app.records.ledger.ledger import StoredLedger
from tests.contracts.ledger_samples import DECISION, NOW, RECORD
from tests.records.counted_production import fill_production, order_of
from tests.records.counted_rows import MODEL, CountedRows, record, release

RULES = ApprovalRules(approvers=("ada",), people={})


def find_the_change_of_the_newest_release(rows: CountedRows, number: int) -> None:
    change = Changes(rows).newest_of(MODEL, release(number).release_id)

    assert change is not None
    assert change.number == number


def judge_a_promotion(rows: CountedRows, number: int) -> None:
    """Read the changes for the rules of a promotion, and for a withdrawal that comes too late."""
    changes, newest = Changes(rows), release(number).release_id
    decision = replace(DECISION, release_id=newest, after=number - 3)

    assert [change.number for change in changes.since(MODEL, [decision])] == [
        number - 2,
        number - 1,
        number,
    ]
    assert not changes.has_begun(MODEL, newest, [decision])
    assert [change.number for change in changes.since(MODEL, [])] == [number]


def judge_an_order(rows: CountedRows, number: int) -> None:
    changes = Changes(rows).since_order(order_of(number))

    assert [change.number for change in changes] == [number]


def search_damaged_rows(rows: CountedRows, number: int) -> None:
    assert tuple(damaged_rows(rows, MODEL)) == ()


def search_missing_entries(rows: CountedRows, number: int) -> None:
    now = NOW + timedelta(hours=1)

    assert record_missing(rows, MODEL, now) == record_missing_of_page(rows, MODEL, now) == []


def show_many_releases(rows: CountedRows, number: int) -> None:
    """Read the decisions over more releases than a page has by default."""
    records = [record(each, ReleaseStatus.PROMOTED) for each in range(number - 250, number)]

    assert len(Decisions(rows, StoredLedger(rows)).on_each(records)) == 250


@pytest.mark.parametrize(
    "rule",
    [
        show_many_releases,
        find_the_change_of_the_newest_release,
        judge_a_promotion,
        judge_an_order,
        search_damaged_rows,
        search_missing_entries,
    ],
)
def test_a_rule_reads_as_many_rows_of_twice_as_many_changes(
    rule: Callable[[CountedRows, int], None],
) -> None:
    read = []
    for number in (PAGE, 2 * PAGE):
        rows = CountedRows()
        fill_production(rows, number)
        rule(rows, number)
        read.append(rows.read)

    assert 0 < read[0] == read[1] <= PAGE


def test_damage_of_decisions_is_found_page_by_page_and_reported_until_it_is_repaired() -> None:
    rows, partition = CountedRows(), partition_of(MODEL)
    fill_production(rows, PAGE)
    last = rows.query(partition, ORDER)[-1]
    rows.memory.damage(partition, last.key)

    reports = [tuple(damaged_rows(rows, MODEL)) for _ in range(5)]
    rows.memory.damage(partition, last.key, json.dumps(last.content))

    name = f"{MODEL}: {last.key}"
    assert [[name for name, _ in report] for report in reports] == [[], [], *3 * [[name]]]
    assert tuple(damaged_rows(rows, MODEL)) == ()


def test_an_unmarked_decision_without_an_entry_is_found_page_by_page() -> None:
    """An earlier version stored it, without a mark."""
    rows, number = CountedRows(), SEARCHED + 10
    fill_production(rows, number)
    last = rows.query(PARTITION, f"{ONCE}{ORDER}")[-1]
    rows.memory.write(PARTITION, [Delete(key=last.key, etag=last.etag)])
    now = NOW + timedelta(hours=1)

    late = [record_missing_of_page(rows, MODEL, now) for _ in range(4)]

    assert late == [[], [], [last.key.removeprefix(ONCE)], []]


def test_changes_of_an_earlier_version_are_read_beside_the_latest_one() -> None:
    rows, partition = CountedRows(), partition_of(MODEL)
    fill_production(rows, 30)
    changes, [last] = Changes(rows), Changes(rows).latest(MODEL)
    later = replace(last, number=31, cause="later")
    rows.write(partition, [Put(key="change/000000031", content=dump(later))])

    assert changes.latest(MODEL) == (later,)
    assert changes.newest_of(MODEL, "later") == later
    assert changes.newest_of(MODEL, release(1).release_id) == changes.of_model(MODEL)[0]
    assert changes.newest_of(MODEL, "never") is None
    for content in ({"number": 99}, {"number": -1}, {}):
        row = rows.get(partition, LATEST)
        assert row is not None
        rows.write(partition, [Put(key=LATEST, content=content, etag=row.etag)])
        assert changes.latest(MODEL) == (later,)
    changes.begin(MODEL, replace(last, number=32))
    assert changes.latest(MODEL) == (replace(last, number=32),)


def test_a_marked_decision_or_order_without_an_entry_is_found_at_once() -> None:
    rows, number = CountedRows(), 3 * SEARCHED
    fill_production(rows, number)
    decision = replace(DECISION, release_id="release-m-zz", decided_at=NOW)
    waiting = replace(RECORD, release=replace(RECORD.release, release_id="release-m-zz"))
    decisions = Decisions(rows, StoredLedger(rows))
    decisions.decide(waiting, decision, RULES)
    order = Changes(rows).place(order_of(number + 1))
    expected = [name_of_decision(decision), name_of_order(order)]

    assert record_missing(rows, MODEL, NOW) == []
    assert record_missing(rows, MODEL, NOW + GRACE) == expected
    assert record_missing(rows, MODEL, NOW + GRACE) == []
    assert rows.query(partition_of(MODEL), UNRECORDED) == ()

    gone = decisions.withdraw(waiting, "ada", {}, "a mistake", NOW, lambda: False)
    assert record_missing(rows, MODEL, NOW + GRACE) == [name_of_decision(gone)]
