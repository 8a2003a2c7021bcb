"""The contract of every inbox, on this machine and in Azure Tables."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from function_app.adapters.azure.rows import INBOX_TABLE, AzureRows
from function_app.adapters.local.rows import LocalRows
from function_app.domain.events.inbox import Claim, InboxEvent, Outcome, event_key
from function_app.ports import Inbox, Rows
from function_app.records.inbox.inbox import StoredInbox
from tests.contracts.memory_rows import MemoryRows

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


# The inbox is one implementation. These tests run it also over the rows of both platforms.
EVERYWHERE = pytest.mark.parametrize("rows", ["memory", "local", "azure"], indirect=True)


@pytest.fixture
def rows(request: pytest.FixtureRequest, tmp_path: Path) -> Rows:
    """Return rows in memory, or rows of the platform that the test names."""
    platform = getattr(request, "param", "memory")
    if platform == "azure":
        return AzureRows(request.getfixturevalue("connection"), INBOX_TABLE)
    return LocalRows(tmp_path / "inbox.db") if platform == "local" else MemoryRows()


@pytest.fixture
def inbox(rows: Rows) -> StoredInbox:
    return StoredInbox(rows)


def event(payload: Any, received_at: datetime = NOW, channel: str = "event-grid") -> InboxEvent:
    return InboxEvent(
        event_key=event_key(payload), channel=channel, payload=payload, received_at=received_at
    )


def settled(kept: InboxEvent, outcome: Outcome) -> InboxEvent:
    return replace(kept, outcome=outcome, settled_at=NOW, instance_ids=("a", "b"), reason="why")


def claim(key: str = "cause", owner: str = "owner", order: str = "", **change: Any) -> Claim:
    made = Claim(
        key=key, owner=owner, type="t", subject="s", content="c", claimed_at=NOW, order=order
    )
    return replace(made, **change)


def test_an_event_is_kept_once_and_as_it_came_first(inbox: Inbox) -> None:
    first, again = event({"a": 1}), event({"a": 1}, NOW + 3 * DAY, "webhook")

    assert inbox.accept([first]) == (first,)
    assert inbox.accept([again]) == (first,)
    assert inbox.list_events() == (first,)
    assert inbox.get(first.event_key) == first


def test_an_event_that_comes_twice_in_one_call_is_kept_once(inbox: Inbox) -> None:
    one, other = event(1), event(2)

    assert inbox.accept([one, other, one]) == (one, other, one)
    assert len(inbox.list_events()) == 2


def test_nothing_is_kept_of_nothing(inbox: Inbox) -> None:
    assert inbox.accept([]) == ()
    assert inbox.list_events() == inbox.list_pending(NOW) == ()
    assert inbox.list_claims() == ()
    assert inbox.get("unknown") is None


@EVERYWHERE
def test_events_that_come_to_many_at_once_are_kept_once(inbox: Inbox) -> None:
    batches = [[event(n % 7, NOW + n * SECOND), event("shared", NOW + n * DAY)] for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(inbox.accept, batches))

    assert len({batch[1] for batch in kept}) == 1
    assert len({batch[0] for batch in kept}) == 7
    assert len(inbox.list_events()) == 8


@EVERYWHERE
def test_more_events_than_a_transaction_holds_are_kept_in_one_call(inbox: Inbox) -> None:
    events = [event(number, NOW + number * SECOND) for number in range(130)]

    assert inbox.accept(events) == tuple(events)
    assert inbox.list_events(limit=500) == tuple(reversed(events))
    assert inbox.list_pending(NOW + DAY) == tuple(events)


@pytest.mark.parametrize(
    "payload",
    [
        {"text": "ü" * 100_000},
        ["x" * 50_000] * 20,
        {"odd": "\ud800 \x00 'quoted' \"more\" /\\#?"},
        None,
        "",
        [{"deep": [[[{}]]]}, 1.5, True],
    ],
    ids=["long", "longer", "odd", "null", "empty", "deep"],
)
@EVERYWHERE
def test_any_payload_is_kept_whole(inbox: Inbox, payload: Any) -> None:
    kept = event(payload)
    inbox.accept([kept])
    assert inbox.get(kept.event_key) == kept

    done = settled(kept, Outcome.STARTED)
    inbox.settle(done)

    assert inbox.list_events() == (done,)


@EVERYWHERE
def test_many_long_payloads_in_one_call_are_kept(inbox: Inbox) -> None:
    events = [event(f"{number}" + "x" * 40_000) for number in range(100)]

    inbox.accept(events)

    assert set(inbox.list_events()) == set(events)


@EVERYWHERE
def test_an_event_is_pending_until_something_became_of_it(inbox: Inbox) -> None:
    events = [event(number, NOW - number * DAY) for number in range(3)]
    inbox.accept(events)
    done = settled(events[1], Outcome.WOKEN)
    for _ in range(2):
        inbox.settle(done)

    assert inbox.list_pending(NOW + SECOND) == (events[2], events[0])
    assert inbox.list_pending(NOW) == (events[2],)
    assert inbox.get(done.event_key) == done


def test_an_event_that_is_taken_back_is_pending_again(inbox: Inbox) -> None:
    kept = event("dead letter")
    inbox.accept([kept])
    inbox.settle(settled(kept, Outcome.REFUSED))
    assert inbox.list_pending(NOW + DAY) == ()

    inbox.settle(kept)

    assert inbox.list_pending(NOW + DAY) == (kept,)


def test_an_event_that_was_never_stored_cannot_be_settled(inbox: Inbox) -> None:
    inbox.settle(settled(event("unknown"), Outcome.IGNORED))

    assert inbox.list_events() == ()


@EVERYWHERE
def test_events_are_listed_newest_first_and_by_outcome(inbox: Inbox) -> None:
    outcomes = [Outcome.REFUSED, Outcome.STARTED, Outcome.REFUSED, None]
    events = []
    for number, outcome in enumerate(outcomes):
        kept = event(number, NOW + number * DAY)
        inbox.accept([kept])
        if outcome:
            kept = settled(kept, outcome)
            inbox.settle(kept)
        events.append(kept)

    assert inbox.list_events() == tuple(reversed(events))
    assert inbox.list_events(limit=2) == (events[3], events[2])
    assert inbox.list_events(Outcome.REFUSED) == (events[2], events[0])
    assert inbox.list_events(Outcome.REFUSED, limit=1) == (events[2],)


@EVERYWHERE
def test_a_discarded_event_is_gone_and_may_come_again(inbox: Inbox) -> None:
    kept, later = event("x"), event("x", NOW + DAY)
    inbox.accept([kept])
    for _ in range(2):
        inbox.discard(kept.event_key)
    assert inbox.get(kept.event_key) is None
    assert inbox.list_events() == inbox.list_pending(NOW + DAY) == ()

    assert inbox.accept([later]) == (later,)


@EVERYWHERE
def test_a_cause_is_claimed_by_exactly_one_of_many(inbox: Inbox) -> None:
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda n: inbox.claim(claim(owner=f"owner-{n}")), range(40)))

    assert len({claimed.claim for claimed in claims}) == 1
    assert sum(claimed.created for claimed in claims) == 1
    assert inbox.list_claims() == (claims[0].claim,)


def test_a_cause_is_claimed_once_by_whatever_channel_it_comes(inbox: Inbox) -> None:
    first = claim()
    inbox.claim(first)

    again = inbox.claim(claim(owner="other", type="webhook", subject="another"))

    assert (again.claim, again.created) == (first, False)


def test_a_claim_that_is_repeated_word_for_word_was_not_made_again(inbox: Inbox) -> None:
    assert inbox.claim(claim()).created
    assert not inbox.claim(claim()).created


def test_an_older_claim_hears_of_the_newest_of_its_subject(inbox: Inbox) -> None:
    second, third = claim("k2", order="0b"), claim("k3", order="0b1")
    assert inbox.claim(second).newer is None
    assert inbox.claim(third).newer is None

    assert inbox.claim(claim("k1", order="0a")).newer == third
    assert inbox.claim(second).newer == third
    assert inbox.claim(third).newer is None
    assert inbox.claim(claim("k4", order="0a", subject="another")).newer is None
    assert inbox.claim(claim("k5", order="0a", type="another")).newer is None
    assert inbox.claim(claim("k6")).newer is None, "it has no order"
    assert inbox.claim(claim("k7", order="0b1")).newer is None, "as new as the newest"


@EVERYWHERE
def test_only_the_newest_of_concurrent_claims_sees_no_newer_claim(inbox: Inbox) -> None:
    claims = [claim(f"k{n}", order=f"{n:03d}") for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(inbox.claim, claims))

    assert {inbox.claim(each).newer for each in claims[:-1]} == {claims[-1]}
    assert inbox.claim(claims[-1]).newer is None


@EVERYWHERE
def test_content_that_comes_back_after_other_content_is_a_new_cause(inbox: Inbox) -> None:
    a, b = claim("a", "train-a", "1"), claim("b", "train-b", "2")
    first, second = inbox.claim(a), inbox.claim(b)

    third = inbox.claim(replace(a, order="3"))
    fourth = inbox.claim(replace(b, order="4"))
    fifth = inbox.claim(replace(a, order="5"))

    made = [first, second, third, fourth, fifth]
    assert [each.created for each in made] == [True] * 5
    assert len({each.claim.key for each in made}) == len({each.claim.owner for each in made}) == 5
    assert [each.newer for each in made] == [None] * 5
    # Each event once more, and another event of the same write as the third.
    for order, key, cause in (("1", a, first), ("2", b, second), ("3", a, third), ("4", b, fourth)):
        again = inbox.claim(replace(key, order=order))
        assert (again.created, again.claim.key) == (False, cause.claim.key)
        assert again.newer is not None
        assert again.newer.key == fifth.claim.key
    assert inbox.claim(replace(a, order="3x")).claim.key == third.claim.key
    assert len(inbox.list_claims()) == 5


def test_the_same_content_written_again_at_once_is_the_same_cause(inbox: Inbox) -> None:
    a = claim("a", order="1")
    inbox.claim(a)

    again = inbox.claim(replace(a, order="3"))
    late = inbox.claim(claim("b", order="2"))

    assert (again.created, again.claim.key, again.newer) == (False, "a", None)
    assert late.newer is not None, "the later write of the first content is newer"
    assert late.newer.key == "a"
    assert inbox.claim(a).newer is None


@EVERYWHERE
def test_content_that_comes_back_to_many_at_once_is_claimed_by_one(inbox: Inbox) -> None:
    inbox.claim(claim("a", order="1"))
    inbox.claim(claim("b", order="2"))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: inbox.claim(claim("a", order=f"3{n}")), range(8)))

    assert sum(each.created for each in found) == 1
    assert len({each.claim.key for each in found}) == 1


def test_claims_of_content_that_came_back_are_forgotten(inbox: Inbox) -> None:
    for key, order in (("a", "1"), ("b", "2"), ("a", "3"), ("a", "4")):
        inbox.claim(claim(key, order=order))

    assert inbox.forget(NOW, NOW + DAY) == 3
    assert inbox.list_claims() == ()
    assert inbox.claim(claim("a", order="0")).newer is None


@EVERYWHERE
def test_claims_are_listed_newest_first(inbox: Inbox) -> None:
    claims = [claim(f"k{n}", claimed_at=NOW + n * DAY) for n in range(4)]
    for each in claims:
        inbox.claim(each)

    assert inbox.list_claims() == tuple(reversed(claims))
    assert inbox.list_claims(limit=2) == (claims[3], claims[2])


@EVERYWHERE
def test_old_settled_events_are_deleted(inbox: Inbox) -> None:
    old, waiting, edge, young = (
        event("old" + "x" * 70_000, NOW - 9 * DAY),
        event("waiting", NOW - 9 * DAY),
        event("edge", NOW),
        event("young", NOW + SECOND),
    )
    inbox.accept([old, waiting, edge, young])
    for each in (old, edge, young):
        inbox.settle(settled(each, Outcome.STARTED))
    past, present = claim("past", claimed_at=NOW - DAY, order="1"), claim("present", order="0")
    inbox.claim(past)
    inbox.claim(present)

    assert inbox.forget(NOW, NOW) == 2
    assert inbox.forget(NOW, NOW) == 0

    assert inbox.get(old.event_key) is None
    assert inbox.get(waiting.event_key) == waiting
    assert len(inbox.list_events()) == 3
    assert inbox.list_claims() == (present,)
    assert inbox.claim(present).newer is None
    assert inbox.claim(past).created
    assert inbox.accept([old]) == (old,)


@EVERYWHERE
def test_much_that_is_old_is_forgotten_at_once(inbox: Inbox) -> None:
    events = [event(number) for number in range(150)]
    inbox.accept(events)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda each: inbox.settle(settled(each, Outcome.IGNORED)), events))

    assert inbox.forget(NOW + SECOND, NOW) == 150
    assert inbox.list_events() == ()
