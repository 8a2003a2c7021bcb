"""Open failures: stories, releases, dead letters, findings."""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypedDict

from function_app import names
from function_app.domain.events.inbox import Outcome
from function_app.domain.reconciliation import FINDINGS, RECENT, FindingKind
from function_app.domain.release.release import ReleaseRecord, ReleaseStatus
from function_app.domain.stories.attention import (
    PASSED_OVER,
    RECONCILE,
    Attention,
    failed_releases,
    failed_stories,
    unserved,
)
from function_app.domain.stories.outcomes import TONES, Tone, end_name
from function_app.domain.stories.views import StoryView
from function_app.errors import MlopsError
from function_app.triggers.invocation import Done, Invocation, Request

MODELS_AT_A_TIME = 8
# These are read at the moment of the question; the last comparison may be out of date.
_SEEN_NOW = (FindingKind.FAILED_STORY, FindingKind.NOT_READY)
_KEPT = (names.TRAIN_MODEL, names.INTEGRATE_CHANGE)


class AttentionList(TypedDict):
    """The open failures."""

    attention: list[Attention]


async def get_attention(invocation: Invocation, request: Request) -> Done[AttentionList]:
    """List the failures that need attention, each with its reason and the next command."""
    stories = await invocation.stories.list(invocation.ports.clock.now() - RECENT)
    failures = await asyncio.to_thread(_collect, invocation, stories)
    return Done(content={"attention": failures})


def _collect(invocation: Invocation, stories: list[StoryView]) -> list[Attention]:
    letters = invocation.ports.inbox.list_events(Outcome.REFUSED)
    return [
        *failed_stories([*stories, *_older(invocation, stories)]),
        *failed_releases(_newest_releases(invocation)),
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


def _newest_releases(invocation: Invocation) -> list[ReleaseRecord]:
    """Return of each model and status the release that began last."""
    with_status = invocation.ports.ledger.with_status
    asked = [
        (status, model)
        for model in invocation.projects
        for status in ReleaseStatus
        if status not in PASSED_OVER
    ]
    with ThreadPoolExecutor(MODELS_AT_A_TIME) as pool:
        releases = pool.map(lambda each: with_status(each[0], each[1], 1), asked)
    return [record for records in releases for record in records]


def _production(invocation: Invocation) -> list[Attention]:
    """Return the models whose production does not serve now.

    The last comparison may be ten minutes old, so production itself is read, several models at a
    time.
    """

    def ask(model: str) -> list[Attention]:
        try:
            serving = invocation.ports.production.serving(model)
            under_way = invocation.ports.ledger.with_status(ReleaseStatus.IN_PROGRESS, model)
            return unserved(model, serving, under_way)
        except MlopsError as error:
            kind = FindingKind.UNREACHABLE
            return [Attention(kind=kind, subject=model, detail=error.message, next=RECONCILE)]

    with ThreadPoolExecutor(MODELS_AT_A_TIME) as pool:
        answers = list(pool.map(ask, sorted(invocation.projects)))
    return [attention for answer in answers for attention in answer]


def _older(invocation: Invocation, stories: list[StoryView]) -> list[StoryView]:
    """Return the last ends in the ledger of models that had no such story of late."""
    known = {(view["story"], view["facts"].get("model")) for view in stories}
    views: list[StoryView] = []
    for story in _KEPT:
        for model in invocation.projects:
            if (story, model) in known:
                continue
            record = invocation.ports.ledger.get_record(end_name(story, model))
            if record:
                end = json.loads(record["end"])
                views.append(_ended(end, {**end["facts"], "model": model}, record["at"]))
    return views


def _ended(end: Mapping[str, Any], facts: dict[str, str], at: str) -> StoryView:
    """Return the view of a story whose history may be gone."""
    return {
        "instance_id": end["instance_id"],
        "story": end["story"],
        "status": "Completed",
        "ended": True,
        "can_be_cancelled": False,
        "outcome": end["outcome"],
        "tone": TONES.get(end["outcome"], Tone.NEUTRAL),
        "reasons": end["reasons"],
        "facts": facts,
        "step": None,
        "output": None,
        "created_at": at,
        "updated_at": at,
    }


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
