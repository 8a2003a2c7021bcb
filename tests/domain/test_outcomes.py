from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from function_app.domain.release.release import (
    AUTOMATIC,
    Release,
    ReleasePolicy,
    ReleaseRecord,
    ReleaseStatus,
    attempt_of,
    next_attempt,
)
from function_app.domain.stories.attention import failed_releases, failed_stories
from function_app.domain.stories.outcomes import Tone, facts_of, is_alarming, outcome_of
from mlopsctl.next_commands import next_commands

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RELEASE = Release(
    release_id="release-m-1", model="m", version="1", policy=ReleasePolicy(approvers=("ada",))
)
RECORD = ReleaseRecord(release=RELEASE, status=ReleaseStatus.FAILED, updated_at=NOW)


@pytest.mark.parametrize(
    ("story", "status", "output", "word", "tone"),
    [
        ("train_model", "Completed", {"outcome": "registered"}, "registered", Tone.GOOD),
        ("train_model", "Completed", {"outcome": "rejected"}, "rejected", Tone.WARNING),
        ("train_model", "Completed", {"outcome": "cancelled"}, "cancelled", Tone.NEUTRAL),
        ("train_model", "Completed", {"outcome": "failed"}, "failed", Tone.BAD),
        ("reproduce_model", "Completed", {"outcome": "same"}, "same", Tone.GOOD),
        ("reproduce_model", "Completed", {"outcome": "different"}, "different", Tone.WARNING),
        ("reproduce_model", "Completed", {"outcome": "impossible"}, "impossible", Tone.WARNING),
        ("release_model", "Completed", {"status": "failed"}, "failed", Tone.BAD),
        ("release_model", "Completed", {"status": "expired"}, "expired", Tone.WARNING),
        ("integrate_change", "Completed", {"outcome": "rejected"}, "rejected", Tone.WARNING),
        ("roll_back", "Completed", {"restored": False}, "failed", Tone.BAD),
        ("roll_back", "Completed", {"restored": True}, "done", Tone.GOOD),
        ("reconcile", "Completed", {"findings": []}, "done", Tone.GOOD),
        (
            "watch_production",
            "Completed",
            {"verdict": "budget spent"},
            "budget spent",
            Tone.WARNING,
        ),
        ("ensure_platform", "Completed", {"parts": []}, "done", Tone.GOOD),
        ("train_model", "Failed", "PLATFORM: no space", "failed", Tone.BAD),
        ("train_model", "Terminated", None, "terminated", Tone.BAD),
        ("train_model", "Running", None, "running", Tone.OPEN),
    ],
)
def test_the_domain_s_outcome_is_shown_and_not_durable_s(
    story: str, status: str, output: Any, word: str, tone: Tone
) -> None:
    outcome = outcome_of(story, status, output)

    assert (outcome.word, outcome.tone) == (word, tone)


def test_reasons_are_kept_whole() -> None:
    reasons = ("x" * 5000, "the cause")

    outcome = outcome_of(
        "train_model", "Completed", {"outcome": "failed", "reasons": list(reasons)}
    )

    assert outcome.reasons == reasons
    assert outcome_of("any", "Failed", "y" * 5000).reasons == ("y" * 5000,)


def test_findings_that_nobody_repaired_are_the_reasons_of_a_comparison() -> None:
    findings = [
        {"kind": "lost run", "subject": "r", "detail": "gone", "repaired": repaired}
        for repaired in (True, False)
    ]

    outcome = outcome_of("reconcile", "Completed", {"findings": findings})

    assert (outcome.word, outcome.reasons) == ("findings", ("lost run: r. gone",))


def test_facts_name_model_version_commit_data_and_endpoint() -> None:
    training = {"model": "m", "data_uri": "file:///a.csv", "reason": ""}
    change = {"model": "m", "change": {"commit": "c1", "branch": "main", "proposal": "7"}}

    assert facts_of("train_model", training, {"version": "3", "run_id": "r", "commit": "c0"}) == {
        "model": "m",
        "version": "3",
        "commit": "c0",
        "data": "file:///a.csv",
        "run": "r",
    }
    assert facts_of("integrate_change", change, None)["pull_request"] == "7"
    assert facts_of("release_model", {"model": "m", "version": "2"}, {"endpoint": "http://e"}) == {
        "model": "m",
        "version": "2",
        "endpoint": "http://e",
    }
    assert facts_of("any", None, "text") == {}


def test_the_step_names_the_data_of_a_training_that_was_given_none() -> None:
    newest = {"model": "m", "data_uri": ""}
    step = {"step": "rejected", "data": "/data/d1.csv", "data_version": "d1"}

    facts = facts_of("train_model", newest, {"outcome": "rejected"}, step)

    assert facts == {"model": "m", "data": "/data/d1.csv", "data_version": "d1"}
    brought = facts_of("train_model", {"data_uri": "file:///a.csv"}, {"data_version": "d2"}, step)
    assert brought == {"data": "file:///a.csv", "data_version": "d2"}


def test_people_hear_of_failures_bad_data_and_rejected_pushes_but_not_of_everyday_gates() -> None:
    assert is_alarming("train_model", "failed", "run")
    assert is_alarming("train_model", "rejected", None)
    assert is_alarming("integrate_change", "rejected", None)
    assert not is_alarming("train_model", "rejected", "run")
    assert not is_alarming("train_model", "superseded", None)
    assert not is_alarming("train_model", "cancelled", None)


def view(number: int, outcome: str, story: str = "train_model", **facts: str) -> Any:
    return {
        "instance_id": f"s{number}",
        "story": story,
        "outcome": outcome,
        "created_at": f"2026-01-01T00:00:{number:02}Z",
        "reasons": ["the cause"],
        "facts": {"model": "m", **facts},
    }


@pytest.mark.parametrize(
    ("views", "open_ones"),
    [
        ([view(1, "failed")], ["s1"]),
        ([view(1, "failed"), view(2, "registered", run="r")], []),
        ([view(1, "failed"), view(2, "running")], []),
        ([view(2, "superseded"), view(1, "failed")], ["s1"]),
        ([view(1, "failed"), view(2, "cancelled")], ["s1"]),
        ([view(1, "failed"), view(2, "registered", model="other")], ["s1"]),
        ([view(1, "rejected", run="r")], []),
        ([view(1, "rejected")], ["s1"]),
        ([view(1, "rejected", "integrate_change")], ["s1"]),
        ([view(1, "failed", "release_model")], []),
        ([view(1, "failed", "roll_back")], ["s1"]),
    ],
)
def test_the_newest_story_of_each_kind_and_model_decides(
    views: list[Any], open_ones: list[str]
) -> None:
    found = failed_stories(views)

    assert [one.subject for one in found] == open_ones
    assert all("the cause" in one.detail and one.subject in one.next for one in found)


@pytest.mark.parametrize(
    ("story", "command"),
    [
        ("train_model", "mlopsctl retry s1"),
        ("reconcile", "mlopsctl reconcile"),
        ("ensure_platform", "mlopsctl provision"),
    ],
)
def test_a_failed_story_names_the_command_that_starts_it_again(story: str, command: str) -> None:
    known = {
        "story": {**view(1, "failed", story), "ended": True, "step": None},
        **dict.fromkeys(("release", "run", "event")),
    }

    assert [one.next for one in failed_stories([view(1, "failed", story)])] == [
        f"mlopsctl show s1; {command}"
    ]
    assert next_commands(known, "s1") == [command]


@pytest.mark.parametrize(
    ("change", "is_open"),
    [
        ({"status": ReleaseStatus.FAILED}, True),
        ({"status": ReleaseStatus.EXPIRED}, True),
        ({"status": ReleaseStatus.REJECTED}, True),
        ({"status": ReleaseStatus.REJECTED, "decided_by": "ada"}, False),
        ({"status": ReleaseStatus.ROLLED_BACK, "rolled_back_by": "ada"}, False),
        ({"status": ReleaseStatus.ROLLED_BACK, "rolled_back_by": AUTOMATIC}, True),
        ({"status": ReleaseStatus.PROMOTED}, False),
    ],
)
def test_a_release_that_failed_is_open_until_a_newer_one(
    change: dict[str, Any], is_open: bool
) -> None:
    record = replace(RECORD, reasons=("the cause",), **change)
    newer = replace(
        record,
        release=replace(RELEASE, release_id="release-m-2"),
        status=ReleaseStatus.PROMOTED,
        updated_at=NOW + timedelta(hours=1),
    )

    assert [one.subject for one in failed_releases([record])] == ["release-m-1"] * is_open
    assert failed_releases([newer, record]) == []


def test_attempts_of_a_release_are_counted_whatever_its_version_is_called() -> None:
    second = next_attempt(RELEASE)
    odd = replace(RELEASE, release_id="release-m-1-tryout")

    assert second.release_id == "release-m-1-try2"
    assert next_attempt(second).release_id == "release-m-1-try3"
    assert next_attempt(odd).release_id == "release-m-1-tryout-try2"
    attempts = [attempt_of(each) for each in (RELEASE, second, next_attempt(second), odd)]
    assert attempts == [1, 2, 3, 1]
