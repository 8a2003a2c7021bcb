"""Open failures: stories, releases, dead letters, findings."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from function_app import names
from function_app.domain.codec import dump
from function_app.domain.events.inbox import Outcome
from function_app.domain.reconciliation import FINDINGS, RECENT, FindingKind
from function_app.domain.release.release import ReleaseRecord
from function_app.domain.stories.attention import (
    RECONCILE,
    Attention,
    failed_releases,
    failed_stories,
    unserved,
)
from function_app.domain.stories.outcomes import end_name
from function_app.errors import MlopsError
from function_app.triggers.invocation import Answer, Invocation, Request

MODELS_AT_A_TIME = 8
# These are read at the moment of the question; the last comparison may be out of date.
_SEEN_NOW = (FindingKind.FAILED_STORY, FindingKind.NOT_READY)
_KEPT = (names.TRAIN_MODEL, names.INTEGRATE_CHANGE)


async def get_attention(invocation: Invocation, request: Request) -> Answer:
    """List the failures that need attention, each with its reason and the next command."""
    stories = await invocation.stories.list(invocation.ports.clock.now() - RECENT)
    failures = await asyncio.to_thread(_collect, invocation, stories)
    return Answer(status=200, content={"attention": dump(failures)})


def _collect(invocation: Invocation, stories: list[dict[str, Any]]) -> list[Attention]:
    letters = invocation.ports.inbox.list_events(Outcome.REFUSED)
    return [
        *failed_stories([*stories, *_older(invocation, stories)]),
        *failed_releases(invocation.ports.ledger.list_releases()),
        *(
            Attention(
                kind="dead letter",
                subject=event.event_key,
                detail=f"{event.code}: {event.reason}",
                next=f"mlopsctl show {event.event_key}; then mlopsctl retry, or events discard",
            )
            for event in letters
        ),
        *_findings(invocation),
        *_production(invocation),
    ]


def _production(invocation: Invocation) -> list[Attention]:
    """Return the models whose production does not serve now.

    The last comparison may be ten minutes old, so production itself is read, several models at a
    time.
    """
    records: dict[str, list[ReleaseRecord]] = {}
    for record in invocation.ports.ledger.list_releases():
        records.setdefault(record.release.model, []).append(record)

    def ask(model: str) -> list[Attention]:
        try:
            return unserved(model, invocation.ports.production.serving(model), records[model])
        except MlopsError as error:
            kind = FindingKind.UNREACHABLE
            return [Attention(kind=kind, subject=model, detail=error.message, next=RECONCILE)]

    with ThreadPoolExecutor(MODELS_AT_A_TIME) as pool:
        answers = list(pool.map(ask, sorted(records.keys() & invocation.projects.keys())))
    return [attention for answer in answers for attention in answer]


def _older(invocation: Invocation, stories: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the last ends in the ledger of models that had no such story of late."""
    known = {(view["story"], view["facts"].get("model")) for view in stories}
    views = []
    for story in _KEPT:
        for model in invocation.projects:
            if (story, model) in known:
                continue
            record = invocation.ports.ledger.get_record(end_name(story, model))
            if record:
                end = json.loads(record["end"])
                facts = {**end["facts"], "model": model}
                views.append({**end, "facts": facts, "created_at": record["at"]})
    return views


def _findings(invocation: Invocation) -> list[Attention]:
    """Return the open findings of the last comparison, without kinds that are read above."""
    record = invocation.ports.ledger.get_record(FINDINGS)
    findings = json.loads(record["report"])["findings"] if record else []
    return [
        Attention(
            kind=finding["kind"],
            subject=finding["subject"],
            detail=finding["detail"],
            next=RECONCILE,
        )
        for finding in findings
        if not finding["repaired"] and finding["kind"] not in _SEEN_NOW
    ]
