"""Production on Azure Kubernetes Service: its address from Azure, its token from Entra.

No kubelogin and no administrator's certificate: the cluster sees this app's own identity.
"""

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from function_app.adapters.azure.keys import VaultKeys
from function_app.adapters.azure.production.kubernetes.cluster_api import ClusterAccess, ClusterApi
from function_app.adapters.azure.production.kubernetes.exposure import exposure_of
from function_app.adapters.azure.production.kubernetes.kubernetes import KubernetesProduction
from function_app.adapters.azure.production.replicas import replicas_of
from function_app.adapters.azure.reach.connection import Connection, translate
from function_app.domain.project import ModelProject
from function_app.errors import ConfigError, NotFoundError, PlatformError
from function_app.late_imports import importing

if TYPE_CHECKING:
    from azure.mgmt.containerservice.operations import ManagedClustersOperations


class AzureProduction(KubernetesProduction):
    """The cluster that the settings name."""

    def __init__(
        self, connection: Connection, projects: Mapping[str, ModelProject], keys: VaultKeys
    ) -> None:
        settings = connection.settings
        public = [name for name, project in projects.items() if project.production.public]
        self._connection = connection
        api = ClusterApi(self._read_access, settings.cluster_namespace)
        exposure = exposure_of(settings, public)
        super().__init__(api, keys, exposure, replicas_of(settings, projects))

    def _read_access(self) -> ClusterAccess:
        """Request the address and the CA of the cluster's API from Azure."""
        settings = self._connection.settings
        if not settings.cluster:
            raise ConfigError("MLOPS_AZURE_CLUSTER is not set. infra/ sets it.")
        group = settings.cluster_resource_group or settings.resource_group
        try:
            with translate("read the cluster's credentials", settings.cluster):
                answer = self._clusters().list_cluster_user_credentials(group, settings.cluster)
        except NotFoundError as error:
            text = f"There is no cluster {settings.cluster} in {group}. Make it, or correct it."
            raise PlatformError("azure", "reach production", text) from error
        configs = answer.kubeconfigs or []
        if not configs or not configs[0].value:
            text = f"Cluster {settings.cluster} gives this identity no credentials. Grant its role."
            raise PlatformError("azure", "reach production", text)
        entry = _read_cluster(bytes(configs[0].value))
        return ClusterAccess(
            host=str(entry["server"]),
            ca=base64.b64decode(entry["certificate-authority-data"]),
            token=self._token,
        )

    def _token(self) -> str:
        # The credential keeps its tokens until they are old.
        return str(
            self._connection.credential.get_token(self._connection.settings.cluster_scope).token
        )

    def _clusters(self) -> "ManagedClustersOperations":
        with importing():
            from azure.mgmt.containerservice import ContainerServiceClient

        return self._connection.management(ContainerServiceClient).managed_clusters


def _read_cluster(content: bytes) -> dict[str, Any]:
    """Return the address of the first cluster of a kubeconfig; no command in it is run."""
    with importing():
        import yaml

    cluster: dict[str, Any] = yaml.safe_load(content)["clusters"][0]["cluster"]
    return cluster
