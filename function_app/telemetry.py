"""Spans and figures by OpenTelemetry's API; settings decide their exporter and its address.

In Azure the Functions worker sets up Azure Monitor (PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY).
On any host, OTEL_EXPORTER_OTLP_ENDPOINT sends to a collector. Without either, trace ids still go
from the event to the replica, and nothing is sent.

Source: OpenTelemetry specification; W3C Recommendation "Trace Context".
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any

from function_app.errors import MlopsError
from function_app.late_imports import importing

TRACEPARENT = "traceparent"
_PARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
OTLP_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
# The fields that identify the model, release, run or story of a span.
_FACTS = frozenset({"model", "version", "release_id", "run_id", "instance_id", "part", "report_id"})


def current() -> str:
    """Return the present trace parent, "" when nothing is traced."""
    with importing():
        from opentelemetry import trace

    here = trace.get_current_span().get_span_context()
    if not here.is_valid:
        return ""
    return f"00-{here.trace_id:032x}-{here.span_id:016x}-{int(here.trace_flags):02x}"


def new() -> str:
    """Return the trace parent of a trace that begins here."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def carried_by(payload: Any) -> str:
    """Return the trace parent that an event carries, "" when it carries none.

    CloudEvents have it as an extension; this app's Event Grid events in their content; Azure ML's
    events about runs and models in the tags that this app gave them.
    """
    if not isinstance(payload, dict):
        return ""
    inner = payload.get("data")
    content = {str(k).lower(): v for k, v in inner.items()} if isinstance(inner, dict) else {}
    for content_part in (payload, content, content.get("runtags"), content.get("modeltags")):
        parent = content_part.get(TRACEPARENT) if isinstance(content_part, dict) else None
        if isinstance(parent, str) and _PARENT.fullmatch(parent):
            return parent
    return ""


def tags(**known: str) -> dict[str, str]:
    """Return the tags of a run: a platform's events about it carry them, and so its trace."""
    here = current()
    return {**known, TRACEPARENT: here} if here else known


@contextmanager
def span(name: str, parent: str, /, **facts: str) -> Iterator[Any]:
    """Run the block as a span below `parent`; a fault is recorded by its code only.

    Texts of faults stay out, because libraries may put credentials into them.
    """
    with importing():
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    above = TraceContextTextMapPropagator().extract({TRACEPARENT: parent})
    with trace.get_tracer("mlops").start_as_current_span(
        name,
        context=above,
        attributes={f"mlops.{key}": value for key, value in facts.items()},
        record_exception=False,
        set_status_on_exception=False,
    ) as opened:
        try:
            yield opened
        except Exception as error:
            code = error.code if isinstance(error, MlopsError) else type(error).__name__
            opened.set_status(trace.Status(trace.StatusCode.ERROR, code))
            raise


def invoked(function: str, context: Any, argument: Any = None) -> Any:
    """Return the span of a function that the host invoked with this context."""
    host = getattr(getattr(context, "trace_context", None), "trace_parent", None)
    return span(function, host or "", **facts_of(argument))


def facts_of(argument: Any) -> dict[str, str]:
    """Return the model, release, run or story in an activity's argument, by name."""
    facts: dict[str, str] = {}
    if is_dataclass(argument) and not isinstance(argument, type):
        for field in fields(argument):
            value = getattr(argument, field.name)
            if field.name in _FACTS and isinstance(value, str) and value:
                facts[field.name] = value
            else:
                facts = {**facts_of(value), **facts}
    return facts


def has_meter() -> bool:
    """Return whether figures are exported: only a provider of the SDK has a method to flush."""
    with importing():
        from opentelemetry import metrics

    return hasattr(metrics.get_meter_provider(), "force_flush")


def record(figures: Mapping[str, tuple[str, list[tuple[Mapping[str, str], float]]]]) -> None:
    """Pass figures to the exporter: by name a description, and a value for each set of labels."""
    with importing():
        from opentelemetry import metrics

    meter = metrics.get_meter("mlops")
    for name, (text, samples) in figures.items():
        gauge = meter.create_gauge(name, description=text)
        for labels, value in samples:
            gauge.set(value, attributes=dict(labels))


def send_by_otlp(service: str) -> None:
    """Send to the collector that the standard variables name, unless another exporter is set."""
    with importing():
        from opentelemetry import metrics, trace
        from opentelemetry.sdk.trace import TracerProvider

    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    with importing():
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": service})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=[reader]))
