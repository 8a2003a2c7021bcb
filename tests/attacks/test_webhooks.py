"""Attacks by webhooks: other sources, changed headers, replays."""

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from function_app.domain.webhooks.signatures import sign
from function_app.domain.webhooks.webhook_sources import WebhookSource
from function_app.errors import ContractError, MlopsError, RefusedError
from function_app.triggers.invocation import Answer, Request
from function_app.triggers.webhooks import post_webhook
from tests.attacks.attack import SAME, attack
from tests.attacks.hostile_events import ML, blob, code_office, event, registered
from tests.attacks.targets import MODEL, SECRET, Target, ask, error_of, logged
from tests.triggers.office import PROJECTS, Office, Records


@pytest.fixture
def office(tmp_path: Path, records: Records) -> Office:
    return Office(tmp_path, records=records)


REQUEST = {"model": MODEL, "requestId": "attack"}
ATTRIBUTES = {
    "ce-specversion": "1.0",
    "ce-id": "captured",
    "ce-source": "/builds",
    "ce-type": "Mlops.TrainingRequested",
    "ce-subject": "models/diabetes",
}


def hook(target: Target, body: bytes, headers: dict[str, Any], source: str = "build-server") -> Any:
    path = f"/api/webhooks/{source}"
    return ask(target, "POST", path, key="", content=body, headers=headers)


def signed(body: bytes, attributes: dict[str, str] | None = None, age: int = 0) -> dict[str, Any]:
    now = str(int(time.time()) - age)
    signature = sign(SECRET, body, now, attributes)
    return {
        "X-Mlops-Timestamp": now,
        "X-Hub-Signature-256": signature,
        **(attributes or {}),
    }


@attack(
    point=7,
    does="sends a captured binary CloudEvent with other `ce-` headers",
    answer="401 UNAUTHENTICATED: the signature covers these headers",
    log="webhook of build-server refused",
    before="succeeded",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize(
    "change",
    [
        {"ce-id": "another"},
        {"ce-type": "Mlops.CodePushed"},
        {"ce-subject": "models/wine"},
        {"ce-model": "wine"},
        {"ce-subject": ""},
    ],
    ids=str,
)
def test_a_captured_body_with_other_headers_is_refused(
    target: Target, change: dict[str, str]
) -> None:
    body = json.dumps(REQUEST).encode()
    headers = {**signed(body, ATTRIBUTES), **change}

    answer = hook(target, body, {name: value for name, value in headers.items() if value})

    assert error_of(answer) == (401, "UNAUTHENTICATED")
    assert logged(target, "webhook of build-server refused")


@attack(
    point=7,
    does="sends a signed event without a time, or an old one again",
    answer="401 UNAUTHENTICATED",
    log="webhook of build-server refused",
    before="succeeded",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize("age", [None, 3600, -3600, 86_400])
def test_a_signed_event_needs_a_time_of_now(target: Target, age: int | None) -> None:
    body = json.dumps(event("Mlops.TrainingRequested", REQUEST)).encode()
    headers = {"X-Hub-Signature-256": sign(SECRET, body)} if age is None else signed(body, age=age)

    assert error_of(hook(target, body, headers)) == (401, "UNAUTHENTICATED")


@attack(
    point=7,
    does="signs with headers outside ASCII",
    answer="401 UNAUTHENTICATED",
    log="webhook of build-server refused",
    before="succeeded",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize("name", ["X-Hub-Signature-256", "X-Mlops-Timestamp", "ce-id"])
@pytest.mark.parametrize("value", ["é".encode(), b"\xff\xfe", "sha256=é".encode("latin-1")])
def test_headers_outside_ascii_are_refused(target: Target, name: str, value: bytes) -> None:
    body = json.dumps(REQUEST).encode()

    answer = hook(target, body, {**signed(body, ATTRIBUTES), name: value})

    assert error_of(answer) == (401, "UNAUTHENTICATED")


@attack(
    point=7,
    does="signs an event that the source may not send: of the registry, of storage, of drift",
    answer="403 OUT_OF_SCOPE",
    log="refused: OUT_OF_SCOPE",
    before="succeeded",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize(
    "claim",
    [
        registered("778"),
        blob("diabetes/x.csv"),
        event("Mlops.DriftDetected", {"model": MODEL, "reportId": "r-1", "reason": "x"}),
        event(f"{ML}.RunCompleted", {"runId": "r"}),
    ],
    ids=lambda claim: claim["eventType"],
)
def test_a_source_sends_its_own_types_only(target: Target, claim: Any) -> None:
    body = json.dumps(claim).encode()

    assert error_of(hook(target, body, signed(body))) == (403, "OUT_OF_SCOPE")


def deliver(
    office: Office, source: str, body: bytes, headers: dict[str, str], rules: WebhookSource
) -> Answer[Any]:
    """Send a hook to a invocation that knows one source."""
    office.invocation = replace(
        office.invocation, webhook_secrets={source: SECRET}, sources={source: rules}
    )
    request = Request(route={"source": source}, headers=headers, body=body)
    return asyncio.run(post_webhook(office.invocation, request))


def own(office: Office, body: bytes) -> dict[str, str]:
    """Return the headers of a signed event, in lower case as the host gives them."""
    now = str(int(office.clock.now().timestamp()))
    return {"x-mlops-timestamp": now, "x-hub-signature-256": sign(SECRET, body, now)}


@attack(
    point=7,
    does="asks for a training of a model outside the source's `models`",
    answer="403 OUT_OF_SCOPE; the training of its own model starts",
    log="refused: OUT_OF_SCOPE",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_source_is_kept_to_its_models(tmp_path: Path, records: Records) -> None:
    office = Office(tmp_path, {MODEL: PROJECTS[MODEL], "wine": PROJECTS[MODEL]}, records)
    rules = WebhookSource(models=("wine",))
    bodies = [
        json.dumps(event("Mlops.TrainingRequested", {"model": model, "requestId": "1"})).encode()
        for model in (MODEL, "wine")
    ]

    with pytest.raises(ContractError) as caught:
        deliver(office, "builds", bodies[0], own(office, bodies[0]), rules)
    deliver(office, "builds", bodies[1], own(office, bodies[1]), rules)

    assert caught.value.code == "OUT_OF_SCOPE"
    assert [name.startswith("train-wine-") for name in office.stories.started] == [True]


@attack(
    point=7,
    does="sends other events as GitHub or as Azure DevOps",
    answer="401, or 202 ignored: these sources send pushes and pull requests only",
    log="webhook of github refused",
    before="succeeded",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize("source", ["github", "azure-devops", "github-enterprise"])
def test_code_hosts_send_code_only(office: Office, source: str) -> None:
    body = json.dumps(event("Mlops.TrainingRequested", REQUEST)).encode()
    everything = WebhookSource(types=("Mlops.TrainingRequested",))

    with pytest.raises(RefusedError):
        deliver(office, source, body, own(office, body), everything)
    plain = {"x-hub-signature-256": sign(SECRET, body), "x-github-event": "Mlops.TrainingRequested"}
    if source != "azure-devops":
        [receipt] = deliver(office, source, body, plain, everything).content["receipts"]
        assert (receipt.outcome, receipt.reason) == (
            "ignored",
            "Mlops.TrainingRequested is neither push nor pull_request.",
        )

    assert office.stories.started == []


@attack(
    point=7,
    does="sends a captured hook of GitHub again, also under another delivery id",
    answer="202 repeated; no second story",
    log="none: the receipt says repeated",
    before="refused",
    azure=SAME,
    by="trial",
)
def test_a_replayed_hook_starts_nothing(tmp_path: Path, records: Records) -> None:
    repository, office = code_office(tmp_path, records)
    commit = repository.commit("the first")
    push = {
        "ref": "refs/heads/main",
        "after": commit,
        "commits": [],
        "repository": {"clone_url": str(repository.bare)},
    }
    body = json.dumps(push).encode()
    headers = {"x-hub-signature-256": sign(SECRET, body), "x-github-event": "push"}

    outcomes = [
        deliver(office, "github", body, {**headers, "x-github-delivery": name}, WebhookSource())
        .content["receipts"][0]
        .outcome
        for name in ("one", "one", "another", "")
    ]

    assert outcomes == ["started", "repeated", "repeated", "repeated"]
    assert len(office.stories.started) == len(office.inbox.list_events()) == 1


@attack(
    point=7,
    does="passes GitHub's signature of a body off as a signed event, or the other way",
    answer="refused: no bytes mean both",
    log="webhook of builds refused",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_signatures_of_hooks_and_of_events_are_not_exchangeable(office: Office) -> None:
    now = str(int(office.clock.now().timestamp()))
    body = json.dumps(event("Mlops.TrainingRequested", REQUEST)).encode()
    text = f"{now}.".encode() + body

    tries: list[tuple[bytes, dict[str, str]]] = [
        # A body that our own sender signed, sent as a hook.
        (text, {"x-github-event": "push", "x-hub-signature-256": sign(SECRET, text)}),
        (
            text,
            {
                "x-github-event": "push",
                "content-type": "application/x-www-form-urlencoded",
                "x-hub-signature-256": sign(SECRET, body, now),
            },
        ),
        # A hook's signature on an event without a time.
        (body, {"x-hub-signature-256": sign(SECRET, body)}),
        # Attributes that were signed as a part of the body.
        (
            body,
            {
                "ce-specversion": "1.0",
                "x-mlops-timestamp": now,
                "x-hub-signature-256": sign(SECRET, b"ce-specversion:1.0\n" + body, now),
            },
        ),
    ]
    for content, headers in tries:
        with pytest.raises(MlopsError):
            deliver(office, "builds", content, headers, WebhookSource())

    assert office.stories.started == []
