"""Malformed and hostile requests to the app's own API, as strategies of hypothesis.

FUZZ_EXAMPLES=10000 runs as many requests; the default takes a few seconds.
"""

import json
import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from function_app.domain.event_types import READERS
from tests.api_document import DOCUMENT

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
