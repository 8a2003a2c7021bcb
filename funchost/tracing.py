"""W3C Trace Context from call to call, and the host's own spans where an exporter is named.

The real host gives every invocation a trace parent, Durable's distributed tracing (V2) hands an
orchestration's to its activities. So does this one; it sends spans only when the standard variable
OTEL_EXPORTER_OTLP_ENDPOINT (or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) says where to.
Source: W3C Recommendation "Trace Context", level 1; OpenTelemetry specification, "Trace SDK".
"""

from __future__ import annotations

import os
import random
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The trace context of an invocation, as the worker shows it to a function."""

    trace_parent: str
    trace_state: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


def child(parent: str | None) -> str:
    """Return the trace parent of a new span below `parent`, or of a new trace when it is none."""
    match = _PARENT.fullmatch(parent or "")
    trace, flags = (match[1], match[3]) if match else (identifier(16), "01")
    return f"00-{trace}-{identifier(8)}-{flags}"


def identifier(size: int) -> str:
    """Return random hexadecimal digits for so many bytes; they are unique, but no secret.

    The system's generator would give the interpreter's lock away at each call.
    """
    return f"{random.getrandbits(8 * size):0{2 * size}x}"


class Spans:
    """Sends the host's spans; without an exporter it sends nothing and costs nothing."""

    def __init__(self) -> None:
        """Read the variables of the OpenTelemetry specification."""
        self._ids: Any = None
        self._provider: Any = None
        self._tracer: Any = None
        if any(os.environ.get(name) for name in _ENDPOINTS):
            self._open()

    @property
    def sent(self) -> bool:
        """Return whether an exporter is configured."""
        return self._tracer is not None

    def _open(self) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._ids = _given_ids()
        resource = Resource.create({"service.name": "funchost"})
        self._provider = TracerProvider(resource=resource, id_generator=self._ids)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("funchost")

    @contextmanager
    def span(
        self, name: str, parent: str | None, kind: str = "SERVER", **facts: str
    ) -> Iterator[str]:
        """Yield the trace parent of a span around the block."""
        own, begun, fault = child(parent), time.time_ns(), ""
        try:
            yield own
        except BaseException as error:
            fault = type(error).__name__
            raise
        finally:
            self.tell(name, own, parent, begun, kind=kind, fault=fault, facts=facts)

    def tell(
        self,
        name: str,
        own: str,
        parent: str | None,
        begun: int,
        *,
        kind: str = "INTERNAL",
        fault: str = "",
        facts: Mapping[str, str] | None = None,
    ) -> None:
        """Send a span that began at `begun` (nanoseconds since 1970) and ends now."""
        if self._tracer is None:
            return
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        above = TraceContextTextMapPropagator().extract({"traceparent": parent or ""})
        self._ids.next = own
        span = self._tracer.start_span(
            name, context=above, kind=SpanKind[kind], start_time=begun, attributes=facts
        )
        if fault:
            span.set_status(Status(StatusCode.ERROR, fault))
        span.end()

    def close(self) -> None:
        """Send the remaining spans."""
        if self._provider is not None:
            self._provider.shutdown()


def _given_ids() -> Any:
    """Return a generator of ids that gives a span the id that was already passed on."""
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class GivenIds(IdGenerator, threading.local):
        next = ""

        def generate_span_id(self) -> int:
            return int(self.next.split("-")[2], 16)

        def generate_trace_id(self) -> int:
            return int(self.next.split("-")[1], 16)

    return GivenIds()
