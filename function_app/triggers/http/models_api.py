"""The models: production, the last training, and waiting releases."""

import asyncio
import json
from typing import Any

from function_app import names
from function_app.domain.codec import dump
from function_app.domain.reconciliation import RECENT
from function_app.domain.release.release import ReleaseRecord, ReleaseStatus
from function_app.domain.release.serving import Image
from function_app.domain.stories.lane import LanePosition, rollout_lane, training_lane
from function_app.domain.stories.outcomes import TONES, end_name
from function_app.errors import MlopsError, NotFoundError
from function_app.triggers.http.keys import example_call
from function_app.triggers.invocation import Answer, Invocation, Request

View = dict[str, Any]


async def get_models(invocation: Invocation, request: Request) -> Answer:
    """List every model with its production, its last training and its waiting releases."""
    return Answer(
        status=200, content={"models": await _views(invocation, sorted(invocation.projects))}
    )


async def get_model(invocation: Invocation, request: Request) -> Answer:
    """Show one model with its production, its last training and its waiting releases."""
    model = request.route["model"]
    if model not in invocation.projects:
        raise NotFoundError(f"mlops.toml names no model {model[:60]!r}. Add it, or name another.")
    return Answer(status=200, content=(await _views(invocation, [model]))[0])


async def _views(invocation: Invocation, models: list[str]) -> list[View]:
    stories = await invocation.stories.list(invocation.ports.clock.now() - RECENT)

    def read() -> list[View]:
        records, lanes = (
            invocation.ports.ledger.list_releases(),
            invocation.ports.ledger.list_lanes(),
        )
        return [_view(invocation, model, stories, records, lanes) for model in models]

    return await asyncio.to_thread(read)


def _view(
    invocation: Invocation,
    model: str,
    stories: list[View],
    records: tuple[ReleaseRecord, ...],
    lanes: tuple[LanePosition, ...],
) -> View:
    own = [record for record in records if record.release.model == model]
    waiting = [
        entry.owner
        for entry in lanes
        if entry.lane in (training_lane(model), rollout_lane(model)) and not entry.inside
    ]
    return {
        "model": model,
        **_production(invocation, model, own),
        "last_training": _last_training(invocation, model, stories),
        "awaiting_approval": [
            record.release.release_id
            for record in own
            if record.status is ReleaseStatus.AWAITING_APPROVAL
        ],
        "waiting_for_their_turn": waiting,
    }


def _production(invocation: Invocation, model: str, records: list[ReleaseRecord]) -> View:
    try:
        champion = invocation.ports.production.champion(model)
        endpoint = invocation.ports.production.endpoint(model)
        header = invocation.ports.production.caller_header(model) if endpoint else ""
    except MlopsError as error:
        # One model whose platform does not answer hides no other.
        fields = ("version", "image_digest", "endpoint", "call", "serves_since", "release")
        absent = dict.fromkeys(fields)
        return {**absent, "error": error.message}
    release = _serving_release(champion, records)
    return {
        "version": champion.version if champion else None,
        "image_digest": champion.digest if champion else None,
        "endpoint": endpoint,
        "call": example_call(invocation, model, endpoint, header) if endpoint else None,
        "serves_since": dump(_since(release, records)),
        "release": release.release.release_id if release else None,
        "error": None,
    }


def _serving_release(champion: Image | None, records: list[ReleaseRecord]) -> ReleaseRecord | None:
    """Return the promoted release whose image production serves."""
    return next(
        (
            record
            for record in records
            if champion
            and record.status is ReleaseStatus.PROMOTED
            and record.image
            and record.image.digest == champion.digest
        ),
        None,
    )


def _since(release: ReleaseRecord | None, records: list[ReleaseRecord]) -> Any:
    """Return the time of the promotion, or of the last roll-back that gave production back."""
    if release is None:
        return None
    times = [r.updated_at for r in records if r.status is ReleaseStatus.ROLLED_BACK]
    return max([release.updated_at, *times])


def _last_training(invocation: Invocation, model: str, stories: list[View]) -> View | None:
    """Return the newest training: of the recent stories, else the last that the ledger knows."""
    for view in stories:
        if view["story"] == names.TRAIN_MODEL and view["facts"].get("model") == model:
            keys = ("instance_id", "outcome", "tone", "reasons", "facts")
            return {**{key: view[key] for key in keys}, "at": view["updated_at"]}
    record = invocation.ports.ledger.get_record(end_name(names.TRAIN_MODEL, model))
    if record is None:
        return None
    end = json.loads(record["end"])
    tone = TONES.get(end["outcome"])
    shown = {key: end[key] for key in ("instance_id", "outcome", "reasons", "facts")}
    return {**shown, "tone": tone and tone.value, "at": record["at"]}
