"""The trace that an event continues, and the attributes of spans."""

from dataclasses import dataclass

import pytest

from function_app import telemetry

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    "event",
    [
        {"specversion": "1.0", "traceparent": PARENT, "data": {}},
        {"eventType": "Mlops.DriftDetected", "data": {"traceparent": PARENT}},
        {"data": {"runTags": {"traceparent": PARENT}}},
        {"data": {"RunTags": {"traceparent": PARENT}}},
        {"data": {"modelTags": {"traceparent": PARENT, "run_id": "r"}}},
    ],
)
def test_an_event_continues_the_trace_that_it_carries(event: dict[str, object]) -> None:
    assert telemetry.carried_by(event) == PARENT


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        {"traceparent": 7},
        {"traceparent": PARENT.upper()},
        {"data": "text"},
        {"data": {"runTags": "text", "modelTags": {"traceparent": f"{PARENT}\r\nX-Evil: 1"}}},
        {"data": {"traceparent": f"00-{'0' * 32}-{'1' * 16}-01"}},
    ],
)
def test_an_invalid_trace_parent_is_not_carried(event: object) -> None:
    assert telemetry.carried_by(event) == ""


def test_within_a_span_the_trace_is_the_callers() -> None:
    assert telemetry.current() == ""
    with telemetry.span("a", PARENT):
        assert telemetry.current().split("-")[1] == PARENT.split("-")[1]
        assert telemetry.tags(model="m") == {"model": "m", "traceparent": telemetry.current()}
    assert telemetry.tags(model="m") == {"model": "m"}


def test_a_fault_passes_through_a_span() -> None:
    with pytest.raises(LookupError), telemetry.span("a", PARENT):
        raise LookupError


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    model: str
    run_id: str = ""
    etag: str = "e"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    inner: Inner
    instance_id: str


def test_a_span_says_what_it_is_about_and_nothing_else() -> None:
    assert telemetry.facts_of(Outer(inner=Inner(model="m"), instance_id="i")) == {
        "model": "m",
        "instance_id": "i",
    }
    assert telemetry.facts_of({"model": "m"}) == {}
