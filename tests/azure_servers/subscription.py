"""A subscription before a deployment: the management API as a preflight reads it."""

from typing import Any

from tests.azure_servers.arm import ArmServer, error
from tests.azure_servers.base import Answer, Request
from tests.azure_servers.identity import OBJECT

OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
ROLE_ADMINISTRATOR = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
_SIZES = {
    "Standard_DS3_v2": ("standardDSv2Family", 4),
    "Standard_D2s_v5": ("standardDSv5Family", 2),
    "Standard_D4s_v5": ("standardDSv5Family", 4),
}


class Subscription:
    """A subscription in which every check succeeds until a test changes a fact."""

    def __init__(self, arm: ArmServer, subscription: str, namespaces: set[str]) -> None:
        self._root = f"/subscriptions/{subscription}"
        self.namespaces = namespaces
        self.roles = {OWNER: ""}  # by definition: the condition
        self.scope = self._root
        self.zones = {size: ["1", "2", "3"] for size in _SIZES}
        self.restricted: set[str] = set()
        self.free = {"standarddsv2family": 100, "standarddsv5family": 100, "cores": 100}
        self.taken: dict[str, str] = {}  # by name: the reason
        self.deleted_vaults: list[str] = []
        self.standing: set[str] = set()  # ids of the resources that this environment has already
        self.flex = {"West Europe": "PUBLIC;FLEXCONSUMPTION;FCZONEREDUNDANCY"}
        arm.services.append(self)

    def respond(self, request: Request) -> Answer | None:
        if not request.path.startswith(self._root):
            return None
        rest = request.path.removeprefix(self._root).lower()
        if request.method == "POST" and rest.endswith("/checknameavailability"):
            return self._name(request.json)
        if request.method != "GET":
            return error(405, "MethodNotAllowed", "a preflight changes nothing")
        if rest.endswith("/usages"):
            return self._usages(is_ml="machinelearning" in rest)
        lists: dict[str, list[Any]] = {
            "/providers": [
                {"namespace": name, "registrationState": "Registered"} for name in self.namespaces
            ],
            "/providers/microsoft.authorization/roleassignments": self._roles(request),
            "/providers/microsoft.compute/skus": [self._size(name) for name in self.zones],
            "/providers/microsoft.keyvault/deletedvaults": [
                {"name": name} for name in self.deleted_vaults
            ],
            "/providers/microsoft.web/georegions": [
                {"name": name, "properties": {"orgDomain": text}}
                for name, text in self.flex.items()
            ],
        }
        if rest in lists:
            return Answer(content={"value": lists[rest]})
        if request.path in self.standing:
            return Answer(content={"id": request.path})
        return error(404, "ResourceNotFound", f"{request.path} was not found.")

    def _roles(self, request: Request) -> list[Any]:
        if request.query.get("$filter") != f"assignedTo('{OBJECT}')":
            return []
        definitions = f"{self._root}/providers/Microsoft.Authorization/roleDefinitions"
        return [
            {
                "properties": {
                    "roleDefinitionId": f"{definitions}/{role}",
                    "scope": self.scope,
                    **({"condition": condition} if condition else {}),
                }
            }
            for role, condition in self.roles.items()
        ]

    def _size(self, name: str) -> dict[str, Any]:
        family, cpus = _SIZES[name]
        restrictions = [{"type": "Location", "reasonCode": "NotAvailableForSubscription"}]
        return {
            "resourceType": "virtualMachines",
            "name": name,
            "family": family,
            "capabilities": [{"name": "vCPUs", "value": str(cpus)}],
            "locationInfo": [{"location": "westeurope", "zones": self.zones[name]}],
            "restrictions": restrictions if name in self.restricted else [],
        }

    def _usages(self, *, is_ml: bool) -> Answer:
        value = [
            {"name": {"value": name}, "currentValue": 4, "limit": 4 + free}
            for name, free in self.free.items()
            if not (is_ml and name == "cores")
        ]
        return Answer(content={"value": value})

    def _name(self, body: dict[str, Any]) -> Answer:
        reason = self.taken.get(body["name"])
        content: dict[str, Any] = {"nameAvailable": reason is None}
        if reason:
            content |= {"reason": reason, "message": f"{body['name']} is taken."}
        return Answer(content=content)
