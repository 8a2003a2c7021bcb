"""Signed events from build systems, over HTTP, with no function key."""

import json
from typing import Any

import pytest

from function_app.domain.signatures import sign
from tests.stories.conftest import SECRET, App

REQUEST: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/build-server",
    "type": "Mlops.TrainingRequested",
    "data": {"model": "diabetes", "dataUri": "file:///nowhere.csv", "requestId": "signed-1"},
}
BODY = json.dumps(REQUEST).encode()


def post(app: App, body: bytes, signature: str, source: str = "build-server", **more: str) -> Any:
    headers = {"X-Hub-Signature-256": signature, **more} if signature else more
    return app.ask("POST", f"/api/webhooks/{source}", content=body, headers=headers)


def test_a_signed_event_is_taken_once(app: App) -> None:
    answers = [post(app, BODY, sign(SECRET, BODY)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 202]
    outcomes = [answer.json()["receipts"][0]["outcome"] for answer in answers]
    assert outcomes == ["started", "repeated"]


@pytest.mark.parametrize(
    "signature",
    ["", "sha256=", "sha256=" + "0" * 64, sign("another secret", BODY), sign(SECRET, BODY + b" ")],
)
def test_a_missing_or_forged_signature_is_refused_and_starts_nothing(
    app: App, signature: str
) -> None:
    before = len(app.api.get("/api/status")["stories"])

    answer = post(app, BODY, signature)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")
    assert len(app.api.get("/api/status")["stories"]) == before
    assert SECRET not in answer.text


def test_an_unknown_source_is_told_how_to_become_known(app: App) -> None:
    answer = post(app, BODY, sign(SECRET, BODY), source="travis-ci")

    assert answer.status_code == 404
    assert "MLOPS_WEBHOOK_SECRET_TRAVIS_CI" in answer.json()["error"]["message"]


def test_a_signed_body_is_checked_like_any_other(app: App) -> None:
    wrong, large = b"{", b"[" + b" " * 1_100_000 + b"]"

    assert post(app, wrong, sign(SECRET, wrong)).status_code == 400
    assert post(app, large, sign(SECRET, large)).status_code == 413


def test_a_ping_is_answered(app: App) -> None:
    answer = post(app, b"{}", sign(SECRET, b"{}"), **{"X-GitHub-Event": "ping"})

    assert (answer.status_code, answer.json()) == (200, {"pong": "build-server"})
