"""Texts of events that are times: rewritten as Newtonsoft does, in UTC."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funchost.events.dates import TooDeepError, as_delivered
from function_app.domain.events.inbox import earlier_event_key, event_key

REWRITTEN = {
    "2026-01-02T03:04:05.000Z": "2026-01-02T03:04:05Z",
    "2026-01-02T03:04:05.10": "2026-01-02T03:04:05.1",
    "2026-01-02T03:04:05.1200000Z": "2026-01-02T03:04:05.12Z",
    "2026-01-02T03:04:05.1234567+02:00": "2026-01-02T01:04:05.1234567+00:00",
    "2026-01-02T03:04:05+02:00": "2026-01-02T01:04:05+00:00",
    "2026-01-01T00:30:00+05:30": "2025-12-31T19:00:00+00:00",
    "2026-12-31T20:00:00-05:00": "2027-01-01T01:00:00+00:00",
    "2026-01-02T03:04:05z": "2026-01-02T03:04:05Z",
    "2026-01-02T03:04:05+0200": "2026-01-02T01:04:05+00:00",
    "2026-01-02T03:04:05-02": "2026-01-02T05:04:05+00:00",
    "2026-01-02T03:04:05-02:": "2026-01-02T05:04:05+00:00",
    "2026-01-02T03:04:05.123456789": "2026-01-02T03:04:05.1234567",
    "2026-01-02T03:04:05.1234567:89": "2026-01-02T03:04:05.1234567",
    "2026-01-02T03:04:05:30": "2026-01-02T03:04:05",
    "2026-01-02T03:04:0530": "2026-01-02T03:04:05",
    "2026-01-02T24:00:00Z": "2026-01-03T00:00:00Z",
    "0001-01-01T00:00:00+14:00": "0001-01-01T00:00:00+00:00",
    "9999-12-31T23:59:59-01:00": "9999-12-31T23:59:59.9999999+00:00",
    "/Date(1767323045000)/": "2026-01-02T03:04:05Z",
    "/Date(1767323045120+0200)/": "2026-01-02T03:04:05.12+00:00",
    "/Date(-1)/": "1969-12-31T23:59:59.999Z",
}
UNCHANGED = [
    "2026-01-02",
    "2026-01-02 03:04:05Z",
    "2026-01-02T03:04Z",
    "2026-01-02T03:04:05.123456789Z",
    "2026-01-02T03:04:05.12345678",
    "2026-01-02T03:04:05.1234567890",
    "2026-01-02T03:04:05.123456789+02:00",
    "2026-01-02T03:04:05+2",
    "2026-01-02T03:04:05+02:3",
    "2026-01-02T03:04:05:3012",
    "2026-01-02T03:04:05.Z",
    "2026-01-02T03:04:05 Z",
    "2026-01-02T03:04:05Z ",
    "2026-01-02T03:04:60Z",
    "2026-01-02T24:00:01Z",
    "2026-02-30T03:04:05Z",
    "0000-01-01T00:00:00Z",
    "\uff12\uff10\uff12\uff16-01-02T03:04:05+02:00",
    "/Date(x)/",
    "/Date(999999999999999)/",
    "2026-01-02T03:04:05Z",
    "2026-01-02T03:04:05",
]


@pytest.mark.parametrize(("text", "new"), REWRITTEN.items())
def test_a_time_is_written_anew(text: str, new: str) -> None:
    assert as_delivered(text) == new
    assert as_delivered(new) == new


@pytest.mark.parametrize("text", UNCHANGED)
def test_another_text_stays(text: str) -> None:
    assert as_delivered(text) == text


def test_values_at_any_depth_are_rewritten_and_keys_stay() -> None:
    zone = "2026-01-02T03:04:05+02:00"
    event = {zone: [{"a": [zone, 1, None]}], "specversion": "1.0", "extension": zone}

    assert as_delivered(event) == {
        zone: [{"a": ["2026-01-02T01:04:05+00:00", 1, None]}],
        "specversion": "1.0",
        "extension": "2026-01-02T01:04:05+00:00",
    }


def test_an_event_may_be_nested_sixty_four_times() -> None:
    def nested(depth: int) -> Any:
        return [nested(depth - 1)] if depth else 1

    assert as_delivered(nested(64)) == nested(64)
    with pytest.raises(TooDeepError):
        as_delivered(nested(65))


# The key of an event in the inbox of the app.


@pytest.mark.parametrize("text", [*REWRITTEN, *UNCHANGED])
def test_the_key_of_an_event_is_the_same_before_and_after_the_rewriting(text: str) -> None:
    event = {"id": text, "data": {"times": [text, {"at": text}]}}

    assert event_key(event) == event_key(as_delivered(event))
    # Events that Azure delivered to an earlier version keep their keys.
    assert event_key(event) == earlier_event_key(as_delivered(event))


@given(
    st.datetimes(),
    st.text("0123456789", max_size=7),
    st.sampled_from(
        ["", "Z", "z", "+00:00", "-11:45", "+14:00", "+0130", "-05", "-05:", ":", "30", ":30"]
    ),
)
def test_the_key_of_any_time_is_the_same_before_and_after(
    moment: Any, fraction: str, zone: str
) -> None:
    text = f"{moment.isoformat()[:19]}{f'.{fraction}' if fraction else ''}{zone}"

    assert event_key(text) == earlier_event_key(as_delivered(text))


@given(st.integers(-(10**14), 3 * 10**14), st.sampled_from(["", "+0000", "-0530"]))
def test_the_key_of_milliseconds_is_the_same_before_and_after(number: int, zone: str) -> None:
    text = f"/Date({number}{zone})/"

    assert event_key(text) == earlier_event_key(as_delivered(text))


def test_the_zone_of_the_host_does_not_change_the_key() -> None:
    """A host outside of UTC writes the same time with another offset."""
    assert event_key({"at": "2026-01-02T02:04:05+01:00"}) == event_key(
        {"at": "2026-01-02T01:04:05+00:00"}
    )
    assert event_key({"at": "2026-01-02T01:04:05Z"}) != event_key({"at": "2026-01-02T01:04:06Z"})
