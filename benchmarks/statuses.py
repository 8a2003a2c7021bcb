"""Durations of views that show few releases, as shares of reading every release.

python -m benchmarks.statuses [RELEASES] (10,000 by default, about a minute). Before releases were
found by status, `status`, `metrics`, `models`, a roll-back, `settle` and `supersede` read every
release once, `attention` twice, and the comparison of a model three times. The rows lie in a
temporary folder; production is empty and no host runs, so that the figures are those of records
and views alone.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from benchmarks.pages import BEGIN, MODEL, best
from function_app.activities.reconciliation import compare_platform
from function_app.adapters.local.rows import LocalRows
from function_app.domain.codec import dump
from function_app.domain.project import Limits
from function_app.domain.reconciliation import ModelName
from function_app.domain.release.release import (
    Release,
    ReleasePolicy,
    ReleaseRecord,
    ReleaseStatus,
    release_id,
)
from function_app.errors import ConflictError
from function_app.ports import Ports, Stories
from function_app.records.inbox.inbox import StoredInbox
from function_app.records.ledger.index import RELEASES
from function_app.records.ledger.ledger import StoredLedger, new_release
from function_app.settings.settings import read_projects
from function_app.triggers.http.attention import get_attention
from function_app.triggers.http.http_api import get_status
from function_app.triggers.http.models_api import get_models
from function_app.triggers.http.orders import post_roll_back
from function_app.triggers.invocation import Invocation, Request
from function_app.triggers.metrics import get_metrics

BATCH, WAITING = 45, 3
ENDED = (ReleaseStatus.PROMOTED, ReleaseStatus.REJECTED, ReleaseStatus.SUPERSEDED)
ROOT = Path(__file__).parents[1]


class NoStories:
    """Durable without a story."""

    async def list(self, since: datetime) -> list[object]:
        """Return no story."""
        return []


@dataclass(frozen=True)
class Bench:
    """Real records, and a platform that serves nothing."""

    rows: LocalRows
    inbox: StoredInbox

    @property
    def ledger(self) -> StoredLedger:
        """Return the ledger."""
        return StoredLedger(self.rows)

    def fill(self, number: int) -> None:
        """Store releases as an earlier version did; the newest ones wait for approval."""
        puts = []
        for version in range(1, number + 1):
            status = ENDED[version % 3]
            if version > number - WAITING:
                status = ReleaseStatus.AWAITING_APPROVAL
            name, at = release_id(MODEL, str(version)), BEGIN + timedelta(minutes=version)
            policy = ReleasePolicy(approvers=("ada",))
            release = Release(release_id=name, model=MODEL, version=str(version), policy=policy)
            record = ReleaseRecord(release=release, status=status, updated_at=at, begun_at=at)
            puts += new_release(name, at, dump(record))
        for begin in range(0, len(puts), 2 * BATCH):
            self.rows.write(RELEASES, puts[begin : begin + 2 * BATCH])

    def view(self, respond: Callable[[Invocation, Request], Awaitable[object]]) -> None:
        """Ask for a view; a roll-back is refused, because nothing was promoted by a decision."""
        invocation = Invocation(
            ports=self.ports(),
            projects=read_projects(ROOT / "mlops.toml"),
            stories=cast(Stories, NoStories()),
            limits=Limits(),
        )
        headers = {"authorization": "Bearer ada"}
        request = Request(route={"model": MODEL}, headers=headers, body=b"")
        with suppress(ConflictError):
            asyncio.run(_awaited(respond(invocation, request)))

    def ports(self) -> Ports:
        """Return the records, and a platform that has no version and serves nothing."""
        clock = SimpleNamespace(now=lambda: datetime.now(UTC))
        nothing = SimpleNamespace(
            champion=lambda model: None, endpoint=lambda model: None, serving=lambda model: None
        )
        ports = SimpleNamespace(
            rows=self.rows,
            ledger=self.ledger,
            inbox=self.inbox,
            clock=clock,
            production=nothing,
            platform=SimpleNamespace(isolation=lambda: ""),
            approvers=SimpleNamespace(identify=lambda token: token),
            registry=SimpleNamespace(list_versions=lambda model: iter(())),
        )
        return cast(Ports, ports)

    def settle(self, version: int) -> None:
        """Settle a release that waits; no decision over it is stored."""
        self.ledger.settle(release_id(MODEL, str(version)), datetime.now(UTC))

    def supersede(self, version: int) -> None:
        """Supersede the waiting releases by a newer version; a repetition finds them again."""
        name, policy = release_id(MODEL, str(version)), ReleasePolicy(approvers=("ada",))
        newer = Release(release_id=name, model=MODEL, version=str(version), policy=policy)
        self.ledger.supersede(newer, datetime.now(UTC))

    def compare(self) -> None:
        """Compare the registry and production of the model with its releases."""
        compare_platform(self.ports(), ModelName(model=MODEL))


async def _awaited(answer: Awaitable[object]) -> object:
    return await answer


def main() -> None:
    """Print the table."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        inbox = StoredInbox(LocalRows(Path(folder) / "inbox.db"))
        bench = Bench(LocalRows(Path(folder) / "ledger.db"), inbox)
        bench.fill(number)
        begin = time.perf_counter()
        bench.ledger.with_status(ReleaseStatus.AWAITING_APPROVAL)
        sorting = time.perf_counter() - begin
        everything = best(bench.ledger.list_releases)
        views = {
            "status": get_status,
            "attention": get_attention,
            "metrics": get_metrics,
            "models": get_models,
            "roll-back": post_roll_back,
        }
        seconds = {name: best(partial(bench.view, respond)) for name, respond in views.items()}
        seconds["comparison of a model"] = best(bench.compare)
        seconds["settle"] = best(partial(bench.settle, number))
        seconds["supersede"] = best(partial(bench.supersede, number + 1))
    print(f"| {number} releases | ms | share of reading all |")
    print("|---|---|---|")
    for name, spent in (("all", everything), ("sorting, once", sorting), *seconds.items()):
        print(f"| {name} | {spent * 1000:.1f} | {spent / everything:.3f} |")


if __name__ == "__main__":
    main()
