"""Orders over HTTP: the rights of people, the records of the ledger, and the started story."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from function_app import names
from function_app.adapters.local.rows import LocalRows
from function_app.domain.codec import load
from function_app.domain.project import Limits
from function_app.domain.release.authorization import ChangeKind
from function_app.domain.requests import RollBack
from function_app.errors import ConflictError, NotFoundError, RefusedError
from function_app.ports import Stories
from function_app.records.ledger.ledger import StoredLedger
from function_app.triggers.http.orders import post_roll_back, post_shutdown
from function_app.triggers.invocation import Answer, Invocation, Request
from tests.activities.law_bench import MODEL, Bench, image


@dataclass
class FakeStories:
    """Keeps the started stories; a test ends them."""

    started: list[tuple[str, str, Any]] = field(default_factory=list)
    ended: bool = False

    async def start(self, story: str, instance_id: str, argument: Any) -> None:
        self.started.append((story, instance_id, argument))

    async def find(self, instance_id: str) -> dict[str, Any] | None:
        known = any(started[1] == instance_id for started in self.started)
        return {"ended": self.ended} if known else None


class People:
    """Approvers whose token is the person's name; a replaced token identifies no person."""

    def identify(self, token: str) -> str | None:
        return token if token != "replaced" else None


class PeopleBench(Bench):
    """The bench with people who have tokens."""

    approvers = People()


class Orders:
    """Sends orders to the routes and carries them out as the story does."""

    def __init__(self, folder: Path) -> None:
        self.bench = PeopleBench(
            StoredLedger(LocalRows(folder / "l.db")), LocalRows(folder / "l.db")
        )
        self.stories = FakeStories()

    def send(self, kind: ChangeKind, person: str = "ada", model: str = MODEL) -> Answer[Any]:
        invocation = Invocation(
            ports=self.bench.ports,
            projects=self.bench.projects,
            stories=cast(Stories, self.stories),
            limits=Limits(),
        )
        request = Request(
            route={"model": model},
            headers={"authorization": f"Bearer {person}"} if person else {},
            body=json.dumps({"comment": "slow"}).encode(),
        )
        answer = post_shutdown if kind is ChangeKind.SHUTDOWN else post_roll_back
        return asyncio.run(answer(invocation, request))

    def carry_out(self) -> None:
        story, instance_id, argument = self.stories.started[-1]
        request = load(RollBack, argument)
        assert (story, request.order) == (names.ROLL_BACK, instance_id)
        assert self.bench.roll_back(order=request.order).restored
        self.stories.ended = True


@pytest.fixture
def orders(tmp_path: Path) -> Orders:
    return Orders(tmp_path)


def test_a_roll_back_is_ordered_once_and_carried_out(orders: Orders) -> None:
    for version in ("1", "2", "3"):
        orders.bench.bring_up(version)

    answers = [orders.send(ChangeKind.ROLL_BACK, person) for person in ("ada", "grace")]

    assert [answer.content["to_version"] for answer in answers] == ["2", "2"]
    assert len(orders.stories.started) == 1, "a repetition starts nothing"
    stored = orders.bench.changes.order(MODEL, answers[0].content["instance_id"])
    assert stored is not None
    assert (stored.by, stored.comment, stored.image) == ("ada", "slow", image("2"))
    orders.carry_out()
    assert orders.bench.production.served == image("2")


def test_the_next_roll_back_is_another_order(orders: Orders) -> None:
    for version in ("1", "2", "3"):
        orders.bench.bring_up(version)
    for version in ("2", "1"):
        orders.send(ChangeKind.ROLL_BACK)
        orders.carry_out()
        assert orders.bench.production.served == image(version)

    with pytest.raises(ConflictError, match="no promoted release before"):
        orders.send(ChangeKind.ROLL_BACK)


def test_an_order_that_nobody_carried_out_in_time_is_ordered_anew(orders: Orders) -> None:
    for version in ("1", "2"):
        orders.bench.bring_up(version)
    first = orders.send(ChangeKind.ROLL_BACK).content["instance_id"]
    orders.stories.ended = True
    orders.bench.pass_time(hours=25)

    second = orders.send(ChangeKind.ROLL_BACK, "grace").content["instance_id"]

    stored = orders.bench.changes.order(MODEL, second)
    assert stored is not None
    assert (second, stored.by) == (first, "grace")
    orders.carry_out()


def test_production_is_taken_down_and_can_be_brought_back(orders: Orders) -> None:
    orders.bench.bring_up("1")
    orders.bench.bring_up("2")
    orders.send(ChangeKind.SHUTDOWN)
    orders.carry_out()

    assert orders.bench.production.served is None
    with pytest.raises(ConflictError, match="NOT_SERVED"):
        orders.send(ChangeKind.SHUTDOWN)
    assert orders.send(ChangeKind.ROLL_BACK).content["to_version"] == "1"
    orders.carry_out()
    assert orders.bench.production.served == image("1")


def test_only_operators_take_production_down(orders: Orders) -> None:
    orders.bench.bring_up("1")
    orders.bench.bring_up("2")
    orders.bench.policy(operators=("olga",))

    for person in ("ada", "mallory"):
        with pytest.raises(RefusedError, match="NOT_AN_OPERATOR"):
            orders.send(ChangeKind.SHUTDOWN, person)
    with pytest.raises(RefusedError, match="NOT_AN_OPERATOR"):
        orders.send(ChangeKind.ROLL_BACK, "mallory")
    with pytest.raises(RefusedError, match="UNAUTHENTICATED"):
        orders.send(ChangeKind.SHUTDOWN, "")
    with pytest.raises(NotFoundError):
        orders.send(ChangeKind.SHUTDOWN, model="other")
    assert orders.stories.started == []
    assert orders.send(ChangeKind.SHUTDOWN, "olga").status == 202
    assert orders.send(ChangeKind.ROLL_BACK, "ada").status == 202


def test_a_release_that_no_decision_promoted_is_not_offered(orders: Orders) -> None:
    orders.bench.bring_up("1")
    orders.bench.bring_up("2")
    record = orders.bench.record("1")
    other = image("1", digest="sha256:" + "e" * 64)
    orders.bench.ledger.save_release(
        type(record)(
            release=record.release,
            status=record.status,
            updated_at=record.updated_at,
            image=other,
            evidence_hash=record.evidence_hash,
        )
    )

    with pytest.raises(ConflictError, match="no promoted release before"):
        orders.send(ChangeKind.ROLL_BACK)


@pytest.mark.parametrize(
    ("token", "text"), [("", "Send your token as"), ("replaced", "knows no person with this token")]
)
def test_a_refused_person_reads_whether_the_token_is_absent_or_unknown(
    orders: Orders, token: str, text: str
) -> None:
    with pytest.raises(RefusedError, match=text):
        orders.send(ChangeKind.ROLL_BACK, token)
    assert orders.stories.started == []
