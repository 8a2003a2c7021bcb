"""Azure Kubernetes Service on the management API: where a cluster is, never who may enter."""

import base64
import re
from typing import Any

from tests.azure_servers.arm import ArmServer, error
from tests.azure_servers.base import Answer, Request

_PATH = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/(?P<group>[^/]+)/providers"
    r"/Microsoft\.ContainerService/managedClusters/(?P<name>[^/]+)(?P<rest>/.*)?",
    re.IGNORECASE,
)


class ManagedClusters:
    """A cluster with a kubeconfig that names a program, which must never run."""

    def __init__(self, arm: ArmServer, server: str, ca: bytes, name: str = "cluster") -> None:
        self._server, self._ca, self._name = server, ca, name
        arm.services.append(self)

    def respond(self, request: Request) -> Answer | None:
        found = _PATH.fullmatch(request.path)
        if found is None:
            return None
        if found["name"] != self._name:
            return error(404, "ResourceNotFound", f"The Resource {found['name']} was not found.")
        if found["rest"] != "/listClusterUserCredential":
            return Answer(content={"id": request.path, "name": self._name, "location": "w"})
        value = base64.b64encode(self._kubeconfig().encode()).decode()
        content: dict[str, Any] = {"kubeconfigs": [{"name": "clusterUser", "value": value}]}
        return Answer(content=content)

    def _kubeconfig(self) -> str:
        ca = base64.b64encode(self._ca).decode()
        return (
            "apiVersion: v1\nkind: Config\nclusters:\n- name: cluster\n  cluster:\n"
            f"    server: {self._server}\n    certificate-authority-data: {ca}\n"
            "users:\n- name: clusterUser\n  user:\n    exec:\n"
            "      apiVersion: client.authentication.k8s.io/v1beta1\n"
            "      command: /bin/false\n"
        )
