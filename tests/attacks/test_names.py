"""Attacks with names that are paths, options or control characters."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.attacks.attack import SAME, attack
from tests.attacks.targets import MODEL, Target, ask, error_of, keys, named_by, waiting
from tests.funchost.conftest import until

CLIMBS = "../../../../../../tmp/mlops-canary"
COMMIT = "c" * 40
ENDED = ("Completed", "Failed", "Terminated")
DURABLE = "/runtime/webhooks/durabletask"
POLICY = {
    "approvers": ["ada"],
    "approval_timeout": 60.0,
    "smoke_tolerance": 1e-6,
    "max_p95_ms": 500.0,
    "replicas": 1,
}


def event(kind: str, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": json.dumps(data)[:60],
        "source": "attacker",
        "type": kind,
        "subject": f"models/{MODEL}",
        "data": data,
    }


def stories(target: Target) -> set[str]:
    return {view["instance_id"] for view in target.api.get("/api/status")["stories"]}


def start(target: Target, story: str, instance: str, argument: Any) -> dict[str, Any]:
    """Start a story with Durable's own key, as a thief of it would, and return how it ended."""
    path = f"{DURABLE}/orchestrators/{story}/{instance}"
    answer = ask(target, "POST", path, key=keys(target)["system"], json=argument)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = {}

    def has_ended() -> bool:
        query = f"{DURABLE}/instances/{instance}?showHistory=true"
        found.update(ask(target, "GET", query, key=keys(target)["system"]).json())
        return found.get("runtimeStatus") in ENDED

    until(has_ended, f"the end of {instance}", 120)
    return found


@attack(
    point=3,
    does="sends an event whose codeVersion is the path of a folder with code",
    answer="400 BAD_NAME; a dead letter, no training",
    log="inbox: the event is refused with the field and the pattern",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_code_version_that_is_a_path_starts_no_training(target: Target) -> None:
    before = stories(target)
    sent = event("Mlops.TrainingRequested", model=MODEL, requestId="r-path", codeVersion=CLIMBS)

    answer = ask(target, "POST", "/api/events", json=sent)

    assert error_of(answer) == (400, "BAD_NAME")
    assert "code_version" in answer.json()["error"]["message"]
    assert "64 hex digits" in answer.json()["error"]["message"]
    letters = target.api.get("/api/events?outcome=refused")["events"]
    assert any(letter["code"] == "BAD_NAME" for letter in letters)
    assert stories(target) == before


@attack(
    point=3,
    does="sends events whose version, run id, digest, branch or model is a path or an option",
    answer="400 BAD_NAME for each; no story",
    log="inbox: the events are refused with the field and the pattern",
    before="succeeded",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize(
    "sent",
    [
        event(
            "Microsoft.MachineLearningServices.ModelRegistered",
            modelName=MODEL,
            modelVersion="1/../../x",
        ),
        event(
            "Microsoft.MachineLearningServices.RunCompleted",
            runId="../x",
            runTags={"instance_id": "x"},
        ),
        event(
            "Mlops.CodePushed",
            repository="https://example.com/r.git",
            ref="refs/heads/--upload-pack=touch",
            commit=COMMIT,
        ),
        event(
            "Mlops.CodeProposed",
            repository="https://example.com/r.git",
            ref="refs/heads/main",
            commit=COMMIT,
            number="1:refs/heads/main",
        ),
        event("Mlops.TrainingRequested", model=MODEL, requestId="line\u2028", codeVersion="a\n"),
        event("Mlops.DriftDetected", model=f"../{MODEL}", reportId="1", reason="x"),
    ],
)
def test_an_event_with_a_name_that_is_a_path_starts_nothing(
    target: Target, sent: dict[str, Any]
) -> None:
    before = stories(target)

    answer = ask(target, "POST", "/api/events", json=sent)

    assert error_of(answer) == (400, "BAD_NAME")
    assert stories(target) == before


@attack(
    point=3,
    does="starts a story with Durable's key and an input whose digest, version or id is a path",
    answer="the story fails with BAD_NAME, and no activity runs",
    log="the story's reason names the field and the pattern",
    before="succeeded",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize(
    ("story", "argument", "field"),
    [
        (
            "roll_back",
            {
                "model": MODEL,
                "former": {
                    "model": MODEL,
                    "version": "1",
                    "digest": f"sha256:{CLIMBS}",
                    "uri": "",
                },
                "by": "ada",
            },
            "RollBack.former.digest",
        ),
        ("roll_back", {"model": "../../x"}, "RollBack.model"),
        (
            "release_model",
            {"release_id": CLIMBS, "model": MODEL, "version": "1", "policy": POLICY},
            "Release.release_id",
        ),
        (
            "release_model",
            {"release_id": "r", "model": MODEL, "version": CLIMBS, "policy": POLICY},
            "Release.version",
        ),
        ("ensure_platform", {"parts": [CLIMBS]}, "PlatformRequest.parts[0]"),
        ("reconcile", {"reason": "x", "models": [CLIMBS]}, "ReconcileRequest.models[0]"),
    ],
)
def test_a_story_whose_input_has_a_path_for_a_name_fails_before_it_acts(
    target: Target, story: str, argument: dict[str, Any], field: str
) -> None:
    instance = f"attack-{field}".replace(".", "-").replace("[0]", "")

    found = start(target, story, instance, argument)

    assert found["runtimeStatus"] == "Failed"
    assert "BAD_NAME" in json.dumps(found["output"])
    assert field in json.dumps(found["output"])
    history = found.get("historyEvents") or []
    kinds = {entry.get("EventType") for entry in history}
    assert not kinds & {"TaskScheduled", "TaskCompleted", "TaskFailed"}


@attack(
    point=3,
    does="decides with a path instead of the image's digest or the hash of the evidence",
    answer="400 BAD_NAME; the release waits on",
    log="audit: the refusal of the decision",
    before="refused",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize("name", ["image_digest", "evidence_hash"])
def test_a_decision_that_names_a_path_decides_nothing(target: Target, name: str) -> None:
    record = waiting(target, "301")
    release_id = record.release.release_id
    body = {**named_by(record), name: f"sha256:{CLIMBS}"}

    answer = ask(
        target,
        "POST",
        f"/api/releases/{release_id}/approve",
        token=target.token("ada"),
        json=body,
    )

    assert error_of(answer) == (400, "BAD_NAME")
    assert target.api.get(f"/api/releases/{release_id}")["decision"] is None


@attack(
    point=3,
    does="asks for runs, releases, events and stories by ids that climb out of their folder",
    answer="404 NOT_FOUND, or 404 of the host when it resolves the path",
    log="none, because a question for an unknown id changes nothing",
    before="refused",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize("kind", ["runs", "releases", "events", "status"])
@pytest.mark.parametrize(
    "name", ["..%2f..%2fetc%2fpasswd", "%2e%2e", "a%00", "a%0a", "%5c..%5cx", "C%3a%5cx"]
)
def test_an_id_in_a_url_that_is_a_path_is_unknown(target: Target, kind: str, name: str) -> None:
    answer = ask(target, "GET", f"/api/{kind}/{name}")

    assert answer.status_code in (400, 404)


@attack(
    point=11,
    does="writes escape sequences and overrides of direction into a decision's comment",
    answer="202; the comment is stored without them",
    log="audit: the decision with the clean comment",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_comment_steers_no_terminal(target: Target) -> None:
    record = waiting(target, "311")
    release_id = record.release.release_id
    comment = "fine\x1b]0;owned\x07\x1b[2J\x1b[31m\u202erejected\x00\nsecond line"
    body = {**named_by(record), "comment": comment}

    answer = ask(
        target,
        "POST",
        f"/api/releases/{release_id}/reject",
        token=target.token("ada"),
        json=body,
    )

    assert answer.status_code == 202, answer.text
    stored = target.api.get(f"/api/releases/{release_id}")["decision"]
    assert stored["comment"] == "fine\ufffdrejected\ufffd\nsecond line"


@attack(
    point=11,
    does="sends an event whose texts hold control characters",
    answer="the event is kept and shown without them",
    log="inbox: the event without control characters",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_an_event_is_kept_without_control_characters(target: Target) -> None:
    sent = event(
        "Mlops.DriftDetected", model="nobody", reportId="1", reason="\x1b[31mred\x9b0m\u2066"
    )
    sent["subject"] = "models/nobody\r\nINFO forged"

    answer = ask(target, "POST", "/api/events", json=sent)

    assert error_of(answer) == (404, "UNKNOWN_MODEL")
    [kept] = [e for e in target.api.get("/api/events")["events"] if "forged" in e["subject"]]
    texts = list(texts_in(target.api.get(f"/api/events/{kept['event_key']}")))
    assert any("red" in text for text in texts), "the reason is shown"
    assert not [text for text in texts if any(sign in text for sign in "\x1b\x9b\u2066\r")]


def texts_in(content: Any) -> Iterator[str]:
    """Yield every text of a JSON value; the text of the JSON itself would escape the signs."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        yield from texts_in(list(content.values()))
    elif isinstance(content, list):
        for each in content:
            yield from texts_in(each)
