"""Requests to a deployment, compared with what the offline model said of the same rows."""

import json
import time
from pathlib import Path

from function_app.domain.serving import Deployment, SmokeReport
from function_app.domain.training import ModelVersion

REQUESTS = 20
# A probe's rows are no users': in the prediction log they would look like drift.
UNLOGGED = {"X-Prediction-Log": "off"}


class LocalProbe:
    """Asks a deployment over HTTP."""

    def smoke_test(self, deployment: Deployment, version: ModelVersion) -> SmokeReport:
        import httpx

        golden = json.loads((Path(version.uri) / "golden.json").read_text(encoding="utf-8"))
        failures, details, times, differences = 0, [], [], []
        digest = ""
        with httpx.Client(base_url=deployment.endpoint, timeout=10) as client:
            for _ in range(REQUESTS):
                begun = time.perf_counter()
                try:
                    answer = client.post("/score", json={"data": golden["data"]}, headers=UNLOGGED)
                    answer.raise_for_status()
                    pairs = zip(answer.json()["result"], golden["result"], strict=True)
                    differences.append(max(abs(served - known) for served, known in pairs))
                except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                    failures += 1
                    details.append(type(error).__name__)
                times.append((time.perf_counter() - begun) * 1000)
            try:
                digest = str(client.get("/healthz").json().get("image", ""))
            except (httpx.HTTPError, ValueError) as error:
                details.append(f"healthz: {type(error).__name__}")
        return SmokeReport(
            requests=REQUESTS,
            failures=failures,
            largest_difference=max(differences) if differences else None,
            p95_ms=sorted(times)[int(0.95 * (len(times) - 1))],
            served_digest=digest,
            detail=", ".join(sorted(set(details))),
        )
