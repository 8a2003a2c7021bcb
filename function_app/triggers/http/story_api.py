"""Cancel and retry: a person ends a story early, or asks for a failed one again."""

import json
from typing import TypedDict

from function_app import names
from function_app.domain.codec import dump, load
from function_app.domain.events.inbox import Outcome
from function_app.domain.routing import started_by
from function_app.domain.stories.cancellation import (
    CANCELLABLE,
    Cancellation,
    cancellation_name,
    is_too_late,
)
from function_app.domain.stories.retry import EVENT_TYPE, next_start
from function_app.domain.stories.views import StoryView
from function_app.errors import ConflictError, NotFoundError
from function_app.records.changes import Changes
from function_app.records.decisions import Decisions
from function_app.triggers.bodies import Comment, NoFields, read_body
from function_app.triggers.events.inbox import start_story
from function_app.triggers.events.wakes import wake_release
from function_app.triggers.invocation import Accepted, Invocation, Request
from function_app.triggers.people import check_approver, find_person, identify


class CancellationStored(TypedDict):
    """The cancellation that ends the story."""

    cancellation: Cancellation


class Retried(TypedDict):
    """The next attempt: `started`, or `repeated` when an earlier request started it."""

    instance_id: str
    outcome: Outcome


async def post_cancel(invocation: Invocation, request: Request) -> Accepted[CancellationStored]:
    """Cancel a training or a release that is under way."""
    person = identify(invocation, request)
    comment = read_body(request, Comment).comment
    view = await _find(invocation, request)
    instance_id = view["instance_id"]
    if view["story"] not in CANCELLABLE:
        text = f"{instance_id} is a {view['story']}. Trainings and releases can be cancelled."
        raise ConflictError(text, code="NOT_CANCELLABLE")
    check_approver(invocation, person, view["facts"].get("model", ""))
    stored = _stored(invocation, instance_id)
    if stored is None:
        _check_open(view)
        stored = Cancellation(
            instance_id=instance_id, by=person, comment=comment, at=invocation.ports.clock.now()
        )
        content = {"cancellation": json.dumps(dump(stored))}
        # Two persons may cancel at the same moment; the first one stored counts.
        name = cancellation_name(instance_id)
        stored = _read(invocation.ports.ledger.create_record(name, content))
        _check_not_promoted(invocation, view)
    if stored.by != person or (comment and stored.comment != comment):
        raise ConflictError(
            f"{stored.reason} That was at {dump(stored.at)}; your comment was not stored.",
            code="ALREADY_CANCELLED",
        )
    # A repetition wakes the story, too: the first request may have died before it did.
    await invocation.stories.wake(instance_id, names.cancel_event(instance_id))
    if view["story"] == names.RELEASE_MODEL:
        # It may wait for a decision, for up to an hour. Its other waits end within a minute.
        await wake_release(invocation.stories, instance_id)
    elif view["step"] and (run_id := view["step"].get("run_id")):
        # It may wait for its run, for as long as the run is not polled, which may be a day.
        await invocation.stories.wake(instance_id, names.run_completed_event(run_id))
    return Accepted(content={"cancellation": stored})


async def post_retry(invocation: Invocation, request: Request) -> Accepted[Retried]:
    """Start a failed training, release or change of code again; a repetition starts nothing.

    The person of the request's token, if it has one, becomes an author of the trained version.
    """
    read_body(request, NoFields)
    person = find_person(invocation, request)
    view = await _find(invocation, request)
    if not view["ended"]:
        text = f"{view['instance_id']} is under way. Wait until it ends, or cancel it."
        raise ConflictError(text, code="UNDER_WAY")
    argument = await invocation.stories.argument(view["instance_id"])
    start = started_by(next_start(view, argument, invocation.projects), person)
    outcome, _ = await start_story(invocation, EVENT_TYPE, start)
    if outcome is None:
        text = f"{start.instance_id} is being started by another request. Ask again in 30 s."
        raise ConflictError(text, code="UNDER_WAY")
    return Accepted(content={"instance_id": start.instance_id, "outcome": outcome})


async def _find(invocation: Invocation, request: Request) -> StoryView:
    instance_id = request.route["instance_id"]
    view = await invocation.stories.find(instance_id)
    if view is None:
        text = f"There is no story {instance_id[:256]!r}. `mlopsctl status` lists them."
        raise NotFoundError(text)
    return view


def _stored(invocation: Invocation, instance_id: str) -> Cancellation | None:
    record = invocation.ports.ledger.get_record(cancellation_name(instance_id))
    return _read(record) if record else None


def _read(record: dict[str, str]) -> Cancellation:
    return load(Cancellation, json.loads(record["cancellation"]))


def _check_not_promoted(invocation: Invocation, view: StoryView) -> None:
    """Raise ConflictError when the promotion of a release began in the same moment.

    A promotion begins before it asks whether a cancellation is stored.
    """
    instance_id, model = view["instance_id"], view["facts"].get("model", "")
    if view["story"] != names.RELEASE_MODEL:
        return
    ports = invocation.ports
    record = ports.ledger.get_release(instance_id)
    given = Decisions(ports.rows, ports.ledger).of_release(record) if record else ()
    if Changes(ports.rows).has_begun(model, instance_id, given):
        text = (
            f"The promotion of {instance_id} began in the same moment. Wait for its end; "
            "`mlopsctl roll-back` undoes a promotion."
        )
        raise ConflictError(text, code="TOO_LATE")


def _check_open(view: StoryView) -> None:
    """Raise ConflictError when the story has ended or can no longer be stopped."""
    instance_id, step = view["instance_id"], view["step"] and view["step"]["step"]
    if view["ended"]:
        text = f"{instance_id} has ended: {view['outcome']}. There is nothing to cancel."
        raise ConflictError(text, code="STORY_ENDED")
    if is_too_late(step):
        text = (
            f"{instance_id} is at {step!r}, which must not be interrupted. Wait for its end; "
            "`mlopsctl roll-back` undoes a promotion."
        )
        raise ConflictError(text, code="TOO_LATE")
