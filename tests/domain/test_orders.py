"""Orders of people to change production, and the releases that may be rolled back to."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from function_app.domain.release.approval import Decision, Refusal, Verdict
from function_app.domain.release.authorization import (
    Change,
    ChangeState,
    Order,
    ProductionRules,
    is_approved,
    refuse_order,
    was_promoted,
)
from function_app.domain.release.release import AUTOMATIC, ReleaseRecord, ReleaseStatus
from tests.domain.law_samples import (
    ADA,
    FIRST,
    IMAGE,
    LATER,
    NOW,
    OLD,
    ORDER,
    RECORD,
    RULES,
    SHUTDOWN,
    refused,
)

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
OWN = replace(FIRST, number=4, cause="order-1", state=ChangeState.BEGUN)
AGAIN = refused("Production changed since order-1 was ordered. Order it again.")


def order(
    wanted: Order = ORDER,
    changes: Sequence[Change] = (FIRST,),
    rules: ProductionRules | None = RULES,
    later: timedelta = timedelta(),
    *,
    decided: bool = True,
) -> Refusal | None:
    """Return the refusal of an order that differs from a good one in the named parts."""
    return refuse_order(wanted, changes, rules, NOW + later, decided=decided)


def test_an_order_of_a_person_who_may_is_carried_out() -> None:
    assert order() is None
    assert order(replace(ORDER, after=0), ()) is None
    assert order(SHUTDOWN, decided=False) is None


def test_an_order_for_a_model_that_mlops_toml_does_not_name_is_refused() -> None:
    assert order(replace(ORDER, model="m" * 70), rules=None) == refused(
        f"mlops.toml names no model {'m' * 60!r} now."
    )


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        # Its change has begun and is the last one: the order goes on.
        ((FIRST, OWN), None),
        ((FIRST, replace(OWN, state=ChangeState.DONE)), AGAIN),
        ((FIRST, replace(OWN, cause="order-2")), AGAIN),
        ((OWN, replace(FIRST, number=5)), AGAIN),
        ((), AGAIN),
    ],
)
def test_an_order_is_void_once_production_has_changed(
    changes: Sequence[Change], refusal: Refusal | None
) -> None:
    assert order(changes=changes) == refusal


def test_an_order_lives_a_day() -> None:
    assert order(later=DAY) is None
    assert order(later=DAY + MOMENT) == refused(
        "order-1 was ordered over 24 hours ago. Order it again."
    )


def test_a_begun_order_goes_on_after_its_day() -> None:
    assert order(changes=(FIRST, OWN), later=2 * DAY) is None


def test_a_person_who_may_not_order_is_refused() -> None:
    assert order(replace(SHUTDOWN, by="ada")) == refused(
        "ada may not order a shutdown of diabetes now."
    )


@pytest.mark.parametrize("wanted", [replace(ORDER, image=None), replace(SHUTDOWN, image=OLD)])
def test_a_roll_back_has_an_image_and_a_shutdown_has_none(wanted: Order) -> None:
    assert order(wanted) == refused("order-1 names no image to roll back to.")


def test_an_image_that_no_decision_promoted_is_refused() -> None:
    long = replace(OLD, digest="d" * 100)

    assert order(replace(ORDER, image=long), decided=False) == refused(
        f"No stored decision promoted {'d' * 90}."
    )


PROMOTED = replace(RECORD, status=ReleaseStatus.PROMOTED)
ROLLED_BACK = replace(RECORD, status=ReleaseStatus.ROLLED_BACK)


@pytest.mark.parametrize(
    ("record", "promoted"),
    [
        (RECORD, False),
        (PROMOTED, True),
        (ROLLED_BACK, False),
        (replace(ROLLED_BACK, rolled_back_by=AUTOMATIC), False),
        (replace(ROLLED_BACK, rolled_back_by="ada"), True),
        (replace(RECORD, rolled_back_by="ada"), False),
    ],
)
def test_a_release_that_failed_its_check_was_not_promoted(
    record: ReleaseRecord, promoted: bool
) -> None:
    assert was_promoted(record, (ADA,), IMAGE.digest) is promoted


def test_a_promotion_without_an_approval_is_none() -> None:
    assert was_promoted(PROMOTED, (), IMAGE.digest) is False


@pytest.mark.parametrize(
    ("record", "decision", "digest", "approved"),
    [
        (RECORD, ADA, IMAGE.digest, True),
        (RECORD, ADA, OLD.digest, False),
        (replace(RECORD, image=None), ADA, IMAGE.digest, False),
        (RECORD, replace(ADA, verdict=Verdict.REJECT), IMAGE.digest, False),
        (RECORD, replace(ADA, withdrawn_at=LATER), IMAGE.digest, False),
        (RECORD, replace(ADA, evidence_hash="other"), IMAGE.digest, False),
    ],
)
def test_an_image_is_approved_by_a_standing_approval_that_names_it(
    record: ReleaseRecord, decision: Decision, digest: str, approved: bool
) -> None:
    assert is_approved(record, (decision,), digest) is approved


def test_one_approval_among_other_decisions_is_enough() -> None:
    rejection = replace(ADA, verdict=Verdict.REJECT, withdrawn_at=LATER)

    assert is_approved(RECORD, (rejection, ADA), IMAGE.digest) is True
