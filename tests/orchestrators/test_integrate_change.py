from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from function_app import steps
from function_app.domain.change.change import (
    Bundle,
    Change,
    CheckPlan,
    CheckReport,
    CheckResult,
    CodeVersion,
)
from function_app.domain.change.integration import (
    ChangePolicy,
    ChangeRequest,
    FetchedChange,
    IntegrationOutcome,
    IntegrationResult,
    Published,
)
from function_app.domain.data_quality import DataPolicy
from function_app.domain.gates import GateResult
from function_app.domain.training import Run, RunStatus
from function_app.orchestrators.integrate_change import integrate_change
from tests.orchestrators.player import Player

COMMIT, NEWER = "a" * 40, "b" * 40
BUNDLE = Bundle(digest="d" * 64, uri="/bundles/d", commit=COMMIT)
CODE = CodeVersion(model="diabetes", version="d" * 64, uri="/bundles/d", commit=COMMIT)
RUNNING = Run(
    run_id="checks-diabetes-cause",
    model="diabetes",
    status=RunStatus.RUNNING,
    dataset_version="",
    output_uri="",
)
DONE = replace(RUNNING, status=RunStatus.COMPLETED)
GOOD = CheckReport(
    results=(
        CheckResult(name="lint", passed=True, detail="No complaints."),
        CheckResult(name="tests", passed=True, detail="14 tests passed."),
    ),
    files=("lint.txt", "tests.log", "junit.xml"),
    coverage=91.5,
)
BAD = replace(
    GOOD,
    results=(CheckResult(name="tests", passed=False, detail="1 of 14 tests failed, first test_x"),),
)
REQUEST = ChangeRequest(
    model="diabetes",
    cause="cause",
    change=Change(repository="/srv/code.git", branch="main", commit=COMMIT),
    policy=ChangePolicy(
        plan=CheckPlan(
            lint=("ruff",), tests=("pytest",), training="t", dry_run=False, timeout_seconds=60
        ),
        data=DataPolicy(columns=("x", "Y")),
        min_coverage=80.0,
        auto_train=True,
        timeout=timedelta(minutes=1),
        poll_interval=timedelta(seconds=10),
    ),
)
PROPOSAL = replace(REQUEST, change=replace(REQUEST.change, proposal="7"))
LINK = "/api/runs/checks-diabetes-cause/reports"


class Told(Player):
    """Keeps the statuses that were told."""

    def call_activity_with_retry(self, name: str, retry_options: Any, input_: Any = None) -> Any:
        if name == steps.tell_change.name:
            self.shown.append(f"told {input_['state']}: {input_['detail']} {input_['link']}")
        return super().call_activity_with_retry(name, retry_options, input_)


def player(**change: object) -> Told:
    return Told(
        {
            steps.fetch_change.name: FetchedChange(bundle=BUNDLE),
            steps.tell_change.name: None,
            steps.submit_checks.name: RUNNING,
            steps.get_run.name: [RUNNING, DONE],
            steps.cancel_run.name: replace(RUNNING, status=RunStatus.TIMED_OUT),
            steps.read_checks.name: GOOD,
            steps.check_reference_data.name: GateResult(passed=True, reasons=("fine",)),
            steps.publish_code.name: Published(code=CODE),
            steps.request_training.name: None,
            **change,
        }
    )


def played(host: Told, request: ChangeRequest = REQUEST) -> IntegrationResult:
    result = host.play(integrate_change(host, request))
    assert isinstance(result, IntegrationResult)
    return result


def statuses(host: Told) -> list[str]:
    return [line.removeprefix("told ") for line in host.shown if line.startswith("told ")]


def test_a_push_that_passes_is_published_and_trained() -> None:
    host = player()

    result = played(host)

    assert (result.outcome, result.code) == (IntegrationOutcome.PUBLISHED, CODE)
    assert result.reports["junit.xml"] == f"{LINK}/junit.xml"
    assert result.reasons == ("lint: No complaints.", "tests: 14 tests passed.")
    assert statuses(host) == [
        "pending: The checks run. /api/status/instance-1",
        f"success: Every check passed. {LINK}/tests.log",
    ]
    assert steps.request_training.name in host.called
    assert [step for step in host.shown if not step.startswith("told")] == [
        "fetching code",
        "checking code",
        "checking reference data",
        "publishing code",
        "requesting training",
        "published",
    ]


def test_a_policy_may_publish_without_a_training() -> None:
    host = player()
    quiet = replace(REQUEST, policy=replace(REQUEST.policy, auto_train=False))

    assert played(host, quiet).outcome is IntegrationOutcome.PUBLISHED
    assert steps.request_training.name not in host.called


def test_a_pull_request_is_checked_and_changes_nothing() -> None:
    host = player()

    assert played(host, PROPOSAL).outcome is IntegrationOutcome.CHECKED
    assert steps.publish_code.name not in host.called
    assert steps.request_training.name not in host.called
    assert statuses(host)[-1].startswith("success")


def test_a_failing_test_stops_a_change_and_is_linked() -> None:
    host = player(**{steps.read_checks.name: BAD})

    result = played(host)

    assert result.outcome is IntegrationOutcome.REJECTED
    assert result.reasons == ("tests: 1 of 14 tests failed, first test_x",)
    assert result.reports["tests.log"] == f"{LINK}/tests.log"
    assert statuses(host)[-1] == (
        f"failure: tests: 1 of 14 tests failed, first test_x {LINK}/tests.log"
    )
    assert steps.publish_code.name not in host.called


@pytest.mark.parametrize(
    ("coverage", "said"), [(79.9, "79.9 %"), (79.99999, "79.99999 %"), (None, "unknown")]
)
def test_too_little_coverage_stops_a_change(coverage: float | None, said: str) -> None:
    host = player(**{steps.read_checks.name: replace(GOOD, coverage=coverage)})

    result = played(host)

    assert result.outcome is IntegrationOutcome.REJECTED
    assert result.reasons == (f"coverage: {said} of the lines; at least 80 % are needed.",)


def test_without_a_floor_coverage_may_be_unknown() -> None:
    host = player(**{steps.read_checks.name: replace(GOOD, coverage=None)})
    lax = replace(REQUEST, policy=replace(REQUEST.policy, min_coverage=0.0))

    assert played(host, lax).outcome is IntegrationOutcome.PUBLISHED


def test_checks_that_checked_nothing_stop_a_change() -> None:
    host = player(**{steps.read_checks.name: replace(GOOD, results=())})

    assert played(host).outcome is IntegrationOutcome.REJECTED


def test_reference_data_that_is_refused_stops_a_change() -> None:
    refused = GateResult(passed=False, reasons=("Reference data: Column x is absent.",))
    host = player(**{steps.check_reference_data.name: refused})

    result = played(host)

    assert (result.outcome, result.reasons) == (IntegrationOutcome.REJECTED, refused.reasons)
    assert steps.publish_code.name not in host.called


def test_a_commit_that_a_newer_one_contains_is_not_checked() -> None:
    host = player(**{steps.fetch_change.name: FetchedChange(newer=NEWER)})

    result = played(host)

    assert result.outcome is IntegrationOutcome.STALE
    assert NEWER in result.reasons[0]
    assert host.called == [steps.fetch_change.name, steps.record_outcome.name]


def test_a_commit_that_was_overtaken_while_it_was_checked_is_not_published() -> None:
    host = player(**{steps.publish_code.name: Published(newer=NEWER)})

    assert played(host).outcome is IntegrationOutcome.STALE
    assert steps.request_training.name not in host.called


def test_a_commit_that_is_not_there_is_rejected_with_the_reason() -> None:
    host = player(**{steps.fetch_change.name: FetchedChange(refused="Commit aaa is not there.")})

    result = played(host)

    assert (result.outcome, result.reasons) == (
        IntegrationOutcome.REJECTED,
        ("Commit aaa is not there.",),
    )
    assert statuses(host) == ["failure: Commit aaa is not there. /api/status/instance-1"]


def test_checks_that_do_not_end_are_cancelled_and_the_change_fails() -> None:
    host = player(**{steps.get_run.name: RUNNING})

    result = played(host)

    assert result.outcome is IntegrationOutcome.FAILED
    assert "timed_out" in result.reasons[0]
    assert steps.cancel_run.name in host.called
    assert statuses(host)[-1].startswith("error: ")


def test_checks_that_the_platform_interrupts_are_submitted_again() -> None:
    interrupted = replace(RUNNING, status=RunStatus.INTERRUPTED)
    host = player(**{steps.get_run.name: [interrupted, RUNNING, DONE]})

    assert played(host).outcome is IntegrationOutcome.PUBLISHED
    assert host.called.count(steps.submit_checks.name) == 2


def test_checks_that_are_interrupted_for_good_say_nothing_about_the_change() -> None:
    host = player(**{steps.get_run.name: replace(RUNNING, status=RunStatus.INTERRUPTED)})

    assert played(host).outcome is IntegrationOutcome.FAILED
    assert statuses(host)[-1].startswith("error: Run checks-diabetes-cause was interrupted 6 times")


@pytest.mark.parametrize(
    "activity",
    [
        steps.fetch_change.name,
        steps.submit_checks.name,
        steps.publish_code.name,
        steps.read_checks.name,
    ],
)
def test_a_fault_is_an_outcome_and_told(activity: str) -> None:
    host = player(**{activity: Exception("PLATFORM: git could not fetch.\nTraceback ...")})

    result = played(host)

    assert (result.outcome, result.reasons) == (
        IntegrationOutcome.FAILED,
        ("PLATFORM: git could not fetch.",),
    )
    assert statuses(host)[-1] == "error: PLATFORM: git could not fetch. /api/status/instance-1"


def test_a_code_host_that_cannot_be_told_hides_no_fault() -> None:
    gone = Exception("PLATFORM: nobody listens")
    host = player(**{steps.tell_change.name: gone})

    assert played(host).outcome is IntegrationOutcome.FAILED


def test_checks_whose_event_never_comes_are_found_by_polling() -> None:
    host = player()
    host.event_arrives = False

    assert played(host).outcome is IntegrationOutcome.PUBLISHED


def test_a_published_change_stays_published_when_the_code_host_cannot_be_told() -> None:
    host = player(**{steps.tell_change.name: [None, Exception("PLATFORM: github.com is down")]})

    result = played(host)

    assert (result.outcome, result.code) == (IntegrationOutcome.PUBLISHED, CODE)
    assert "PLATFORM: github.com is down" in result.reasons[-1]
    assert steps.request_training.name in host.called


def test_a_fault_stays_the_first_reason_when_the_code_host_cannot_be_told() -> None:
    host = player(
        **{
            steps.fetch_change.name: Exception("PLATFORM: no disk"),
            steps.tell_change.name: Exception("PLATFORM: github.com is down"),
        }
    )

    result = played(host)

    assert result.outcome is IntegrationOutcome.FAILED
    assert result.reasons[0] == "PLATFORM: no disk"
    assert "github.com is down" in result.reasons[1]
