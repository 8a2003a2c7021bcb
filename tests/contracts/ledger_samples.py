"""A release and its decision, and the ledger of each platform."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from function_app.adapters.azure.ledger import AzureLedger
from function_app.adapters.local.ledger import LocalLedger
from function_app.domain.release.approval import Decision, Verdict
from function_app.domain.release.release import (
    Release,
    ReleasePolicy,
    ReleaseRecord,
    ReleaseStatus,
)
from function_app.domain.release.serving import Image
from function_app.ports import Ledger

NOW = datetime(2026, 1, 1, tzinfo=UTC)


RECORD = ReleaseRecord(
    release=Release(
        release_id="release-m-1", model="m", version="1", policy=ReleasePolicy(approvers=("ada",))
    ),
    status=ReleaseStatus.IN_PROGRESS,
    updated_at=NOW,
    image=Image(model="m", version="1", digest="sha256:" + "aa" * 32, uri=""),
    evidence_hash="e" * 64,
)


DECISION = Decision(
    release_id="release-m-1",
    verdict=Verdict.APPROVE,
    decided_by="ada",
    comment="",
    image_digest="sha256:" + "aa" * 32,
    evidence_hash="e" * 64,
    decided_at=NOW,
)


@pytest.fixture(params=["local", "azure"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    if request.param == "azure":
        return AzureLedger(request.getfixturevalue("connection"))
    return LocalLedger(tmp_path / "state" / "ledger.db")


def release(version: str, status: ReleaseStatus, model: str = "m") -> ReleaseRecord:
    made = replace(RECORD.release, release_id=f"release-{model}-{version}", version=version)
    return replace(RECORD, release=replace(made, model=model), status=status)
