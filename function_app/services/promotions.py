"""Promotions: begun once by stored decisions, ended, or taken back after a failed check."""

import json
import logging
from functools import partial

from function_app.domain.codec import load
from function_app.domain.people.people import join_people
from function_app.domain.release.approval import Decision, Refusal, Verdict, counting
from function_app.domain.release.authorization import (
    Change,
    ChangeKind,
    ChangeState,
    ProductionRules,
    change_to_take_back,
    last_number,
    refuse_promotion,
)
from function_app.domain.release.release import Release, ReleaseStatus
from function_app.domain.release.serving import Rollout
from function_app.domain.requests import Promotion, RolledBack
from function_app.domain.stories.cancellation import (
    STORY_CANCELLED,
    Cancellation,
    cancellation_name,
)
from function_app.ports import Ports
from function_app.records.changes import Changes
from function_app.records.changing import until_unchanged
from function_app.records.decisions import Decisions
from function_app.records.pushers import with_late_authors
from function_app.services import judging
from function_app.services.production import (
    attempt,
    former_image,
    own_image,
    record_change,
    refused_change,
    roll_back_to,
    rules_of,
)

LOG = logging.getLogger("mlops.production")


def promote(ports: Ports, promotion: Promotion) -> Rollout:
    """Move production's traffic to the image, or return the state of that rollout.

    NotAuthorisedError when no stored approval names the release, this image and its evidence, when
    a person cancelled the release, or when no passed verdict is about the present champion
    (STALE_VERDICT).
    """
    release, rules = promotion.release, rules_of(ports, promotion.release.model)
    _check_not_cancelled(ports, release)
    until_unchanged("begin a promotion", partial(_begin_promotion, ports, promotion, rules))
    # A cancellation is stored before it asks whether a promotion began: of the two that happen in
    # the same moment, at least one sees the other.
    _check_not_cancelled(ports, release)
    record_change(ports, release.model, release.release_id, ChangeState.BEGUN)
    assert rules is not None  # else the promotion was refused
    image = own_image(ports, promotion.image)
    begin = partial(ports.production.promote, release.release_id, image, rules.replicas)
    return attempt(begin)


def take_back(ports: Ports, release: Release) -> RolledBack:
    """Undo the promotion of a release whose check of production failed."""
    changes, model = Changes(ports.rows), release.model
    record = ports.ledger.get_release(release.release_id)
    change = change_to_take_back(release.release_id, changes.latest(model))
    if change is None or record is None or record.status is not ReleaseStatus.IN_PROGRESS:
        # This release has not changed production, or its change is no longer the last one.
        LOG.warning("roll_back_production: nothing of %s to take back", release.release_id)
        return RolledBack(done=True, image=ports.production.champion(model), restored=False)
    if change.state is ChangeState.BEGUN:
        changes.advance(model, change.number, ChangeState.TAKING_BACK)
    answer = roll_back_to(ports, model, change.former)
    if answer.restored and change.state is not ChangeState.TAKEN_BACK:
        changes.advance(model, change.number, ChangeState.TAKEN_BACK)
        record_change(ports, model, change.cause, ChangeState.TAKEN_BACK)
    return answer


def end_promotion(ports: Ports, release: Release) -> None:
    """Record that the promotion of this release stays.

    NotAuthorisedError when no authorised promotion of it began, so that no story can make the
    ledger say so.
    """
    changes = Changes(ports.rows)
    own = changes.newest_of(release.model, release.release_id)
    stays = own is not None and own.state in (ChangeState.BEGUN, ChangeState.DONE)
    if own is not None and own.kind is ChangeKind.PROMOTION and stays:
        changes.advance(release.model, own.number, ChangeState.DONE)
        record_change(ports, release.model, release.release_id, ChangeState.DONE)
        return
    earlier = ports.ledger.get_decision(release.release_id)
    if earlier is not None and earlier.verdict is Verdict.APPROVE:
        return  # version 0.1.0 promoted it, which kept no record of changes
    text = f"No authorised promotion of {release.release_id[:100]} began."
    raise refused_change("end_release", Refusal(code="", message=text))


def _begin_promotion(ports: Ports, promotion: Promotion, rules: ProductionRules | None) -> None:
    """Store that the promotion begins, unless it began before; or raise NotAuthorisedError."""
    release, image = promotion.release, promotion.image
    decisions, changes = Decisions(ports.rows, ports.ledger), Changes(ports.rows)
    record = ports.ledger.get_release(release.release_id)
    # The row is read first, so that a withdrawal after this read makes the write below fail.
    decided = decisions.row_of(record) if record else None
    record = with_late_authors(ports, record) if record else None
    given = decisions.of_release(record) if record else ()
    earlier = changes.since(release.model, given)
    refusal = refuse_promotion(release, image, record, given, earlier, rules)
    if refusal is not None:
        raise refused_change("promote_challenger", refusal)
    assert record is not None  # refused above
    assert rules is not None
    if earlier and earlier[-1].cause == release.release_id:
        return
    version = ports.registry.get(release.model, release.version)
    if stale := judging.find_stale(ports, version, record.evaluation_id):
        raise refused_change("promote_challenger", judging.refuse_stale(release, stale))
    change = Change(
        number=last_number(earlier) + 1,
        kind=ChangeKind.PROMOTION,
        cause=release.release_id,
        by=_names(counting(given, record, rules.approval)),
        begun_at=ports.clock.now(),
        image=own_image(ports, image),
        former=former_image(ports, decisions, release.model, earlier),
    )
    changes.begin(release.model, change, decided)


def _check_not_cancelled(ports: Ports, release: Release) -> None:
    """Raise NotAuthorisedError, code STORY_CANCELLED, when a person cancelled the release."""
    stored = ports.ledger.get_record(cancellation_name(release.release_id))
    if stored is not None:
        cancellation = load(Cancellation, json.loads(stored["cancellation"]))
        refusal = Refusal(code=STORY_CANCELLED, message=cancellation.reason)
        raise refused_change("promote_challenger", refusal)


def _names(decisions: tuple[Decision, ...]) -> str:
    return join_people(decision.decided_by for decision in decisions)
