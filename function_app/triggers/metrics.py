"""Figures for operators, read from the records: as Prometheus' text, and by OpenTelemetry.

One function reads them, so that both are the same on every platform and after every restart.
Source of the text format: Prometheus documentation, "Exposition formats", version 0.0.4.
"""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

from function_app import telemetry
from function_app.domain.events.inbox import Outcome
from function_app.domain.reconciliation import FINDINGS, RECENT
from function_app.domain.release.release import ReleaseStatus
from function_app.domain.stories.views import StoryView
from function_app.records.audit import AuditLog
from function_app.triggers.invocation import Done, Invocation, Request

MEDIA_TYPE = "text/plain; version=0.0.4"
Labels = Mapping[str, str]
Sample = tuple[Labels, float]
Figures = dict[str, tuple[str, list[Sample]]]


async def get_metrics(invocation: Invocation, request: Request) -> Done[bytes]:
    """Show the figures: events, stories, stages, lanes, releases, findings."""
    text = exposition(await _figures(invocation))
    return Done(content=text.encode(), media_type=MEDIA_TYPE)


async def record_figures(invocation: Invocation) -> None:
    """Pass the figures to OpenTelemetry's exporter, if any, and record ended runs in MLflow."""
    if telemetry.has_meter():
        telemetry.record(await _figures(invocation))
    # On one machine a timer records runs each second; in Azure a timer more would only cost.
    await asyncio.to_thread(invocation.ports.jobs.record_ended)


async def _figures(invocation: Invocation) -> Figures:
    stories = await invocation.stories.list(invocation.ports.clock.now() - RECENT)
    return _of_stories(stories) | await asyncio.to_thread(_of_records, invocation)


def _of_stories(stories: list[StoryView]) -> Figures:
    states = Counter((s["story"], s["status"]) for s in stories)
    outcomes = Counter(
        (s["story"], str(getattr(s["output"], key)))
        for s in stories
        for key in ("outcome", "status", "verdict")
        if hasattr(s["output"], key)
    )
    count: defaultdict[tuple[str, str], int] = defaultdict(int)
    seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
    for story in stories:
        for stage, spent in _stages(story):
            count[story["story"], stage] += 1
            seconds[story["story"], stage] += spent
    return {
        "mlops_stories": (
            "Orchestration instances by story and status",
            _by(("story", "status"), states),
        ),
        "mlops_outcomes": ("Ended stories by outcome", _by(("story", "outcome"), outcomes)),
        "mlops_stage_seconds_sum": (
            "Time that stories spent in each stage that ended",
            _by(("story", "stage"), seconds),
        ),
        "mlops_stage_seconds_count": (
            "How many times stories went through each stage",
            _by(("story", "stage"), count),
        ),
    }


def _stages(story: StoryView) -> Iterator[tuple[str, float]]:
    """Yield each stage that a story left, and the seconds that it spent there."""
    steps = story["step"]["trail"] if story["step"] else []
    trail = [(step["step"], _moment(step["at"])) for step in steps]
    for (stage, begun), (_, left) in pairwise(trail):
        yield stage, (left - begun).total_seconds()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _of_records(invocation: Invocation) -> Figures:
    ports, now = invocation.ports, invocation.ports.clock.now()
    places = Counter(
        (p.lane, "inside" if p.inside else "waiting") for p in ports.ledger.list_lanes()
    )
    head = AuditLog(ports.rows).readable_head()
    record = ports.ledger.get_record(FINDINGS)
    report = json.loads(record["report"])["findings"] if record else []
    return {
        "mlops_events": (
            "The newest 500 events by outcome",
            _by(
                ("outcome",),
                Counter(
                    (e.outcome.value if e.outcome else "accepted",)
                    for e in ports.inbox.list_events()
                ),
            ),
        ),
        "mlops_audit_entries": (
            "Entries of the audit log; the number never falls unless the log was cut",
            [({}, head.number)] if head else [],
        ),
        "mlops_events_pending": (
            "Stored events that are not processed yet",
            [({}, len(ports.inbox.list_pending(now)))],
        ),
        "mlops_dead_letters": (
            "Refused events (dead letters)",
            [({}, len(ports.inbox.list_events(Outcome.REFUSED)))],
        ),
        "mlops_lane_places": (
            "Stories that hold a lane or wait for it",
            _by(("lane", "state"), places),
        ),
        "mlops_releases": (
            "Releases by model and status",
            _by(("model", "status"), ports.ledger.count_releases()),
        ),
        "mlops_approval_age_seconds": (
            "How long a release has waited for a person",
            [
                ({"release": r.release.release_id}, (now - r.updated_at).total_seconds())
                for r in ports.ledger.with_status(ReleaseStatus.AWAITING_APPROVAL)
            ],
        ),
        "mlops_findings": (
            "Findings of the last reconciliation",
            _by(
                ("kind", "repaired"),
                Counter((f["kind"], str(f["repaired"]).lower()) for f in report),
            ),
        ),
    }


def _by(names: tuple[str, ...], counts: Mapping[Any, float]) -> list[Sample]:
    return [(dict(zip(names, key, strict=True)), n) for key, n in sorted(counts.items())]


def exposition(figures: Figures) -> str:
    """Return the figures as Prometheus' text: a summary for each pair of _sum and _count.

    Every other figure is a gauge.
    """
    lines: list[str] = []
    for name, (text, samples) in figures.items():
        family, kind = name, "gauge"
        if f"{name.removesuffix('_sum')}_count" in figures:
            family, kind = name.removesuffix("_sum"), "summary"
        # The samples of one family stand together, below one TYPE; _count follows its _sum.
        if not (name.endswith("_count") and f"{name.removesuffix('_count')}_sum" in figures):
            lines += [f"# HELP {family} {_escape_text(text)}", f"# TYPE {family} {kind}"]
        for labels, value in samples:
            inner = ",".join(f'{key}="{_escape(label)}"' for key, label in labels.items())
            lines.append(f"{name}{{{inner}}} {value!r}" if inner else f"{name} {value!r}")
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    return _escape_text(text).replace('"', '\\"')


def _escape_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
