"""The audit log on both platforms: no gap, no fork, and tampering is found in the stored rows."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from function_app.adapters.azure.rows import AzureRows
from function_app.adapters.local.rows import LocalRows
from function_app.domain.access.audit import AuditEvent, Head, Kind, written
from function_app.errors import ContractError, PlatformError
from function_app.ports import Rows
from function_app.ports.rows import Delete, Put
from function_app.records.audit import BLOCK, ENTRY, HEAD, PARTITION, AuditLog
from function_app.records.recorder import Recorder
from tests.contracts.memory_rows import MemoryRows
from tests.records.counted_rows import CountedRows

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVENT = AuditEvent(kind=Kind.ORDER, action="train", at=NOW, who="ada", model="m")


@pytest.fixture(params=["local", "azure"])
def rows(request: pytest.FixtureRequest, tmp_path: Path) -> Rows:
    if request.param == "azure":
        return AzureRows(request.getfixturevalue("connection"))
    return LocalRows(tmp_path / "state" / "ledger.db")


def filled(rows: Rows, count: int = 4) -> AuditLog:
    log = AuditLog(rows)
    for number in range(count):
        log.append(replace(EVENT, subject=str(number)))
    return log


def subjects(log: AuditLog) -> list[str]:
    return [str(entry["subject"]) for entry in log.newest(lambda event: True, 100)]


def tamper(rows: Rows, key: str, **change: Any) -> None:
    row = rows.get(PARTITION, key)
    assert row is not None
    rows.write(PARTITION, [Put(key=key, content={**row.content, **change}, etag=row.etag)])


def remove(rows: Rows, key: str) -> None:
    row = rows.get(PARTITION, key)
    assert row is not None
    rows.write(PARTITION, [Delete(key=key, etag=row.etag)])


def entry(number: int) -> str:
    return f"{ENTRY}{number:015d}"


def test_an_empty_log_has_no_fault(rows: Rows) -> None:
    check = AuditLog(rows).check()

    assert (check.head, check.checked, check.faults) == (Head(), 0, ())


def test_entries_are_listed_newest_first_and_selected(rows: Rows) -> None:
    log = filled(rows)
    log.append(replace(EVENT, who="grace", subject="hers"))

    assert subjects(log) == ["hers", "3", "2", "1", "0"]
    assert [e["subject"] for e in log.newest(lambda e: e.who == "ada", 2)] == ["3", "2"]


def test_pages_lead_through_all_entries_whatever_is_appended_meanwhile(rows: Rows) -> None:
    log, pages, cursor = filled(rows, 5), list[list[str]](), None
    while True:
        page = log.page(lambda event: True, 2, cursor)
        pages.append([str(entry["subject"]) for entry in page.entries])
        log.append(replace(EVENT, subject="later"))
        if (cursor := page.next) is None:
            break

    assert pages == [["4", "3"], ["2", "1"], ["0"]]


def test_a_page_counts_the_selected_entries_only(rows: Rows) -> None:
    log = filled(rows, 2)
    for number in range(3):
        log.append(replace(EVENT, who="grace", subject=f"hers {number}"))
    log.append(EVENT)

    first = log.page(lambda event: event.who == "grace", 2)
    second = log.page(lambda event: event.who == "grace", 2, first.next)

    assert [entry["subject"] for entry in first.entries] == ["hers 2", "hers 1"]
    assert ([entry["subject"] for entry in second.entries], second.next) == (["hers 0"], None)


@pytest.mark.parametrize("cursor", ["x", "-1", "1" * 16, "", "\u0661"])
def test_a_cursor_that_is_none_is_refused(tmp_path: Path, cursor: str) -> None:
    log = filled(LocalRows(tmp_path / "ledger.db"), 1)

    with pytest.raises(ContractError, match="BAD_CURSOR"):
        log.page(lambda event: True, 2, cursor)


def test_pages_cross_the_blocks_of_one_query() -> None:
    rows, head = MemoryRows(), Head()
    for number in range(1, BLOCK + 4):
        content, head = written(replace(EVENT, subject=str(number)), head)
        rows.write(PARTITION, [Put(key=entry(number), content=content)])
    rows.write(PARTITION, [Put(key=HEAD, content={"number": head.number, "hash": head.hash})])

    page = AuditLog(rows).page(lambda event: True, 3, str(BLOCK + 2))

    expected = [str(BLOCK + 1), str(BLOCK), str(BLOCK - 1)]
    assert [each["subject"] for each in page.entries] == expected
    assert page.next == str(BLOCK - 1)


def test_a_page_of_rare_entries_reads_a_part_of_a_long_log() -> None:
    rows, last = CountedRows(), 25 * BLOCK
    head = Head(number=4)
    for number in (5, *range(last - 2 * BLOCK, last)):
        who = "grace" if number == 5 else "ada"
        content, _ = written(replace(EVENT, who=who), replace(head, number=number - 1))
        rows.write(PARTITION, [Put(key=entry(number), content=content)])
    rows.write(PARTITION, [Put(key=HEAD, content={"number": last, "hash": head.hash})])
    log, cursor, pages = AuditLog(rows), None, []
    rows.read = 0

    for _ in range(3):
        page = log.page(lambda event: event.who == "grace", 2, cursor)
        pages.append((len(page.entries), cursor := page.next))

    assert pages == [(0, "16000"), (0, "6000"), (1, None)]
    assert rows.read == 2 * BLOCK + 4
    assert log.contains(lambda event: event.who == "grace")


def test_writers_at_once_leave_no_gap_and_no_fork(rows: Rows) -> None:
    def append(number: int) -> None:
        AuditLog(rows).append(replace(EVENT, subject=str(number)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(append, range(12)))

    check = AuditLog(rows).check()
    assert (check.head.number, check.checked, check.faults) == (12, 12, ())
    assert sorted(subjects(AuditLog(rows)), key=int) == [str(n) for n in range(12)]


def test_a_unique_entry_is_recorded_once(rows: Rows) -> None:
    log = AuditLog(rows)

    assert log.append(EVENT, once="promotion 1") == log.append(EVENT, once="promotion 1")
    assert log.append(EVENT, once="promotion 2").number == 2


def test_a_changed_entry_is_named(rows: Rows) -> None:
    log = filled(rows)
    tamper(rows, entry(2), who="mallory")

    assert [fault.number for fault in log.check().faults] == [2]


def test_a_missing_entry_is_named(rows: Rows) -> None:
    log = filled(rows)
    remove(rows, entry(3))

    assert [fault.number for fault in log.check().faults] == [3]


def test_entries_missing_at_the_end_are_named(rows: Rows) -> None:
    log = filled(rows)
    remove(rows, entry(4))

    assert 4 in [fault.number for fault in log.check().faults]


def test_a_head_that_was_set_back_is_found_and_stops_further_entries(rows: Rows) -> None:
    log = filled(rows, 3)
    noted = log.head()
    log.append(EVENT)
    tamper(rows, HEAD, number=noted.number, hash=noted.hash)

    assert [fault.number for fault in log.check().faults] == [4]
    with pytest.raises(PlatformError, match="lies beyond the head"):
        log.append(EVENT)


def test_a_cut_log_with_a_matching_head_is_found_by_an_anchor_only(rows: Rows) -> None:
    log = filled(rows, 3)
    shorter = log.head()
    anchor = log.append(EVENT)
    remove(rows, entry(4))
    tamper(rows, HEAD, number=shorter.number, hash=shorter.hash)

    assert log.check().faults == ()
    assert [fault.number for fault in log.check(anchors=(shorter, anchor)).faults] == [4]


def test_a_damaged_head_is_an_error_that_says_so(rows: Rows) -> None:
    log = filled(rows, 1)
    tamper(rows, HEAD, number="one")

    with pytest.raises(PlatformError, match="The head is damaged"):
        log.check()


def test_repetitions_are_one_entry_with_a_count(rows: Rows) -> None:
    recorder = Recorder(rows)
    refusal = replace(EVENT, kind=Kind.REFUSAL, who="", code="UNAUTHENTICATED")
    for _ in range(50):
        recorder.record(refusal)
    recorder.flush()

    counts = [entry["count"] for entry in recorder.log.newest(lambda event: True, 100)]
    assert counts == [49, 1]
