"""Spans of replicas in Azure: below the caller's, under the identity that the cluster gives them."""

import json
from pathlib import Path

from tests.azure_servers.identity import CLIENT
from tests.azure_servers.insights import Ingestion
from tests.azure_servers.tls import make_tls
from tests.scoring.service import pod_identity, serving

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_pods_spans_reach_application_insights_below_the_callers(
    model: Path, tmp_path: Path
) -> None:
    tls = make_tls(tmp_path)
    golden = json.loads((model / "golden.json").read_text())
    with Ingestion(tls) as ingestion, pod_identity(tls, tmp_path) as given:
        environ = {
            **given,
            "IMAGE_DIGEST": "sha256:aa",
            "APPLICATIONINSIGHTS_CONNECTION_STRING": ingestion.connection_string,
            "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
        }
        with serving(model, environ) as client:
            header = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
            client.post("/score", json={"data": golden["data"]}, headers=header)

    span = ingestion.named("RequestData", "POST /score")
    assert span["tags"]["ai.operation.id"] == TRACE
    assert span["tags"]["ai.operation.parentId"] == CALLER
    assert span["tags"]["ai.cloud.role"] == "scoring"
    assert ingestion.senders == {("https://monitor.azure.com/", CLIENT)}
