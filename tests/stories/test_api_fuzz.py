"""Malformed and hostile requests to the app's own API: no 5xx, and nothing is started.

FUZZ_EXAMPLES=10000 runs as many requests; the default takes a few seconds.
"""

import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from function_app.domain.event_types import READERS
from tests.api_document import DOCUMENT, check_answer
from tests.patience import PATIENCE
from tests.stories.conftest import App

FUZZ = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "150")),
    suppress_health_check=list(HealthCheck),
)
TEXT = st.text(max_size=40) | st.sampled_from(["", "..", "a/b", "x" * 300, "\x00", "🦊", "{x}"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
# Events of other models: no model of the app has these names, and none takes data from there.
NOBODY = st.fixed_dictionaries(
    {
        "id": TEXT | JSON,
        "topic": TEXT,
        "subject": st.sampled_from(
            ["/blobServices/default/containers/data/blobs/nobody/x.csv", "models/nobody:1", ""]
        )
        | JSON,
        "eventType": st.sampled_from(sorted(READERS)) | JSON,
        "data": st.fixed_dictionaries(
            {},
            optional={
                "api": st.sampled_from(["PutBlob", "FlushWithClose", "CreateFile"]) | JSON,
                "url": TEXT | JSON,
                "eTag": TEXT | JSON,
                "modelName": st.sampled_from(["nobody", "", "../diabetes"]) | JSON,
                "model": st.just("nobody") | JSON,
                "modelVersion": JSON,
                "runId": TEXT | JSON,
                "runTags": st.just({"instance_id": "nobody"}) | JSON,
                "runStatus": st.sampled_from(["Failed", "Running"]) | JSON,
                "dataUri": TEXT | JSON,
                "requestId": TEXT | JSON,
            },
        )
        | JSON,
    },
    optional={"specversion": st.sampled_from(["1.0", "0.3"]) | JSON, "source": TEXT, "type": JSON},
)
BODIES = (
    st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps(value).encode())
    | NOBODY.map(lambda event: json.dumps(event).encode())
    | st.lists(NOBODY, max_size=5).map(lambda events: json.dumps(events).encode())
)
# Routes that start something without an argument are left out.
STARTING = ("/platform", "/findings")
PATHS = st.sampled_from(sorted(p.lstrip("/") for p in DOCUMENT["paths"] if p not in STARTING))
HEADERS = st.dictionaries(
    st.sampled_from(["Authorization", "X-Hub-Signature-256", "X-GitHub-Event", "Content-Type"]),
    st.sampled_from(["Bearer x", "Bearer", "Basic x", "sha256=0", "ping", "application/json"]),
    max_size=3,
)


@pytest.fixture(scope="module")
def client(app: App) -> Iterator[httpx.Client]:
    before = app.started()
    with httpx.Client(base_url=app.host.url, timeout=PATIENCE) as made:
        yield made
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
    client: httpx.Client, method: str, path: str, part: str, headers: dict[str, str], body: bytes
) -> None:
    filled = "/".join(
        quote(part, safe="", errors="replace") or "x" if "{" in piece else piece
        for piece in path.split("/")
    )

    answer = client.request(method, f"/api/{filled}", headers=headers, content=body)

    assert answer.status_code < 500, f"{method} {filled} {body!r}: {answer.text}"
    if "%2F" not in filled and "/../" not in f"/{filled}/":
        check_answer(method, f"/api/{filled}", answer.status_code, answer.headers, answer.content)
    if answer.status_code >= 400 and answer.content and method != "HEAD":
        error: Any = answer.json()["error"]
        assert error["code"]
        assert len(error["message"]) > 10
