"""The Azure ML workspace: its client, made on first use, and where runs write."""

import hashlib
import threading
from typing import TYPE_CHECKING, Any

from function_app.adapters.azure.reach.connection import Connection, translate
from function_app.errors import NotFoundError, PlatformError
from function_app.late_imports import importing
from function_app.settings.azure import AzureSettings

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

# The datastore of the container of versions, which this app alone writes.
DATASTORE = "mlops"
# The datastores of the container that models' code writes, and of the one that preparations and
# judges write.
RUNS_DATASTORE, EVALUATIONS_DATASTORE = "mlops_runs", "mlops_evaluations"
# The two containers of checks: their outputs and their inputs.
CHECKS_DATASTORE, CHECKS_INPUTS_DATASTORE = "mlops_checks", "mlops_checks_inputs"
# The same version as infra/modules/workspace.bicep: 2024-10-01 does not know
# systemDatastoresAuthMode.
API = "2025-06-01"
_PUBLIC_ENDPOINT = "https://management.azure.com"


class Workspace:
    """The client of the workspace, made at the first use: importing the SDK takes seconds."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._lock = threading.Lock()
        self._made: MLClient | None = None

    @property
    def client(self) -> "MLClient":
        """Return the SDK's client."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def confirm(self) -> None:
        """Raise PlatformError when the workspace itself is not there."""
        name = self.connection.settings.workspace
        try:
            with translate("read the workspace", name):
                self.client.workspaces.get(name)
        except NotFoundError as error:
            text = f"There is no workspace {name}. Make the platform, or correct its name."
            raise PlatformError("azure", "read the workspace", text) from error

    def _make(self) -> "MLClient":
        settings = self.connection.settings
        # The token is read before the lock of imports: another thread may hold the credential's
        # lock and import, which would be a deadlock.
        credential = self.connection.credential
        with importing():
            from azure.ai.ml import MLClient

            # The constructor imports modules of its own.
            return MLClient(
                credential,
                settings.subscription_id,
                settings.resource_group,
                settings.workspace,
                show_progress=False,
                enable_telemetry=False,
                **_cloud(settings),
                **self.connection.options(),
            )


def datastore_path(name: str, datastore: str = DATASTORE) -> str:
    """Return a blob as Azure ML addresses it; without a datastore it is one of versions."""
    return f"azureml://datastores/{datastore}/paths/{name}"


def _cloud(settings: AzureSettings) -> dict[str, Any]:
    """Return the arguments that point the client at the settings' cloud; it ignores base_url."""
    endpoint = settings.management_endpoint.rstrip("/")
    if endpoint == _PUBLIC_ENDPOINT:
        return {"cloud": "AzureCloud"}
    metadata = {
        "azure_portal": settings.portal_endpoint,
        "resource_manager": endpoint,
        "active_directory": settings.authority,
        "aml_resource_id": settings.aml_resource_id,
        "storage_endpoint": settings.storage_suffix,
        "registry_discovery_endpoint": settings.discovery_endpoint,
    }
    # The SDK keeps clouds by name for the whole process and never changes one.
    digest = hashlib.sha256(repr(sorted(metadata.items())).encode()).hexdigest()
    return {"cloud": f"mlops-{digest[:12]}", "cloud_metadata": metadata}
