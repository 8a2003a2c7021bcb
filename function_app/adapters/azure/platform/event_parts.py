"""The event parts of the platform: Event Grid's subscriptions of the app's function."""

from typing import Any

from function_app.adapters.azure.platform.platform_parts import (
    ELSEWHERE,
    MARK,
    Elsewhere,
    get_or_none,
)
from function_app.adapters.azure.reach.connection import Connection
from function_app.errors import ConfigError

API = "2025-02-15"
# The ways in which a file arrives: written, or renamed alone or with its folder.
_ARRIVALS = [
    "Microsoft.Storage.BlobCreated",
    "Microsoft.Storage.BlobRenamed",
    "Microsoft.Storage.DirectoryRenamed",
]
# The calls after which a file is complete; others come before its content.
_COMPLETE = [
    *("PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit"),
    *("RenameFile", "RenameDirectory", "SftpRename"),
]
_WORKSPACE_EVENTS = [
    "Microsoft.MachineLearningServices.ModelRegistered",
    "Microsoft.MachineLearningServices.ModelDeployed",
    "Microsoft.MachineLearningServices.RunCompleted",
    "Microsoft.MachineLearningServices.RunStatusChanged",
    "Microsoft.MachineLearningServices.DatasetDriftDetected",
]
Json = dict[str, Any]


def data_filter(container: str) -> Json:
    """Return the filter for storage events: complete files in the container of arriving data."""
    return {
        "includedEventTypes": list(_ARRIVALS),
        "subjectBeginsWith": f"/blobServices/default/containers/{container}/",
        "isSubjectCaseSensitive": True,
        "enableAdvancedFilteringOnArrays": True,
        "advancedFilters": [
            {"operatorType": "StringIn", "key": "data.api", "values": list(_COMPLETE)}
        ],
    }


def workspace_filter() -> Json:
    """Return the filter for events of the workspace."""
    return {"includedEventTypes": list(_WORKSPACE_EVENTS)}


class SubscriptionPart:
    """A subscription of a system topic; infra/ owns it when no topic is set."""

    def __init__(self, connection: Connection, topic: str, label: str, events: Json) -> None:
        self.name = f"events of {label}"
        self._connection, self._topic, self._filter = connection, topic, events
        s = connection.settings
        self._function = s.events_function
        self._path = (
            f"/subscriptions/{s.subscription_id}/resourceGroups/{s.resource_group}/providers"
            f"/Microsoft.EventGrid/systemTopics/{topic}/eventSubscriptions/mlops-{label}"
        )

    @property
    def _is_infras(self) -> bool:
        return not (self._topic and self._function)

    def find(self) -> Json | Elsewhere | None:
        if self._is_infras:
            return ELSEWHERE
        return get_or_none(lambda: self._connection.rest("GET", self._path, api_version=API))

    def differences(self, resource: Json) -> list[str]:
        changes, properties = [], resource["properties"]
        stands = (properties.get("destination") or {}).get("properties", {}).get("resourceId", "")
        if stands.lower() != self._function.lower():
            changes.append(f"destination {stands or 'nothing'} to {self._function}")
        given = properties.get("filter") or {}
        # Azure adds defaults to the requested properties, so only the requested ones are compared.
        changes += [
            f"filter {name}" for name, value in self._filter.items() if given.get(name) != value
        ]
        return changes

    def describe(self) -> str:
        if self._is_infras:
            return (
                "a subscription that infra/events.bicep owns. "
                "`az eventgrid system-topic event-subscription list` shows it."
            )
        return f"subscription of {self._topic}"

    def refusal(self, resource: Json | None) -> str:
        if resource is None or self.is_ours(resource):
            return ""
        return f"{self._path} exists, is different, and is not this app's. Rename or delete it."

    def make(self, resource: Json | None) -> None:
        if refusal := self.refusal(resource):
            raise ConfigError(refusal)
        body = {
            "properties": {
                "destination": {
                    "endpointType": "AzureFunction",
                    "properties": {
                        "resourceId": self._function,
                        "maxEventsPerBatch": 1,
                        "preferredBatchSizeInKilobytes": 64,
                    },
                },
                "eventDeliverySchema": "EventGridSchema",
                "filter": self._filter,
                "labels": [MARK],
                "retryPolicy": {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440},
            }
        }
        self._connection.rest("PUT", self._path, api_version=API, body=body)

    def state_of(self, resource: Json) -> str:
        return str(resource["properties"].get("provisioningState", "Succeeded"))

    def is_ours(self, resource: Json) -> bool:
        return MARK in (resource["properties"].get("labels") or [])

    def delete(self, resource: Json) -> None:
        self._connection.rest("DELETE", self._path, api_version=API)
