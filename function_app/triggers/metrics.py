"""Figures for operators in Prometheus' text format (version 0.0.4), read from the records."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping

from function_app.domain.inbox import Outcome
from function_app.domain.reconciliation import FINDINGS
from function_app.domain.release import ReleaseStatus
from function_app.triggers.desk import Answer, Desk, Request

MEDIA_TYPE = "text/plain; version=0.0.4"
Labels = Mapping[str, str]
Sample = tuple[Labels, float]


async def get_metrics(desk: Desk, request: Request) -> Answer:
    """Show the figures: events, stories, lanes, releases, findings."""
    stories = await desk.stories.list()
    states = Counter((s["story"], s["status"]) for s in stories)
    lines = [
        *_family(
            "mlops_stories",
            "Orchestration instances by story and status",
            [({"story": str(a), "status": str(b)}, n) for (a, b), n in sorted(states.items())],
        ),
        *await asyncio.to_thread(lambda: list(_records(desk))),
    ]
    text = "\n".join(lines) + "\n"
    return Answer(status=200, content=text.encode(), media_type=MEDIA_TYPE)


def _records(desk: Desk) -> Iterator[str]:
    ports, now = desk.ports, desk.ports.clock.now()
    pending = ports.inbox.list_pending(now)
    yield from _family("mlops_events_pending", "Events kept and not seen to", [({}, len(pending))])
    refused = len(ports.inbox.list_events(Outcome.REFUSED))
    yield from _family("mlops_dead_letters", "Events that nothing took", [({}, refused)])
    places = Counter(
        (p.lane, "inside" if p.inside else "waiting") for p in ports.ledger.list_lanes()
    )
    yield from _family(
        "mlops_lane_places",
        "Stories in a lane, and those that wait for it",
        [({"lane": lane, "state": state}, n) for (lane, state), n in sorted(places.items())],
    )
    records = ports.ledger.list_releases()
    releases = Counter((r.release.model, r.status.value) for r in records)
    yield from _family(
        "mlops_releases",
        "Releases by model and status",
        [({"model": model, "status": s}, n) for (model, s), n in sorted(releases.items())],
    )
    yield from _family(
        "mlops_approval_age_seconds",
        "How long a release has waited for a person",
        [
            ({"release": r.release.release_id}, (now - r.updated_at).total_seconds())
            for r in records
            if r.status is ReleaseStatus.AWAITING_APPROVAL
        ],
    )
    note = ports.ledger.read_note(FINDINGS)
    report = json.loads(note["report"])["findings"] if note else []
    kinds = Counter((f["kind"], str(f["repaired"]).lower()) for f in report)
    yield from _family(
        "mlops_findings",
        "What disagreed at the last comparison",
        [
            ({"kind": kind, "repaired": repaired}, n)
            for (kind, repaired), n in sorted(kinds.items())
        ],
    )


def _family(name: str, text: str, samples: list[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        inner = ",".join(f'{key}="{_escape(label)}"' for key, label in labels.items())
        yield f"{name}{{{inner}}} {value:g}" if inner else f"{name} {value:g}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
