"""The real Event Grid client publishes every documented event, in both schemas, to the topic."""

import json
from collections import Counter
from typing import Any

from azure.core.credentials import AzureKeyCredential
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, EventGridPublisherClient

from function_app.domain.event_types import READERS
from tests.domain.test_event_samples import SAMPLES
from tests.funchost.conftest import until
from tests.stories.conftest import App

# No model of this app has the samples' repository, and their other facts are false.
REFUSED = {
    "Mlops.CodePushed": "UNKNOWN_REPOSITORY",
    "Mlops.CodeProposed": "UNKNOWN_REPOSITORY",
    "Mlops.DriftDetected": "UNKNOWN_REPORT",
    "Microsoft.MachineLearningServices.DatasetDriftDetected": "UNKNOWN_REPORT",
    "Microsoft.MachineLearningServices.ModelRegistered": "UNKNOWN_VERSION",
    "Microsoft.MachineLearningServices.RunCompleted": "UNKNOWN_RUN",
    "Microsoft.MachineLearningServices.RunStatusChanged": "UNKNOWN_RUN",
    "Microsoft.ContainerRegistry.ImagePushed": "UNKNOWN_IMAGE",
    "Microsoft.Storage.BlobCreated": "UNKNOWN_FILE",
    "Microsoft.Storage.BlobRenamed": "UNKNOWN_FILE",
}


def test_every_documented_event_arrives_in_both_schemas_and_is_seen_to(fresh_app: App) -> None:
    app = fresh_app
    place = json.loads((app.state / "funchost" / "host.json").read_text())
    client = EventGridPublisherClient(
        place["topicEndpoint"], AzureKeyCredential(place["topicKey"]), retry_total=1
    )
    with client:
        for kind, _, subject, content, _ in SAMPLES:
            client.send(
                EventGridEvent(subject=subject, event_type=kind, data=content, data_version="1")
            )
        for kind, topic, subject, content, _ in SAMPLES:
            client.send(CloudEvent(source=topic, type=kind, subject=subject, data=content))

    def delivered() -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = app.api.get("/api/events")["events"]
        return [e for e in events if e["channel"] == "event-grid" and e["outcome"] != "accepted"]

    # Each delivery is an event of its own; the app's own events come in addition.
    sent = Counter(kind for kind, *_ in SAMPLES for _ in ("of Event Grid", "of CloudEvents"))
    until(lambda: Counter(e["type"] for e in delivered()) >= sent, "every event", 60)
    events = delivered()
    assert {event["type"] for event in events} >= set(READERS)
    refused = {event["type"]: event["code"] for event in events if event["outcome"] == "refused"}
    assert refused == REFUSED
