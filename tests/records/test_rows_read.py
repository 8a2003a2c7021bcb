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
from function_app.domain.events.inbox import Outcome
from function_app.domain.reconciliation import ModelName, ReconcileRequest
from function_app.domain.release.authorization import Change, ChangeKind, ChangeState
from function_app.domain.release.serving import Serving
from function_app.domain.training import ModelVersion, run_id
from function_app.ports.rows import Put
from function_app.records.changes import Changes
from function_app.records.damage import PAGE
from function_app.records.decisions import Decisions
from function_app.records.inbox.inbox import StoredInbox
from function_app.records.ledger.index import BY_TIME, LATEST, RELEASES
from function_app.records.ledger.ledger import StoredLedger
from tests.contracts.ledger_samples import DECISION, NOW
from tests.contracts.test_inbox import claim, event, settled
from tests.records.counted_production import fill_production
from tests.records.counted_rows import ENDED, MODEL, CountedRows, image, ledger_of, release

# More releases of each status than a rule reads at most.
NUMBER = (LATEST + 20) * len(ENDED)
# The last rows of the first kind of rows that a check reads.
OLDEST = {"events": "pending/", "claims": "key/"}
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
            "can_be_cancelled": True,
            "updated_at": NOW.isoformat(),
            "output": None,
        }


def platform(ledger: StoredLedger, rows: CountedRows, number: int) -> Any:
    """Return ports of a platform that serves the newest promoted version."""
    served = image(newest_promoted(number))
    versions = tuple(
        ModelVersion(model=MODEL, version=str(each), run_id=run_id(MODEL, "a"), uri="", digest="d")
        for each in range(1, number + 1)
    )
    return SimpleNamespace(
        ledger=ledger,
        rows=rows,
        inbox=StoredInbox(rows),
        clock=SimpleNamespace(now=lambda: NOW + timedelta(minutes=number)),
        registry=SimpleNamespace(list_versions=lambda model: iter(versions)),
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


def newest_promoted(number: int) -> int:
    """Return the newest promoted version of a ledger with this number of releases."""
    return max(range(0, number, len(ENDED)))


def supersede(ledger: StoredLedger, rows: CountedRows, number: int) -> None:
    taken = ledger.supersede(release(number + 1), NOW)

    assert taken == (release(number).release_id,)


def settle(ledger: StoredLedger, rows: CountedRows, number: int) -> None:
    assert ledger.settle(release(number).release_id, NOW).superseded == ()


def compare_a_model(ledger: StoredLedger, rows: CountedRows, number: int) -> None:
    """Compare a model whose champion a decision promoted, and whose production changed once."""
    version = newest_promoted(number)
    promoted, served = release(version), image(version)
    decision = replace(DECISION, release_id=promoted.release_id, image_digest=served.digest)
    rows.write("decisions", [Put(key=promoted.release_id, content=dump(decision))])
    fill_production(rows, number)
    change = Change(
        number=number + 1,
        kind=ChangeKind.PROMOTION,
        cause=promoted.release_id,
        by="ada",
        begun_at=NOW,
        image=served,
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


def explain_a_foreign_champion(ledger: StoredLedger, rows: CountedRows, number: int) -> None:
    """Look for the decision on an image that no release has."""
    decisions, digest = Decisions(rows, ledger), image(number + 1).digest

    assert decisions.promoted(MODEL, digest) is None
    assert not decisions.explains(MODEL, digest)


def find_the_newest_version(ledger: StoredLedger, rows: CountedRows, number: int) -> None:
    assert ledger.newest_version(MODEL) == number


def rows_read(rule: Rule, number: int) -> int:
    ledger, rows = ledger_of(number)
    rule(ledger, rows, number)
    return rows.read


@pytest.mark.parametrize(
    "rule",
    [
        supersede,
        settle,
        compare_a_model,
        compare_everything,
        explain_a_foreign_champion,
        find_the_newest_version,
    ],
)
def test_a_rule_reads_as_many_rows_of_twice_as_many_releases(rule: Rule) -> None:
    number = max(NUMBER, PAGE)

    assert rows_read(rule, 2 * number) == rows_read(rule, number) <= 3 * PAGE


def test_the_check_of_the_inbox_reads_as_many_rows_of_twice_as_many_events() -> None:
    assert rows_read_of_inbox(1_000) == rows_read_of_inbox(2_000) <= 2 * PAGE


def rows_read_of_inbox(number: int) -> int:
    """Return how many rows a check for damage reads of events with claims, all settled."""
    rows = CountedRows()
    inbox, outcomes = StoredInbox(rows), tuple(Outcome)
    events = [event(each, NOW + timedelta(minutes=each)) for each in range(number)]
    inbox.accept(events)
    for each, accepted in enumerate(events):
        inbox.settle(settled(accepted, outcomes[each % len(outcomes)]))
        inbox.claim(claim(accepted.event_key, claimed_at=accepted.received_at))
    rows.read = 0

    assert inbox.list_damaged() == ()
    return rows.read


def test_damage_of_the_inbox_is_found_page_by_page_and_reported_until_it_is_repaired() -> None:
    rows = CountedRows()
    inbox, number = StoredInbox(rows), PAGE + 10
    events = [event(each, NOW + timedelta(minutes=each)) for each in range(number)]
    inbox.accept(events)
    for each in events:
        inbox.claim(claim(each.event_key, claimed_at=each.received_at))
    oldest = {part: rows.query(part, prefix)[-1] for part, prefix in OLDEST.items()}
    for partition, row in oldest.items():
        rows.memory.damage(partition, row.key)

    reports = [inbox.list_damaged() for _ in range(4)]
    for partition, row in oldest.items():
        rows.memory.damage(partition, row.key, json.dumps(row.content))

    event_key = events[0].event_key
    names = [f"event {event_key}", f"claim {oldest['claims'].key}"]
    assert [[name for name, _ in report] for report in reports] == [[], *3 * [names]]
    assert inbox.list_damaged() == ()


def test_damage_is_found_page_by_page_and_reported_until_it_is_repaired() -> None:
    ledger, rows = ledger_of(2 * PAGE + 10)
    oldest = rows.query(RELEASES, BY_TIME)[-1]
    rows.memory.damage(RELEASES, oldest.key)

    reports = [ledger.list_damaged() for _ in range(4)]
    rows.memory.damage(RELEASES, oldest.key, json.dumps(oldest.content))

    assert [[name for name, _ in report] for report in reports] == [[], [], *2 * [["release-m-1"]]]
    assert ledger.list_damaged() == ()
