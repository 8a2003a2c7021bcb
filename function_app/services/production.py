"""The shared work of each change of production: carried out, recorded, or refused."""

import logging
from collections.abc import Callable
from functools import partial

from function_app.domain.access.audit import AuditEvent, Kind
from function_app.domain.release.approval import Refusal
from function_app.domain.release.authorization import (
    Change,
    ChangeState,
    ProductionRules,
)
from function_app.domain.release.serving import Image, Rollout
from function_app.domain.requests import RolledBack
from function_app.errors import AttemptError, NotAuthorisedError, NotFoundError
from function_app.ports import Ports
from function_app.records.audit import AuditLog
from function_app.records.changes import Changes, entry_name
from function_app.records.decisions import Decisions

LOG = logging.getLogger("mlops.production")


def rules_of(ports: Ports, model: str) -> ProductionRules | None:
    """Return the current rules for a model's production; None when mlops.toml does not name it."""
    project = ports.projects.get(model)
    return project.production_rules() if project else None


def own_image(ports: Ports, image: Image) -> Image:
    """Return the image of this digest in the app's own store, not at the caller's address."""
    return ports.images.at(image.model, image.version, image.digest)


def attempt(ask: Callable[[], Rollout]) -> Rollout:
    """Return the rollout, also of a failed attempt, so that the story decides on a retry."""
    try:
        return ask()
    except AttemptError as error:
        return Rollout(done=False, failure=str(error))


def mark_champion(ports: Ports, model: str, version: str) -> None:
    """Move the alias for people; it decides nothing, so that a deleted version is no error."""
    try:
        ports.registry.mark_champion(ports.registry.get(model, version))
    except NotFoundError:
        LOG.warning("%s:%s is served and no longer in the registry", model, version)


def former_image(
    ports: Ports, decisions: Decisions, model: str, changes: tuple[Change, ...]
) -> Image | None:
    """Return the image to which a failed promotion returns; None when no decision explains any.

    It is the champion, else the image that production should serve by its last change.
    """
    champion = ports.production.champion(model)
    if champion is not None and decisions.promoted(model, champion.digest):
        return own_image(ports, champion)
    last = changes[-1] if changes else None
    if last is None:
        return None
    image = last.image if last.state is ChangeState.DONE else last.former
    return image if image and decisions.promoted(model, image.digest) else None


def roll_back_to(ports: Ports, model: str, image: Image | None) -> RolledBack:
    """Return the traffic to an image, or to nothing; `restored` says whether it is served."""
    target = own_image(ports, image) if image else None
    rollout = attempt(partial(ports.production.roll_back, model, target))
    if not rollout.done:
        return RolledBack(done=False, failure=rollout.failure)
    served = ports.production.champion(model)
    if served is not None:
        mark_champion(ports, served.model, served.version)
    return RolledBack(done=True, image=served, restored=is_served(served, image))


def record_change(ports: Ports, model: str, cause: str, state: ChangeState) -> None:
    """Append one entry to the audit log for this state of the newest change with this cause.

    A repetition appends none. PlatformError when the entry cannot be written; the story asks again.
    """
    change = Changes(ports.rows).newest_of(model, cause)
    if change is None:
        return
    event = AuditEvent(
        kind=Kind.CHANGE,
        action=f"{change.kind} {state}".replace("_", " "),
        at=ports.clock.now(),
        who=change.by,
        model=model,
        subject=cause,
        refers_to=f"{cause}/{change.image.digest}" if change.image else cause,
    )
    AuditLog(ports.rows).append(event, once=entry_name(model, change.number, state))


def is_served(served: Image | None, image: Image | None) -> bool:
    """Return whether the image is the served one; None stands for no image."""
    return served is None if image is None else image.is_same(served)


def refused_change(activity: str, refusal: Refusal) -> NotAuthorisedError:
    """Log the refusal and return its error."""
    code = refusal.code or NotAuthorisedError.code
    LOG.warning("%s refused, %s: %s", activity, code, refusal.message)
    return NotAuthorisedError(refusal.message, code=code)
