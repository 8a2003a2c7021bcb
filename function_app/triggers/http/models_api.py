"""The models: production, the last training, and waiting releases."""

import asyncio
import json
from collections.abc import Iterable
from datetime import datetime
from typing import TypedDict

from function_app import names
from function_app.domain.project import project_of
from function_app.domain.reconciliation import RECENT
from function_app.domain.release.release import ReleaseRecord, ReleaseStatus
from function_app.domain.release.serving import Image
from function_app.domain.stories.lane import LanePosition, rollout_lane, training_lane
from function_app.domain.stories.outcomes import TONES, Tone, end_name
from function_app.domain.stories.views import StoryView
from function_app.errors import MlopsError
from function_app.records.ledger.statuses import newest
from function_app.triggers.http.keys import example_call
from function_app.triggers.invocation import Done, Invocation, Request

# So many promotions and roll-backs of a model are considered.
NEWEST = 200


class LastTraining(TypedDict):
    """The newest training of a model."""

    instance_id: str
    outcome: str
    tone: Tone | None
    reasons: list[str]
    facts: dict[str, str]
    at: str | None


class Served(TypedDict):
    """The version that production serves; `error` says why production does not answer."""

    version: str | None
    image_digest: str | None
    endpoint: str | None
    call: str | None
    serves_since: datetime | None
    release: str | None
    error: str | None


class ModelView(Served):
    """A model with its production, its last training, and releases that wait."""

    model: str
    last_training: LastTraining | None
    awaiting_approval: list[str]
    waiting_for_their_turn: list[str]


class ModelList(TypedDict):
    """Every model of mlops.toml."""

    models: list[ModelView]


async def get_models(invocation: Invocation, request: Request) -> Done[ModelList]:
    """List every model with its production, its last training and its waiting releases."""
    return Done(content={"models": await _views(invocation, sorted(invocation.projects))})


async def get_model(invocation: Invocation, request: Request) -> Done[ModelView]:
    """Show one model with its production, its last training and its waiting releases."""
    model = request.route["model"]
    project_of(invocation.projects, model)
    return Done(content=(await _views(invocation, [model]))[0])


async def _views(invocation: Invocation, models: list[str]) -> list[ModelView]:
    stories = await invocation.stories.list(invocation.ports.clock.now() - RECENT)

    def read() -> list[ModelView]:
        lanes = invocation.ports.ledger.list_lanes()
        return [_view(invocation, model, stories, lanes) for model in models]

    return await asyncio.to_thread(read)


def _view(
    invocation: Invocation,
    model: str,
    stories: list[StoryView],
    lanes: tuple[LanePosition, ...],
) -> ModelView:
    with_status = invocation.ports.ledger.with_status
    waiting = [
        entry.owner
        for entry in lanes
        if entry.lane in (training_lane(model), rollout_lane(model)) and not entry.inside
    ]
    return {
        "model": model,
        **_production(invocation, model),
        "last_training": _last_training(invocation, model, stories),
        "awaiting_approval": [
            record.release.release_id
            for record in newest(with_status(ReleaseStatus.AWAITING_APPROVAL, model))
        ],
        "waiting_for_their_turn": waiting,
    }


def _production(invocation: Invocation, model: str) -> Served:
    try:
        champion = invocation.ports.production.champion(model)
        endpoint = invocation.ports.production.endpoint(model)
        header = invocation.ports.production.caller_header(model) if endpoint else ""
    except MlopsError as error:
        # One model whose platform does not answer hides no other.
        return {
            "version": None,
            "image_digest": None,
            "endpoint": None,
            "call": None,
            "serves_since": None,
            "release": None,
            "error": error.message,
        }
    with_status = invocation.ports.ledger.with_status
    promoted = with_status(ReleaseStatus.PROMOTED, model, NEWEST) if champion else ()
    release = _serving_release(champion, promoted)
    rolled_back = with_status(ReleaseStatus.ROLLED_BACK, model, NEWEST) if release else ()
    return {
        "version": champion.version if champion else None,
        "image_digest": champion.digest if champion else None,
        "endpoint": endpoint,
        "call": example_call(invocation, model, endpoint, header) if endpoint else None,
        "serves_since": _since(release, rolled_back),
        "release": release.release.release_id if release else None,
        "error": None,
    }


def _serving_release(
    champion: Image | None, records: Iterable[ReleaseRecord]
) -> ReleaseRecord | None:
    """Return the promoted release whose image production serves."""
    return next(
        (
            record
            for record in records
            if champion and record.image and record.image.digest == champion.digest
        ),
        None,
    )


def _since(release: ReleaseRecord | None, rolled_back: Iterable[ReleaseRecord]) -> datetime | None:
    """Return the time of the promotion, or of the last roll-back that gave production back."""
    if release is None:
        return None
    return max([release.updated_at, *(record.updated_at for record in rolled_back)])


def _last_training(
    invocation: Invocation, model: str, stories: list[StoryView]
) -> LastTraining | None:
    """Return the newest training: of the recent stories, else the last that the ledger knows."""
    for view in stories:
        if view["story"] == names.TRAIN_MODEL and view["facts"].get("model") == model:
            return {
                "instance_id": view["instance_id"],
                "outcome": view["outcome"],
                "tone": view["tone"],
                "reasons": view["reasons"],
                "facts": view["facts"],
                "at": view["updated_at"],
            }
    record = invocation.ports.ledger.get_record(end_name(names.TRAIN_MODEL, model))
    if record is None:
        return None
    end = json.loads(record["end"])
    return {
        "instance_id": end["instance_id"],
        "outcome": end["outcome"],
        "tone": TONES.get(end["outcome"]),
        "reasons": end["reasons"],
        "facts": end["facts"],
        "at": record["at"],
    }
