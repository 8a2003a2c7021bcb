"""The rules of the audit log: any tampering is found, and the entry is named."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function_app.domain.access.audit import (
    LONGEST_TEXT,
    ZERO,
    AuditEvent,
    Head,
    Kind,
    check_anchor,
    check_end,
    check_entries,
    digest_of,
    read_event,
    read_head,
    written,
)
from function_app.domain.codec import dump
from function_app.errors import ContractError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVENT = AuditEvent(kind=Kind.ORDER, action="roll back", at=NOW, who="ada", model="m", why="slow")
TEXT = st.text(max_size=30)


def chain(count: int) -> tuple[list[dict[str, Any]], Head]:
    head, entries = Head(), []
    for number in range(count):
        event = AuditEvent(kind=Kind.ORDER, action="train", at=NOW, subject=str(number))
        content, head = written(event, head)
        entries.append(content)
    return entries, head


def faults(entries: list[tuple[int, dict[str, Any]]], head: Head) -> set[int]:
    """Return the numbers of the faulty entries."""
    stored = dict(entries).get(head.number, {}).get("hash", "")
    found = list(check_entries(Head(), head.number, entries))
    found += check_end(head, str(stored))
    return {fault.number for fault in found}


def test_an_entry_reads_as_it_was_written_and_names_the_one_before() -> None:
    first, head = written(EVENT, Head())
    second, _ = written(EVENT, head)

    assert read_event(first) == EVENT
    assert (first["number"], first["previous"]) == (1, ZERO)
    assert (second["number"], second["previous"]) == (2, first["hash"])


def test_an_untouched_log_has_no_fault() -> None:
    entries, head = chain(5)

    assert faults(list(enumerate(entries, 1)), head) == set()


JSON = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT


@given(st.data(), st.integers(1, 6), st.integers(0, 5))
def test_any_change_of_one_entry_is_found_and_named(data: Any, count: int, at: int) -> None:
    entries, head = chain(count)
    at %= count
    field = data.draw(st.sampled_from([*entries[at], "an unknown field"]))
    value = data.draw(JSON)
    before = json.dumps(entries[at], sort_keys=True)
    entries[at][field] = value
    changed = json.dumps(entries[at], sort_keys=True) != before

    assert (at + 1 in faults(list(enumerate(entries, 1)), head)) is changed


@given(st.integers(2, 6), st.integers(0, 5), TEXT)
def test_an_entry_that_was_written_anew_breaks_the_next_link(count: int, at: int, who: str) -> None:
    entries, head = chain(count)
    at %= count
    forged = {**entries[at], "who": f"x{who}"}
    forged["hash"] = digest_of(forged)
    entries[at] = forged

    assert min(at + 2, count) in faults(list(enumerate(entries, 1)), head)


@given(st.integers(1, 6), st.sets(st.integers(1, 6), min_size=1))
def test_missing_entries_are_named(count: int, gone: set[int]) -> None:
    entries, head = chain(count)
    gone &= set(range(1, count + 1))
    left = [(number, entry) for number, entry in enumerate(entries, 1) if number not in gone]

    assert faults(left, head) == gone


@given(st.permutations(range(5)))
def test_entries_in_another_order_are_found(order: list[int]) -> None:
    entries, head = chain(5)
    moved = {number + 1 for number, source in enumerate(order) if number != source}

    assert moved <= faults([(n + 1, entries[s]) for n, s in enumerate(order)], head)


def test_a_head_that_was_set_back_is_found() -> None:
    entries, _ = chain(5)
    earlier = Head(number=3, hash=entries[2]["hash"])

    assert faults(list(enumerate(entries, 1)), earlier) == {4, 5}


def test_a_head_with_another_hash_is_found() -> None:
    entries, _ = chain(2)

    assert faults(list(enumerate(entries, 1)), Head(number=2, hash=ZERO)) == {2}


def test_an_anchor_finds_a_cut_log_and_one_that_was_written_anew() -> None:
    entries, head = chain(3)
    cut = Head(number=2, hash=entries[1]["hash"])

    assert [f.number for f in check_anchor(head, cut, None)] == [3]
    assert [f.number for f in check_anchor(head, Head(number=3, hash=ZERO), ZERO)] == [3]
    assert not list(check_anchor(cut, head, entries[1]["hash"]))
    assert not list(check_anchor(Head(), head, None))


def test_texts_from_outside_are_redacted_put_on_one_line_and_cut() -> None:
    token = "aB3dE5gH" * 5
    content, _ = written(
        AuditEvent(
            kind=Kind.REFUSAL,
            action="a",
            at=NOW,
            why=f"Bearer {token}\nx\x1b[2J",
            reason="y" * 9999,
        ),
        Head(),
    )

    assert token not in json.dumps(content)
    assert "\n" not in content["why"]
    assert "\x1b" not in content["why"]
    assert len(content["reason"]) == LONGEST_TEXT


@pytest.mark.parametrize("text", ["", "1", "x:" + ZERO, "1:abc", "-1:" + ZERO, "²:" + ZERO])
def test_a_text_that_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ContractError, match="is not a head"):
        read_head(text)


def test_a_head_is_read_as_it_is_shown() -> None:
    _, head = chain(3)

    assert read_head(str(head)) == head


def test_a_damaged_entry_is_no_event() -> None:
    with pytest.raises(ContractError):
        read_event({**dump(EVENT), "kind": "nonsense"})
