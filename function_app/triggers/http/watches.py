"""The comparisons of production with the training data: their schedule and their state."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import TypedDict

from function_app import names
from function_app.domain.codec import dump, load
from function_app.domain.drift.drift import EvidenceTexts, describe_evidence
from function_app.domain.drift.retraining import Alarm, DriftPolicy
from function_app.domain.drift.watching import DriftReport, WatchRequest, drift_name, watch_id
from function_app.domain.project import project_of
from function_app.errors import NotFoundError
from function_app.triggers.bodies import NoFields, read_body
from function_app.triggers.invocation import Accepted, Done, Invocation, Request


class StoryStarted(TypedDict):
    """The story that was started, or that is under way already."""

    instance_id: str


class Traffic(TypedDict):
    """The requests since the present test began.

    `callers` has the rows of each caller that count. `repeated` rows were sent before, and the
    values of `out_of_range`, by column, are no valid input: their rows do not count.
    """

    callers: dict[str, int]
    repeated: int
    out_of_range: dict[str, int]


class DriftState(TypedDict):
    """The last comparison for drift, None before the first one, and the alarms that count.

    `figures` has the e-values of the comparison as texts, rounded as in its reason.
    """

    model: str
    traffic: Traffic
    policy: DriftPolicy
    report: DriftReport | None
    figures: EvidenceTexts | None
    alarms: list[Alarm]


async def start_watches(invocation: Invocation) -> None:
    """Start a check of every watched model in production whose interval is over.

    A model whose last check still runs is skipped.
    """
    for model, project in sorted(invocation.projects.items()):
        if project.drift is None:
            continue
        story = await invocation.stories.find(watch_id(model))
        pause = timedelta(seconds=project.drift.interval_seconds)
        due = story is None or (story["ended"] and _age(invocation, story["created_at"]) >= pause)
        if not due:
            continue
        champion = await asyncio.to_thread(invocation.ports.production.champion, model)
        if champion is not None:
            await _start(invocation, model, project.drift)


async def post_drift_check(invocation: Invocation, request: Request) -> Accepted[StoryStarted]:
    """Start a comparison for drift now, unless one is under way."""
    read_body(request, NoFields)
    model = request.route["model"]
    policy = _policy(invocation, model)
    story = await invocation.stories.find(watch_id(model))
    if story is None or story["ended"]:
        await _start(invocation, model, policy)
    return Accepted(content={"instance_id": watch_id(model)})


async def get_drift(invocation: Invocation, request: Request) -> Done[DriftState]:
    """Show the last comparison for drift, its effect, and the rest of the retraining budget."""
    model = request.route["model"]
    policy = _policy(invocation, model)
    record = invocation.ports.ledger.get_record(drift_name(model)) or {}
    report = load(DriftReport, json.loads(record["report"])) if "report" in record else None
    state = json.loads(record["state"]) if "state" in record else {}
    traffic = Traffic(
        callers=state.get("callers", {}),
        repeated=state.get("repeated", 0),
        out_of_range=state.get("out_of_range", {}),
    )
    content = DriftState(
        model=model,
        traffic=traffic,
        policy=policy,
        report=report,
        figures=_figures(report) if report else None,
        alarms=state.get("alarms", []),
    )
    return Done(content=content)


def _figures(report: DriftReport) -> EvidenceTexts:
    return describe_evidence(report.columns, report.e_value, report.threshold)


def _policy(invocation: Invocation, model: str) -> DriftPolicy:
    project = project_of(invocation.projects, model)
    if project.drift is None:
        raise NotFoundError(f"{model} is not watched. Add [models.{model}.drift] to mlops.toml.")
    return project.drift


async def _start(invocation: Invocation, model: str, policy: DriftPolicy) -> None:
    request = WatchRequest(model=model, policy=policy)
    # A finished id starts again: only the last check of each model is stored.
    await invocation.stories.start(names.WATCH_PRODUCTION, watch_id(model), dump(request))


def _age(invocation: Invocation, created_at: str | None) -> timedelta:
    now = invocation.ports.clock.now()
    return now - datetime.fromisoformat(created_at) if created_at else timedelta.max
