"""What every ledger must do; the Azure twin joins by a second fixture parameter."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from function_app.adapters.local.ledger import LocalLedger
from function_app.domain.approval import Decision, Verdict
from function_app.domain.inbox import Claim, DeadLetter
from function_app.domain.release import Release, ReleasePolicy, ReleaseRecord, ReleaseStatus
from function_app.errors import ConflictError
from function_app.ports import Ledger

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RECORD = ReleaseRecord(
    release=Release(
        release_id="release-m-1", model="m", version="1", policy=ReleasePolicy(approvers=("ada",))
    ),
    status=ReleaseStatus.IN_PROGRESS,
    updated_at=NOW,
)
DECISION = Decision(
    release_id="release-m-1",
    verdict=Verdict.APPROVE,
    decided_by="ada",
    comment="",
    image_digest="sha256:aa",
    evidence_hash="e",
    decided_at=NOW,
)


def claim(owner: str) -> Claim:
    return Claim(key="cause", owner=owner, type="t", subject="s", content="c", claimed_at=NOW)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return LocalLedger(tmp_path / "state" / "ledger.db")


def test_a_cause_is_claimed_by_exactly_one_of_many(ledger: Ledger) -> None:
    with ThreadPoolExecutor(8) as pool:
        claims = set(pool.map(lambda i: ledger.claim(claim(f"owner-{i}")), range(40)))

    assert len(claims) == 1
    assert ledger.list_claims() == tuple(claims)


def test_a_dead_letter_is_kept_once(ledger: Ledger) -> None:
    letter = DeadLetter(
        letter_id="a", code="CONTRACT", reason="no data", event={"id": [1, None]}, buried_at=NOW
    )
    ledger.bury(letter)
    ledger.bury(letter)

    assert ledger.list_dead_letters() == (letter,)


def test_the_first_decision_stands(ledger: Ledger) -> None:
    ledger.decide(DECISION)

    assert ledger.decide(replace(DECISION, verdict=Verdict.REJECT)) == DECISION
    assert ledger.get_decision("release-m-1") == DECISION


def test_what_is_unknown_is_none(ledger: Ledger) -> None:
    assert ledger.get_release("nothing") is None
    assert ledger.get_decision("nothing") is None


def test_a_release_is_read_as_it_was_saved(ledger: Ledger) -> None:
    ledger.save_release(RECORD)

    assert ledger.get_release("release-m-1") == RECORD


def test_an_ended_release_cannot_be_reopened(ledger: Ledger) -> None:
    ledger.save_release(replace(RECORD, status=ReleaseStatus.REJECTED))

    with pytest.raises(ConflictError, match="is rejected and cannot become in_progress"):
        ledger.save_release(RECORD)


def test_the_newest_release_comes_first(ledger: Ledger) -> None:
    newer = replace(
        RECORD,
        release=replace(RECORD.release, release_id="release-m-2"),
        updated_at=NOW + timedelta(seconds=1),
    )
    ledger.save_release(newer)
    ledger.save_release(RECORD)

    assert ledger.list_releases() == (newer, RECORD)
