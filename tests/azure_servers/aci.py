"""Azure Container Instances: container groups whose state a test moves on."""

import re
from collections.abc import Callable
from typing import Any

from tests.azure_servers.arm import ArmServer, error, refuse_unknown
from tests.azure_servers.base import Answer, Request

_GROUP = re.compile(r"/subscriptions/[^/]+/resourceGroups/(?P<group>[^/]+)(?P<rest>/.*)?", re.I)
_PROVIDER = "/providers/Microsoft.ContainerInstance/containerGroups"
# The published definition of a container group's properties, 2023-05-01.
_PROPERTIES: dict[str, set[str]] = {
    "allowed": {
        "containers", "imageRegistryCredentials", "restartPolicy", "ipAddress", "osType",
        "volumes", "diagnostics", "subnetIds", "dnsConfig", "sku", "encryptionProperties",
        "initContainers", "extensions", "confidentialComputeProperties", "priority",
    },
    "required": {"containers", "osType"},
}  # fmt: skip
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class ContainerInstances:
    """A resource group; a requested container group is `Creating` until a test changes it."""

    def __init__(self, arm: ArmServer, group: str = "group") -> None:
        self.arm, self.group = arm, group
        self.groups: dict[str, dict[str, Any]] = {}
        self.standing = True
        self.log = "Traceback: no module named skops\n"
        arm.services.append(self)

    def run(self, name: str, fqdn: str = "") -> None:
        """Let the containers of a group run."""
        properties = self.groups[name]["properties"]
        properties["provisioningState"] = "Succeeded"
        properties["instanceView"] = {"state": "Running", "events": []}
        address = properties["ipAddress"]
        if address["type"] == "Private":
            address["ip"] = "10.0.0.4"
        else:
            label = address["dnsNameLabel"]
            address |= {
                "ip": "20.0.0.4",
                "fqdn": fqdn or f"{label}.a1b2.westeurope.azurecontainer.io",
            }
        properties["containers"][0]["properties"]["instanceView"] = {
            "restartCount": 0,
            "currentState": {"state": "Running", "detailStatus": ""},
            "events": [],
        }

    def fail(self, name: str, message: str) -> None:
        """Let the containers of a group not start."""
        properties = self.groups[name]["properties"]
        properties["provisioningState"] = "Failed"
        properties["instanceView"] = {"state": "Failed", "events": []}
        properties["containers"][0]["properties"]["instanceView"] = {
            "restartCount": 0,
            "currentState": {"state": "Waiting", "detailStatus": "ErrImagePull"},
            "events": [{"count": 1, "name": "Failed", "message": message, "type": "Warning"}],
        }

    def respond(self, request: Request) -> Answer | None:
        found = _GROUP.fullmatch(request.path)
        if found is None:
            return None
        rest = found["rest"] or ""
        if not rest:
            if not self.standing or found["group"] != self.group:
                return error(404, "ResourceGroupNotFound", f"{found['group']} was not found.")
            return Answer(content={"id": request.path, "name": found["group"]})
        if not rest.startswith(_PROVIDER):
            return None
        if not self.standing:
            return error(404, "ResourceGroupNotFound", f"{found['group']} was not found.")
        name, _, more = rest.removeprefix(_PROVIDER).lstrip("/").partition("/")
        return self._group(request, name, more) if name else self._list(request)

    def _group(self, request: Request, name: str, more: str) -> Answer:
        if request.method == "PUT":
            return self._put(request, name)
        if name not in self.groups:
            if request.method == "DELETE":
                return Answer(status=204)
            return error(404, "ResourceNotFound", f"The Resource {name} was not found.")
        if more.endswith("/logs"):
            return Answer(content={"content": self.log})
        if request.method == "DELETE":
            self.groups[name]["properties"]["provisioningState"] = "Deleting"
            return Answer(status=202, headers=self.arm.begin(self._deleted(name)))
        return Answer(content=self.groups[name])

    def _put(self, request: Request, name: str) -> Answer:
        body = request.json
        wrong = refuse_unknown(body["properties"], **_PROPERTIES)
        if wrong or not _NAME.fullmatch(name):
            return error(400, "InvalidRequestContent", wrong or f"{name} is not a name")
        before = self.groups.get(name)
        if before is not None and before["properties"]["provisioningState"] == "Deleting":
            return error(409, "ContainerGroupDeleting", f"{name} is being deleted.")
        made = {**body, "id": request.path, "name": name}
        made["type"] = "Microsoft.ContainerInstance/containerGroups"
        made["properties"]["provisioningState"] = "Creating"
        self.groups[name] = made
        return Answer(status=201, content=made, headers=self.arm.begin(self._created(name)))

    def _created(self, name: str) -> Callable[[], Answer]:
        def check() -> Answer:
            state = self.groups[name]["properties"]["provisioningState"]
            done = state in ("Succeeded", "Failed")
            return Answer(content={"status": state if done else "Running"})

        return check

    def _deleted(self, name: str) -> Callable[[], Answer]:
        return lambda: Answer(content={"status": "Running" if name in self.groups else "Succeeded"})

    def _list(self, request: Request) -> Answer:
        found, first = list(self.groups.values()), int(request.query.get("$skip", "0"))
        content: dict[str, Any] = {"value": found[first : first + 2]}
        if first + 2 < len(found):
            query = f"api-version={request.query['api-version']}&$skip={first + 2}"
            content["nextLink"] = f"{self.arm.url}{request.path}?{query}"
        return Answer(content=content)
