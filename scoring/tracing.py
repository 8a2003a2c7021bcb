"""A span for each prediction, below the caller's, sent where OTEL_EXPORTER_OTLP_ENDPOINT says.

Spans are sent by a thread in batches; a collector that is slow or gone slows no request.
Source: W3C Recommendation "Trace Context"; OpenTelemetry specification, "Trace SDK".
"""

import os
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from opentelemetry import propagate, trace

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


def open_exporter(facts: Mapping[str, str]) -> None:
    """Send spans from now on, with these facts about the service; nothing without the variable."""
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "scoring", **facts}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


@web.middleware
async def traced(request: web.Request, handler: Respond) -> web.StreamResponse:
    """Answer a prediction inside a span; health and figures are asked too often for one."""
    if request.path != "/score":
        return await handler(request)
    with trace.get_tracer("scoring").start_as_current_span(
        f"{request.method} {request.path}",
        context=propagate.extract(request.headers),
        kind=trace.SpanKind.SERVER,
        record_exception=False,
    ) as span:
        answer = await handler(request)
        span.set_attribute("http.response.status_code", answer.status)
        return answer
