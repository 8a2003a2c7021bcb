"""Pages, damaged records and races of the inbox, which is one implementation."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from function_app.domain.events.inbox import EventPage, Outcome
from function_app.errors import ContractError, PlatformError
from function_app.ports import Rows
from function_app.records.inbox.inbox import StoredInbox
from tests.contracts.memory_rows import MemoryRows
from tests.contracts.test_inbox import (
    DAY,
    EVERYWHERE,
    NOW,
    SECOND,
    claim,
    event,
    inbox,
    rows,
    settled,
)

__all__ = ["inbox", "rows"]


@EVERYWHERE
def test_pages_have_every_event_once_newest_first(inbox: StoredInbox) -> None:
    outcomes = (None, Outcome.STARTED, Outcome.REFUSED)
    events = [event(number, NOW + number * SECOND) for number in range(9)]
    inbox.accept(events)
    stored = []
    for number, each in enumerate(events):
        outcome = outcomes[number % 3]
        stored.append(settled(each, outcome) if outcome else each)
        inbox.settle(stored[-1])
    newest = tuple(reversed(stored))
    first = inbox.events(4)
    second = inbox.events(4, first.next)
    third = inbox.events(4, second.next)

    assert (*first.events, *second.events, *third.events) == newest
    assert third.next is None
    assert inbox.events(9) == EventPage(events=newest)
    refused = inbox.events(2, outcome=Outcome.REFUSED)
    assert refused.events == (stored[8], stored[5])
    assert inbox.events(2, refused.next, Outcome.REFUSED).events == (stored[2],)


def test_more_events_than_one_read_takes_are_listed(inbox: StoredInbox) -> None:
    events = [event(number, NOW + number * SECOND) for number in range(250)]
    inbox.accept(events)
    for each in events[::2]:
        inbox.settle(settled(each, Outcome.IGNORED))

    assert [e.received_at for e in inbox.list_events()] == [e.received_at for e in events[::-1]]
    assert [e.payload for e in inbox.list_events(limit=3)] == [249, 248, 247]


@pytest.mark.parametrize(
    "cursor", ["", "x", "0" * 19, "0" * 19 + "-a/b", "0" * 19 + "-" + "a" * 65]
)
def test_a_cursor_that_no_page_gave_is_refused(inbox: StoredInbox, cursor: str) -> None:
    with pytest.raises(ContractError, match="is not a cursor"):
        inbox.events(1, cursor)


DAMAGED = pytest.mark.parametrize("text", ["{", "[1]", '"x"', "{}", '{"channel": 1}', "[" * 99_999])


@DAMAGED
@pytest.mark.parametrize("outcome", [None, Outcome.STARTED])
def test_an_event_that_cannot_be_read_hides_no_other(
    inbox: StoredInbox, rows: MemoryRows, text: str, outcome: Outcome | None
) -> None:
    events = [event(number, NOW + number * SECOND) for number in range(3)]
    inbox.accept(events)
    for each in events:
        inbox.settle(replace(each, outcome=outcome))
    damaged = events[1]
    state = outcome.value if outcome else "pending"
    [key] = [r.key for r in rows.query("events", f"{state}/") if damaged.event_key in r.key]
    rows.damage("events", key, text)

    shown = [each.payload for each in inbox.list_events()]
    pending = [each.payload for each in inbox.list_pending(NOW + DAY)]

    assert shown == [2, 0]
    assert pending == ([] if outcome else [0, 2])
    [(name, problem)] = inbox.list_damaged()
    assert (name, "in no list" in problem) == (f"event {damaged.event_key}", True)
    with pytest.raises(PlatformError, match="Restore the records from a backup"):
        inbox.get(damaged.event_key)
    # When the event comes again, the inbox processes it again, and settling rewrites its row.
    assert inbox.accept([damaged]) == (damaged,)
    inbox.settle(settled(damaged, Outcome.REPEATED))
    assert inbox.get(damaged.event_key) == settled(damaged, Outcome.REPEATED)
    assert inbox.list_damaged() == ()


def test_an_event_without_its_long_payload_hides_no_other(
    inbox: StoredInbox, rows: MemoryRows
) -> None:
    long, short = event("x" * 500_000), event("short")
    inbox.accept([long, short])
    [row] = [row for row in rows.query("events", "pending/") if "pieces" in row.content]
    partition, count = row.content["pieces"]
    assert count == 3
    rows.damage(partition, "0001", '{"text": "x"}')
    assert inbox.get(long.event_key) is not None, "the text is shorter, and still JSON"
    rows.damage(partition, "0001", "{}")

    assert inbox.list_events() == (short,)
    with pytest.raises(PlatformError, match="Its payload is damaged"):
        inbox.get(long.event_key)
    inbox.discard(long.event_key)
    assert rows.query(partition) == ()


def test_a_key_that_leads_nowhere_hides_no_event(inbox: StoredInbox, rows: MemoryRows) -> None:
    kept = event("x")
    inbox.accept([kept])
    rows.damage("events", f"key/{kept.event_key}")

    assert inbox.list_events() == inbox.list_pending(NOW + DAY) == (kept,)
    [(name, problem)] = inbox.list_damaged()
    assert (name, "cannot be found" in problem) == (f"event key/{kept.event_key}", True)
    with pytest.raises(PlatformError):
        inbox.get(kept.event_key)


@DAMAGED
def test_a_claim_that_cannot_be_read_hides_no_other(
    inbox: StoredInbox, rows: MemoryRows, text: str
) -> None:
    claims = [claim(f"k{n}", order=str(n), claimed_at=NOW + n * SECOND) for n in range(3)]
    for each in claims:
        inbox.claim(each)
    rows.damage("claims", "key/k1", text)
    [by_time] = [row.key for row in rows.query("claims", "at/") if row.key.endswith("-k1")]
    rows.damage("claims", by_time, text)

    assert inbox.list_claims() == (claims[2], claims[0])
    names = [name for name, problem in inbox.list_damaged() if "starts no story" in problem]
    assert names == ["claim key/k1", f"claim {by_time}"]
    with pytest.raises(PlatformError, match="Restore the records from a backup"):
        inbox.claim(claims[1])
    assert not inbox.claim(claims[2]).created
    assert inbox.claim(claim("k3", order="3")).created
    assert inbox.forget(NOW, NOW + DAY) == 4


class Between:
    """Rows in which another writer acts right before the first write."""

    def __init__(self, rows: Rows, act: Callable[[], object]) -> None:
        self._rows, self._acts = rows, [act]

    def get(self, partition: str, key: str) -> Any:
        return self._rows.get(partition, key)

    def query(self, partition: str, prefix: str = "", **bounds: Any) -> Any:
        return self._rows.query(partition, prefix, **bounds)

    def write(self, partition: str, changes: Any) -> None:
        while self._acts:
            self._acts.pop()()
        self._rows.write(partition, changes)


@EVERYWHERE
def test_content_that_comes_back_while_other_content_is_claimed_is_a_new_cause(rows: Rows) -> None:
    """Content A, then B, then A; the second A and B arrive at once."""
    inbox = StoredInbox(rows)
    inbox.claim(claim("a", order="1"))
    other = claim("b", order="2")
    slow = StoredInbox(Between(rows, lambda: inbox.claim(other)))

    back = slow.claim(claim("a", order="3"))

    assert (back.created, back.claim.first_key, back.newer) == (True, "a", None)
    assert back.claim.key != "a"
    assert inbox.claim(other).newer == back.claim


@EVERYWHERE
def test_a_claim_made_while_another_one_is_made_hears_of_it(rows: Rows) -> None:
    inbox = StoredInbox(rows)
    newer = claim("k2", order="2")
    slow = StoredInbox(Between(rows, lambda: inbox.claim(newer)))

    late = slow.claim(claim("k1", order="1"))

    assert (late.created, late.newer) == (True, newer)


@EVERYWHERE
def test_an_event_that_is_settled_twice_at_once_is_in_one_list(rows: Rows) -> None:
    inbox, kept = StoredInbox(rows), event("x")
    inbox.accept([kept])
    slow = StoredInbox(Between(rows, lambda: inbox.settle(settled(kept, Outcome.STARTED))))

    slow.settle(settled(kept, Outcome.REPEATED))

    assert inbox.list_events() == (settled(kept, Outcome.REPEATED),)
    assert inbox.list_events(Outcome.STARTED) == inbox.list_pending(NOW + DAY) == ()


def test_a_write_that_is_repeated_because_its_answer_was_lost_makes_one_claim(
    rows: MemoryRows,
) -> None:
    class Repeating(MemoryRows):
        def write(self, partition: str, changes: Any) -> None:
            super().write(partition, changes)
            super().write(partition, changes)

    inbox = StoredInbox(Repeating())

    assert inbox.accept([event("x")]) == (event("x"),)
    assert inbox.claim(claim("a", order="1")).created
    assert inbox.claim(claim("b", order="2")).created
    assert inbox.claim(claim("a", order="3")).created
    assert len(inbox.list_claims()) == 3


def test_an_order_that_is_too_long_is_refused_before_anything_is_stored(
    inbox: StoredInbox, rows: MemoryRows
) -> None:
    with pytest.raises(ContractError, match="more than 150 bytes"):
        inbox.claim(claim(order="1" * 151))

    assert rows.query("claims") == ()
    assert inbox.claim(claim(order="1" * 150)).created
