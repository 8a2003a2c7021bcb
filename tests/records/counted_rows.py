"""Rows that count how many rows are read, and a ledger with many releases."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from function_app.domain.codec import dump
from function_app.domain.release.release import Release, ReleaseRecord, ReleaseStatus, release_id
from function_app.domain.release.serving import Image
from function_app.ports.rows import Delete, Put, Row
from function_app.records.ledger.index import BATCH, RELEASES
from function_app.records.ledger.ledger import StoredLedger, new_release
from tests.contracts.ledger_samples import NOW, RECORD
from tests.contracts.memory_rows import MemoryRows

MODEL = "m"
ENDED = (ReleaseStatus.PROMOTED, ReleaseStatus.REJECTED, ReleaseStatus.SUPERSEDED)


class CountedRows:
    """Rows in memory; `read` is the number of rows that callers were given."""

    def __init__(self) -> None:
        self.memory, self.read = MemoryRows(), 0

    def get(self, partition: str, key: str) -> Row | None:
        row = self.memory.get(partition, key)
        self.read += row is not None
        return row

    def query(
        self, partition: str, prefix: str = "", *, after: str = "", limit: int | None = None
    ) -> tuple[Row, ...]:
        rows = self.memory.query(partition, prefix, after=after, limit=limit)
        self.read += len(rows)
        return rows

    def write(self, partition: str, changes: Sequence[Put | Delete]) -> None:
        self.memory.write(partition, changes)


def release(version: int) -> Release:
    """Return a release of a version."""
    name = release_id(MODEL, str(version))
    return replace(RECORD.release, release_id=name, model=MODEL, version=str(version))


def image(version: int) -> Image:
    """Return the image of a version, which no other version has."""
    return Image(model=MODEL, version=str(version), digest=f"sha256:{version:064x}", uri="")


def record(version: int, status: ReleaseStatus) -> ReleaseRecord:
    """Return a release that began in the minute of its version."""
    at = NOW + timedelta(minutes=version)
    return replace(
        RECORD,
        release=release(version),
        image=image(version),
        status=status,
        begun_at=at,
        updated_at=at,
    )


def ledger_of(number: int) -> tuple[StoredLedger, CountedRows]:
    """Return a ledger with ended releases, of which the last one waits, sorted by status."""
    rows = CountedRows()
    puts: list[Put | Delete] = []
    for version in range(1, number + 1):
        ended = ENDED[version % len(ENDED)]
        status = ReleaseStatus.AWAITING_APPROVAL if version == number else ended
        one = record(version, status)
        puts += new_release(one.release.release_id, one.updated_at, dump(one))
    for begin in range(0, len(puts), BATCH):
        rows.write(RELEASES, puts[begin : begin + BATCH])
    ledger = StoredLedger(rows)
    ledger.with_status(ReleaseStatus.FAILED)
    rows.read = 0
    return ledger, rows
