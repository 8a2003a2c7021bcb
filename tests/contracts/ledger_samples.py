"""A release and its decision, and the ledger of each platform."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from function_app.adapters.azure.rows import AzureRows
from function_app.adapters.local.rows import LocalRows
from function_app.domain.release.approval import Decision, Verdict
from function_app.domain.release.release import (
    Release,
    ReleasePolicy,
    ReleaseRecord,
    ReleaseStatus,
)
from function_app.domain.release.serving import Image
from function_app.ports import Rows
from function_app.records.ledger.ledger import StoredLedger
from tests.contracts.memory_rows import MemoryRows

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


# The ledger is one implementation. These tests run it also over the rows of both platforms.
EVERYWHERE = pytest.mark.parametrize("rows", ["memory", "local", "azure"], indirect=True)


@pytest.fixture
def rows(request: pytest.FixtureRequest, tmp_path: Path) -> Rows:
    """Return rows in memory, or rows of the platform that the test names."""
    platform = getattr(request, "param", "memory")
    if platform == "azure":
        return AzureRows(request.getfixturevalue("connection"))
    return LocalRows(tmp_path / "ledger.db") if platform == "local" else MemoryRows()


@pytest.fixture
def ledger(rows: Rows) -> StoredLedger:
    return StoredLedger(rows)


def release(version: str, status: ReleaseStatus, model: str = "m") -> ReleaseRecord:
    made = replace(RECORD.release, release_id=f"release-{model}-{version}", version=version)
    return replace(RECORD, release=replace(made, model=model), status=status)
