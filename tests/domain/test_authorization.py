"""The law of production: each condition of a change alone, and the texts that people read."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from function_app.domain.people.duties import ApprovalRules, Separation, UnknownAuthor
from function_app.domain.release.approval import Decision, Refusal, Verdict
from function_app.domain.release.authorization import (
    Change,
    ChangeKind,
    ChangeState,
    Order,
    ProductionRules,
    change_to_take_back,
    last_number,
    refuse_promotion,
)
from function_app.domain.release.release import Release, ReleaseRecord, ReleaseStatus
from function_app.domain.release.serving import Image
from tests.domain.law_samples import (
    ADA,
    FIRST,
    GRACE,
    IMAGE,
    LATER,
    NEWER,
    NOW,
    OLD,
    ORDER,
    OWN,
    PEOPLE,
    RECORD,
    RELEASE,
    RULES,
    SHUTDOWN,
    TWO,
    refused,
)


def test_the_values_of_stored_kinds_and_states_do_not_change() -> None:
    assert [kind.value for kind in ChangeKind] == ["promotion", "roll_back", "shutdown"]
    assert [state.value for state in ChangeState] == ["begun", "taking_back", "done", "taken_back"]
    assert replace(OWN).state is ChangeState.BEGUN


def test_rules_need_a_single_approval_unless_they_say_otherwise() -> None:
    plain = ProductionRules(approvers=("ada",), operators=(), replicas=1)

    assert plain.approval == ApprovalRules(approvers=("ada",), required=1, people={})


def test_the_rules_for_approvals_are_those_of_production() -> None:
    rules = replace(TWO, separation=Separation.ON, unknown_author=UnknownAuthor.SECOND)

    assert rules.approval == ApprovalRules(
        approvers=("ada", "grace"),
        required=2,
        separation=Separation.ON,
        unknown_author=UnknownAuthor.SECOND,
        people=PEOPLE,
    )


@pytest.mark.parametrize(
    ("kind", "person", "may"),
    [
        (ChangeKind.ROLL_BACK, "ada@example.com", True),
        (ChangeKind.ROLL_BACK, "olga", True),
        (ChangeKind.ROLL_BACK, "eve", False),
        (ChangeKind.SHUTDOWN, "ada", False),
        (ChangeKind.SHUTDOWN, "olga", True),
    ],
)
def test_operators_order_all_changes_and_approvers_no_shutdown(
    kind: ChangeKind, person: str, may: bool
) -> None:
    assert RULES.may_order(kind, person) is may


@pytest.mark.parametrize(
    ("change", "digests"),
    [
        (replace(OWN, former=OLD), ("sha256:bb", "sha256:aa")),
        (replace(OWN, former=OLD, state=ChangeState.TAKING_BACK), ("sha256:bb", "sha256:aa")),
        (replace(OWN, former=OLD, state=ChangeState.DONE), ("sha256:bb",)),
        (replace(OWN, former=OLD, state=ChangeState.TAKEN_BACK), ("sha256:aa",)),
        (OWN, ("sha256:bb", None)),
        (replace(OWN, image=None, state=ChangeState.DONE), (None,)),
    ],
)
def test_the_digests_that_production_may_serve(
    change: Change, digests: tuple[str | None, ...]
) -> None:
    assert change.digests() == digests


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (ORDER, "olga rolled back to version 1: too slow"),
        (replace(ORDER, comment=""), "olga rolled back to version 1."),
        (SHUTDOWN, "olga took it down: too slow"),
    ],
)
def test_the_reason_of_an_order(order: Order, reason: str) -> None:
    assert order.reason == reason


def test_changes_are_numbered_from_one() -> None:
    assert last_number(()) == 0
    assert last_number((FIRST, NEWER)) == 4


def promotion(
    release: Release = RELEASE,
    image: Image = IMAGE,
    record: ReleaseRecord | None = RECORD,
    decisions: Sequence[Decision] = (ADA,),
    changes: Sequence[Change] = (FIRST,),
    rules: ProductionRules | None = RULES,
) -> Refusal | None:
    """Return the refusal of a promotion that differs from a good one in the named parts."""
    return refuse_promotion(release, image, record, decisions, changes, rules)


def test_an_approved_release_may_be_promoted() -> None:
    assert promotion() is None
    assert promotion(changes=()) is None
    assert promotion(decisions=(ADA, GRACE), rules=TWO) is None


@pytest.mark.parametrize(
    ("release", "image", "text"),
    [
        (RELEASE, OLD, "'release-diabetes-2' is not a release of diabetes 1."),
        (RELEASE, replace(IMAGE, model="other"), "'release-diabetes-2' is not a release of other 2."),
        (
            replace(RELEASE, release_id="release-diabetes-1"),
            IMAGE,
            "'release-diabetes-1' is not a release of diabetes 2.",
        ),
        (
            replace(RELEASE, release_id="r" * 120),
            replace(IMAGE, model="m" * 70, version="v" * 70),
            f"{'r' * 100!r} is not a release of {'m' * 60} {'v' * 60}.",
        ),
    ],
)  # fmt: skip
def test_the_names_of_a_promotion_agree(release: Release, image: Image, text: str) -> None:
    assert promotion(release=release, image=image) == refused(text)


def test_a_model_that_mlops_toml_does_not_name_is_not_changed() -> None:
    long = replace(RELEASE, model="m" * 70)

    assert promotion(rules=None) == refused("mlops.toml names no model 'diabetes' now.")
    assert promotion(release=long, rules=None) == refused(f"mlops.toml names no model {'m' * 60!r} now.")  # fmt: skip


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (None, "is unknown to the ledger; only an approved release goes on."),
        (
            replace(RECORD, status=ReleaseStatus.AWAITING_APPROVAL),
            "is awaiting_approval; only an approved release goes on.",
        ),
    ],
)
def test_a_release_that_does_not_go_on_is_not_promoted(
    record: ReleaseRecord | None, text: str
) -> None:
    assert promotion(record=record) == refused(f"release-diabetes-2 {text}")


@pytest.mark.parametrize("image", [None, replace(IMAGE, digest="sha256:dd")])
def test_the_ledger_s_image_is_promoted_and_no_other(image: Image | None) -> None:
    text = "The ledger has another image of release-diabetes-2 than sha256:bb."

    assert promotion(record=replace(RECORD, image=image)) == refused(text)


def test_a_long_digest_is_cut_in_a_refusal() -> None:
    long = replace(IMAGE, digest="d" * 100)

    other = promotion(image=long)
    nobody = promotion(image=long, record=replace(RECORD, image=long), decisions=())

    assert other == refused(f"The ledger has another image of release-diabetes-2 than {'d' * 90}.")
    assert nobody == refused(
        "No stored approval of a present approver of diabetes names "
        f"release-diabetes-2, {'d' * 90} and its evidence."
    )


USED = refused("The approval of release-diabetes-2 was used already. Release it again.")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        # Its own promotion has begun and is the last change: it goes on, also without approvals.
        ((FIRST, OWN), None),
        ((FIRST, replace(OWN, state=ChangeState.DONE)), USED),
        ((OWN, replace(NEWER, number=5)), USED),
        ((OWN, replace(OWN, number=5)), None),
        ((FIRST, replace(OWN, state=ChangeState.DONE), replace(OWN, number=5)), None),
        ((replace(OWN, kind=ChangeKind.ROLL_BACK),), "asked again"),
        ((replace(OWN, cause="release-diabetes-1"),), "asked again"),
    ],
)
def test_an_approval_begins_a_single_promotion(
    changes: Sequence[Change], refusal: Refusal | str | None
) -> None:
    found = promotion(changes=changes, decisions=())

    if isinstance(refusal, str):
        assert found is not None
        assert found.message.startswith("No stored approval")
    else:
        assert found == refusal


def test_a_rejection_ends_a_release() -> None:
    rejected = replace(GRACE, verdict=Verdict.REJECT)

    assert promotion(decisions=(ADA, rejected)) == refused(
        "grace rejected release-diabetes-2, which ends it. `mlopsctl retry release-diabetes-2` asks "
        "for an approval again."
    )


NOT_NOW = (
    "Production did not change. `mlopsctl retry release-diabetes-2` asks for an approval again."
)


@pytest.mark.parametrize(
    ("decisions", "rules", "why"),
    [
        ((ADA,), TWO, "1 of 2 approvals that count now: its people may not approve it now."),
        ((ADA, replace(ADA, decided_by="Ada@example.com")), TWO, "1 of 2 approvals that count now: its people may not approve it now."),
        ((replace(ADA, withdrawn_at=LATER),), RULES, "0 of 1 approvals that count now: ada withdrew it."),
        (
            (replace(ADA, withdrawn_at=LATER), replace(GRACE, withdrawn_at=LATER)),
            TWO,
            "0 of 2 approvals that count now: ada, grace withdrew it.",
        ),
        ((replace(ADA, decided_by="eve"),), RULES, "0 of 1 approvals that count now: its people may not approve it now."),
    ],
)  # fmt: skip
def test_too_few_approvals_are_explained(
    decisions: Sequence[Decision], rules: ProductionRules, why: str
) -> None:
    assert promotion(decisions=decisions, rules=rules) == refused(
        f"release-diabetes-2 has {why} {NOT_NOW}", "APPROVAL_LOST"
    )


@pytest.mark.parametrize(
    "decisions",
    [
        (),
        (replace(ADA, image_digest="sha256:aa"),),
        (replace(ADA, verdict=Verdict.REJECT, withdrawn_at=LATER),),
    ],
)
def test_no_approval_of_this_image_is_said(decisions: Sequence[Decision]) -> None:
    assert promotion(decisions=decisions) == refused(
        "No stored approval of a present approver of diabetes names "
        "release-diabetes-2, sha256:bb and its evidence."
    )


AFTER = refused("release-diabetes-10 was promoted after release-diabetes-2 was approved.")
BY_TIME = replace(ADA, after=None)


@pytest.mark.parametrize(
    ("decisions", "changes", "rules", "refusal"),
    [
        ((ADA,), (FIRST, NEWER), RULES, AFTER),
        ((GRACE,), (FIRST, NEWER), RULES, None),
        # The last approval counts, and the number decides although the clock went back.
        ((ADA, GRACE), (FIRST, NEWER), TWO, None),
        ((GRACE, ADA), (FIRST, NEWER), TWO, None),
        ((ADA,), (FIRST, replace(NEWER, begun_at=NOW)), RULES, AFTER),
        # Only a promotion of a newer version: 10 is newer than 2, and 1 is not.
        ((ADA,), (replace(NEWER, image=OLD),), RULES, None),
        ((ADA,), (replace(NEWER, image=IMAGE),), RULES, None),
        ((ADA,), (replace(NEWER, image=None),), RULES, None),
        ((ADA,), (replace(NEWER, kind=ChangeKind.ROLL_BACK),), RULES, None),
        # The last newer promotion decides, and no earlier one.
        ((ADA,), (replace(NEWER, number=2, cause="other"), NEWER), RULES, AFTER),
        ((ADA,), (NEWER, replace(NEWER, number=2)), RULES, None),
        # Decisions of earlier versions have times only; the same moment counts as later.
        ((BY_TIME,), (NEWER,), RULES, AFTER),
        ((BY_TIME,), (replace(NEWER, begun_at=NOW),), RULES, None),
        ((BY_TIME, GRACE), (NEWER,), TWO, None),
        ((ADA, replace(GRACE, after=None)), (replace(NEWER, begun_at=GRACE.decided_at),), TWO, AFTER),
    ],
)  # fmt: skip
def test_a_newer_promotion_ends_an_earlier_approval(
    decisions: Sequence[Decision],
    changes: Sequence[Change],
    rules: ProductionRules,
    refusal: Refusal | None,
) -> None:
    assert promotion(decisions=decisions, changes=changes, rules=rules) == refusal


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ((), None),
        ((FIRST, OWN), OWN),
        ((FIRST, replace(OWN, state=ChangeState.DONE)), None),
        ((OWN, FIRST), None),
        ((replace(OWN, kind=ChangeKind.ROLL_BACK),), None),
    ],
)
def test_a_release_takes_back_its_own_promotion_only(
    changes: Sequence[Change], found: Change | None
) -> None:
    assert change_to_take_back("release-diabetes-2", changes) == found
