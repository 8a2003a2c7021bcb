"""The contract of decisions and orders, on rows of every platform."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from function_app.adapters.azure.rows import AzureRows
from function_app.adapters.local.rows import LocalRows
from function_app.domain.people.duties import ApprovalRules
from function_app.domain.release.approval import Verdict
from function_app.domain.release.authorization import Change, ChangeKind, ChangeState
from function_app.ports import Ledger, Rows
from function_app.ports.rows import RowsChangedError
from function_app.records.changes import Changes
from function_app.records.decisions import Decisions
from function_app.records.ledger.ledger import StoredLedger
from tests.contracts.ledger_samples import DECISION, RECORD
from tests.domain.law_samples import NOW, SHUTDOWN

RULES = ApprovalRules(approvers=("ada", "grace"), people={})
ORDER = replace(SHUTDOWN, order_id="o", model="m", by="ada", comment="")


@pytest.fixture(params=["local", "azure"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Rows, Ledger]:
    if request.param == "azure":
        connection = request.getfixturevalue("connection")
        return AzureRows(connection), StoredLedger(AzureRows(connection))
    return LocalRows(tmp_path / "l.db"), StoredLedger(LocalRows(tmp_path / "l.db"))


@pytest.fixture
def decisions(stores: tuple[Rows, Ledger]) -> Decisions:
    return Decisions(*stores)


@pytest.fixture
def changes(stores: tuple[Rows, Ledger]) -> Changes:
    return Changes(stores[0])


def test_the_first_decision_stands(decisions: Decisions) -> None:
    assert decisions.decide(RECORD, DECISION, RULES) == DECISION
    rejected = replace(DECISION, verdict=Verdict.REJECT, decided_by="grace")
    assert decisions.decide(RECORD, rejected, RULES) == DECISION
    assert decisions.on(RECORD, RULES) == DECISION


def test_another_image_or_evidence_is_decided_anew(decisions: Decisions) -> None:
    decisions.decide(RECORD, DECISION, RULES)
    assert RECORD.image is not None
    changed = replace(RECORD, image=replace(RECORD.image, digest="sha256:" + "b" * 64))
    records = [changed, replace(RECORD, evidence_hash="f" * 64)]
    others = [
        replace(DECISION, image_digest="sha256:" + "b" * 64, verdict=Verdict.REJECT),
        replace(DECISION, evidence_hash="f" * 64, verdict=Verdict.REJECT),
    ]
    for record, other in zip(records, others, strict=True):
        assert decisions.decide(record, other, RULES) == other

    assert [decisions.on(record, RULES) for record in records] == others
    assert decisions.on(replace(changed, evidence_hash="f" * 64), RULES) is None
    assert set(decisions.of_release(RECORD)) == {DECISION, *others}


def test_a_release_whose_id_begins_like_another_has_decisions_of_its_own(
    decisions: Decisions,
) -> None:
    decisions.decide(RECORD, DECISION, RULES)
    second = replace(
        RECORD, release=replace(RECORD.release, release_id="release-m-1-try2", version="1")
    )

    assert decisions.of_release(second) == ()
    assert decisions.on_each([RECORD, second]) == {"release-m-1": (DECISION,)}


def test_only_one_of_many_decisions_at_once_is_stored_and_each_call_returns_it(
    decisions: Decisions,
) -> None:
    with ThreadPoolExecutor(8) as pool:
        stored = set(
            pool.map(
                lambda n: decisions.decide(RECORD, replace(DECISION, comment=str(n)), RULES),
                range(16),
            )
        )

    assert stored == {decisions.on(RECORD, RULES)}


def test_one_of_two_changes_with_the_same_number_is_refused(changes: Changes) -> None:
    change = Change(number=1, kind=ChangeKind.PROMOTION, cause="a", by="ada", begun_at=NOW)
    changes.begin("m", change)

    with pytest.raises(RowsChangedError):
        changes.begin("m", replace(change, cause="b"))
    changes.begin("m", replace(change, number=2, cause="b"))
    changes.advance("m", 1, ChangeState.DONE)
    changes.advance("m", 1, ChangeState.DONE)
    changes.advance("m", 9, ChangeState.DONE)

    first = replace(change, state=ChangeState.DONE)
    assert changes.of_model("m") == (first, replace(change, number=2, cause="b"))
    assert changes.of_model("other") == ()


def test_changes_are_listed_by_number_however_many_there_are(changes: Changes) -> None:
    for number in range(1, 13):
        change = Change(number=number, kind=ChangeKind.SHUTDOWN, cause="c", by="b", begun_at=NOW)
        changes.begin("m", change)

    assert [change.number for change in changes.of_model("m")] == list(range(1, 13))


def test_the_first_order_stands_until_it_is_replaced(changes: Changes) -> None:
    other = replace(ORDER, by="grace")

    assert changes.place(ORDER) == ORDER
    assert changes.place(other) == ORDER
    assert changes.order("m", "o") == ORDER
    assert changes.place(other, replaced=ORDER) == other
    assert changes.place(ORDER, replaced=replace(ORDER, comment="unknown")) == other
    assert changes.order("m", "o") == other
    assert changes.order("m", "p") is changes.order("n", "o") is changes.order("m", "") is None
