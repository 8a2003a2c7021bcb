"""The rules over one human decision: each condition alone, and the texts that people read."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from function_app.domain.people.authorship import Author, Role
from function_app.domain.people.duties import ApprovalRules, Separation, UnknownAuthor
from function_app.domain.release.approval import (
    Decision,
    Evidence,
    Refusal,
    Settlement,
    Verdict,
    approve,
    check_evidence,
    counting,
    effective,
    own_decision,
    refuse,
    settle,
)
from function_app.domain.release.release import ReleaseRecord, ReleaseStatus
from function_app.errors import ContractError
from tests.domain import law_samples as law
from tests.domain.law_samples import LATER, NOW, PEOPLE, refused

RELEASE_ID = law.RELEASE.release_id
OID = "0f8fad5b-d9cb-469f-a165-70867728950e"
EVIDENCE = Evidence(release_id=RELEASE_ID, image_digest="sha256:bb", reasons=("good",))
RECORD = replace(
    law.RECORD,
    status=ReleaseStatus.AWAITING_APPROVAL,
    evidence_hash=EVIDENCE.digest,
    reasons=("waits",),
)
ADA = replace(law.ADA, comment="fine", evidence_hash=EVIDENCE.digest, decided_at=NOW, after=None)
GRACE = replace(ADA, decided_by="grace", comment="", remark="late", decided_at=LATER)
REJECTED = replace(GRACE, verdict=Verdict.REJECT)
RULES = ApprovalRules(approvers=("ada", "grace"), people=PEOPLE)
TWO = replace(RULES, required=2)
OF_ADA = replace(RECORD, authors=(Author(role=Role.WROTE, identity="ada@example.com"),))
UNKNOWN = replace(RECORD, authors=())
NO_IMAGE = replace(RECORD, image=None)
OTHERS = (
    replace(ADA, release_id="release-diabetes-1"),
    replace(ADA, image_digest="sha256:aa"),
    replace(ADA, evidence_hash="0"),
)


def test_the_values_of_stored_verdicts_do_not_change() -> None:
    assert [verdict.value for verdict in Verdict] == ["approve", "reject"]
    least = Decision(
        release_id=RELEASE_ID,
        verdict=Verdict.APPROVE,
        decided_by="ada",
        comment="",
        image_digest="",
        evidence_hash="",
        decided_at=NOW,
    )
    assert (least.remark, least.withdrawn_comment, least.after) == ("", "", None)


def test_the_hash_of_evidence_is_that_of_its_compact_json() -> None:
    evidence = replace(EVIDENCE, reasons=("für", "b"))
    text = '["release-diabetes-2","sha256:bb",["für","b"]]'

    assert evidence.digest == hashlib.sha256(text.encode()).hexdigest()


def test_the_hash_of_evidence_covers_the_evaluation() -> None:
    first, second = (replace(EVIDENCE, evaluation_id=f"a-vs-{n}") for n in (1, 2))

    assert len({EVIDENCE.digest, first.digest, second.digest}) == 3


@pytest.mark.parametrize("named", [(RELEASE_ID, "sha256:aa"), ("other", "sha256:bb")])
def test_evidence_of_another_release_or_image_is_refused(named: tuple[str, str]) -> None:
    with pytest.raises(ContractError) as caught:
        check_evidence(EVIDENCE, *named)

    assert caught.value.code == "OTHER_EVIDENCE"
    assert "The evidence belongs to another release or image." in str(caught.value)


def test_evidence_of_the_release_and_image_is_accepted() -> None:
    check_evidence(EVIDENCE, RELEASE_ID, "sha256:bb")


def test_a_decision_stands_until_it_is_withdrawn() -> None:
    assert ADA.stands is True
    assert replace(ADA, withdrawn_at=NOW).stands is False


@pytest.mark.parametrize(
    ("record", "decision", "named"),
    [(RECORD, ADA, True), (NO_IMAGE, ADA, False), *((RECORD, other, False) for other in OTHERS)],
)
def test_a_decision_names_release_image_and_evidence(
    record: ReleaseRecord, decision: Decision, named: bool
) -> None:
    assert decision.names(record) is named


def test_an_approved_release_goes_on_with_the_name_of_the_person() -> None:
    assert approve(RECORD, ADA, LATER) == replace(
        RECORD, status=ReleaseStatus.IN_PROGRESS, decided_by="ada", updated_at=LATER
    )


@pytest.mark.parametrize(
    ("record", "decision", "expected"),
    [
        (None, ADA, (Settlement(), None)),
        (RECORD, None, (Settlement(), None)),
        (
            replace(RECORD, status=ReleaseStatus.SUPERSEDED),
            ADA,
            (Settlement(superseded=("waits",)), None),
        ),
        (RECORD, OTHERS[0], (Settlement(), None)),
        (NO_IMAGE, ADA, (Settlement(), None)),
        (RECORD, REJECTED, (Settlement(decision=REJECTED), None)),
        (
            replace(RECORD, status=ReleaseStatus.IN_PROGRESS),
            ADA,
            (Settlement(decision=ADA), None),
        ),
        (RECORD, ADA, (Settlement(decision=ADA), approve(RECORD, ADA, LATER))),
    ],
)
def test_the_ledger_s_state_of_a_waiting_release(
    record: ReleaseRecord | None,
    decision: Decision | None,
    expected: tuple[Settlement, ReleaseRecord | None],
) -> None:
    assert settle(record, decision, LATER) == expected


@pytest.mark.parametrize(
    ("record", "decisions", "rules", "counted"),
    [
        (RECORD, (ADA, GRACE), RULES, (ADA, GRACE)),
        (RECORD, (ADA, GRACE), None, ()),
        (RECORD, (REJECTED, ADA), RULES, (ADA,)),
        (RECORD, (replace(ADA, withdrawn_at=NOW), GRACE), RULES, (GRACE,)),
        (RECORD, (replace(ADA, decided_by="eve"), GRACE), RULES, (GRACE,)),
        (RECORD, (*OTHERS, GRACE), RULES, (GRACE,)),
        (OF_ADA, (ADA, GRACE), RULES, (GRACE,)),
        # One person under two names counts once, with the first decision.
        (RECORD, (ADA, replace(ADA, decided_by="Ada@example.com")), RULES, (ADA,)),
    ],
)
def test_the_approvals_that_count(
    record: ReleaseRecord,
    decisions: tuple[Decision, ...],
    rules: ApprovalRules | None,
    counted: tuple[Decision, ...],
) -> None:
    assert counting(decisions, record, rules) == counted


@pytest.mark.parametrize(
    ("record", "decisions", "rules", "final"),
    [
        (RECORD, (), RULES, None),
        (RECORD, (ADA,), None, None),
        (RECORD, (REJECTED,), None, REJECTED),
        (RECORD, (ADA,), RULES, ADA),
        (RECORD, (ADA,), TWO, None),
        (RECORD, (ADA, REJECTED), TWO, REJECTED),
        # A rejection that was withdrawn, or that names another image, ends nothing.
        (RECORD, (replace(REJECTED, withdrawn_at=NOW), ADA), RULES, ADA),
        (RECORD, (replace(OTHERS[1], verdict=Verdict.REJECT), ADA), RULES, ADA),
        (OF_ADA, (ADA, GRACE), TWO, None),
    ],
)
def test_the_decision_that_ends_the_wait(
    record: ReleaseRecord,
    decisions: tuple[Decision, ...],
    rules: ApprovalRules | None,
    final: Decision | None,
) -> None:
    assert effective(decisions, record, rules) == final


def test_several_approvals_become_one_decision_of_all_people_at_the_last_moment() -> None:
    alan = replace(GRACE, decided_by="alan", comment="good", remark="", decided_at=LATER)
    last = replace(alan, decided_at=LATER + timedelta(minutes=1), after=7)
    rules = replace(RULES, approvers=("ada", "grace", "alan"), required=3)
    first = replace(ADA, remark="own")

    assert effective((first, GRACE, last), RECORD, rules) == replace(
        last, decided_by="ada+grace+alan", comment="ada: fine alan: good", remark="ada: own grace: late"
    )  # fmt: skip
    assert effective((first, GRACE), RECORD, rules) is None


@pytest.mark.parametrize(
    ("decisions", "person", "found"),
    [
        ((GRACE, ADA), "ada@example.com", ADA),
        ((replace(ADA, decided_by="ADA"),), "ada", replace(ADA, decided_by="ADA")),
        ((GRACE,), "ada", None),
        ((replace(ADA, withdrawn_at=NOW),), "ada", None),
        ((*OTHERS,), "ada", None),
        ((), "ada", None),
    ],
)
def test_the_standing_decision_of_a_person(
    decisions: tuple[Decision, ...], person: str, found: Decision | None
) -> None:
    assert own_decision(decisions, RECORD, person, PEOPLE) == found


NOT_ADA = refused("ada is not an approver of diabetes.", "NOT_AN_APPROVER")
STALE = refused(
    "The decision names another image or evidence. Read the release again.", "STALE_DECISION"
)
BY_GRACE = replace(RULES, approvers=("grace",))
ALONE = replace(RULES, approvers=("ada",), separation=Separation.ON)
STRICT = replace(RULES, unknown_author=UnknownAuthor.REFUSE)


@pytest.mark.parametrize(
    ("record", "decision", "rules", "refusal"),
    [
        (RECORD, ADA, RULES, None),
        (RECORD, REJECTED, RULES, None),
        (RECORD, ADA, None, NOT_ADA),
        (RECORD, ADA, BY_GRACE, NOT_ADA),
        (
            RECORD,
            replace(ADA, decided_by=OID),
            RULES,
            refused(
                f"{OID} is not an approver of diabetes. Set it as `oid` of a person in [people].",
                "NOT_AN_APPROVER",
            ),
        ),
        (
            replace(RECORD, status=ReleaseStatus.PROMOTED),
            ADA,
            RULES,
            refused(
                "release-diabetes-2 is promoted; nothing waits for a decision.",
                "RELEASE_NOT_WAITING",
            ),
        ),
        (RECORD, OTHERS[1], RULES, STALE),
        (RECORD, OTHERS[2], RULES, STALE),
        (NO_IMAGE, ADA, RULES, STALE),
        (
            UNKNOWN,
            ADA,
            STRICT,
            refused(
                "The person who caused release-diabetes-2 is unknown, so that ada may be its "
                "author, and mlops.toml refuses such approvals (unknown_author). Start the training "
                "with a person's token, such as `mlopsctl train <model> --as <name>`.",
                "UNKNOWN_AUTHOR",
            ),
        ),
        (UNKNOWN, REJECTED, STRICT, None),
        (RECORD, ADA, STRICT, None),
        (
            OF_ADA,
            ADA,
            replace(RULES, approvers=("ada", "grace", "alan")),
            refused(
                "ada is an author of release-diabetes-2, as its evidence says, and duties are "
                "separate. Another approver must decide: grace or alan.",
                "SEPARATION_OF_DUTIES",
            ),
        ),
        (
            OF_ADA,
            ADA,
            ALONE,
            refused(
                "ada is an author of release-diabetes-2, as its evidence says, and duties are "
                "separate. Another approver must decide: no approver of mlops.toml.",
                "SEPARATION_OF_DUTIES",
            ),
        ),
        (OF_ADA, replace(ADA, verdict=Verdict.REJECT), RULES, None),
        (OF_ADA, GRACE, RULES, None),
    ],
)
def test_a_decision_is_refused_for_exactly_one_reason(
    record: ReleaseRecord,
    decision: Decision,
    rules: ApprovalRules | None,
    refusal: Refusal | None,
) -> None:
    assert refuse(record, decision, rules) == refusal
