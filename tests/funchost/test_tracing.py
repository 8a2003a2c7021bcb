"""Trace contexts go from caller to orchestration to activity, as W3C Trace Context asks."""

import re
from collections.abc import Iterator

import pytest

from funchost.tracing import Spans, child
from tests.collector import Collector, collector
from tests.funchost.conftest import until

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SHAPE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@pytest.fixture
def sink() -> Iterator[Collector]:
    with collector() as kept:
        yield kept


def test_a_child_keeps_the_trace_and_the_flags_and_has_an_id_of_its_own() -> None:
    made = child(CALLER.removesuffix("01") + "00")

    assert SHAPE.fullmatch(made)
    assert made.split("-")[1] == CALLER.split("-")[1]
    assert made.split("-")[2] != CALLER.split("-")[2]
    assert made.endswith("-00")


@pytest.mark.parametrize(
    "wrong",
    [None, "", "x", CALLER.upper(), f"00-{'0' * 32}-{'1' * 16}-01", f"00-{'1' * 32}-{'0' * 16}-01"],
)
def test_an_invalid_trace_parent_begins_a_trace(wrong: str | None) -> None:
    first, second = child(wrong), child(wrong)

    assert SHAPE.fullmatch(first)
    assert first.split("-")[1] != second.split("-")[1]


def test_without_an_exporter_spans_have_ids_and_go_nowhere() -> None:
    spans = Spans()

    with spans.span("activity:a", CALLER) as own:
        assert own.split("-")[1] == CALLER.split("-")[1]
    assert not spans.sent


def test_spans_are_sent_under_the_ids_that_the_functions_saw(
    sink: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
    spans = Spans()

    with spans.span("orchestration:a", CALLER) as outer, spans.span("activity:b", outer) as inner:
        pass
    with pytest.raises(LookupError), spans.span("activity:c", outer):
        raise LookupError("a secret of the fault")
    spans.close()

    until(lambda: len(sink.spans) == 3, "three spans")
    sent = {span.name: span for span in sink.spans}
    assert {span.trace_id for span in sink.spans} == {CALLER.split("-")[1]}
    assert sent["orchestration:a"].parent_id == CALLER.split("-")[2]
    assert sent["activity:b"].span_id == inner.split("-")[2]
    assert sent["activity:b"].parent_id == sent["orchestration:a"].span_id == outer.split("-")[2]
    assert sent["activity:c"].failed
    assert "secret" not in repr(sink.spans)
