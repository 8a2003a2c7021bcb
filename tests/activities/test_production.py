"""Production changes only by a stored decision or order, whatever an activity's input says."""

import json
import logging
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from function_app.activities import releases
from function_app.activities.production import promote_challenger
from function_app.adapters.azure import tables
from function_app.adapters.azure.ledger import TABLE, AzureLedger
from function_app.adapters.azure.rows import AzureRows
from function_app.adapters.local.ledger import LocalLedger
from function_app.adapters.local.rows import LocalRows
from function_app.codec import dump
from function_app.domain.approval import Decision, Evidence, Verdict
from function_app.domain.authorization import ChangeKind, ChangeState, Order
from function_app.domain.reconciliation import FindingKind
from function_app.domain.release import Release, ReleaseStatus
from function_app.domain.requests import ApprovalRequest, Promotion, ReleaseUpdate
from function_app.domain.serving import Image
from function_app.errors import ConflictError, ContractError, NotAuthorisedError
from tests.activities.law_bench import MODEL, Bench, digest, image, release
from tests.contracts.conftest import account, azurite, connection, identity, tls

__all__ = ["account", "azurite", "connection", "identity", "tls"]
EVIL = Image(
    model=MODEL, version="2", digest="sha256:" + "e" * 64, uri="evil.example/x@sha256:" + "e" * 64
)


@pytest.fixture(params=["local", "azure"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    if request.param == "azure":
        connected = request.getfixturevalue("connection")
        return Bench(AzureLedger(connected), AzureRows(connected))
    return Bench(LocalLedger(tmp_path / "ledger.db"), LocalRows(tmp_path / "ledger.db"))


def order(bench: Bench, kind: ChangeKind, name: str = "o", **change: Any) -> Order:
    """Store what a person orders over HTTP."""
    earlier = bench.changes.of_model(MODEL)
    made = Order(
        order_id=name,
        kind=kind,
        model=MODEL,
        by="ada",
        comment="",
        ordered_at=bench.moment,
        after=earlier[-1].number if earlier else 0,
        image=image("1") if kind is ChangeKind.ROLL_BACK else None,
        release=release("2") if kind is ChangeKind.ROLL_BACK else None,
    )
    return bench.changes.place(replace(made, **change))


def refused(bench: Bench, caplog: pytest.LogCaptureFixture, reason: str) -> None:
    """Assert that nothing was asked of production and that the log says why."""
    assert bench.production.calls == []
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert any("NOT_AUTHORISED" in text and reason in text for text in warnings), warnings


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

    with pytest.raises(NotAuthorisedError, match="No stored approval"):
        bench.promote("1")


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


def test_a_failed_promotion_returns_to_the_champion_that_a_decision_explains(
    bench: Bench,
) -> None:
    bench.bring_up("1")
    bench.approve("2")
    bench.promote("2")
    bench.production.slow = 1

    answers = [bench.roll_back(restores=release("2"), former=EVIL) for _ in range(3)]

    assert [answer.done for answer in answers] == [False, True, True]
    assert answers[-1].restored
    assert bench.production.served == image("1")
    with pytest.raises(NotAuthorisedError, match="was used already"):
        bench.promote("2")
    bench.end("2", ReleaseStatus.ROLLED_BACK)
    assert bench.findings() == [], "the last change explains version 1"


def test_the_first_promotion_that_fails_leaves_production_empty(bench: Bench) -> None:
    bench.approve("1")
    bench.promote("1")

    assert bench.roll_back(restores=release("1")).restored
    assert bench.production.served is None


def test_a_champion_that_no_decision_explains_is_not_served_again(bench: Bench) -> None:
    bench.bring_up("1")
    bench.production.served = EVIL
    bench.approve("2")
    bench.promote("2")

    assert bench.roll_back(restores=release("2")).restored
    assert bench.production.served == image("1"), "the image of the last decided change"


def test_a_release_takes_nothing_back_that_it_did_not_promote(bench: Bench) -> None:
    bench.bring_up("1")
    bench.approve("2")
    bench.production.calls.clear()

    for other in (release("1"), release("2"), release("3")):
        answer = bench.roll_back(restores=other)
        assert (answer.done, answer.restored, answer.image) == (True, False, image("1"))
    assert bench.production.calls == []


@pytest.mark.parametrize(
    "request_",
    [{}, {"former": EVIL}, {"former": image("1")}, {"release": release("2"), "by": "ada"}],
)
def test_a_roll_back_without_an_order_changes_nothing(
    bench: Bench, caplog: pytest.LogCaptureFixture, request_: dict[str, object]
) -> None:
    bench.bring_up("1")
    bench.bring_up("2")
    bench.production.calls.clear()

    with pytest.raises(NotAuthorisedError, match="No order"):
        bench.roll_back(**request_)
    with pytest.raises(NotAuthorisedError, match="Nobody ordered 'invented'"):
        bench.roll_back(**request_, order="invented")
    refused(bench, caplog, "No order")


def test_an_ordered_roll_back_is_done_once_and_recorded(bench: Bench) -> None:
    bench.bring_up("1")
    bench.bring_up("2")
    order(bench, ChangeKind.ROLL_BACK, comment="slow")
    bench.production.slow = 1

    answers = [bench.roll_back(order="o", former=EVIL) for _ in range(3)]

    assert [answer.done for answer in answers] == [False, True, True]
    assert answers[-1].restored
    assert bench.production.served == image("1")
    record = bench.record("2")
    assert (record.status, record.rolled_back_by) == (ReleaseStatus.ROLLED_BACK, "ada")
    assert record.reasons == ("ada rolled back to version 1: slow",)
    bench.production.calls.clear()
    bench.production.served = EVIL
    again = bench.roll_back(order="o")
    assert (again.restored, bench.production.calls) == (False, []), "it was carried out already"


def test_an_order_is_void_once_production_changed_again(bench: Bench) -> None:
    bench.bring_up("1")
    bench.bring_up("2")
    order(bench, ChangeKind.ROLL_BACK)
    bench.bring_up("3")

    with pytest.raises(NotAuthorisedError, match="Production changed since"):
        bench.roll_back(order="o")
    assert bench.production.served == image("3")


def test_an_order_that_was_begun_is_not_gone_on_with_after_another_change(bench: Bench) -> None:
    bench.bring_up("1")
    bench.bring_up("2")
    order(bench, ChangeKind.ROLL_BACK)
    bench.production.slow = 1
    bench.roll_back(order="o")
    bench.bring_up("3")

    with pytest.raises(NotAuthorisedError, match="Production changed since"):
        bench.roll_back(order="o")


def test_an_order_is_void_after_a_day(bench: Bench) -> None:
    bench.bring_up("1")
    bench.bring_up("2")
    order(bench, ChangeKind.ROLL_BACK)
    bench.pass_time(hours=25)

    with pytest.raises(NotAuthorisedError, match="over 24 hours ago"):
        bench.roll_back(order="o")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"by": "mallory"}, "mallory may not order"),
        ({"image": EVIL}, "No stored decision promoted"),
        ({"image": None}, "names no image"),
    ],
)
def test_an_order_counts_for_people_and_images_of_the_policy_of_now(
    bench: Bench, change: dict[str, Any], reason: str
) -> None:
    bench.bring_up("1")
    bench.bring_up("2")
    bench.production.calls.clear()
    order(bench, ChangeKind.ROLL_BACK, "o", **change)

    with pytest.raises(NotAuthorisedError, match=reason):
        bench.roll_back(order="o")
    assert bench.production.calls == []


def test_a_release_that_failed_its_check_is_no_image_to_roll_back_to(bench: Bench) -> None:
    bench.approve("1")
    bench.promote("1")
    bench.roll_back(restores=release("1"))
    bench.end("1", ReleaseStatus.ROLLED_BACK)
    record = bench.record("1")
    bench.ledger.save_release(replace(record, rolled_back_by="automatic"))
    bench.bring_up("2")
    order(bench, ChangeKind.ROLL_BACK)

    with pytest.raises(NotAuthorisedError, match="No stored decision promoted"):
        bench.roll_back(order="o")


def test_an_operator_takes_production_down_and_nobody_else(bench: Bench) -> None:
    bench.bring_up("1")
    bench.policy(operators=("olga",))
    order(bench, ChangeKind.SHUTDOWN, by="ada", name="of-an-approver")
    order(bench, ChangeKind.SHUTDOWN, by="olga", release=release("1"))

    with pytest.raises(NotAuthorisedError, match="ada may not order a shutdown"):
        bench.roll_back(order="of-an-approver")
    assert bench.production.champion("diabetes") == image("1")
    assert bench.roll_back(order="o").restored
    assert bench.production.champion("diabetes") is None
    assert bench.record("1").reasons == ("olga took it down.",)
    assert bench.findings() == [], "an order explains it"


def test_approvers_operate_where_mlops_toml_names_no_operators(bench: Bench) -> None:
    bench.bring_up("1")
    order(bench, ChangeKind.SHUTDOWN, by="grace")

    assert bench.roll_back(order="o").restored


def decided_by_0_1_0(bench: Bench, version: str, request: pytest.FixtureRequest) -> None:
    """Store a promoted release as version 0.1.0 did: its decision lies by the release's id."""
    record = bench.ask(version)
    decision = Decision(
        release_id=record.release.release_id,
        verdict=Verdict.APPROVE,
        decided_by="ada",
        comment="",
        image_digest=digest(version),
        evidence_hash=record.evidence_hash or "",
        decided_at=bench.moment,
    )
    text = json.dumps(dump(decision))
    if isinstance(bench.ledger, LocalLedger):
        file = request.getfixturevalue("tmp_path") / "ledger.db"
        with closing(sqlite3.connect(file)) as database, database:
            row = (decision.release_id, text)
            database.execute("INSERT INTO decisions VALUES (?, ?)", row)
    else:
        row_of_tables = tables.Row(
            partition=f"model-{MODEL}",
            key=f"{decision.release_id}!decision",
            text=text,
            properties={"kind": "decision"},
        )
        tables.Table(request.getfixturevalue("connection"), TABLE).put(row_of_tables)
    bench.ledger.save_release(replace(record, status=ReleaseStatus.IN_PROGRESS))
    bench.ledger.save_release(replace(record, status=ReleaseStatus.PROMOTED))


def test_a_state_of_version_0_1_0_serves_on_and_can_be_rolled_back(
    bench: Bench, request: pytest.FixtureRequest
) -> None:
    for version in ("1", "2"):
        decided_by_0_1_0(bench, version, request)
    bench.production.served = image("2")
    shown = bench.decisions.on_each([bench.record("1"), bench.record("2")])

    assert bench.findings() == []
    assert [decision.decided_by for given in shown.values() for decision in given] == ["ada", "ada"]
    bench.approve("3")
    bench.promote("3")
    bench.roll_back(restores=release("3"))
    assert bench.production.served == image("2")
    bench.end("3", ReleaseStatus.ROLLED_BACK)
    order(bench, ChangeKind.ROLL_BACK)
    assert bench.roll_back(order="o").restored
    assert bench.production.served == image("1")


def test_a_release_that_0_1_0_promoted_halfway_ends_as_promoted(
    bench: Bench, request: pytest.FixtureRequest
) -> None:
    decided_by_0_1_0(bench, "1", request)

    bench.end("1", ReleaseStatus.PROMOTED)

    assert bench.record("1").status is ReleaseStatus.PROMOTED


@pytest.mark.parametrize("waits", [False, True])
def test_the_reconciler_reports_a_champion_that_no_decision_explains(
    bench: Bench, waits: bool
) -> None:
    bench.bring_up("1")
    if waits:
        bench.ask("2")
    assert FindingKind.FOREIGN_CHAMPION not in [f.kind for f in bench.findings()]
    bench.production.served, bench.production.ready = EVIL, 0

    kinds = [f.kind for f in bench.findings()]

    assert FindingKind.FOREIGN_CHAMPION in kinds
    assert bench.production.repaired == 0, "no replica of it is started"


def test_a_roll_back_out_of_band_is_reported_though_the_image_was_decided(bench: Bench) -> None:
    bench.bring_up("1")
    bench.bring_up("2")
    bench.production.served = image("1")

    (finding, *_) = bench.findings()

    assert finding.kind is FindingKind.FOREIGN_CHAMPION
    assert "the last decision does not say" in finding.detail
