"""A span for each prediction, below the caller's, sent where the environment says.

OTEL_EXPORTER_OTLP_ENDPOINT names a collector; without one, APPLICATIONINSIGHTS_CONNECTION_STRING
an Application Insights that takes tokens of the service's identity. Spans are sent by a thread in
batches; a receiver that is slow or gone slows no request. Without either variable nothing of
OpenTelemetry is imported.
Source: W3C Recommendation "Trace Context"; OpenTelemetry specification, "Trace SDK".
"""

import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from scoring.identity import own_credential

_COLLECTOR, _INSIGHTS = "OTEL_EXPORTER_OTLP_ENDPOINT", "APPLICATIONINSIGHTS_CONNECTION_STRING"
Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


def open_exporter(facts: Mapping[str, str]) -> list[Any]:
    """Return the middleware that sends spans with these facts about the service, or none."""
    if not any(os.environ.get(name) for name in (_COLLECTOR, _INSIGHTS)):
        return []
    try:
        exporter = _exporter()
        from opentelemetry import propagate, trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        print(f"scoring: no spans are sent: {error}. Build the base image again.", file=sys.stderr)
        return []

    provider = TracerProvider(resource=Resource.create({"service.name": "scoring", **facts}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("scoring")

    @web.middleware
    async def traced(request: web.Request, handler: Respond) -> web.StreamResponse:
        """Answer a prediction inside a span; health and figures are asked too often for one."""
        if request.path != "/score":
            return await handler(request)
        with tracer.start_as_current_span(
            f"{request.method} {request.path}",
            context=propagate.extract(request.headers),
            kind=trace.SpanKind.SERVER,
            record_exception=False,
        ) as span:
            answer = await handler(request)
            span.set_attribute("http.response.status_code", answer.status)
            return answer

    return [traced]


def _exporter() -> Any:
    if os.environ.get(_COLLECTOR):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter()
    from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter

    # Spans that cannot be sent are dropped, because the disk is reserved for the prediction log.
    return AzureMonitorTraceExporter(credential=own_credential(), disable_offline_storage=True)
