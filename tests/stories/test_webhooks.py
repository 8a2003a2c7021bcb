"""Signed events of build systems and subscriptions of Event Grid, over HTTP without a function key."""

import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest

from function_app.domain.webhooks.signatures import sign
from tests.stories.conftest import SECRET, TOPIC, App

REQUEST: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/build-server",
    "type": "Mlops.TrainingRequested",
    "data": {"model": "diabetes", "dataUri": "file:///nowhere.csv", "requestId": "signed-1"},
}
BODY = json.dumps(REQUEST).encode()


def now() -> str:
    return str(int(time.time()))


def post(app: App, body: bytes, signature: str, source: str = "build-server", **more: str) -> Any:
    headers = {"X-Hub-Signature-256": signature, **more} if signature else more
    return app.ask("POST", f"/api/webhooks/{source}", content=body, headers=headers)


def test_a_signed_event_is_taken_once(app: App) -> None:
    sent = now()
    signature, time_of = sign(SECRET, BODY, sent), {"X-Mlops-Timestamp": sent}
    answers = [post(app, BODY, signature, **time_of) for _ in range(2)]

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
    before = app.started()

    answer = post(app, BODY, signature)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")
    assert app.started() == before
    assert SECRET not in answer.text


def test_an_unknown_source_is_told_how_to_become_known(app: App) -> None:
    answer = post(app, BODY, sign(SECRET, BODY), source="travis-ci")

    assert answer.status_code == 404
    assert "MLOPS_WEBHOOK_SECRET_TRAVIS_CI" in answer.json()["error"]["message"]


def test_a_signed_body_is_checked_like_any_other(app: App) -> None:
    wrong, large = b"{", b"[" + b" " * 1_100_000 + b"]"

    for body, status in ((wrong, 400), (large, 413)):
        sent = now()
        answer = post(app, body, sign(SECRET, body, sent), **{"X-Mlops-Timestamp": sent})
        assert answer.status_code == status


def test_a_ping_is_answered(app: App) -> None:
    answer = post(app, b"{}", sign(SECRET, b"{}"), **{"X-GitHub-Event": "ping"})

    assert (answer.status_code, answer.json()) == (200, {"pong": "build-server"})


def test_an_old_delivery_is_refused_even_when_it_is_signed(app: App) -> None:
    sent, old = now(), str(int(time.time()) - 3600)

    fresh = post(app, BODY, sign(SECRET, BODY, sent), **{"X-Mlops-Timestamp": sent})
    late = post(app, BODY, sign(SECRET, BODY, old), **{"X-Mlops-Timestamp": old})

    assert fresh.status_code == 202
    assert (late.status_code, late.json()["error"]["code"]) == (401, "UNAUTHENTICATED")


def test_a_cloud_event_in_binary_mode_is_taken(app: App) -> None:
    body = json.dumps({"model": "diabetes", "requestId": "binary-1"}).encode()
    attributes = {
        "ce-specversion": "1.0",
        "ce-id": "b1",
        "ce-source": "/travis",
        "ce-type": "Mlops.TrainingRequested",
    }

    sent = now()
    signature = sign(SECRET, body, sent, attributes)
    answer = post(app, body, signature, **attributes, **{"X-Mlops-Timestamp": sent})

    assert answer.status_code == 202, answer.text
    assert answer.json()["receipts"][0]["outcome"] == "started"


PUSH: dict[str, Any] = {
    "ref": "refs/heads/main",
    "after": "9d1c6c1e1d6f0a6f1d0f9a8b7c6d5e4f3a2b1c0d",
    "commits": [],
    "repository": {"clone_url": "https://github.com/nobody/knows.git"},
}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({}, 404, "UNKNOWN_REPOSITORY"),
        ({"after": "HEAD; rm -rf /"}, 400, "CONTRACT"),
        ({"repository": []}, 400, "CONTRACT"),
    ],
)
def test_a_push_that_nothing_takes_says_why(
    app: App, change: dict[str, Any], status: int, code: str
) -> None:
    body = json.dumps({**PUSH, **change}).encode()
    kind = {"X-GitHub-Event": "push", "X-GitHub-Delivery": f"d-{code}-{len(body)}"}

    answer = post(app, body, sign(SECRET, body), **kind, **{"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize("kind", ["push", "ping"])
def test_a_hook_of_form_fields_is_taken_like_one_of_json(app: App, kind: str) -> None:
    body = urlencode({"payload": json.dumps(PUSH)}).encode()
    form = {"X-GitHub-Event": kind, "Content-Type": "application/x-www-form-urlencoded"}

    forged = post(app, body, sign(SECRET, json.dumps(PUSH).encode()), **form)
    answer = post(app, body, sign(SECRET, body), **form)

    assert forged.status_code == 401, "the signature is over the body as it came"
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "UNKNOWN_REPOSITORY")


@pytest.mark.parametrize(
    ("body", "form", "says"),
    [
        (b"hook=%7B%7D", "application/x-www-form-urlencoded", "no field `payload`"),
        (b"payload=x", "application/x-www-form-urlencoded; charset=utf-8", "not JSON"),
        (b"<x/>", "text/xml", "Set its content type to application/json"),
        (b'{"hook": {"events": ["star"]}}', "application/json", "Let it send push"),
    ],
)
@pytest.mark.parametrize("kind", ["push", "ping"])
def test_a_ping_says_what_a_push_would_be_told(
    app: App, kind: str, body: bytes, form: str, says: str
) -> None:
    headers = {"X-GitHub-Event": kind, "Content-Type": form}

    answer = post(app, body, sign(SECRET, body), **headers)

    assert answer.status_code == 400
    if kind == "ping" or "events" not in body.decode():
        assert says in answer.json()["error"]["message"]


def test_a_request_without_a_body_is_an_empty_object(app: App) -> None:
    platform = app.ask("POST", "/api/platform")
    training = app.ask("POST", "/api/models/diabetes/train")
    empty = app.ask("POST", "/api/models/diabetes/train", json={})
    events = app.ask("POST", "/api/events")

    assert platform.status_code == 202
    assert (training.status_code, training.json()) == (empty.status_code, empty.json())
    assert events.json()["error"]["message"] == "The body is empty. Send JSON."


def test_only_azure_devops_may_send_its_secret_as_a_password(app: App) -> None:
    hook = {"id": "1", "eventType": "workitem.created", "resource": {"repository": {}}}

    def ask(source: str, password: str) -> int:
        path, auth = f"/api/webhooks/{source}", ("hook", password)
        return app.ask("POST", path, json=hook, auth=auth).status_code

    assert ask("azure-devops", SECRET) == 202
    assert ask("azure-devops", "another secret entirely") == 401
    assert ask("build-server", SECRET) == 401


# Event Grid may subscribe `POST /api/events` from topics that are configured, and from no other.
def validation(topic: str, **change: Any) -> list[dict[str, Any]]:
    event = {
        "id": "2d1781af-3a4c-4d7c-bd0c-e34b19da4e66",
        "topic": topic,
        "subject": "",
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "512d38b6", "validationUrl": "https://rp/"},
        **change,
    }
    return [event]


def subscribe(app: App, body: Any) -> Any:
    headers = {"aeg-event-type": "SubscriptionValidation"}
    return app.ask("POST", "/api/events", json=body, headers=headers)


def test_a_configured_topic_gets_its_code_back_with_exactly_200(app: App) -> None:
    answer = subscribe(app, validation(TOPIC.upper()))

    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "512d38b6"})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (validation("/subscriptions/evil"), 403),
        (validation(TOPIC, data={}), 400),
        (validation(TOPIC, eventType="Mlops.TrainingRequested"), 400),
        ([], 400),
        (1, 400),
    ],
)
def test_any_other_handshake_is_refused(app: App, body: Any, status: int) -> None:
    answer = subscribe(app, body)

    assert answer.status_code == status
    assert "validationResponse" not in answer.text


def test_the_handshake_of_cloud_events_is_answered_to_a_configured_origin_only(app: App) -> None:
    def options(origin: str) -> Any:
        return app.ask("OPTIONS", "/api/events", headers={"WebHook-Request-Origin": origin})

    good, bad = options("eventgrid.azure.net"), options("evil.example.com")

    assert good.status_code == 200
    assert good.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"
    assert bad.status_code == 403
    assert "WebHook-Allowed-Origin" not in bad.headers
