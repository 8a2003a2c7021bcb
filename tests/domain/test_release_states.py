"""The states of a release, its ids and attempts, and each limit of the smoke test."""

from dataclasses import replace
from datetime import timedelta

import pytest

from function_app.domain.gates import GateResult
from function_app.domain.release.release import (
    AUTOMATIC,
    OTHER_RELEASE,
    PLAUSIBLE,
    ReleasePolicy,
    ReleaseStatus,
    forbidden_change,
    is_release_of,
    judge_smoke,
    may_become,
    next_attempt,
    plausible,
    release_id,
    version_key,
)
from function_app.domain.release.serving import SmokeReport
from tests.domain.law_samples import IMAGE, RELEASE

S = ReleaseStatus
NEXT = {
    S.IN_PROGRESS: {
        *(S.AWAITING_APPROVAL, S.PROMOTED, S.REJECTED, S.SUPERSEDED),
        *(S.ROLLED_BACK, S.CANCELLED, S.FAILED),
    },
    S.AWAITING_APPROVAL: {
        *(S.IN_PROGRESS, S.REJECTED, S.EXPIRED, S.SUPERSEDED, S.CANCELLED, S.FAILED),
    },
    S.PROMOTED: {S.ROLLED_BACK},
}


def test_the_values_of_stored_statuses_do_not_change() -> None:
    assert [status.value for status in S] == [
        *("in_progress", "awaiting_approval", "promoted", "rejected", "expired"),
        *("superseded", "rolled_back", "cancelled", "failed"),
    ]


@pytest.mark.parametrize("now", S)
@pytest.mark.parametrize("then", S)
def test_a_release_changes_to_exactly_these_statuses(now: S, then: S) -> None:
    assert may_become(now, then) is (now is then or then in NEXT.get(now, set()))


@pytest.mark.parametrize("status", S)
def test_a_release_has_ended_unless_it_goes_on_or_waits(status: S) -> None:
    assert status.ended is (status not in (S.IN_PROGRESS, S.AWAITING_APPROVAL))


def test_a_forbidden_change_names_both_statuses() -> None:
    assert forbidden_change("release-m-1", S.PROMOTED, S.FAILED) == (
        "release-m-1 is promoted and cannot become failed."
    )


def test_the_defaults_of_a_policy_and_of_names() -> None:
    policy = ReleasePolicy(approvers=("ada",))

    assert policy.approval_timeout == timedelta(days=3)
    assert (policy.smoke_tolerance, policy.max_p95_ms, policy.replicas) == (1e-6, 500.0, 2)
    assert (AUTOMATIC, OTHER_RELEASE) == ("automatic", "OTHER_RELEASE")


def test_versions_are_sorted_by_number_and_then_by_name() -> None:
    assert sorted(["10", "9", "v2", "blue"], key=version_key) == ["blue", "v2", "9", "10"]
    assert version_key("12") == (12, "12")
    assert version_key("v2") == (0, "v2")


@pytest.mark.parametrize(
    ("text", "of"),
    [
        ("release-diabetes-2", True),
        ("release-diabetes-2-try2", True),
        ("release-diabetes-2-try10", True),
        ("release-diabetes-2-try", False),
        ("release-diabetes-2-tryx", False),
        ("release-diabetes-2-try²", False),
        ("release-diabetes-2-try٣", False),
        ("release-diabetes-2-other2", False),
        ("release-diabetes-2-abc2", False),
        ("release-diabetes-20", False),
        ("release-diabetes-3-try2", False),
        ("release-diabetes-2try2", False),
    ],
)
def test_the_id_of_a_release_of_version_two(text: str, of: bool) -> None:
    assert is_release_of(text, "diabetes", "2") is of


def test_the_highest_number_of_a_version_without_an_image() -> None:
    assert plausible(7) == 1007
    assert PLAUSIBLE == 1000


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("release-diabetes-2", "release-diabetes-2-try2"),
        ("release-diabetes-2-try2", "release-diabetes-2-try3"),
        ("release-diabetes-2-try9", "release-diabetes-2-try10"),
        ("release-a-try-1", "release-a-try-1-try2"),
        ("release-a-tryb-1-try4", "release-a-tryb-1-try5"),
        ("12", "12-try2"),
    ],
)
def test_the_next_attempt_counts_on(before: str, after: str) -> None:
    assert next_attempt(replace(RELEASE, release_id=before)) == replace(RELEASE, release_id=after)


def test_the_id_of_a_release_has_model_and_version() -> None:
    assert release_id("diabetes", "2") == "release-diabetes-2"


GOOD = SmokeReport(
    requests=5, failures=0, largest_difference=1e-6, p95_ms=500.0, served_digest=IMAGE.digest
)
KEYLESS = (
    "It answers requests without a key. Images of version 0.1.0 do: train again. A service of your "
    "own must check keys: docs/reference/model-contract.md, Serving."
)


def refused(*reasons: str) -> GateResult:
    return GateResult(passed=False, reasons=reasons)


@pytest.mark.parametrize(
    ("report", "result"),
    [
        # Equal to each limit passes.
        (GOOD, GateResult(passed=True, reasons=("5 requests answered rightly.",))),
        (
            replace(GOOD, requests=1),
            GateResult(passed=True, reasons=("1 requests answered rightly.",)),
        ),
        (replace(GOOD, requests=0), refused("0 of 0 requests failed.")),
        (
            replace(GOOD, failures=1, detail="HTTP 500"),
            refused("1 of 5 requests failed. HTTP 500"),
        ),
        (replace(GOOD, served_digest="sha256:x"), refused("It serves sha256:x, not sha256:bb.")),
        (
            replace(GOOD, served_digest="sha256:x", detail="HTTP 503"),
            refused("It serves sha256:x, not sha256:bb. HTTP 503"),
        ),
        (
            replace(GOOD, failures=1, served_digest="sha256:x", detail="HTTP 503"),
            refused("1 of 5 requests failed. HTTP 503", "It serves sha256:x, not sha256:bb."),
        ),
        (
            replace(GOOD, largest_difference=None),
            refused("No prediction was compared with the offline model's."),
        ),
        (
            replace(GOOD, largest_difference=0.25),
            refused("Predictions differ from the offline model's by 0.25; 1e-06 is allowed."),
        ),
        (replace(GOOD, answers_without_key=True), refused(KEYLESS)),
        (
            replace(GOOD, p95_ms=501.0),
            refused("The 95th percentile of the response time is 501 ms, over 500 ms."),
        ),
    ],
)
def test_a_smoke_test_gives_each_reason(report: SmokeReport, result: GateResult) -> None:
    assert judge_smoke(report, IMAGE, ReleasePolicy(approvers=())) == result
