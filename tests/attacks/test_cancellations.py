"""Cancellations of releases that race with approvals and promotions."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from function_app import names
from function_app.domain.codec import dump
from function_app.domain.project import Limits
from function_app.domain.stories.cancellation import Cancellation, cancellation_name
from function_app.errors import ConflictError, NotAuthorisedError
from function_app.ports import Ledger, Rows
from function_app.triggers.http.story_api import post_cancel
from function_app.triggers.invocation import Invocation, Request
from tests.activities.law_bench import MODEL
from tests.attacks.approvals import Office, Overtaken, code_of, office_of
from tests.attacks.attack import SAME, attack

RELEASE = f"release-{MODEL}-1"
VIEW = {
    "instance_id": RELEASE,
    "story": names.RELEASE_MODEL,
    "ended": False,
    "can_be_cancelled": True,
    "outcome": "running",
    "step": {"step": "awaiting approval", "wait": "0"},
    "facts": {"model": MODEL},
}


@pytest.fixture
def office(stores: tuple[Ledger, Rows]) -> Office:
    made = office_of(*stores)
    made.ask("1")
    made.approve_as("ada")
    made.settle()
    return made


class Waiting:
    """Stories of which the release still shows that it waits."""

    async def wake(self, instance_id: str, event: str) -> None:
        return None

    async def find(self, instance_id: str) -> dict[str, Any] | None:
        return VIEW


def cancel(office: Office) -> None:
    """Cancel the release over HTTP in the name of a person."""
    invocation = Invocation(
        ports=office.ports,
        projects=office.projects,
        stories=cast(Any, Waiting()),
        limits=Limits(),
    )
    headers = {"authorization": "Bearer ada"}
    request = Request(route={"instance_id": RELEASE}, headers=headers, body=b"")
    asyncio.run(post_cancel(invocation, request))


@attack(
    point=1,
    does="approves a release in the second in which another person cancels it, so that the story "
    "goes on before it hears of the cancellation",
    answer="the promotion reads the stored cancellation and is refused; production stays as it is",
    log="promote_challenger refused, STORY_CANCELLED",
    before="succeeded",
    azure=SAME,
)
def test_a_cancelled_release_is_not_promoted(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    cancel(office)

    with pytest.raises(NotAuthorisedError) as caught:
        office.promote("1")

    assert code_of(caught) == "STORY_CANCELLED"
    assert (office.production.calls, office.changes.of_model(MODEL)) == ([], ())
    assert "promote_challenger refused, STORY_CANCELLED: ada cancelled it." in caplog.text


@attack(
    point=1,
    does="cancels a release in the moment in which its promotion begins",
    answer="the promotion is refused, or the cancellation is a 409: never is a cancellation "
    "accepted and the release promoted",
    log="promote_challenger refused, STORY_CANCELLED, or audit: refusal, cancel, TOO_LATE",
    before="succeeded",
    azure=SAME,
)
def test_a_cancellation_while_the_promotion_begins_is_seen(office: Office) -> None:
    rows = office.rows

    def overtake() -> None:
        office.rows = rows
        cancel(office)

    office.rows = Overtaken(rows, overtake)

    with pytest.raises(NotAuthorisedError) as caught:
        office.promote("1")

    assert code_of(caught) == "STORY_CANCELLED"
    assert office.production.calls == []


def test_a_release_whose_promotion_began_is_not_cancelled(office: Office) -> None:
    office.promote("1")

    with pytest.raises(ConflictError) as caught:
        cancel(office)

    assert code_of(caught) == "TOO_LATE"


def test_of_two_cancellations_the_first_counts(office: Office) -> None:
    first = Cancellation(
        instance_id=RELEASE, by="grace", comment="", at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    content = {"cancellation": json.dumps(dump(first))}
    office.ledger.create_record(cancellation_name(RELEASE), content)

    with pytest.raises(ConflictError, match="grace cancelled it") as caught:
        cancel(office)

    assert code_of(caught) == "ALREADY_CANCELLED"
