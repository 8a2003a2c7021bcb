"""An OpenTelemetry collector of the tests: keeps the spans and metrics of OTLP over HTTP."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.listening import Listening


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A span as it was sent."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    facts: dict[str, str]
    failed: bool


class Collector:
    """The spans that have arrived."""

    def __init__(self) -> None:
        self.url, self.spans, self.metrics = "", list[Span](), dict[str, list[dict[str, str]]]()

    def take(self, path: str, body: bytes) -> None:
        """Keep a request of the protocol."""
        if path == "/v1/traces":
            for block in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = _facts(block.resource.attributes).get("service.name", "")
                for scope in block.scope_spans:
                    self.spans += [_span(service, span) for span in scope.spans]
        elif path == "/v1/metrics":
            for group in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for inner in group.scope_metrics:
                    for metric in inner.metrics:
                        points = [_facts(p.attributes) for p in metric.gauge.data_points]
                        self.metrics[metric.name] = points


@contextmanager
def collector(address: str = "127.0.0.1") -> Iterator[Collector]:
    """Yield a collector that listens; on 0.0.0.0 it also hears containers."""
    kept = Collector()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            kept.take(self.path, body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = Listening((address, 0), Door)
    kept.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()


def _span(service: str, span: Any) -> Span:
    return Span(
        service=service,
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        facts=_facts(span.attributes),
        failed=span.status.code == 2,
    )


def _facts(attributes: Any) -> dict[str, str]:
    return {a.key: a.value.string_value for a in attributes}
