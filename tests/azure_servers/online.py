"""Azure ML's managed online endpoints: deployments, traffic, and how they refuse."""

import re
from collections.abc import Callable
from typing import Any

from tests.azure_servers.arm import ArmServer, error
from tests.azure_servers.base import Answer, Request

_PATH = re.compile(
    r".*/workspaces/[^/]+/onlineEndpoints/(?P<endpoint>[^/]+)"
    r"(?:/deployments(?:/(?P<deployment>[^/]+)(?P<more>/getLogs)?)?)?",
    re.IGNORECASE,
)
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]{1,30}[a-zA-Z0-9]")


class OnlineEndpoints:
    """A server of online endpoints; each is `Creating` until a test lets it succeed or fail."""

    def __init__(self, arm: ArmServer) -> None:
        self.arm = arm
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.deployments: dict[tuple[str, str], dict[str, Any]] = {}
        arm.services.insert(0, self)

    def settle(self, state: str = "Succeeded") -> None:
        """Let every running operation end with this state; deletions remove their deployment."""
        for found in (*self.endpoints.values(), *self.deployments.values()):
            if found["properties"]["provisioningState"] in ("Creating", "Updating"):
                found["properties"]["provisioningState"] = state
        for key in [k for k, d in self.deployments.items() if self._state(d) == "Deleting"]:
            del self.deployments[key]

    def respond(self, request: Request) -> Answer | None:
        found = _PATH.fullmatch(request.path)
        if found is None:
            return None
        name, deployment = found["endpoint"], found["deployment"]
        if request.path.rstrip("/").lower().endswith("/deployments"):
            values = [d for (e, _), d in self.deployments.items() if e == name]
            return Answer(content={"value": values})
        if deployment is None:
            return self._endpoint(request, name)
        if found["more"]:
            return Answer(content={"content": "Traceback\nModuleNotFoundError: skops\n"})
        return self._deployment(request, name, deployment)

    def _endpoint(self, request: Request, name: str) -> Answer:
        if request.method == "PUT":
            body = request.json
            traffic = body["properties"].get("traffic") or {}
            absent = [d for d in traffic if (name, d) not in self.deployments]
            if not _NAME.fullmatch(name) or absent or sum(traffic.values()) not in (0, 100):
                return error(400, "BadRequest", f"traffic {traffic} or name {name} is invalid")
            state = "Updating" if name in self.endpoints else "Creating"
            uri = f"https://{name}.westeurope.inference.ml.azure.com/score"
            made = {**body, "id": request.path, "name": name}
            made["properties"] |= {"provisioningState": state, "scoringUri": uri}
            self.endpoints[name] = made
            return Answer(status=201, content=made, headers=self.arm.begin(self._check(made)))
        if name not in self.endpoints:
            return error(404, "ResourceNotFound", f"{name} was not found.")
        if request.method == "DELETE":
            del self.endpoints[name]
            return Answer(
                status=202, headers=self.arm.begin(lambda: Answer(content={"status": "Succeeded"}))
            )
        return Answer(content=self.endpoints[name])

    def _deployment(self, request: Request, endpoint: str, name: str) -> Answer:
        key = (endpoint, name)
        if request.method == "PUT":
            if endpoint not in self.endpoints or not _NAME.fullmatch(name):
                return error(400, "BadRequest", f"endpoint {endpoint} or name {name} is invalid")
            made = {**request.json, "id": request.path, "name": name}
            made["properties"]["provisioningState"] = "Creating"
            # The service adds the missing fields.
            if not made["properties"].get("scaleSettings"):
                made["properties"]["scaleSettings"] = {"scaleType": "Default"}
            self.deployments[key] = made
            return Answer(status=201, content=made, headers=self.arm.begin(self._check(made)))
        if key not in self.deployments:
            return error(404, "ResourceNotFound", f"{name} was not found.")
        if request.method == "DELETE":
            traffic = self.endpoints[endpoint]["properties"].get("traffic") or {}
            if traffic.get(name, 0) > 0:
                return error(400, "BadRequest", f"{name} has traffic")
            self.deployments[key]["properties"]["provisioningState"] = "Deleting"
            return Answer(
                status=202, headers=self.arm.begin(lambda: Answer(content={"status": "Succeeded"}))
            )
        return Answer(content=self.deployments[key])

    def _check(self, made: dict[str, Any]) -> Callable[[], Answer]:
        def check() -> Answer:
            state = self._state(made)
            done = state in ("Succeeded", "Failed")
            return Answer(content={"status": state if done else "InProgress"})

        return check

    def _state(self, found: dict[str, Any]) -> str:
        return str(found["properties"]["provisioningState"])
