"""The audit entries of requests: one hook behind every route, timer and event.

A route needs no line of its own: its method, its answer and the result of `identify` determine the
entry. A refused request is answered as usual when the log cannot be written. An accepted order or
decision is then answered with the error, so that its sender repeats it and leaves a trace.
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from function_app.domain.access.audit import AuditEvent, Kind
from function_app.domain.access.coalescing import KEY
from function_app.errors import MlopsError, RefusedError
from function_app.records.recorder import Recorder
from function_app.triggers.answers import answer_error
from function_app.triggers.callers import sender_of
from function_app.triggers.invocation import Answer, Invocation, Request

LOG = logging.getLogger("mlops.audit")
REFUSED = (401, 403, 409, 429)
# Errors by which an activity refuses the request of a story.
REFUSALS = (RefusedError,)
STORY = "story"
DECISIONS = ("approve", "reject", "withdraw")
SENDING = ("send events", "send webhook")
_ACTIONS = {
    "post_approval": "approve",
    "post_rejection": "reject",
    "post_withdrawal": "withdraw",
    "post_roll_back": "roll back",
    "post_shutdown": "shut down",
    "post_rotation": "rotate keys",
    "post_training": "train",
    "post_platform": "provision",
    "post_reconciliation": "reconcile",
    "post_drift_check": "check drift",
    "post_replay": "replay event",
    "delete_event": "discard event",
    "delete_part": "remove part",
    "post_events": SENDING[0],
    "post_webhook": SENDING[1],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as the audit log sees it: the method, the action, and the answer."""

    method: str
    action: str
    request: Request
    answer: Answer[Any]


def action_of(handler: str) -> str:
    """Return the words for a handler's name, such as `roll back` for `post_roll_back`."""
    return _ACTIONS.get(handler) or handler.partition("_")[2].replace("_", " ")


async def record_answer(recorder: Recorder, invocation: Invocation, asked: Asked) -> Answer[Any]:
    """Record a request with its answer; return the answer, an error when it must not count."""
    events = [_by_caller(event, invocation, asked.request) for event in invocation.attempt.refused]
    if (own := event_of(invocation, asked)) is not None:
        events.append(own)
    try:
        for event in events:
            is_stored = event is own and event.kind in (Kind.DECISION, Kind.ORDER)
            once = invocation.attempt.once if is_stored else ""
            await asyncio.to_thread(recorder.record, event, once)
    except MlopsError as error:
        LOG.error("%s (%s) is not in the audit log: %s", asked.action, asked.answer.status, error)
        if own is not None and own.kind in (Kind.DECISION, Kind.ORDER):
            return answer_error(error)
    return asked.answer


async def record_refused(recorder: Recorder, invocation: Invocation) -> None:
    """Record the events that an invocation without a request refused, and due counts.

    Due are the counts of ended windows, and the requests that the host refused.
    """
    try:
        for event in invocation.attempt.refused:
            await asyncio.to_thread(recorder.record, event)
        await asyncio.to_thread(invocation.host_refusals, recorder.record)
        await asyncio.to_thread(recorder.flush, invocation.ports.clock.now())
    except MlopsError as error:
        LOG.error("refused events are not in the audit log: %s", error)


def record_refused_activity(
    recorder: Recorder | None,
    now: datetime,
    activity: str,
    facts: Mapping[str, str],
    error: MlopsError,
) -> None:
    """Record that an activity refused a story; `facts` name model and release."""
    if recorder is None:
        return
    event = AuditEvent(
        kind=Kind.REFUSAL,
        action=activity.replace("_", " "),
        at=now,
        who=STORY,
        model=facts.get("model", ""),
        subject=facts.get("release_id") or facts.get("instance_id", ""),
        code=error.code,
        reason=error.message,
    )
    try:
        recorder.record(event)
    except MlopsError as fault:
        LOG.error("a refused %s is not in the audit log: %s", event.action, fault)


def event_of(invocation: Invocation, asked: Asked) -> AuditEvent | None:
    """Return the entry of a request; None for a harmless request without credentials."""
    answer, kind = asked.answer, _kind_of(asked)
    if kind is None:
        return None
    subject = _subject_of(asked)
    event = AuditEvent(
        kind=kind,
        action=asked.action,
        at=invocation.ports.clock.now(),
        model=asked.request.route.get("model", "") or invocation.attempt.model,
        subject=subject,
        why=_comment_of(asked.request) if invocation.attempt.person else "",
        code=_error_of(answer).get("code", ""),
        reason=_error_of(answer).get("message", ""),
    )
    event = _by_caller(event, invocation, asked.request)
    if not event.model:
        event = replace(event, model=_model_in(subject, invocation))
    return None if kind is Kind.KEY_USE and not event.who else event


def _kind_of(asked: Asked) -> Kind | None:
    status = asked.answer.status
    if status in REFUSED:
        return Kind.REFUSAL
    carried_out = status < 400 or status >= 500  # a fault may come after the effect
    if asked.method == "GET" or asked.action in SENDING:
        return Kind.KEY_USE if carried_out else None
    if not carried_out:
        return Kind.REFUSAL
    return Kind.DECISION if asked.action in DECISIONS else Kind.ORDER


def _by_caller(event: AuditEvent, invocation: Invocation, request: Request) -> AuditEvent:
    """Return the event with its caller: the person, the webhook's source, or the key."""
    given = request.headers.get("x-functions-key", "") or request.query.get("code", "")
    key = "" if invocation.attempt.keyless else given
    caller = invocation.attempt.person
    if not caller and invocation.attempt.source:
        caller = f"source {invocation.attempt.source}"
    if not caller and key:
        # A digest identifies a key without showing it.
        caller = f"{KEY}{hashlib.sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
    return replace(event, who=event.who or caller, address=sender_of(request))


def _subject_of(asked: Asked) -> str:
    """Return the subject in the request's path, else the story in its answer."""
    route = {name: value for name, value in asked.request.route.items() if name != "model"}
    content = asked.answer.content if isinstance(asked.answer.content, dict) else {}
    receipts = content.get("receipts") or [{}]
    started = content.get("instance_id") or receipts[0].get("instance_id")
    return " ".join(route.values()) or str(started or "")


def _error_of(answer: Answer[Any]) -> Mapping[str, str]:
    content = answer.content if isinstance(answer.content, dict) else {}
    error = content.get("error")
    return error if isinstance(error, dict) else {}


def _comment_of(request: Request) -> str:
    """Return the comment of a body, "" when it has none."""
    try:
        comment = json.loads(request.body)["comment"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return comment if isinstance(comment, str) else ""


def _model_in(subject: str, invocation: Invocation) -> str:
    """Return the model in the id of a release or a story, "" for none."""
    names = sorted(invocation.projects, key=len, reverse=True)
    return next((name for name in names if f"-{name}-" in f"{subject}-"), "")
