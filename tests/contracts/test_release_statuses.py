"""Releases by status, on this machine and in Azure Tables."""

from dataclasses import replace
from datetime import timedelta

import pytest

from function_app.domain.codec import dump
from function_app.domain.release.release import PLAUSIBLE, Release, ReleaseRecord, ReleaseStatus
from function_app.domain.release.serving import Image
from function_app.ports import Ledger, Rows
from function_app.ports.rows import Delete, Put
from function_app.records.ledger.index import (
    BATCH,
    BY_IMAGE,
    BY_NUMBER,
    BY_STATUS,
    COMPLETE,
    RELEASES,
)
from function_app.records.ledger.ledger import StoredLedger, new_release
from tests.contracts.ledger_samples import EVERYWHERE, NOW, RECORD, ledger, rows
from tests.contracts.memory_rows import MemoryRows

__all__ = ["ledger", "rows"]
WAITS, PROMOTED = ReleaseStatus.AWAITING_APPROVAL, ReleaseStatus.PROMOTED


def record(number: int, status: ReleaseStatus, model: str = "m") -> ReleaseRecord:
    """Return a release that began in the minute of this number."""
    release = replace(
        RECORD.release, release_id=f"release-{model}-{number}", model=model, version=str(number)
    )
    at = NOW + timedelta(minutes=number)
    return replace(RECORD, release=release, status=status, begun_at=at, updated_at=at)


def image(number: int) -> Image:
    """Return an image that no other number has."""
    return Image(model="m", version=str(number), digest=f"sha256:{number:064x}", uri="")


def found(
    ledger: Ledger, status: ReleaseStatus, model: str = "", limit: int | None = None
) -> list[str]:
    """Return the ids of the releases of a status."""
    return [each.release.release_id for each in ledger.with_status(status, model, limit)]


@EVERYWHERE
def test_releases_are_found_by_status_and_model_newest_first(ledger: Ledger) -> None:
    for number in (1, 2, 3):
        ledger.save_release(record(number, WAITS))
    ledger.save_release(record(4, WAITS, "m-2"))
    ledger.save_release(record(5, PROMOTED))

    assert found(ledger, WAITS, "m") == ["release-m-3", "release-m-2", "release-m-1"]
    assert found(ledger, WAITS, "m", 1) == ["release-m-3"]
    assert set(found(ledger, WAITS)) == {*found(ledger, WAITS, "m"), "release-m-2-4"}
    assert found(ledger, ReleaseStatus.FAILED) == []


@EVERYWHERE
def test_a_release_is_found_by_its_present_status_only(ledger: Ledger) -> None:
    first, second = record(1, WAITS), record(2, WAITS)
    ledger.save_release(first)
    ledger.save_release(second)
    ledger.save_release(replace(first, status=ReleaseStatus.REJECTED))
    newer = Release(release_id="release-m-3", model="m", version="3", policy=RECORD.release.policy)

    assert ledger.supersede(newer, NOW) == ("release-m-2",)

    assert found(ledger, WAITS) == []
    assert found(ledger, ReleaseStatus.REJECTED) == ["release-m-1"]
    assert found(ledger, ReleaseStatus.SUPERSEDED) == ["release-m-2"]


@EVERYWHERE
def test_releases_are_found_by_their_present_image(ledger: Ledger) -> None:
    first, second = (replace(record(n, WAITS), image=image(n)) for n in (1, 2))
    ledger.save_release(replace(first, image=None))
    ledger.save_release(replace(first, image=image(3)))
    ledger.save_release(first)
    ledger.save_release(second)
    ledger.save_release(record(4, WAITS, "m-2"))
    rejected = replace(first, status=ReleaseStatus.REJECTED)
    ledger.save_release(rejected)

    assert ledger.with_image("m", image(1).digest) == (rejected,)
    assert ledger.with_image("m", image(2).digest) == (second,)
    assert ledger.with_image("m", image(3).digest) == ()
    assert ledger.with_image("m-2", image(1).digest) == ()


@EVERYWHERE
def test_the_newest_version_is_the_highest_number_that_may_exist(ledger: Ledger) -> None:
    unbuilt = [replace(record(n, WAITS), image=None) for n in (12, 11 + PLAUSIBLE)]
    named = record(13, WAITS)
    named = replace(named, release=replace(named.release, version="by-hand"))
    for one in (record(9, WAITS), record(10, WAITS), named, record(14, WAITS, "m-2")):
        ledger.save_release(one)
    assert ledger.newest_version("m") == 10
    for one in unbuilt:
        ledger.save_release(one)

    assert ledger.newest_version("m") == 12
    ledger.save_release(replace(record(11, WAITS), image=image(11)))
    assert ledger.newest_version("m") == 11 + PLAUSIBLE
    assert ledger.newest_version("m-2") == 14
    assert ledger.newest_version("other") == 0


def test_a_release_that_an_earlier_version_built_is_found_by_its_image_after_a_repair() -> None:
    """Such a process moves the row by status, and writes no row by image or number."""
    rows = MemoryRows()
    ledger, waits = StoredLedger(rows), replace(record(1, WAITS), image=None)
    ledger.save_release(waits)
    assert found(ledger, WAITS) == ["release-m-1"]
    [row] = rows.query(RELEASES, "at/")
    built = replace(waits, image=image(1))
    rows.write(RELEASES, [Put(key=row.key, content=dump(built), etag=row.etag)])
    assert ledger.with_image("m", image(1).digest) == ()

    assert ledger.repair_statuses() == ("release-m-1",)

    assert ledger.with_image("m", image(1).digest) == (built,)
    assert ledger.repair_statuses() == ()


@pytest.mark.parametrize("prefix", [BY_STATUS, BY_IMAGE, BY_NUMBER])
def test_a_damaged_name_is_written_again_by_a_repair(prefix: str) -> None:
    rows = MemoryRows()
    ledger = StoredLedger(rows)
    ledger.save_release(record(1, WAITS))
    before = [row.content for row in rows.query(RELEASES, prefix)]
    rows.damage(RELEASES, rows.query(RELEASES, prefix)[0].key)

    assert ledger.repair_statuses() == ("release-m-1",)

    assert [row.content for row in rows.query(RELEASES, prefix)] == before
    assert ledger.repair_statuses() == ()


def test_releases_of_the_version_that_had_rows_by_status_only_are_named_once() -> None:
    rows = MemoryRows()
    ledger = StoredLedger(rows)
    for each in (1, 2):
        ledger.save_release(replace(record(each, PROMOTED), image=image(each)))
    names = [r.key for p in (BY_IMAGE, BY_NUMBER) for r in rows.query(RELEASES, p)]
    forget(rows, *names)
    rows.write(RELEASES, [Put(key="statuses", content={})])

    ledger = StoredLedger(rows)

    assert [r.release.version for r in ledger.with_image("m", image(2).digest)] == ["2"]
    assert ledger.newest_version("m") == 2
    assert {r.key for p in (BY_IMAGE, BY_NUMBER) for r in rows.query(RELEASES, p)} == {*names}


def test_more_waiting_releases_than_one_write_takes_are_superseded() -> None:
    ledger = StoredLedger(MemoryRows())
    for number in range(1, 121):
        ledger.save_release(record(number, WAITS))
    newer = Release(
        release_id="release-m-999", model="m", version="999", policy=RECORD.release.policy
    )

    assert len(ledger.supersede(newer, NOW)) == 120
    assert len(found(ledger, ReleaseStatus.SUPERSEDED)) == 120


@pytest.mark.parametrize("interrupted", [False, True])
def test_releases_of_an_earlier_version_are_found_by_status(interrupted: bool) -> None:
    rows, number = MemoryRows(), BATCH + 10
    for each in range(1, number + 1):
        one = record(each, WAITS)
        rows.write(RELEASES, new_release(one.release.release_id, one.updated_at, dump(one)))
    if interrupted:
        assert len(found(StoredLedger(rows), WAITS)) == number
        forget(rows, COMPLETE, *[row.key for row in rows.query(RELEASES, BY_STATUS)][:5])

    ledger = StoredLedger(rows)

    assert len(found(ledger, WAITS)) == number
    assert rows.get(RELEASES, COMPLETE) is not None


def test_a_row_of_a_status_that_the_release_left_does_not_count() -> None:
    rows = MemoryRows()
    ledger, one = StoredLedger(rows), record(1, WAITS)
    ledger.save_release(one)
    [row] = rows.query(RELEASES, "at/")

    # As a process of an earlier version writes it.
    rows.write(
        RELEASES, [Put(key=row.key, content=dump(replace(one, status=PROMOTED)), etag=row.etag)]
    )

    assert found(ledger, WAITS) == []


def test_a_damaged_release_hides_no_other() -> None:
    rows = MemoryRows()
    ledger = StoredLedger(rows)
    for number in (1, 2):
        ledger.save_release(record(number, WAITS))
    for prefix in ("at/", f"{BY_STATUS}{WAITS}/"):
        rows.damage(RELEASES, rows.query(RELEASES, prefix)[0].key, "{")

        assert found(ledger, WAITS) == ["release-m-1"]


def test_releases_are_counted_by_model_and_status() -> None:
    ledger, number = StoredLedger(MemoryRows()), 520
    for each in range(1, number + 1):
        ledger.save_release(record(each, PROMOTED))
    ledger.save_release(record(1, WAITS, "m-2"))
    ledger.save_release(replace(record(1, WAITS, "m-2"), status=ReleaseStatus.REJECTED))

    assert ledger.count_releases() == {("m", "promoted"): number, ("m-2", "rejected"): 1}


def test_a_release_of_an_earlier_version_beside_this_one_is_found_after_a_repair() -> None:
    rows = MemoryRows()
    ledger, first, second = StoredLedger(rows), record(1, WAITS), record(2, WAITS)
    ledger.save_release(first)
    assert found(ledger, WAITS) == ["release-m-1"]

    # As a process of an earlier version begins a release and ends another one.
    rows.write(RELEASES, new_release("release-m-2", second.updated_at, dump(second)))
    row = rows.query(RELEASES, "at/")[-1]
    rejected = replace(first, status=ReleaseStatus.REJECTED)
    rows.write(RELEASES, [Put(key=row.key, content=dump(rejected), etag=row.etag)])
    assert (found(ledger, WAITS), found(ledger, ReleaseStatus.REJECTED)) == ([], [])

    assert ledger.repair_statuses() == ("release-m-1", "release-m-2")

    assert found(ledger, WAITS) == ["release-m-2"]
    assert found(ledger, ReleaseStatus.REJECTED) == ["release-m-1"]
    assert ledger.count_releases() == {("m", WAITS): 1, ("m", ReleaseStatus.REJECTED): 1}
    assert ledger.get_release("release-m-1") == rejected
    assert ledger.repair_statuses() == ()


def test_a_row_of_a_left_status_is_deleted_although_the_present_one_has_a_row() -> None:
    rows = MemoryRows()
    ledger, one = StoredLedger(rows), record(1, WAITS)
    ledger.save_release(one)
    [row] = rows.query(RELEASES, "at/")
    under_way = replace(one, status=ReleaseStatus.IN_PROGRESS)
    rows.write(RELEASES, [Put(key=row.key, content=dump(under_way), etag=row.etag)])
    ledger.save_release(replace(one, status=PROMOTED))

    assert ledger.repair_statuses() == ("release-m-1",)

    assert ledger.count_releases() == {("m", PROMOTED): 1}


def forget(rows: Rows, *keys: str) -> None:
    """Delete rows, as if the sorting had been interrupted."""
    stored = [row for key in keys if (row := rows.get(RELEASES, key))]
    rows.write(RELEASES, [Delete(key=row.key, etag=row.etag) for row in stored])
