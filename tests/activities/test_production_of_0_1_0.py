"""Production that an older version or another hand changed, without a stored decision."""

import json
from dataclasses import replace

import pytest

from function_app.domain.codec import dump
from function_app.domain.reconciliation import FindingKind
from function_app.domain.release.approval import Decision, Verdict
from function_app.domain.release.authorization import ChangeKind
from function_app.domain.release.release import ReleaseStatus
from function_app.records.earlier.ledger import EarlierLedger, adopt_ledger
from tests.activities.law_bench import Bench, digest, image, release
from tests.activities.production_bench import (
    EVIL,
    account,
    azurite,
    bench,
    connection,
    identity,
    order,
    tls,
)

__all__ = ["account", "azurite", "bench", "connection", "identity", "tls"]


def decided_by_0_1_0(bench: Bench, version: str) -> None:
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
    earlier = EarlierLedger(decisions=((decision.release_id, text),))
    adopt_ledger(bench.rows, earlier)
    bench.ledger.save_release(replace(record, status=ReleaseStatus.IN_PROGRESS))
    bench.ledger.save_release(replace(record, status=ReleaseStatus.PROMOTED))


def test_a_state_of_version_0_1_0_serves_on_and_can_be_rolled_back(
    bench: Bench,
) -> None:
    for version in ("1", "2"):
        decided_by_0_1_0(bench, version)
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
    bench: Bench,
) -> None:
    decided_by_0_1_0(bench, "1")

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


def test_an_image_with_too_few_approvals_explains_no_champion(bench: Bench) -> None:
    bench.policy(approvers=("ada", "grace"), approvals_required=2)
    bench.decide(bench.ask("1"), person="ada")
    bench.production.served = image("1")

    assert FindingKind.FOREIGN_CHAMPION in [f.kind for f in bench.findings()]


def test_a_roll_back_out_of_band_is_reported_though_the_image_was_decided(bench: Bench) -> None:
    bench.bring_up("1")
    bench.bring_up("2")
    bench.production.served = image("1")

    (finding, *_) = bench.findings()

    assert finding.kind is FindingKind.FOREIGN_CHAMPION
    assert "the last decision does not say" in finding.detail
