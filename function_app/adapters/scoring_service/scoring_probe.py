"""Requests predictions of golden rows from a scoring service; the same on every platform."""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from function_app.adapters.scoring_service.scoring_keys import PROBE_KEY
from function_app.domain.release.serving import SmokeReport
from function_app.domain.text.redaction import redact
from function_app.late_imports import importing
from function_app.telemetry import TRACEPARENT, current

if TYPE_CHECKING:
    import ssl

    import httpx

REQUESTS = 20
# The timeout of one request, in seconds. It is long because the latency limit is the policy's: a
# machine that stalls for ten seconds makes one answer slow, but the service is not wrong.
_PATIENCE = 60
# Different causes that a report names, and the characters of each.
_CAUSES, _LONGEST = 3, 400
# The rows of a probe are not a user's: in the prediction log they would look like drift. A request
# counts as a probe only with the probe's secret.
UNLOGGED = {"X-Prediction-Log": "off"}


def ask(
    endpoint: str,
    golden: dict[str, Any],
    secret: str,
    *,
    headers: Mapping[str, str] | None = None,
    proxy_headers: Mapping[str, str] | None = None,
    verify: "ssl.SSLContext | bool" = True,
    digest_of: Callable[[Mapping[str, str]], str] | None = None,
) -> SmokeReport:
    """Return the predictions of the golden rows compared with those of the offline model.

    `secret` is the platform's own of this deployment; `headers` are further credentials. Without
    both the service must answer 401. `proxy_headers` are headers for a proxy before the service.
    The served digest is read from /healthz, or by `digest_of` from the headers of an answer when
    only /score is reachable.
    """
    with importing():
        import httpx

    failures, times, differences = 0, [], []
    # Causes by how often they occurred: twenty requests have one cause, or a few.
    causes: Counter[str] = Counter()
    digest = ""
    traced = {TRACEPARENT: here} if (here := current()) else {}
    with httpx.Client(
        base_url=endpoint,
        timeout=_PATIENCE,
        headers={
            **UNLOGGED,
            **traced,
            **(proxy_headers or {}),
            **(headers or {}),
            PROBE_KEY: secret,
        },
        verify=verify,
    ) as client:
        for _ in range(REQUESTS):
            begun = time.perf_counter()
            try:
                answer = client.post("/score", json={"data": golden["data"]})
                if digest_of is not None:
                    digest = digest_of(answer.headers)
                known = golden.get("probabilities", [])
                differences.append(_difference(answer, golden["result"], known))
            except httpx.HTTPError as error:
                failures += 1
                causes[_named(error)] += 1
            except _AnswerError as error:
                failures += 1
                causes[str(error)] += 1
            times.append((time.perf_counter() - begun) * 1000)
        try:
            if digest_of is None:
                digest = str(_content(client.get("/healthz")).get("image", ""))
        except httpx.HTTPError as error:
            causes[f"GET /healthz: {_named(error)}"] += 1
        except _AnswerError as error:
            causes[f"GET /healthz: {error}"] += 1
    return SmokeReport(
        requests=REQUESTS,
        failures=failures,
        largest_difference=max(differences) if differences else None,
        p95_ms=sorted(times)[int(0.95 * (len(times) - 1))],
        served_digest=digest,
        answers_without_key=answers_without_key(
            endpoint, proxy_headers=proxy_headers, verify=verify
        ),
        detail=" ".join(
            f"{redact(cause)[:_LONGEST]}{'' if cause.endswith('.') else '.'}"
            for cause, _ in causes.most_common(_CAUSES)
        ),
    )


def answers_without_key(
    endpoint: str,
    *,
    proxy_headers: Mapping[str, str] | None = None,
    verify: "ssl.SSLContext | bool" = True,
) -> bool:
    """Return whether a service takes a request without a key; False when it does not answer.

    The request has no rows: a service that would score it answers 400, and logs nothing.
    """
    with importing():
        import httpx

    url = f"{endpoint.rstrip('/')}/score"
    try:
        answer = httpx.post(url, json={}, headers=proxy_headers, timeout=_PATIENCE, verify=verify)
    except httpx.HTTPError:
        return False
    return answer.status_code not in (401, 403) and answer.status_code < 500


class _AnswerError(Exception):
    """An answer without comparable predictions; the text has its status and its body."""


def _difference(
    answer: "httpx.Response",
    known: list[float] | list[str],
    probabilities: list[dict[str, float]],
) -> float:
    """Return the greatest distance of a served prediction from the offline model's.

    A classifier has `probabilities`, and these are compared; another label is an error.
    """
    content = _content(answer)
    result = content.get("result")
    if not isinstance(result, list) or len(result) != len(known):
        raise _AnswerError(
            f"HTTP {answer.status_code} without {len(known)} "
            f"{'labels' if probabilities else 'numbers'} in `result`: {_shown(answer.text)}"
        )
    if probabilities:
        wrong = [pair for pair in zip(result, known, strict=True) if pair[0] != pair[1]]
        if wrong:
            raise _AnswerError(
                f"HTTP {answer.status_code} with {_shown(str(wrong[0][0]))!r} in `result`, where "
                f"the offline model answers {_shown(str(wrong[0][1]))!r}"
            )
        return _difference_of_probabilities(answer, content.get("probabilities"), probabilities)
    # JSON of Python holds NaN, with which no comparison is true: max() would pass over it.
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in result):
        raise _AnswerError(
            f"HTTP {answer.status_code} with something in `result` that is not a finite number: "
            f"{_shown(answer.text)}"
        )
    pairs = zip(result, map(float, known), strict=True)
    return float(max(abs(served - offline) for served, offline in pairs))


def _difference_of_probabilities(
    answer: "httpx.Response", given: object, known: list[dict[str, float]]
) -> float:
    rows = given if isinstance(given, list) and len(given) == len(known) else [None] * len(known)
    pairs = [
        (row.get(label) if isinstance(row, dict) else None, probability)
        for row, offline in zip(rows, known, strict=True)
        for label, probability in offline.items()
    ]
    differences = [
        abs(served - offline)
        for served, offline in pairs
        if isinstance(served, int | float) and math.isfinite(served)
    ]
    if len(differences) < len(pairs):
        raise _AnswerError(
            f"HTTP {answer.status_code} without the probability of each label in `probabilities`: "
            f"{_shown(answer.text)}"
        )
    return float(max(differences))


def _content(answer: "httpx.Response") -> dict[str, object]:
    """Return the JSON object of an answer; _AnswerError, with its status and body, without one."""
    try:
        content = answer.json()
    except ValueError:
        content = None
    if answer.is_success and isinstance(content, dict):
        return content
    error = content.get("error") if isinstance(content, dict) else None
    if isinstance(error, dict) and "message" in error:
        cause = f"{error.get('code', '')}: {error['message']}"
    else:
        cause = _shown(answer.text) or "an empty body"
    raise _AnswerError(f"HTTP {answer.status_code} {cause}")


def _named(error: Exception) -> str:
    # A time-out has no text of its own.
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _shown(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]
