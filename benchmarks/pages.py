"""Measures a page of releases beside another request, as ratios to reading all releases.

python -m benchmarks.pages [RELEASES] (10,000 by default, about a minute). The rows lie in a
temporary folder; no host runs, so that the figures are those of records and views alone.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from function_app.adapters.local.rows import LocalRows
from function_app.domain.project import Limits
from function_app.domain.release.release import (
    Release,
    ReleasePolicy,
    ReleaseRecord,
    ReleaseStatus,
    release_id,
)
from function_app.ports import Ports, Stories
from function_app.records.ledger.ledger import StoredLedger
from function_app.triggers.http.releases_api import get_releases
from function_app.triggers.invocation import Invocation, Request

MODEL, ROUNDS = "diabetes", 5
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Bench:
    """The ports that the route asks: rows and the ledger above them."""

    def __init__(self, folder: Path) -> None:
        self.rows = LocalRows(folder / "ledger.db")
        self.ledger = StoredLedger(self.rows)

    def fill(self, number: int) -> None:
        for version in range(1, number + 1):
            release = Release(
                release_id=release_id(MODEL, str(version)),
                model=MODEL,
                version=str(version),
                policy=ReleasePolicy(approvers=("ada",)),
            )
            at = BEGIN + timedelta(minutes=version)
            status = ReleaseStatus.IN_PROGRESS
            record = ReleaseRecord(release=release, status=status, updated_at=at, begun_at=at)
            self.ledger.save_release(record)

    def page(self) -> None:
        invocation = Invocation(
            ports=cast(Ports, cast(object, self)),
            projects={},
            stories=cast(Stories, None),
            limits=Limits(),
        )
        asyncio.run(get_releases(invocation, Request(route={}, headers={}, body=b"")))

    def read_pages(self) -> None:
        for _ in range(20):
            self.page()

    def one(self) -> None:
        self.ledger.get_release(release_id(MODEL, "1"))


def best(act: Callable[[], object]) -> float:
    """Return the shortest of some durations in seconds; load lengthens the others."""
    durations = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        act()
        durations.append(time.perf_counter() - begin)
    return min(durations)


def main() -> None:
    """Print the table."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        bench.fill(number)
        everything, page, alone = (
            best(bench.ledger.list_releases),
            best(bench.page),
            best(bench.one),
        )
        reader = threading.Thread(target=bench.read_pages)
        reader.start()
        beside = best(bench.one)
        reader.join()
    print(f"| {number} releases | ms | share of reading all |")
    print("|---|---|---|")
    rows = (("all", everything), ("a page of 100", page), ("another request alone", alone))
    for name, seconds in (*rows, ("another request beside pages", beside)):
        print(f"| {name} | {seconds * 1000:.1f} | {seconds / everything:.3f} |")


if __name__ == "__main__":
    main()
