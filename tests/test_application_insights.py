"""Telemetry of the app in Application Insights, by Microsoft's exporter with the worker's setup."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.azure_servers.identity import CLIENT, IdentityServer
from tests.azure_servers.insights import Ingestion
from tests.azure_servers.tls import make_tls

ROOT = Path(__file__).parents[1]
TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
# The worker does the first two lines when PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY is set.
WORKER = f"""
from azure.monitor.opentelemetry import configure_azure_monitor
configure_azure_monitor()
from opentelemetry import metrics, trace
from function_app import telemetry
from function_app.errors import PlatformError

telemetry.send_by_otlp("mlops")
assert telemetry.has_meter()
with telemetry.span("submit_training", "00-{TRACE}-{CALLER}-01", model="diabetes"):
    try:
        with telemetry.span("inner", telemetry.current()):
            raise PlatformError("azure", "train", "https://x/?sig=planted-secret")
    except PlatformError:
        pass
    for _ in range(50):
        with telemetry.span("many", telemetry.current()):
            pass
telemetry.record({{"mlops_dead_letters": ("kept", [({{}}, 3.0)])}})
trace.get_tracer_provider().force_flush()
metrics.get_meter_provider().force_flush()
"""


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Ingestion:
    folder = tmp_path_factory.mktemp("insights")
    tls = make_tls(folder)
    with Ingestion(tls) as ingestion, IdentityServer() as identity:
        ended = subprocess.run(
            [sys.executable, "-c", WORKER],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "TMPDIR": str(folder),
                "APPLICATIONINSIGHTS_CONNECTION_STRING": ingestion.connection_string,
                # As infra/main.bicep has it.
                "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": f"ClientId={CLIENT};Authorization=AAD",
                "OTEL_TRACES_SAMPLER": "parentbased_always_on",
                # Microsoft's figures about the exporter itself go to Microsoft.
                "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
                "REQUESTS_CA_BUNDLE": str(tls.ca_file),
                **identity.environ(),
            },
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    assert ended.returncode == 0, ended.stderr
    return ingestion


def test_spans_of_the_app_hang_below_the_events_trace(sent: Ingestion) -> None:
    span = sent.named("RemoteDependencyData", "submit_training")

    assert span["tags"]["ai.operation.id"] == TRACE
    assert span["tags"]["ai.operation.parentId"] == CALLER
    assert span["data"]["baseData"]["properties"]["mlops.model"] == "diabetes"


def test_a_fault_is_told_by_its_code_and_its_text_stays_out(sent: Ingestion) -> None:
    failed = sent.named("RemoteDependencyData", "inner")

    assert failed["data"]["baseData"]["success"] is False
    assert "PlatformError" not in json.dumps(sent.of("ExceptionData"))
    assert "planted-secret" not in json.dumps(sent.envelopes)


def test_no_span_of_a_trace_is_left_out(sent: Ingestion) -> None:
    names = [e["data"]["baseData"]["name"] for e in sent.of("RemoteDependencyData")]

    assert names.count("many") == 50
    setting = "OTEL_TRACES_SAMPLER: 'parentbased_always_on'"
    assert setting in (ROOT / "infra" / "main.bicep").read_text()


def test_figures_come_as_metrics_under_the_names_of_the_docs(sent: Ingestion) -> None:
    figures = [m for e in sent.of("MetricData") for m in e["data"]["baseData"]["metrics"]]

    told = {(m["name"], m["value"]) for m in figures if m["name"].startswith("mlops")}
    assert told == {("mlops_dead_letters", 3.0)}


def test_telemetry_is_sent_by_the_apps_own_identity(sent: Ingestion) -> None:
    assert sent.senders == {("https://monitor.azure.com/", CLIENT)}
