"""What every inbox must do; the Azure twin joins by a second fixture parameter."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from function_app.adapters.local.inbox import LocalInbox
from function_app.domain.inbox import Claim, InboxEvent, Outcome, event_key
from function_app.ports import Inbox

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return LocalInbox(tmp_path / "state" / "inbox.db")


def event(payload: Any, *, at: datetime = NOW, channel: str = "api") -> InboxEvent:
    return InboxEvent(
        event_key=event_key(payload), channel=channel, payload=payload, received_at=at
    )


def claim(key: str = "cause", owner: str = "o", order: str = "", subject: str = "s") -> Claim:
    return Claim(
        key=key, owner=owner, type="t", subject=subject, content="c", claimed_at=NOW, order=order
    )


def test_an_event_is_kept_once_and_as_it_came(inbox: Inbox) -> None:
    odd = event({"id": [1, None, {"deep": "é \u0000 🦊"}]})

    assert inbox.accept([odd, event(7), odd]) == (odd, event(7), odd)
    assert inbox.accept([replace(odd, received_at=NOW + timedelta(hours=1))]) == (odd,)
    assert len(inbox.list_events()) == 2
    assert inbox.get(odd.event_key) == odd
    assert inbox.get("nothing") is None


def test_a_cause_is_claimed_by_exactly_one_of_many(inbox: Inbox) -> None:
    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(lambda i: inbox.claim(claim(owner=f"owner-{i}")), range(40)))

    assert len({c.claim for c in claimed}) == 1
    assert [c.created for c in claimed].count(True) == 1
    assert inbox.list_claims() == (claimed[0].claim,)


def test_an_older_claim_of_a_subject_is_told_of_the_newest(inbox: Inbox) -> None:
    middle, newest = claim("2", order="2"), claim("3", order="3")
    assert inbox.claim(middle).newer is None
    assert inbox.claim(newest).newer is None

    assert inbox.claim(claim("1", order="1")).newer == newest
    assert inbox.claim(middle).newer == newest
    assert inbox.claim(claim("4", order="1", subject="another")).newer is None
    assert inbox.claim(claim("5")).newer is None, "it has no order"


def test_what_became_of_an_event_is_found_by_its_outcome(inbox: Inbox) -> None:
    first, second = event({"id": 1}), event({"id": 2}, at=NOW + timedelta(seconds=1))
    inbox.accept([first, second])
    refused = replace(
        first, outcome=Outcome.REFUSED, code="CONTRACT", reason="no type", settled_at=NOW
    )
    inbox.settle(refused)

    assert inbox.list_events(Outcome.REFUSED) == (refused,)
    assert inbox.list_events() == (second, refused)
    assert inbox.list_events(limit=1) == (second,)
    inbox.discard(first.event_key)
    inbox.discard(first.event_key)
    assert inbox.list_events(Outcome.REFUSED) == ()


def test_what_nothing_became_of_yet_is_pending_oldest_first(inbox: Inbox) -> None:
    events = [event({"id": n}, at=NOW + timedelta(seconds=n)) for n in (2, 0, 1)]
    inbox.accept(events)
    inbox.settle(replace(events[2], outcome=Outcome.STARTED, instance_ids=("a",)))

    pending = inbox.list_pending(NOW + timedelta(seconds=2, microseconds=1))

    assert pending == (events[1], events[0])
    assert inbox.list_pending(NOW + timedelta(seconds=1)) == (events[1],)


def test_events_are_counted_by_channel_and_time(inbox: Inbox) -> None:
    inbox.accept([event(n, at=NOW + timedelta(seconds=n)) for n in range(5)])
    inbox.accept([event("x", channel="github")])

    assert inbox.count_since("api", NOW + timedelta(seconds=2)) == 3
    assert inbox.count_since("github", NOW) == 1
    assert inbox.count_since("nobody", NOW) == 0


def test_only_old_and_settled_events_are_forgotten(inbox: Inbox) -> None:
    old, open_, young = event(1), event(2), event(3, at=NOW + timedelta(days=2))
    inbox.accept([old, open_, young])
    inbox.settle(replace(old, outcome=Outcome.IGNORED))
    inbox.claim(claim())

    assert inbox.forget(NOW + timedelta(days=1), NOW) == 1
    assert inbox.list_events() == (young, open_)
    assert len(inbox.list_claims()) == 1
    assert inbox.forget(NOW, NOW + timedelta(days=1)) == 1
    assert inbox.claim(claim()).created
