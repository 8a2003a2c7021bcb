"""Every documented answer of every route, made by the app's own wiring, matches its schema.

tests/stories holds the answers of the running app to the same document.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from function_app.domain.project import Limits
from function_app.domain.webhooks.signatures import sign
from function_app.triggers.invocation import MAX_BODY
from function_app.triggers.webhooks import MAX_HOOK
from tests.activities.law_bench import image
from tests.api_document import DOCUMENT
from tests.triggers.api_scene import (
    HANDSHAKE,
    PERSON,
    PING,
    REQUESTED,
    SECRET,
    TOPIC,
    Scene,
    event,
    hook,
    registered,
    validation,
    well_formed,
)
from tests.triggers.test_reports import RUN

OPERATIONS = {
    operation["operationId"]: operation
    for operations in DOCUMENT["paths"].values()
    for operation in operations.values()
}
BY_PERSON = {name for name, each in OPERATIONS.items() if "person" in str(each.get("security"))}
# The host refuses these without a function key; tests/attacks/test_borders.py has the keys.
KEY_ONLY = {*OPERATIONS} - BY_PERSON - {"post_webhook", "post_training", "post_retry"}
KEY_ONLY -= {"post_replay"}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the records of the scene, from which each test has a copy."""
    folder = tmp_path_factory.mktemp("planted")
    Scene(folder).plant()
    return folder


@pytest.fixture
def scene(planted: Path, tmp_path: Path) -> Scene:
    return Scene(shutil.copytree(planted, tmp_path / "scene"))


SUCCESSES = {
    (name, int(status))
    for name, operation in OPERATIONS.items()
    for status in operation["responses"]
    if status < "400"
}
ERRORS = {
    (name, int(status))
    for name, operation in OPERATIONS.items()
    for status in operation["responses"]
    if status >= "400" and not (status == "401" and name in KEY_ONLY)
}
# Requests whose answer is not that of `well_formed`, or an error that is not made alike for all.
SPECIAL: dict[tuple[str, int], dict[str, Any]] = {
    ("post_events", 200): {"json_body": validation(TOPIC), "headers": HANDSHAKE},
    ("post_webhook", 200): {
        "source": "github",
        "body": PING,
        "headers": {"x-github-event": "ping", "x-hub-signature-256": sign(SECRET, PING)},
    },
    ("post_events", 400): {"body": b"{"},
    ("post_webhook", 400): hook(body=b"{"),
    ("get_events", 400): {"query": {"outcome": "x"}},
    ("get_releases", 400): {"query": {"limit": "0"}},
    ("get_run_log", 400): {"run_id": RUN.run_id, "query": {"tail": "x"}},
    ("get_audit", 400): {"query": {"after": "x"}, **PERSON},
    ("get_audit_check", 400): {"query": {"after": "x"}, **PERSON},
    ("post_webhook", 401): hook(REQUESTED, secret="another"),
    ("options_events", 403): {},
    ("post_events", 403): {"json_body": validation("another"), "headers": HANDSHAKE},
    ("post_webhook", 403): hook(event("Mlops.DriftDetected")),
    ("post_events", 404): {"json_body": registered("9")},
    ("post_webhook", 404): hook(registered("9")),
    ("post_events", 409): {"json_body": registered("7")},
    ("post_webhook", 409): hook(registered("7")),
    ("post_cancel", 409): {"instance_id": "failed", **PERSON},
    ("post_retry", 409): {"instance_id": "running"},
    ("delete_part", 409): {"part": "state", **PERSON},
    ("post_webhook", 413): {**hook(body=b""), "body": b" " * (MAX_HOOK + 1)},
}
NOWHERE = {
    "event_key": "0" * 32,
    "instance_id": "nobody",
    "model": "nobody",
    "name": "other.txt",
    "part": "nothing",
    "release_id": "release-nobody-1",
    "run_id": "nobody",
    "version": "9",
}


def test_the_document_is_valid_openapi_3_1() -> None:
    validate(DOCUMENT)


@pytest.mark.parametrize(("name", "status"), sorted(SUCCESSES))
def test_every_success_is_as_the_document_says(scene: Scene, name: str, status: int) -> None:
    if name == "post_withdrawal":
        scene.decide(scene.waiting)
    if name == "delete_part":
        del scene.stories.views["running"]
    request = SPECIAL.get((name, status), well_formed(scene)[name])

    assert scene.send(name, **request).status_code == status


@pytest.mark.parametrize(("name", "status"), sorted(ERRORS))
def test_every_error_is_as_the_document_says(scene: Scene, name: str, status: int) -> None:
    request = SPECIAL.get((name, status), well_formed(scene)[name])
    if (name, status) not in SPECIAL:
        request = spoil(scene, request, name, status)

    answer = scene.send(name, **request)

    assert answer.status_code == status, answer.get_body()


def spoil(scene: Scene, request: dict[str, Any], name: str, status: int) -> dict[str, Any]:
    """Return the request, or change the scene, so that the answer is this error."""
    match status:
        case 400:
            return {**request, "json_body": {"zzz": 1}}
        case 401:
            return {**request, "token": "", "headers": {"authorization": "Basic x"}}
        case 403:
            return {**request, "token": "mallory"}
        case 404:
            return {**request, **{part: NOWHERE[part] for part in request.keys() & NOWHERE.keys()}}
        case 413:
            large = {key: value for key, value in request.items() if key != "json_body"}
            return {**large, "body": b"[" + b" " * MAX_BODY}
        case 429:
            scene.limits = Limits(max_events_per_minute=1, max_orders_per_minute=1)
            scene.send(name, **request)
        case 502:
            scene.away = True
        case 409 if name in ("post_approval", "post_rejection"):
            return {**request, "json_body": {**request["json_body"], "evidence_hash": "0" * 64}}
        case 409 if name == "post_roll_back":
            scene.production.served = image("1")
        case 409:
            scene.production.served = None
    return request
