"""Event Grid's subscriptions on the management API."""

import re
from typing import Any

from tests.azure_servers.arm import ArmServer, error, refuse_unknown
from tests.azure_servers.base import Answer, Request

_PATH = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers"
    r"/Microsoft\.EventGrid/systemTopics/(?P<topic>[^/]+)/eventSubscriptions/(?P<name>[^/]+)"
)
# The published definition of an event subscription's properties, 2025-02-15.
_PROPERTIES: dict[str, set[str]] = {
    "allowed": {
        "destination", "deliveryWithResourceIdentity", "filter", "labels", "expirationTimeUtc",
        "eventDeliverySchema", "retryPolicy", "deadLetterDestination",
        "deadLetterWithResourceIdentity",
    },
    "required": {"destination"},
}  # fmt: skip


class EventGrid:
    """Keeps subscriptions; a new one is `Creating` until a test lets it succeed."""

    def __init__(self, arm: ArmServer) -> None:
        self.subscriptions: dict[str, dict[str, Any]] = {}
        arm.services.append(self)

    def succeed(self) -> None:
        """Let all of them stand."""
        for found in self.subscriptions.values():
            found["properties"]["provisioningState"] = "Succeeded"

    def respond(self, request: Request) -> Answer | None:
        found = _PATH.fullmatch(request.path)
        if found is None:
            return None
        key = f"{found['topic']}/{found['name']}"
        if request.method == "PUT":
            properties = request.json["properties"]
            wrong = refuse_unknown(properties, **_PROPERTIES)
            if wrong:
                return error(400, "InvalidRequest", wrong)
            # The service adds the missing fields.
            given = {"subjectEndsWith": "", **properties["filter"]}
            state = {"provisioningState": "Creating", "filter": given}
            self.subscriptions[key] = {
                "id": request.path,
                "name": found["name"],
                "properties": {**properties, **state},
            }
            return Answer(status=201, content=self.subscriptions[key])
        if key not in self.subscriptions:
            if request.method == "DELETE":
                return Answer(status=204)
            return error(404, "ResourceNotFound", f"{key} was not found.")
        if request.method == "DELETE":
            del self.subscriptions[key]
            return Answer(status=202)
        return Answer(content=self.subscriptions[key])
