"""Repetitions in the audit log: counted, limited, and none of them lost."""

from datetime import UTC, datetime, timedelta
from typing import Any

from function_app.domain.access.audit import AuditEvent, Kind
from function_app.domain.access.coalescing import (
    KEY_WINDOW,
    MANY,
    MOST_DIFFERENT,
    WINDOW,
    Coalescer,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def event(seconds: float = 0, **fields: Any) -> AuditEvent:
    given = {"kind": Kind.REFUSAL, "action": "approve", "code": "UNAUTHENTICATED", **fields}
    return AuditEvent(at=NOW + timedelta(seconds=seconds), **given)


def test_the_first_is_written_and_repetitions_are_counted() -> None:
    coalescer = Coalescer()

    assert coalescer.add(event(0)) == ((), event(0))
    assert [coalescer.add(event(s)) for s in (1, 2)] == [((), None)] * 2
    assert not list(coalescer.ended(NOW + WINDOW - timedelta(seconds=1)))
    [counted] = coalescer.ended(NOW + WINDOW)
    assert (counted.count, counted.at) == (2, NOW + timedelta(seconds=2))
    assert not list(coalescer.ended(NOW + 2 * WINDOW))


def test_the_next_window_begins_with_an_entry_and_closes_the_last_one() -> None:
    coalescer = Coalescer()
    coalescer.add(event(0))
    coalescer.add(event(1))
    later = event(61)

    ended, new = coalescer.add(later)

    assert [e.count for e in ended] == [1]
    assert new == later


def test_a_caller_without_credentials_cannot_tell_refusals_apart_by_path() -> None:
    coalescer = Coalescer()
    coalescer.add(event(0, subject="release-a-1"))

    assert coalescer.add(event(1, subject="release-a-2")) == ((), None)


def test_refusals_of_a_person_are_told_apart_by_subject() -> None:
    coalescer = Coalescer()
    coalescer.add(event(0, who="ada", subject="release-a-1"))
    other = event(1, who="ada", subject="release-a-2")

    assert coalescer.add(other) == ((), other)


def test_many_callers_share_one_entry_and_every_request_is_counted() -> None:
    coalescer = Coalescer()
    written = [coalescer.add(event(0, address=f"10.0.0.{n}"))[1] for n in range(100)]

    shown = [one for one in written if one is not None]
    assert len(shown) == MOST_DIFFERENT + 1
    assert shown[-1].address == MANY
    [rest] = coalescer.counted()
    assert rest.count + len(shown) == 100
    assert not list(coalescer.counted()), "each count is written once"


def test_another_caller_is_not_limited_by_a_flood() -> None:
    coalescer = Coalescer()
    for n in range(100):
        coalescer.add(event(0, address=f"10.0.0.{n}"))

    by_person = event(0, who="ada", subject="release-a-1")
    assert coalescer.add(by_person) == ((), by_person)


def test_accepted_orders_are_never_put_together_with_others() -> None:
    coalescer = Coalescer()
    orders = [event(0, kind=Kind.ORDER, code="", subject=str(n)) for n in range(100)]

    assert [coalescer.add(order)[1] for order in orders] == orders


def test_uses_of_a_key_are_counted_by_the_hour_whatever_they_are_for() -> None:
    coalescer = Coalescer()
    coalescer.add(event(0, kind=Kind.KEY_USE, who="key a", code="", action="status"))

    used = event(600, kind=Kind.KEY_USE, who="key a", code="", action="metrics")
    assert coalescer.add(used) == ((), None)
    assert [e.count for e in coalescer.ended(NOW + KEY_WINDOW)] == [1]


def test_an_event_that_could_not_be_written_is_written_the_next_time() -> None:
    coalescer = Coalescer()
    coalescer.add(event(0))
    coalescer.forget(event(0))

    assert coalescer.add(event(1)) == ((), event(1))


def test_invented_keys_do_not_fill_the_log() -> None:
    coalescer = Coalescer()
    for kind in (Kind.REFUSAL, Kind.KEY_USE):
        events = [event(0, kind=kind, who=f"key {n}") for n in range(100)]
        written = [coalescer.add(one)[1] for one in events]
        assert sum(one is not None for one in written) == MOST_DIFFERENT + 1


def test_a_flood_of_keys_leaves_the_addresses_of_refusals_apart() -> None:
    coalescer = Coalescer()
    for n in range(100):
        coalescer.add(event(0, kind=Kind.KEY_USE, who=f"key {n}"))

    refusal = event(0, address="10.0.0.1")
    assert coalescer.add(refusal) == ((), refusal)
