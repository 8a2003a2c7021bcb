from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function_app.domain.people.duties import ApprovalRules
from function_app.domain.release.approval import Decision, Evidence, Verdict, refuse
from function_app.domain.release.release import (
    Release,
    ReleasePolicy,
    ReleaseRecord,
    ReleaseStatus,
    judge_smoke,
    may_become,
    release_id,
)
from function_app.domain.release.serving import Image, SmokeReport

NOW = datetime(2026, 1, 1, tzinfo=UTC)
IMAGE = Image(model="diabetes", version="1", digest="sha256:aa", uri="oci/aa")
POLICY = ReleasePolicy(approvers=("ada",))
EVIDENCE = Evidence(release_id="release-diabetes-1", image_digest="sha256:aa", reasons=("good",))
WAITING = ReleaseRecord(
    release=Release(
        release_id=release_id("diabetes", "1"), model="diabetes", version="1", policy=POLICY
    ),
    status=ReleaseStatus.AWAITING_APPROVAL,
    updated_at=NOW,
    image=IMAGE,
    evidence_hash=EVIDENCE.digest,
)
APPROVED = Decision(
    release_id="release-diabetes-1",
    verdict=Verdict.APPROVE,
    decided_by="ada",
    comment="",
    image_digest="sha256:aa",
    evidence_hash=EVIDENCE.digest,
    decided_at=NOW,
)
RULES = ApprovalRules(approvers=("ada",), people={})
GOOD = SmokeReport(
    requests=5, failures=0, largest_difference=0.0, p95_ms=10, served_digest="sha256:aa"
)


def test_an_approver_who_names_image_and_evidence_decides() -> None:
    assert refuse(WAITING, APPROVED, RULES) is None


def test_an_approver_whom_the_policy_of_now_does_not_name_decides_nothing() -> None:
    refusal = refuse(WAITING, APPROVED, replace(RULES, approvers=("grace",)))

    assert refusal is not None
    assert refusal.code == "NOT_AN_APPROVER"


@pytest.mark.parametrize(
    ("record", "decision", "code"),
    [
        (replace(WAITING, status=ReleaseStatus.PROMOTED), APPROVED, "RELEASE_NOT_WAITING"),
        (WAITING, replace(APPROVED, decided_by="eve"), "NOT_AN_APPROVER"),
        (WAITING, replace(APPROVED, image_digest="sha256:bb"), "STALE_DECISION"),
        (WAITING, replace(APPROVED, evidence_hash="0"), "STALE_DECISION"),
    ],
)
def test_any_other_decision_is_refused(
    record: ReleaseRecord, decision: Decision, code: str
) -> None:
    refusal = refuse(record, decision, RULES)

    assert refusal is not None
    assert refusal.code == code


def test_evidence_that_differs_has_another_hash() -> None:
    assert EVIDENCE.digest != replace(EVIDENCE, reasons=("bad",)).digest


@given(st.sampled_from(ReleaseStatus), st.sampled_from(ReleaseStatus))
def test_an_ended_release_changes_only_by_a_roll_back(
    now: ReleaseStatus, then: ReleaseStatus
) -> None:
    taken_back = (now, then) == (ReleaseStatus.PROMOTED, ReleaseStatus.ROLLED_BACK)
    assert not now.ended or may_become(now, then) is (now is then or taken_back)


def test_a_release_that_waits_cannot_be_promoted_past_its_decision() -> None:
    assert not may_become(ReleaseStatus.AWAITING_APPROVAL, ReleaseStatus.PROMOTED)


def test_a_right_and_quick_deployment_passes_the_smoke_gate() -> None:
    assert judge_smoke(GOOD, IMAGE, POLICY).passed


@pytest.mark.parametrize(
    "report",
    [
        replace(GOOD, requests=0),
        replace(GOOD, failures=1),
        replace(GOOD, largest_difference=0.1),
        replace(GOOD, largest_difference=None),
        replace(GOOD, largest_difference=float("nan")),
        replace(GOOD, p95_ms=float("nan")),
        replace(GOOD, p95_ms=900),
        replace(GOOD, served_digest="sha256:bb"),
    ],
)
def test_each_fault_fails_the_smoke_gate(report: SmokeReport) -> None:
    assert not judge_smoke(report, IMAGE, POLICY).passed


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (replace(GOOD, largest_difference=1.00001e-6), "by 1.00001e-06; 1e-06 is allowed."),
        (replace(GOOD, p95_ms=500.04), "response time is 500.04 ms, over 500 ms."),
    ],
)
def test_a_smoke_reason_shows_a_figure_just_over_its_limit_as_different(
    report: SmokeReport, reason: str
) -> None:
    assert judge_smoke(report, IMAGE, POLICY).reasons[0].endswith(reason)


def test_failed_requests_are_the_only_reason_when_nothing_was_compared() -> None:
    report = replace(GOOD, failures=20, largest_difference=None, detail="HTTP 500: no such column")

    assert judge_smoke(report, IMAGE, POLICY).reasons == (
        f"20 of {GOOD.requests} requests failed. HTTP 500: no such column",
    )


def test_a_service_that_does_not_name_its_image_is_shown_with_the_cause() -> None:
    report = replace(GOOD, served_digest="", detail="GET /healthz: HTTP 503 starting.")

    assert judge_smoke(report, IMAGE, POLICY).reasons == (
        f"It serves an image that it does not name, not {IMAGE.digest}. "
        "GET /healthz: HTTP 503 starting.",
    )
