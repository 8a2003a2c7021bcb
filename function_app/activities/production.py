"""Activities that change production; each checks the stored decisions and orders first."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from function_app import steps
from function_app.domain.access.audit import AuditEvent, Kind
from function_app.domain.codec import load
from function_app.domain.people.people import join_people
from function_app.domain.release.approval import Decision, Refusal, Verdict, counting
from function_app.domain.release.authorization import (
    Change,
    ChangeKind,
    ChangeState,
    Order,
    ProductionRules,
    change_to_take_back,
    refuse_order,
    refuse_promotion,
)
from function_app.domain.release.release import Release, ReleaseStatus
from function_app.domain.release.serving import Image, Rollout
from function_app.domain.requests import Champion, Promotion, RollBack, RolledBack
from function_app.domain.stories.cancellation import (
    STORY_CANCELLED,
    Cancellation,
    cancellation_name,
)
from function_app.errors import AttemptError, NotAuthorisedError, NotFoundError
from function_app.ports import Ports
from function_app.records.audit import AuditLog
from function_app.records.changes import Changes, entry_name
from function_app.records.changing import until_unchanged
from function_app.records.decisions import Decisions
from function_app.records.pushers import with_late_authors

LOG = logging.getLogger("mlops.production")


@steps.get_champion.activity
def get_champion(ports: Ports, release: Release) -> Champion:
    """Return the image that production serves, read back from production."""
    return Champion(image=ports.production.champion(release.model))


@steps.promote_challenger.activity
def promote_challenger(ports: Ports, promotion: Promotion) -> Rollout:
    """Move production's traffic to the image, or return the state of that rollout.

    NotAuthorisedError when no stored approval names the release, this image and its evidence, or
    when a person cancelled the release.
    """
    release, rules = promotion.release, rules_of(ports, promotion.release.model)
    _check_not_cancelled(ports, release)
    until_unchanged("begin a promotion", partial(_begin_promotion, ports, promotion, rules))
    # A cancellation is stored before it asks whether a promotion began: of the two that happen in
    # the same moment, at least one sees the other.
    _check_not_cancelled(ports, release)
    _record(ports, release.model, release.release_id, ChangeState.BEGUN)
    assert rules is not None  # else the promotion was refused
    image = own_image(ports, promotion.image)
    promote = partial(ports.production.promote, release.release_id, image)
    return attempt(partial(promote, rules.replicas))


@steps.roll_back_production.activity
def roll_back_production(ports: Ports, request: RollBack) -> RolledBack:
    """Return the traffic to the former image; return the image that production serves then.

    The ledger alone decides on the image: the image of the order that the request names, or the
    former champion of the release whose own promotion failed. NotAuthorisedError when the order is
    unknown or void, or when its person may not order it now.
    """
    if request.order:
        return _carry_out(ports, request.model, request.order)
    if request.restores is not None:
        return _take_back(ports, request.restores)
    refusal = Refusal(code="", message=f"No order to change production of {request.model[:60]}.")
    raise _refused("roll_back_production", refusal)


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


def end_promotion(ports: Ports, release: Release) -> None:
    """Record that the promotion of this release stays.

    NotAuthorisedError when no authorised promotion of it began, so that no story can make the
    ledger say so.
    """
    changes = Changes(ports.rows).of_model(release.model)
    own = [c for c in changes if (c.kind, c.cause) == (ChangeKind.PROMOTION, release.release_id)]
    if own and own[-1].state in (ChangeState.BEGUN, ChangeState.DONE):
        Changes(ports.rows).advance(release.model, own[-1].number, ChangeState.DONE)
        _record(ports, release.model, release.release_id, ChangeState.DONE)
        return
    earlier = ports.ledger.get_decision(release.release_id)
    if earlier is not None and earlier.verdict is Verdict.APPROVE:
        return  # version 0.1.0 promoted it, which kept no record of changes
    text = f"No authorised promotion of {release.release_id[:100]} began."
    raise _refused("end_release", Refusal(code="", message=text))


def _begin_promotion(ports: Ports, promotion: Promotion, rules: ProductionRules | None) -> None:
    """Store that the promotion begins, unless it began before; or raise NotAuthorisedError."""
    release, image = promotion.release, promotion.image
    decisions, changes = Decisions(ports.rows, ports.ledger), Changes(ports.rows)
    record = ports.ledger.get_release(release.release_id)
    # The row is read first, so that a withdrawal after this read makes the write below fail.
    decided = decisions.row_of(record) if record else None
    record = with_late_authors(ports, record) if record else None
    given = decisions.of_release(record) if record else ()
    earlier = changes.of_model(release.model)
    refusal = refuse_promotion(release, image, record, given, earlier, rules)
    if refusal is not None:
        raise _refused("promote_challenger", refusal)
    assert record is not None  # refused above
    assert rules is not None
    if earlier and earlier[-1].cause == release.release_id:
        return
    change = Change(
        number=len(earlier) + 1,
        kind=ChangeKind.PROMOTION,
        cause=release.release_id,
        by=_names(counting(given, record, rules.approval)),
        begun_at=ports.clock.now(),
        image=own_image(ports, image),
        former=_former(ports, decisions, release.model, earlier),
    )
    changes.begin(release.model, change, decided)


def _check_not_cancelled(ports: Ports, release: Release) -> None:
    """Raise NotAuthorisedError, code STORY_CANCELLED, when a person cancelled the release."""
    stored = ports.ledger.get_record(cancellation_name(release.release_id))
    if stored is not None:
        cancellation = load(Cancellation, json.loads(stored["cancellation"]))
        refusal = Refusal(code=STORY_CANCELLED, message=cancellation.reason)
        raise _refused("promote_challenger", refusal)


def _former(
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


def _take_back(ports: Ports, release: Release) -> RolledBack:
    """Undo the promotion of a release whose check of production failed."""
    changes, model = Changes(ports.rows), release.model
    record = ports.ledger.get_release(release.release_id)
    change = change_to_take_back(release.release_id, changes.of_model(model))
    if change is None or record is None or record.status is not ReleaseStatus.IN_PROGRESS:
        # This release has not changed production, or its change is no longer the last one.
        LOG.warning("roll_back_production: nothing of %s to take back", release.release_id)
        return RolledBack(done=True, image=ports.production.champion(model), restored=False)
    if change.state is ChangeState.BEGUN:
        changes.advance(model, change.number, ChangeState.TAKING_BACK)
    answer = _roll_back(ports, model, change.former)
    if answer.restored and change.state is not ChangeState.TAKEN_BACK:
        changes.advance(model, change.number, ChangeState.TAKEN_BACK)
        _record(ports, model, change.cause, ChangeState.TAKEN_BACK)
    return answer


def _carry_out(ports: Ports, model: str, order_id: str) -> RolledBack:
    """Carry out a stored order once; a repetition returns the image that production serves."""
    changes = Changes(ports.rows)
    order = changes.order(model, order_id)
    if order is None:
        text = f"No person ordered {order_id[:100]!r} for {model[:60]}."
        raise _refused("roll_back_production", Refusal(code="", message=text))
    number = until_unchanged("begin an order", partial(_begin_order, ports, order))
    if number is None:
        served = ports.production.champion(model)
        return RolledBack(done=True, image=served, restored=_is(served, order.image))
    _record(ports, model, order_id, ChangeState.BEGUN)
    answer = _roll_back(ports, model, order.image)
    if answer.restored:
        _record_taken_back(ports, order)
        changes.advance(model, number, ChangeState.DONE)
        _record(ports, model, order_id, ChangeState.DONE)
    return answer


def _begin_order(ports: Ports, order: Order) -> int | None:
    """Return the number of the order's change, which begins now or began before.

    None when the order was carried out already; NotAuthorisedError when it is not allowed.
    """
    changes = Changes(ports.rows)
    earlier = changes.of_model(order.model)
    own = [change for change in earlier if change.cause == order.order_id]
    if own and own[-1].state is ChangeState.DONE:
        return None
    decisions = Decisions(ports.rows, ports.ledger)
    image = order.image
    decided = image is not None and bool(decisions.promoted(order.model, image.digest))
    rules, now = rules_of(ports, order.model), ports.clock.now()
    refusal = refuse_order(order, earlier, rules, now, decided=decided)
    if refusal is not None:
        raise _refused("roll_back_production", refusal)
    if own:
        return own[-1].number
    change = Change(
        number=len(earlier) + 1,
        kind=order.kind,
        cause=order.order_id,
        by=order.by,
        begun_at=now,
        image=image,
        former=_former(ports, decisions, order.model, earlier),
    )
    changes.begin(order.model, change)
    return change.number


def _roll_back(ports: Ports, model: str, image: Image | None) -> RolledBack:
    target = own_image(ports, image) if image else None
    rollout = attempt(partial(ports.production.roll_back, model, target))
    if not rollout.done:
        return RolledBack(done=False, failure=rollout.failure)
    served = ports.production.champion(model)
    if served is not None:
        mark_champion(ports, served.model, served.version)
    return RolledBack(done=True, image=served, restored=_is(served, image))


def _record_taken_back(ports: Ports, order: Order) -> None:
    """Record that the order took a promoted release back."""
    release = order.release
    record = ports.ledger.get_release(release.release_id) if release else None
    if record is None or record.status is not ReleaseStatus.PROMOTED:
        return
    ports.ledger.save_release(
        replace(
            record,
            status=ReleaseStatus.ROLLED_BACK,
            reasons=(order.reason,),
            rolled_back_by=order.by,
            updated_at=ports.clock.now(),
        )
    )


def _record(ports: Ports, model: str, cause: str, state: ChangeState) -> None:
    """Append one entry to the audit log for this state of the newest change with this cause.

    A repetition appends none. PlatformError when the entry cannot be written; the story asks again.
    """
    own = [c for c in Changes(ports.rows).of_model(model) if c.cause == cause]
    if not own:
        return
    change = own[-1]
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


def _is(served: Image | None, image: Image | None) -> bool:
    return served is None if image is None else image.is_same(served)


def _names(decisions: tuple[Decision, ...]) -> str:
    return join_people(decision.decided_by for decision in decisions)


def _refused(activity: str, refusal: Refusal) -> NotAuthorisedError:
    """Log the refusal and return its error."""
    code = refusal.code or NotAuthorisedError.code
    LOG.warning("%s refused, %s: %s", activity, code, refusal.message)
    return NotAuthorisedError(refusal.message, code=code)
