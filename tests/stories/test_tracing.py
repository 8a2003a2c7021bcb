"""A single trace leads from an event to the replicas that serve its model; figures beside it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collector import Collector, Span, collector
from tests.funchost.conftest import until
from tests.stories.conftest import App, make_app

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def sink() -> Iterator[Collector]:
    with collector() as kept:
        yield kept


@pytest.fixture
def app(sink: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "500")
    yield from make_app(tmp_path, monkeypatch)


def test_one_trace_leads_from_the_event_to_the_replicas(app: App, sink: Collector) -> None:
    event = {
        "specversion": "1.0",
        "id": "build 7",
        "source": "/builds",
        "subject": "models/eager",
        "type": "Mlops.TrainingRequested",
        "traceparent": f"00-{TRACE}-{CALLER}-01",
        "data": {"model": "eager", "requestId": "7"},
    }
    answer = app.ask(
        "POST",
        "/api/events",
        json=event,
        headers={"Content-Type": "application/cloudevents+json"},
    )
    assert answer.status_code == 202, answer.text
    training = answer.json()["receipts"][0]["instance_id"]
    assert app.ended(training)["output"]["version"] == "1"
    release = "release-eager-1"
    app.at_step(release, "awaiting approval")
    app.api.decide(app.api.release(release), "approve", "ada", "fine")
    assert app.ended(release)["output"]["status"] == "promoted"

    def span_names() -> set[tuple[str, str]]:
        return {(span.service, span.name) for span in sink.spans if span.trace_id == TRACE}

    def named(name: str) -> list[Span]:
        return [span for span in sink.spans if (span.trace_id, span.name) == (TRACE, name)]

    def roots() -> set[str]:
        traced = [span for span in sink.spans if span.trace_id == TRACE]
        return {span.parent_id for span in traced} - {span.span_id for span in traced}

    # The app, its host and the replicas send on their own, the host a span of a story at its end.
    needed = {
        ("mlops", "take up event"),
        ("funchost", "orchestration:train_model"),
        ("funchost", "activity:submit_training"),
        ("mlops", "submit_training"),
        ("funchost", "orchestration:release_model"),
        ("mlops", "promote_challenger"),
        ("scoring", "POST /score"),
    }
    until(lambda: needed <= span_names(), "the spans of both stories")
    # Of staging and of production.
    until(lambda: len(named("smoke_test")) == 2, "both smoke tests")
    # Every span hangs on another one of the trace; the first on the caller's.
    until(lambda: roots() == {CALLER}, "the spans between them")
    traced = [span for span in sink.spans if span.trace_id == TRACE]
    by_id = {span.span_id: span for span in traced}
    assert not [span for span in traced if span.failed]
    promoted = next(span for span in traced if span.name == "promote_challenger")
    assert promoted.facts["mlops.release_id"] == release
    tests = named("smoke_test")
    scored = {by_id[span.parent_id].name for span in traced if span.service == "scoring"}
    assert (len(tests), scored) == (2, {"smoke_test"}), "staging and production were asked"

    # The same figures by both ways.
    stage = {"story": "release_model", "stage": "awaiting approval"}
    until(lambda: stage in sink.metrics.get("mlops_stage_seconds_count", []), "figures", 75)
    outcome = {"story": "train_model", "outcome": "registered"}
    assert outcome in sink.metrics["mlops_outcomes"]
    shown = app.ask("GET", "/api/metrics").text
    assert "# TYPE mlops_stage_seconds summary" in shown
    # Lanes have figures only while a story is in one, as at the moment of an earlier export.
    names = set(re.findall(r"^(\w+)[ {]", shown, re.M))
    assert names >= set(sink.metrics) - {"mlops_lane_places"}
