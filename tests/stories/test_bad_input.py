"""Requests, events and files that are wrong: refused with a status, a code and a remedy."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from function_app.addresses import file_address
from tests.api_document import DOCUMENT, check_answer
from tests.patience import PATIENCE
from tests.stories.conftest import App
from tests.stories.hostile_requests import BODIES, FUZZ, HEADERS, PATHS, TEXT

EVENT: dict[str, Any] = {
    "id": "e",
    "topic": "t",
    "subject": "/blobServices/default/containers/data/blobs/diabetes/x.csv",
    "eventType": "Microsoft.Storage.BlobCreated",
    "eventTime": "2026-01-01T00:00:00Z",
    "dataVersion": "1",
    "data": {"api": "PutBlob", "url": "file:///etc/passwd", "eTag": "1"},
}


@pytest.fixture
def quiet_app(app: App) -> Iterator[httpx.Client]:
    """Return a client of the app; AssertionError at the end when a story was started."""
    before = app.started()
    with httpx.Client(base_url=app.host.url, timeout=PATIENCE) as client:
        yield client
    assert app.started() == before


def test_the_app_serves_the_document_that_the_fuzz_goes_by(app: App) -> None:
    assert app.api.get("/api/openapi.json") == DOCUMENT


@FUZZ
@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "PUT", "HEAD"]),
    path=PATHS,
    part=TEXT,
    headers=HEADERS,
    body=BODIES,
)
def test_no_request_causes_a_fault_or_starts_a_story(
    quiet_app: httpx.Client, method: str, path: str, part: str, headers: dict[str, str], body: bytes
) -> None:
    filled = "/".join(
        quote(part, safe="", errors="replace") or "x" if "{" in piece else piece
        for piece in path.split("/")
    )

    answer = quiet_app.request(method, f"/api/{filled}", headers=headers, content=body)

    assert answer.status_code < 500, f"{method} {filled} {body!r}: {answer.text}"
    if "%2F" not in filled and "/../" not in f"/{filled}/":
        check_answer(method, f"/api/{filled}", answer.status_code, answer.headers, answer.content)
    if answer.status_code >= 400 and answer.content and method != "HEAD":
        error: Any = answer.json()["error"]
        assert error["code"]
        assert len(error["message"]) > 10


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "MALFORMED_JSON"),
        (b"[]", 400, "CONTRACT"),
        (b"1", 400, "CONTRACT"),
        (json.dumps({**EVENT, "eventType": "Some.Other"}).encode(), 400, "UNKNOWN_TYPE"),
        (json.dumps({**EVENT, "id": float("nan")}).encode(), 400, "MALFORMED_JSON"),
        (json.dumps({**EVENT, "data": 1}).encode(), 400, "CONTRACT"),
        (json.dumps({**EVENT, "specversion": "0.3"}).encode(), 400, "CONTRACT"),
        (
            json.dumps(
                {**EVENT, "subject": "/blobServices/default/containers/data/blobs/iris/x"}
            ).encode(),
            404,
            "UNKNOWN_MODEL",
        ),
        (b"[" + b" " * 1_100_000 + b"]", 413, "TOO_LARGE"),
    ],
)
def test_a_bad_event_gets_a_status_a_code_and_what_to_do(
    app: App, body: bytes, status: int, code: str
) -> None:
    answer = app.ask("POST", "/api/events", content=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert len(answer.json()["error"]["message"]) > 20


def test_a_bad_event_in_a_batch_does_not_hold_up_the_others(app: App) -> None:
    registered = {
        **EVENT,
        "eventType": "Microsoft.MachineLearningServices.RunCompleted",
        "data": {"runId": "r", "runTags": {"instance_id": "nobody"}},
    }
    receipts = app.ask("POST", "/api/events", json=[{**EVENT, "data": 2}, registered]).json()

    assert [r["code"] for r in receipts["receipts"]] == ["CONTRACT", "UNKNOWN_RUN"]
    letters = [letter["event_key"] for letter in app.api.get("/api/status")["dead_letters"]]
    assert receipts["receipts"][0]["event_key"] in letters


@pytest.mark.parametrize("instance_id", ["%3F", "a%3Fb", "%20", "%F0%9F%A6%8A"])
def test_an_id_that_no_story_can_have_is_not_found(app: App, instance_id: str) -> None:
    answer = app.ask("GET", f"/api/status/{instance_id}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


def test_a_dead_letter_is_shown_replayed_and_discarded(app: App) -> None:
    def letters() -> list[str]:
        found = app.api.get("/api/events?outcome=refused")["events"]
        return [letter["event_key"] for letter in found]

    before = set(letters())
    unknown = {**EVENT, "id": "lost", "eventType": "Not.Yet"}
    app.ask("POST", "/api/events", json=unknown)
    [key] = set(letters()) - before

    shown = app.api.get(f"/api/events/{key}")
    again = app.api.post(f"/api/events/{key}/replay")["receipt"]

    assert (shown["code"], shown["payload"]) == ("UNKNOWN_TYPE", unknown)
    assert again["outcome"] == "refused"
    assert key in letters(), "it stays until something takes it"
    assert app.api.delete(f"/api/events/{key}") == {"discarded": key}
    gone = app.ask("POST", f"/api/events/{key}/replay")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "NOT_FOUND")


def test_a_build_system_asks_for_a_training_once(app: App, diabetes: str) -> None:
    (app.state / "inbox" / "data").mkdir(parents=True, exist_ok=True)
    path = app.state / "inbox" / "data" / ".built.csv"
    path.write_text("a,b\n1,2\n")
    request = {
        "specversion": "1.0",
        "id": "1",
        "source": "/jenkins",
        "type": "Mlops.TrainingRequested",
        "data": {"model": "diabetes", "dataUri": file_address(path), "requestId": "build-7"},
    }

    receipts = [app.api.post("/api/events", {**request, "id": n})["receipts"][0] for n in "12"]

    assert [receipt["outcome"] for receipt in receipts] == ["started", "repeated"]
    assert app.ended(receipts[0]["instance_id"])["output"]["outcome"] == "rejected"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.csv", "", "The file is empty"),
        ("columns.csv", "a,b\n1,2\n", "Column age is absent"),
        ("broken.csv", 'age,Y\n"1,2\n', "is opened in line 2 and never closed"),
        ("excel.csv", "age;bmi\n1,5;2\n", "separated by semicolons"),
    ],
)
def test_bad_data_is_rejected_with_the_reason_in_the_status(
    app: App, name: str, content: str, reason: str
) -> None:
    app.drop(f"diabetes/{name}", content)

    ended = app.ended(app.claimed(f"diabetes/{name}"))

    assert ended["output"]["outcome"] == "rejected"
    assert reason in ended["step"]["reason"]


def test_an_event_cannot_make_the_app_read_files_outside_its_inbox(app: App) -> None:
    app.drop("diabetes/.real.csv", "a,b\n1,2\n")
    real = {**EVENT, "subject": EVENT["subject"].replace("x.csv", ".real.csv")}

    missing = app.ask("POST", "/api/events", json=EVENT)
    receipt = app.ask("POST", "/api/events", json=real).json()["receipts"][0]

    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "UNKNOWN_FILE")
    reasons = " ".join(app.ended(receipt["instance_id"])["output"]["reasons"])
    assert "Column age is absent" in reasons, "the file of the subject was read, not the address"


@pytest.mark.parametrize(
    ("model", "reason"), [("crashing", "no memory for 10 trees"), ("slow", "timed_out")]
)
def test_a_training_that_crashes_or_hangs_fails_with_the_reason(
    app: App, diabetes: str, model: str, reason: str
) -> None:
    app.drop(f"{model}/data.csv", diabetes)

    ended = app.ended(app.claimed(f"{model}/data.csv"))

    assert ended["output"]["outcome"] == "failed"
    assert reason in ended["step"]["reason"]


def test_a_service_that_never_gets_healthy_fails_the_release(app: App, diabetes: str) -> None:
    app.drop("sick/data.csv", diabetes)
    app.ended(app.claimed("sick/data.csv"))

    ended = app.ended("release-sick-1")

    assert ended["output"]["status"] == "failed"
    assert "did not get healthy" in ended["output"]["reasons"][0]
    assert "cannot find the model" in ended["output"]["reasons"][0]
    assert app.api.get("/api/releases/release-sick-1")["status"] == "failed"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/releases/release-x-9", 404, "NOT_FOUND"),
        ("GET", "/api/status/nobody", 404, "NOT_FOUND"),
        ("POST", "/api/releases/release-x-9/approve", 404, "NOT_FOUND"),
        ("POST", "/api/models/iris/train", 404, "NOT_FOUND"),
        ("POST", "/api/models/diabetes/train", 400, "CONTRACT"),
        ("POST", "/api/models/diabetes/roll-back", 409, "CONFLICT"),
    ],
)
def test_unknown_ids_are_refused_with_a_code(
    app: App, method: str, path: str, status: int, code: str
) -> None:
    headers = {"Authorization": f"Bearer {app.api.token('ada')}"}
    decides = path.endswith(("/approve", "/reject"))
    body = {"image_digest": f"sha256:{64 * 'a'}", "evidence_hash": 64 * "b"} if decides else None

    answer = app.ask(method, path, json=body, headers=headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
