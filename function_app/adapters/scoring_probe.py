"""Asks a scoring service over HTTP for golden rows; the same on every platform."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from function_app.domain.serving import SmokeReport
from function_app.late_imports import importing
from function_app.telemetry import TRACEPARENT, current

REQUESTS = 20
# A probe's rows are no users': in the prediction log they would look like drift.
UNLOGGED = {"X-Prediction-Log": "off"}


def ask(
    endpoint: str,
    golden: dict[str, Any],
    *,
    headers: Mapping[str, str] | None = None,
    ca_file: str = "",
    digest_of: Callable[[Mapping[str, str]], str] | None = None,
) -> SmokeReport:
    """Compare what the service answers to the golden rows with what the offline model said.

    What image answered is what /healthz says, or what `digest_of` reads from an answer's headers
    where nothing but /score is reached.
    """
    import ssl

    with importing():
        import httpx

    failures, details, times, differences = 0, [], [], []
    digest = ""
    traced = {TRACEPARENT: here} if (here := current()) else {}
    verify = ssl.create_default_context(cafile=ca_file) if ca_file else True
    with httpx.Client(
        base_url=endpoint,
        timeout=10,
        headers={**UNLOGGED, **traced, **(headers or {})},
        verify=verify,
    ) as client:
        for _ in range(REQUESTS):
            begun = time.perf_counter()
            try:
                answer = client.post("/score", json={"data": golden["data"]})
                answer.raise_for_status()
                if digest_of is not None:
                    digest = digest_of(answer.headers)
                pairs = zip(answer.json()["result"], golden["result"], strict=True)
                differences.append(max(abs(served - known) for served, known in pairs))
            except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                failures += 1
                details.append(type(error).__name__)
            times.append((time.perf_counter() - begun) * 1000)
        try:
            if digest_of is None:
                digest = str(client.get("/healthz").json().get("image", ""))
        except (httpx.HTTPError, ValueError, AttributeError) as error:
            details.append(f"healthz: {type(error).__name__}")
    return SmokeReport(
        requests=REQUESTS,
        failures=failures,
        largest_difference=max(differences) if differences else None,
        p95_ms=sorted(times)[int(0.95 * (len(times) - 1))],
        served_digest=digest,
        detail=", ".join(sorted(set(details))),
    )
