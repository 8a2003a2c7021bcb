"""The parts of the platform in Azure ML that store data: the workspace and its datastores."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from function_app.adapters.azure.platform.platform_parts import MARK, PLATFORM, Fixed, get_or_none
from function_app.adapters.azure.reach.connection import translate
from function_app.adapters.azure.reach.workspace import API, Workspace
from function_app.errors import ConfigError
from function_app.late_imports import importing

if TYPE_CHECKING:
    from azure.ai.ml.entities import AzureBlobDatastore

Json = dict[str, Any]
_TAGS = {MARK: PLATFORM}


class WorkspacePart:
    """The workspace; with its vault and insights named it can be made, else infra/ makes it."""

    name = "workspace"

    def __init__(self, workspace: Workspace) -> None:
        self._connection = workspace.connection
        self._settings = workspace.connection.settings
        s = self._settings
        self._group = f"/subscriptions/{s.subscription_id}/resourceGroups/{s.resource_group}"
        self._path = (
            f"{self._group}/providers/Microsoft.MachineLearningServices/workspaces/{s.workspace}"
        )

    def find(self) -> Json | None:
        return get_or_none(lambda: self._connection.rest("GET", self._path, api_version=API))

    def differences(self, resource: Json) -> list[str]:
        location = str(resource.get("location", "")).replace(" ", "").lower()
        desired = self._settings.location.replace(" ", "").lower()
        return [] if location == desired else [Fixed(f"location {location} to {desired}")]

    def describe(self) -> str:
        return f"workspace {self._settings.workspace} in {self._settings.location}"

    def refusal(self, resource: Json | None) -> str:
        s = self._settings
        if resource is not None and self.differences(resource):
            return f"{s.workspace} is in another location. Correct MLOPS_AZURE_LOCATION."
        if s.key_vault and s.application_insights:
            return ""
        return (
            f"There is no workspace {s.workspace}. Deploy infra/, or set MLOPS_AZURE_KEY_VAULT"
            " and MLOPS_AZURE_APPLICATION_INSIGHTS to let this app make it."
        )

    def make(self, resource: Json | None) -> None:
        s = self._settings
        if refusal := self.refusal(resource):
            raise ConfigError(refusal)
        providers, account = f"{self._group}/providers", _account(s.blob_endpoint)
        storage = f"{providers}/Microsoft.Storage/storageAccounts/{account}"
        registry = f"{providers}/Microsoft.ContainerRegistry/registries/{s.registry}"
        body = {
            "location": s.location,
            "identity": {"type": "SystemAssigned"},
            "sku": {"name": "Basic", "tier": "Basic"},
            # A workspace of infra/ keeps its tags, because `remove` deletes only resources with our
            # tag.
            "tags": _TAGS if resource is None else resource.get("tags") or {},
            "properties": {
                "friendlyName": s.workspace,
                "storageAccount": storage,
                "containerRegistry": registry,
                "keyVault": s.key_vault,
                "applicationInsights": s.application_insights,
                "systemDatastoresAuthMode": "Identity",
            },
        }
        self._connection.rest("PUT", self._path, api_version=API, body=body)

    def state_of(self, resource: Json) -> str:
        return str(resource["properties"].get("provisioningState", "Succeeded"))

    def is_ours(self, resource: Json) -> bool:
        return (resource.get("tags") or {}).get(MARK) == PLATFORM

    def delete(self, resource: Json) -> None:
        # The deletion is permanent, because a soft-deleted workspace blocks its name.
        path = f"{self._path}?forceToPurge=true&api-version={API}"
        self._connection.rest("DELETE", path, api_version=API)


class DatastorePart:
    """A datastore for one container, without a key: its readers and writers need a role."""

    def __init__(self, workspace: Workspace, name: str, datastore: str, container: str) -> None:
        self._workspace, self._settings = workspace, workspace.connection.settings
        self.name, self._datastore, self._container = name, datastore, container

    def find(self) -> "AzureBlobDatastore | None":
        def get() -> "AzureBlobDatastore":
            with translate("read the datastore", self._datastore):
                store: AzureBlobDatastore = self._workspace.client.datastores.get(self._datastore)
            return store

        return get_or_none(get)

    def differences(self, resource: "AzureBlobDatastore") -> list[str]:
        desired = (_account(self._settings.blob_endpoint), self._container)
        stands = (resource.account_name, resource.container_name)
        return [] if stands == desired else [f"{'/'.join(stands)} to {'/'.join(desired)}"]

    def describe(self) -> str:
        return f"datastore {self._datastore} of container {self._container}"

    def make(self, resource: "AzureBlobDatastore | None") -> None:
        with importing():
            from azure.ai.ml.entities import AzureBlobDatastore

        parts = urlsplit(self._settings.blob_endpoint)
        datastore = AzureBlobDatastore(
            name=self._datastore,
            description=f"The container {self._container}, under the identity of each run.",
            account_name=_account(self._settings.blob_endpoint),
            container_name=self._container,
            endpoint=self._settings.storage_suffix,
            protocol=parts.scheme,
            # A foreign datastore keeps its tags, so that `remove` does not delete it.
            tags=_TAGS if resource is None else resource.tags,
        )
        with translate("make the datastore", self._datastore):
            self._workspace.client.datastores.create_or_update(datastore)

    def state_of(self, resource: "AzureBlobDatastore") -> str:
        return "Succeeded"

    def is_ours(self, resource: "AzureBlobDatastore") -> bool:
        return (resource.tags or {}).get(MARK) == PLATFORM

    def delete(self, resource: "AzureBlobDatastore") -> None:
        with translate("remove the datastore", self._datastore):
            self._workspace.client.datastores.delete(self._datastore)


def _account(endpoint: str) -> str:
    """Return the storage account of a blob endpoint: the first word of its host."""
    return (urlsplit(endpoint).hostname or "").split(".")[0]
