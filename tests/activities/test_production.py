"""Production changes only by a stored decision, for any input of an activity."""

from dataclasses import replace

import pytest

from function_app.activities import releases
from function_app.activities.production import promote_challenger
from function_app.domain.release.approval import Evidence, Verdict
from function_app.domain.release.authorization import ChangeState
from function_app.domain.release.release import Release, ReleaseStatus
from function_app.domain.release.serving import Image
from function_app.domain.requests import ApprovalRequest, Promotion, ReleaseUpdate
from function_app.errors import ConflictError, ContractError, NotAuthorisedError
from tests.activities.law_bench import MODEL, Bench, digest, image, release
from tests.activities.production_bench import (
    EVIL,
    account,
    azurite,
    bench,
    connection,
    identity,
    refused,
    tls,
)

__all__ = ["account", "azurite", "bench", "connection", "identity", "tls"]


def test_an_approved_release_is_promoted_and_its_story_may_ask_again(bench: Bench) -> None:
    bench.approve("1")
    bench.production.slow = 2
    for _ in range(4):
        rollout = bench.promote("1")
    bench.end("1", ReleaseStatus.PROMOTED)
    bench.end("1", ReleaseStatus.PROMOTED)

    assert rollout.done
    assert bench.production.served == image("1")
    (change,) = bench.changes.of_model(MODEL)
    assert (change.by, change.image, change.former, change.state) == (
        *("ada", image("1"), None),
        ChangeState.DONE,
    )
    assert bench.record("1").status is ReleaseStatus.PROMOTED


def test_replicas_are_those_of_the_policy_of_now_and_not_of_the_input(bench: Bench) -> None:
    bench.approve("1")
    bench.policy(replicas=3)
    bench.promote("1")

    assert bench.production.replicas == 3


def test_an_approved_digest_from_another_address_is_taken_from_the_app_s_store(
    bench: Bench,
) -> None:
    bench.approve("1")
    bench.promote("1", image("1", uri="evil.example/x@sha256:" + "e" * 64))

    assert bench.production.served == image("1")


def test_a_release_that_nobody_approved_is_not_promoted(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.ask("1")
    bench.update("1", ReleaseStatus.IN_PROGRESS)

    with pytest.raises(NotAuthorisedError, match="NOT_AUTHORISED: No stored approval"):
        bench.promote("1")
    refused(bench, caplog, "No stored approval")


def test_a_rejected_release_is_not_promoted(bench: Bench) -> None:
    bench.decide(bench.ask("1"), Verdict.REJECT)
    bench.update("1", ReleaseStatus.IN_PROGRESS)

    with pytest.raises(NotAuthorisedError, match="ada rejected release-diabetes-1"):
        bench.promote("1")


def test_a_rejection_outweighs_the_approvals_beside_it_after_a_restart(bench: Bench) -> None:
    bench.policy(approvers=("ada", "grace", "alan"), approvals_required=2)
    record = bench.ask("1")
    bench.decide(record, person="ada")
    bench.decide(record, Verdict.REJECT, person="grace")
    # An attacker with a key of Durable restarts the story before the story reads the rejection.
    bench.update("1", ReleaseStatus.IN_PROGRESS)

    with pytest.raises(NotAuthorisedError, match="grace rejected release-diabetes-1"):
        bench.promote("1")
    assert bench.production.calls == []


def test_a_release_that_the_ledger_does_not_know_is_not_promoted(bench: Bench) -> None:
    with pytest.raises(NotAuthorisedError, match="unknown to the ledger"):
        bench.promote("1")


def test_an_approval_of_somebody_who_is_no_approver_now_does_not_count(bench: Bench) -> None:
    bench.approve("1", person="ada")
    bench.policy(approvers=("grace",))

    with pytest.raises(
        NotAuthorisedError, match="APPROVAL_LOST: release-diabetes-1 has 0 of 1 approvals"
    ):
        bench.promote("1")


def test_an_approver_whom_only_the_story_s_input_names_does_not_count(bench: Bench) -> None:
    bench.approve("1", person="mallory")

    with pytest.raises(NotAuthorisedError, match="release-diabetes-1 is awaiting_approval"):
        bench.promote("1")


def test_a_model_that_mlops_toml_no_longer_names_is_not_promoted(bench: Bench) -> None:
    bench.approve("1")
    bench.projects = {}

    with pytest.raises(NotAuthorisedError, match="names no model"):
        bench.promote("1")


@pytest.mark.parametrize(
    "other",
    [
        replace(image("1"), digest=EVIL.digest),
        replace(image("1"), version="2"),
        replace(image("1"), model="other"),
    ],
)
def test_an_approval_promotes_exactly_the_image_that_it_names(bench: Bench, other: Image) -> None:
    bench.approve("1")

    with pytest.raises(NotAuthorisedError):
        bench.promote("1", other)
    assert bench.production.calls == []


def test_an_approval_of_one_image_promotes_no_other_after_a_restart(bench: Bench) -> None:
    bench.approve("1")
    changed = replace(image("1"), digest=EVIL.digest)
    record = bench.ask("1", changed)

    assert record.status is ReleaseStatus.AWAITING_APPROVAL
    assert releases.settle_approval(bench.ports, release("1")).decision is None
    for built in (changed, image("1")):
        with pytest.raises(NotAuthorisedError):
            bench.promote("1", built)
    bench.decide(record)
    assert releases.settle_approval(bench.ports, release("1")).decision is not None
    bench.promote("1", changed)
    assert bench.production.served is not None
    assert bench.production.served.digest == EVIL.digest


def test_a_restart_with_the_same_image_and_evidence_needs_no_second_approval(bench: Bench) -> None:
    bench.approve("1")
    bench.ask("1")

    assert releases.settle_approval(bench.ports, release("1")).decision is not None
    assert bench.promote("1").done


def test_an_approval_of_other_evidence_does_not_count(bench: Bench) -> None:
    bench.approve("1")
    wanted = release("1")
    evidence = Evidence(
        release_id=wanted.release_id, image_digest=digest("1"), reasons=("something else",)
    )
    request = ApprovalRequest(release=wanted, image=image("1"), evidence=evidence)
    releases.request_approval(bench.ports, request)
    bench.update("1", ReleaseStatus.IN_PROGRESS)

    with pytest.raises(NotAuthorisedError, match="No stored approval"):
        bench.promote("1")


@pytest.mark.parametrize(
    "status",
    [
        ReleaseStatus.REJECTED,
        ReleaseStatus.EXPIRED,
        ReleaseStatus.SUPERSEDED,
        ReleaseStatus.CANCELLED,
        ReleaseStatus.FAILED,
    ],
)
def test_an_ended_release_is_not_promoted(bench: Bench, status: ReleaseStatus) -> None:
    bench.ask("1")
    bench.decide(bench.record("1"))
    bench.ledger.save_release(replace(bench.record("1"), status=status))

    with pytest.raises(NotAuthorisedError, match=f"is {status}"):
        bench.promote("1")
    with pytest.raises(ConflictError):
        bench.update("1", ReleaseStatus.IN_PROGRESS)


def test_a_promoted_release_is_not_promoted_again(bench: Bench) -> None:
    bench.bring_up("1")
    bench.bring_up("2")
    bench.production.calls.clear()

    for again in (lambda: bench.update("1", ReleaseStatus.IN_PROGRESS), lambda: bench.ask("1")):
        with pytest.raises(ConflictError):
            again()
    with pytest.raises(NotAuthorisedError, match="is promoted"):
        bench.promote("1")
    assert bench.production.calls == []


def test_an_approval_that_began_a_promotion_begins_no_second_one(bench: Bench) -> None:
    """The story of version 1 was ended after the traffic moved and before it was recorded."""
    bench.approve("1")
    bench.promote("1")
    bench.bring_up("2")
    bench.ask("1")
    bench.decide(bench.record("1"))
    bench.update("1", ReleaseStatus.IN_PROGRESS)

    with pytest.raises(NotAuthorisedError, match="was used already"):
        bench.promote("1")
    assert bench.production.served == image("2")


def test_an_approval_from_before_a_newer_promotion_does_not_downgrade_production(
    bench: Bench,
) -> None:
    bench.approve("1")
    bench.pass_time(minutes=1)
    bench.bring_up("2")

    with pytest.raises(NotAuthorisedError, match="release-diabetes-2 was promoted after"):
        bench.promote("1")
    assert bench.production.served == image("2")


def test_a_clock_that_went_back_revives_no_old_approval(bench: Bench) -> None:
    bench.approve("1")
    bench.pass_time(hours=-2)
    bench.bring_up("2")

    with pytest.raises(NotAuthorisedError, match="release-diabetes-2 was promoted after"):
        bench.promote("1")
    assert bench.production.served == image("2")


def test_an_older_version_that_is_approved_after_a_newer_promotion_may_be_promoted(
    bench: Bench,
) -> None:
    bench.bring_up("2")
    bench.update("1", ReleaseStatus.IN_PROGRESS)
    bench.decide(bench.ask("1"))
    bench.update("1", ReleaseStatus.IN_PROGRESS)

    assert bench.promote("1").done


@pytest.mark.parametrize(
    "other",
    [
        replace(release("1"), release_id="release-diabetes-2"),
        replace(release("1"), version="2"),
        replace(release("1"), model="other"),
        replace(release("1"), release_id="release-diabetes-1-tryx"),
    ],
)
def test_a_release_s_id_says_its_model_and_version(bench: Bench, other: Release) -> None:
    bench.approve("1")

    with pytest.raises(NotAuthorisedError):
        releases_promotion(bench, other.release_id, other.model, other.version)
    for ask in (
        lambda: releases.deploy_staging(
            bench.ports, Promotion(release=other, image=image(other.version))
        ),
        lambda: releases.update_release(
            bench.ports, ReleaseUpdate(release=other, status=ReleaseStatus.IN_PROGRESS)
        ),
    ):
        with pytest.raises(ContractError):
            ask()
    assert bench.staging.deployed == []


def releases_promotion(bench: Bench, release_id: str, model: str, version: str) -> None:
    wanted = replace(release("1"), release_id=release_id, model=model, version=version)
    promote_challenger(bench.ports, Promotion(release=wanted, image=image("1")))


def test_staging_runs_the_image_of_the_app_s_own_store(bench: Bench) -> None:
    evil = image("1", uri="evil.example/x@sha256:" + "e" * 64)
    releases.deploy_staging(bench.ports, Promotion(release=release("1"), image=evil))

    assert bench.staging.deployed == [image("1")]
    with pytest.raises(ContractError, match="OTHER_IMAGE"):
        releases.deploy_staging(bench.ports, Promotion(release=release("1"), image=EVIL))


def test_evidence_of_another_image_is_shown_to_no_approver(bench: Bench) -> None:
    evidence = Evidence(release_id="release-diabetes-1", image_digest=EVIL.digest, reasons=())
    request = ApprovalRequest(release=release("1"), image=image("1"), evidence=evidence)

    with pytest.raises(ContractError, match="OTHER_EVIDENCE"):
        releases.request_approval(bench.ports, request)


def test_no_story_can_record_a_promotion_that_did_not_begin(bench: Bench) -> None:
    bench.approve("1")

    with pytest.raises(NotAuthorisedError, match="No authorised promotion"):
        bench.end("1", ReleaseStatus.PROMOTED)
    assert bench.record("1").status is ReleaseStatus.IN_PROGRESS
    assert bench.registry.champions == []
