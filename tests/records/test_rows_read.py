"""The number of rows that a rule reads does not grow with the number of ended releases."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from function_app.activities.reconciliation import compare_platform, compare_records
from function_app.domain.codec import dump
from function_app.domain.reconciliation import ModelName, ReconcileRequest
from function_app.domain.release.authorization import Change, ChangeKind, ChangeState
from function_app.domain.release.serving import Serving
from function_app.domain.training import ModelVersion, run_id
from function_app.ports.rows import Put
from function_app.records.changes import Changes
from function_app.records.inbox.inbox import StoredInbox
from function_app.records.ledger.damage_check import PAGE
from function_app.records.ledger.ledger import StoredLedger
from function_app.records.ledger.statuses import BY_TIME, LATEST, RELEASES
from tests.contracts.ledger_samples import DECISION, NOW, RECORD
from tests.records.counted_rows import ENDED, MODEL, CountedRows, ledger_of, release

# More releases of each status than a rule reads at most.
NUMBER = (LATEST + 20) * len(ENDED)
Rule = Callable[[StoredLedger, CountedRows, int], object]


class NoStories:
    async def list(self, since: Any) -> list[Any]:
        return []

    async def find(self, instance_id: str) -> dict[str, Any]:
        """Return a story that goes on."""
        return {
            "instance_id": instance_id,
            "status": "Running",
            "ended": False,
            "updated_at": NOW.isoformat(),
            "output": None,
        }


def platform(ledger: StoredLedger, rows: CountedRows, number: int) -> Any:
    """Return ports of a platform that serves the newest promoted version."""
    served = RECORD.image
    assert served is not None
    versions = tuple(
        ModelVersion(model=MODEL, version=str(each), run_id=run_id(MODEL, "a"), uri="", digest="d")
        for each in range(1, number + 1)
    )
    return SimpleNamespace(
        ledger=ledger,
        rows=rows,
        inbox=StoredInbox(rows),
        clock=SimpleNamespace(now=lambda: NOW + timedelta(minutes=number)),
        registry=SimpleNamespace(list_versions=lambda model: versions),
        production=SimpleNamespace(
            champion=lambda model: served,
            serving=lambda model: Serving(image=served, replicas=1, ready=1),
            endpoint=lambda model: None,
        ),
        jobs=SimpleNamespace(list_runs=lambda since: ()),
        staging=SimpleNamespace(
            list_releases=lambda: (release(number).release_id, release(1).release_id),
            list_foreign=lambda: (),
            expired=lambda now: (),
            remove=lambda release_id: None,
        ),
        datasets=SimpleNamespace(list_unreadable=lambda: ()),
    )


def supersede(ledger: StoredLedger, rows: CountedRows, number: int) -> None:
    taken = ledger.supersede(release(number + 1), NOW)

    assert taken == (release(number).release_id,)


def settle(ledger: StoredLedger, rows: CountedRows, number: int) -> None:
    assert ledger.settle(release(number).release_id, NOW).superseded == ()


def compare_a_model(ledger: StoredLedger, rows: CountedRows, number: int) -> None:
    """Compare a model whose champion a decision promoted, and whose production changed once."""
    promoted = release(max(range(0, number, len(ENDED))))
    decision = replace(DECISION, release_id=promoted.release_id)
    rows.write("decisions", [Put(key=promoted.release_id, content=dump(decision))])
    change = Change(
        number=1,
        kind=ChangeKind.PROMOTION,
        cause=promoted.release_id,
        by="ada",
        begun_at=NOW,
        image=RECORD.image,
        state=ChangeState.DONE,
    )
    Changes(rows).begin(MODEL, change)
    ports = cast(Any, platform(ledger, rows, number))

    assert compare_platform(ports, ModelName(model=MODEL)).findings == ()


def compare_everything(ledger: StoredLedger, rows: CountedRows, number: int) -> None:
    ports = cast(Any, platform(ledger, rows, number))
    request = ReconcileRequest(reason="test", models=(MODEL,))

    report = asyncio.run(compare_records(ports, request, cast(Any, NoStories())))

    assert [finding.kind for finding in report.findings] == ["orphaned staging"]


def rows_read(rule: Rule, number: int) -> int:
    ledger, rows = ledger_of(number)
    rule(ledger, rows, number)
    return rows.read


@pytest.mark.parametrize("rule", [supersede, settle, compare_a_model, compare_everything])
def test_a_rule_reads_as_many_rows_of_twice_as_many_releases(rule: Rule) -> None:
    number = max(NUMBER, PAGE)

    assert rows_read(rule, 2 * number) == rows_read(rule, number) <= 3 * PAGE


def test_damage_is_found_page_by_page_and_reported_until_it_is_repaired() -> None:
    ledger, rows = ledger_of(2 * PAGE + 10)
    oldest = rows.query(RELEASES, BY_TIME)[-1]
    rows.memory.damage(RELEASES, oldest.key)

    reports = [ledger.list_damaged() for _ in range(4)]
    rows.memory.damage(RELEASES, oldest.key, json.dumps(oldest.content))

    assert [[name for name, _ in report] for report in reports] == [[], [], *2 * [["release-m-1"]]]
    assert ledger.list_damaged() == ()
