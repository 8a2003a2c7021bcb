"""Azure Machine Learning's resources: jobs, models, components, environments, data, compute."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.azure_servers.arm import ArmServer, error, refuse_unknown
from tests.azure_servers.base import Answer, Request

_ROOT = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers"
    r"/Microsoft\.MachineLearningServices/workspaces/(?P<workspace>[^/]+)(?P<rest>/.*)?",
    re.IGNORECASE,
)
# By Microsoft's definition of the jobs of a workspace.
_JOB_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}")
# By Microsoft's definitions these have no provisioningState.
_STATELESS = ("/jobs/", "/data/", "/datastores/")
_ASSETS = ("models", "environments", "data", "components")
# Fields of an existing version that may change; all other fields are immutable.
_MUTABLE = {"tags", "properties", "description", "stage", "isArchived"}
# The published definition of a command job: its allowed and its required fields.
_COMMAND_JOB: dict[str, set[str]] = {
    "allowed": {
        "codeId", "command", "componentId", "computeId", "description", "displayName",
        "distribution", "environmentId", "environmentVariables", "experimentName", "identity",
        "inputs", "isArchived", "jobType", "limits", "notificationSetting", "outputs",
        "parameters", "properties", "queueSettings", "resources", "secretsConfiguration",
        "services", "status", "tags",
    },
    "required": {"jobType", "command", "environmentId"},
}  # fmt: skip


class MachineLearning:
    """A workspace; a test advances its jobs with `move`."""

    def __init__(self, arm: ArmServer, workspace: str = "workspace") -> None:
        self.arm, self.workspace = arm, workspace
        self.resources: dict[str, dict[str, Any]] = {}
        self.standing = True
        self.tracking = ""  # the address of MLflow's tracking, as the workspace names it
        self.lag = 0  # so many lists omit the newest entry
        self.hidden = 0  # so many reads of a model do not show it
        self._newest: dict[str, int] = {}
        # Each thing that is made is a second younger than the one before, and none is of the future.
        self._clock = datetime.now(UTC) - timedelta(hours=1)
        arm.services.append(self)

    def move(self, job: str, status: str) -> None:
        """Let a job have this status now."""
        self.resources[f"/jobs/{job}"]["properties"]["status"] = status

    def delete_version(self, model: str, version: str) -> None:
        """Let somebody have deleted a version of a model."""
        del self.resources[f"/models/{model}/versions/{version}"]

    def add(self, rest: str, properties: dict[str, Any]) -> None:
        """Let somebody else have made a resource."""
        self._make(self.path(rest), rest, properties)

    def path(self, rest: str) -> str:
        """Return the id of a resource of the workspace."""
        return (
            "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/group/providers"
            f"/Microsoft.MachineLearningServices/workspaces/{self.workspace}{rest}"
        )

    def provide(self) -> None:
        """Let the compute that is being made stand."""
        for rest, found in self.resources.items():
            if rest.startswith("/computes/"):
                found["properties"]["provisioningState"] = "Succeeded"

    def respond(self, request: Request) -> Answer | None:
        found = _ROOT.fullmatch(request.path)
        if found is None:
            return None
        rest = (found["rest"] or "").rstrip("/")
        if request.method == "PUT" and not rest and found["workspace"] == self.workspace:
            self.standing = True
            return Answer(status=201, content=self._workspace(request.path))
        if found["workspace"] != self.workspace or not self.standing:
            return error(404, "ResourceNotFound", f"Workspace {found['workspace']} was not found.")
        if not rest:
            return Answer(content=self._workspace(request.path))
        kind = rest.split("/")[1]
        answers: dict[str, Callable[[Request, str], Answer]] = {
            "jobs": self._jobs,
            "computes": self._computes,
            "datastores": self._plain,
        }
        if kind in _ASSETS:
            return self._assets(request, rest)
        return answers.get(kind, self._plain)(request, rest)

    def _workspace(self, path: str) -> dict[str, Any]:
        return {
            "id": path,
            "name": self.workspace,
            "type": "Microsoft.MachineLearningServices/workspaces",
            "location": "westeurope",
            "tags": {},
            "identity": {"type": "SystemAssigned", "principalId": "p", "tenantId": "t"},
            "properties": {
                "friendlyName": self.workspace,
                "provisioningState": "Succeeded",
                **({"mlFlowTrackingUri": self.tracking} if self.tracking else {}),
            },
        }

    def _jobs(self, request: Request, rest: str) -> Answer:
        if rest == "/jobs":
            wanted = request.query.get("tag")
            jobs = self._listed("/jobs/")
            if wanted:
                jobs = [j for j in jobs if wanted in (j["properties"].get("tags") or {})]
            return self._page(request, jobs)
        if rest.endswith("/cancel"):
            return self._cancel(rest.removesuffix("/cancel"))
        if request.method == "PUT":
            return self._submit(request, rest)
        return self._get(rest)

    def _submit(self, request: Request, rest: str) -> Answer:
        properties = request.json["properties"]
        if properties.get("jobType") == "Command":
            wrong = refuse_unknown(properties, **_COMMAND_JOB)
            named = set(re.findall(r"\$\{\{inputs\.(\w+)\}\}", properties["command"]))
            missing = named - set(properties.get("inputs") or {})
            if wrong or missing:
                text = wrong or f"the command names inputs that are not given: {sorted(missing)}"
                return error(400, "UserError", text)
        if not _JOB_NAME.fullmatch(rest.removeprefix("/jobs/")):
            return error(400, "UserError", f"The name of a job must match {_JOB_NAME.pattern}.")
        if rest in self.resources:
            # A run cannot be changed, as the service says it.
            return error(409, "UserError", "A job with this name already exists.")
        made = self._make(request.path, rest, properties)
        made["properties"] |= {
            "status": "Starting",
            "services": {
                "Studio": {
                    "jobServiceType": "Studio",
                    "endpoint": f"https://ml.azure.com/runs/{rest.split('/')[-1]}?wsid=w",
                    "status": None,
                }
            },
        }
        return Answer(status=201, content=made)

    def _cancel(self, rest: str) -> Answer:
        if rest not in self.resources:
            return self._get(rest)
        job = self.resources[rest]["properties"]
        if job["status"] in ("Completed", "Failed", "Canceled"):
            return error(400, "UserError", "The job has ended.")
        job["status"] = "CancelRequested"
        location = f"{self.arm.url}/operations/cancel?api-version=1"
        return Answer(status=202, headers={"Location": location})

    def _computes(self, request: Request, rest: str) -> Answer:
        if request.method == "PUT":
            made = self._make(request.path, rest, request.json["properties"])
            made["location"] = request.json.get("location")
            made["tags"] = request.json.get("tags") or {}
            made["identity"] = request.json.get("identity")
            made["properties"]["provisioningState"] = "Creating"
            return Answer(status=201, content=made, headers=self.arm.begin(self._running(rest)))
        if request.method == "DELETE":
            self.resources.pop(rest, None)
            return Answer(status=202, headers=self.arm.begin(_succeeded))
        return self._get(rest)

    def _running(self, rest: str) -> Callable[[], Answer]:
        def check() -> Answer:
            state = self.resources[rest]["properties"]["provisioningState"]
            status = state if state in ("Succeeded", "Failed") else "InProgress"
            return Answer(content={"status": status})

        return check

    def _assets(self, request: Request, rest: str) -> Answer:
        parts = rest.strip("/").split("/")
        if len(parts) == 2:
            return self._asset_container(request, rest)
        if len(parts) == 3:
            listed = self._listed(f"{rest}/")
            active = [r for r in listed if not r["properties"].get("isArchived")]
            if stage := request.query.get("stage"):
                active = [r for r in active if r["properties"].get("stage") == stage]
            return self._page(request, active)
        if request.method == "PUT":
            return self._put_version(request, rest)
        if request.method == "DELETE":
            found = self.resources.pop(rest, None)
            return Answer(status=200 if found else 204)
        if rest in self.resources and parts[0] == "models" and self.hidden > 0:
            self.hidden -= 1
            return error(404, "UserError", f"The resource {rest} was not found.")
        return self._get(rest)

    def _asset_container(self, request: Request, rest: str) -> Answer:
        versions = [r for r in self.resources if r.startswith(f"{rest}/versions/")]
        if not versions:
            return error(404, "ResourceNotFound", f"{rest} was not found.")
        latest = versions[-1].split("/")[-1]
        properties = {"latestVersion": latest, "nextVersion": str(len(versions) + 1), "tags": {}}
        return Answer(content={"id": request.path, "name": rest, "properties": properties})

    def _put_version(self, request: Request, rest: str) -> Answer:
        properties = request.json["properties"]
        before = self.resources.get(rest)
        if before is None:
            return Answer(status=201, content=self._make(request.path, rest, properties))
        for name, value in properties.items():
            kept = before["properties"].get(name)
            if name not in _MUTABLE and value is not None and kept != value:
                return error(409, "UserError", f"{name} of an existing version is immutable.")
        changed = {n: v for n, v in properties.items() if n in _MUTABLE}
        before["properties"] |= changed
        return Answer(content=before)

    def _plain(self, request: Request, rest: str) -> Answer:
        if request.method == "PUT":
            return Answer(
                status=201, content=self._make(request.path, rest, request.json["properties"])
            )
        if request.method == "DELETE":
            found = self.resources.pop(rest, None)
            return Answer(status=200 if found else 204)
        return self._get(rest)

    def _make(self, path: str, rest: str, properties: dict[str, Any]) -> dict[str, Any]:
        self._clock += timedelta(seconds=1)
        made: dict[str, Any] = {
            "id": path,
            "name": rest.split("/")[-1],
            "type": f"Microsoft.MachineLearningServices/workspaces{rest}",
            "properties": dict(properties),
            "systemData": {"createdAt": self._clock.strftime("%Y-%m-%dT%H:%M:%SZ")},
        }
        if not rest.startswith(_STATELESS):
            made["properties"]["provisioningState"] = "Succeeded"
        if rest.startswith("/models/"):
            made["properties"].setdefault("flavors", {})
        self.resources[rest] = made
        self._newest[rest] = self.lag
        return made

    def _get(self, rest: str) -> Answer:
        found = self.resources.get(rest)
        if found is None:
            return error(404, "UserError", f"The resource {rest} was not found.")
        return Answer(content=found)

    def _listed(self, prefix: str) -> list[dict[str, Any]]:
        found = []
        for rest, resource in self.resources.items():
            if not rest.startswith(prefix) or rest == prefix:
                continue
            if self._newest.get(rest, 0) > 0:
                self._newest[rest] -= 1
                continue
            found.append(resource)
        return list(reversed(found))  # not by version

    def _page(self, request: Request, found: list[dict[str, Any]]) -> Answer:
        size, first = 2, int(request.query.get("$skip", "0"))
        content: dict[str, Any] = {"value": found[first : first + size]}
        if first + size < len(found):
            query = f"api-version={request.query['api-version']}&$skip={first + size}"
            for name in ("tag", "stage"):
                if value := request.query.get(name):
                    query += f"&{name}={value}"
            content["nextLink"] = f"{self.arm.url}{request.path}?{query}"
        return Answer(content=content)


def _succeeded() -> Answer:
    return Answer(content={"status": "Succeeded"})
