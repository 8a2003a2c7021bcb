"""A Kubernetes API server in small: server-side apply, validation, and controllers by hand.

Bodies are checked by the models that the official client makes of the published API.
"""

import copy
import json
import re
import threading
from typing import Any

import httpx
from kubernetes import client

from tests.azure_servers.arm import Fault, audience
from tests.azure_servers.base import Answer, Request, Server
from tests.azure_servers.tls import Tls

AUDIENCE = "6dae42f8-4368-4678-94ff-3960e28e3630"
_OBJECT = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/]+)/(?P<version>\w+))/namespaces/(?P<namespace>[^/]+)"
    r"(?:/(?P<kind>\w+)(?:/(?P<name>[^/]+)(?P<more>/log)?)?)?"
)
_MODELS: dict[str, Any] = {
    "deployments": client.V1Deployment,
    "services": client.V1Service,
    "horizontalpodautoscalers": client.V2HorizontalPodAutoscaler,
    "poddisruptionbudgets": client.V1PodDisruptionBudget,
    "networkpolicies": client.V1NetworkPolicy,
    "serviceaccounts": client.V1ServiceAccount,
    "secrets": client.V1Secret,
    "ingresses": client.V1Ingress,
}
# The versions of API groups in a present cluster, and in a cluster of 2020.
TODAY = {"autoscaling": ["v2", "v1"], "policy": ["v1"], "discovery.k8s.io": ["v1"]}
OLD = {
    "autoscaling": ["v1", "v2beta1", "v2beta2"],
    "policy": ["v1beta1"],
    "discovery.k8s.io": ["v1beta1"],
}
_PROXIED = re.compile(r"/api/v1/namespaces/[^/]+/services/(?P<name>[^/:]+):http/proxy(?P<rest>/.*)")
_PASSED_BACK = ("content-type", "www-authenticate", "x-prediction-id")
_ATOMIC = ("selector", "podSelector", "matchLabels")
Json = dict[str, Any]


class Cluster(Server):
    """A namespace. `settle` acts as the controllers; images in `broken` never get available."""

    def __init__(self, tls: Tls, namespace: str = "models") -> None:
        self.namespace: str | None = namespace
        self.objects: dict[tuple[str, str], Json] = {}
        self.applied: dict[tuple[str, str], Json] = {}
        self.broken: set[str] = set()
        self.faults: list[Fault] = []
        self.endpoints_lag = False
        self.address = "10.1.0.7"  # of the load balancer
        self.versions = TODAY
        self._endpoints: dict[str, list[str]] = {}
        self._clock = 0
        self._lock = threading.RLock()
        super().__init__(self._respond, tls)

    def settle(self) -> None:
        """Let the controllers and the load balancer reach the desired state."""
        with self._lock:
            for (kind, name), found in self.objects.items():
                if kind == "deployments":
                    found["status"] = self._status(found)
                if kind == "services":
                    if found["spec"].get("type") == "LoadBalancer":
                        found["status"] = {"loadBalancer": {"ingress": [{"ip": self.address}]}}
                    if not self.endpoints_lag:
                        self._endpoints[name] = self._ready_pods(found["spec"].get("selector"))

    def exceed_deadline(self, name: str) -> None:
        """Let a Deployment have made no progress for too long."""
        found = self.objects["deployments", name]
        found["status"] = {
            "observedGeneration": found["metadata"]["generation"],
            "replicas": 1,
            "conditions": [
                {
                    "type": "Progressing",
                    "status": "False",
                    "reason": "ProgressDeadlineExceeded",
                    "message": f'ReplicaSet "{name}-1" has timed out progressing.',
                }
            ],
        }

    def _status(self, found: Json) -> Json:
        wanted = found["spec"].get("replicas", 1)
        broken = self._image(found) in self.broken
        return {
            "observedGeneration": found["metadata"]["generation"],
            "replicas": wanted,
            "updatedReplicas": wanted,
            "availableReplicas": 0 if broken else wanted,
        }

    def _image(self, found: Json) -> str:
        return str(found["spec"]["template"]["spec"]["containers"][0]["image"])

    def _ready_pods(self, selector: dict[str, str] | None) -> list[str]:
        ready = []
        for pod in self._pods():
            matches = selector and selector.items() <= pod["metadata"]["labels"].items()
            if matches and not pod["status"]["containerStatuses"]:
                ready.append(pod["metadata"]["name"])
        return ready

    def _pods(self) -> list[Json]:
        pods = []
        for (kind, name), found in self.objects.items():
            if kind != "deployments":
                continue
            waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}
            states = [{"state": {"waiting": waiting}}] if self._image(found) in self.broken else []
            for number in range(found["spec"].get("replicas", 1)):
                labels = found["spec"]["template"]["metadata"]["labels"]
                metadata = {"name": f"{name}-5d9c-{number}", "labels": labels}
                pods.append({"metadata": metadata, "status": {"containerStatuses": states}})
        return pods

    def _respond(self, request: Request) -> Answer:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if audience(token) != AUDIENCE:
            return _status(401, "Unauthorized", "Unauthorized")
        if (found := _PROXIED.fullmatch(request.path)) and found["name"]:
            return self._proxy(request, found["name"], found["rest"])
        with self._lock:
            for fault in self.faults:
                if fault.method == request.method and fault.path in request.path and fault.times:
                    fault.times -= 1
                    return fault.answer
            return self._route(request)

    def _proxy(self, request: Request, name: str, rest: str) -> Answer:
        """Ask the pods of a Service; the API's own token goes no further."""
        if ("services", name) not in self.objects:
            return _status(404, "NotFound", f'services "{name}" not found')
        headers = {
            key: text
            for key, text in request.headers.items()
            if key not in ("authorization", "host", "content-length", "connection")
        }
        url = f"http://{self.address}{rest}"
        try:
            told = httpx.request(request.method, url, headers=headers, content=request.body)
        except httpx.TransportError:
            return _status(503, "ServiceUnavailable", "no endpoints available for service")
        kept = {k: v for k, v in told.headers.items() if k.lower() in _PASSED_BACK}
        return Answer(status=told.status_code, body=told.content, headers=kept)

    def _route(self, request: Request) -> Answer:
        group = request.path.removeprefix("/apis/")
        if group in self.versions:
            versions = [
                {"groupVersion": f"{group}/{v}", "version": v} for v in self.versions[group]
            ]
            return Answer(content={"kind": "APIGroup", "name": group, "versions": versions})
        found = _OBJECT.fullmatch(request.path)
        if found is None or found["version"] not in self.versions.get(
            found["group"], [found["version"]]
        ):
            return _status(404, "NotFound", "the server could not find the requested resource")
        if found["kind"] is None:
            if found["namespace"] != self.namespace:
                return _status(404, "NotFound", f'namespaces "{found["namespace"]}" not found')
            return Answer(content={"kind": "Namespace", "metadata": {"name": self.namespace}})
        kind, name = found["kind"], found["name"]
        if found["more"]:
            return Answer(body=b"Traceback\nModuleNotFoundError: skops\n")
        if name is None:
            return self._list(request, kind)
        if request.method == "PATCH":
            return self._patch(request, kind, name, found["namespace"])
        if (kind, name) not in self.objects:
            return _status(404, "NotFound", f'{kind} "{name}" not found')
        if request.method == "DELETE":
            self.applied.pop((kind, name), None)
            return Answer(content=self.objects.pop((kind, name)))
        return Answer(content=self.objects[kind, name])

    def _patch(self, request: Request, kind: str, name: str, namespace: str) -> Answer:
        body, media = request.json, request.headers["content-type"]
        before = self.objects.get((kind, name))
        if namespace != self.namespace:
            return _status(404, "NotFound", f'namespaces "{namespace}" not found')
        if media == "application/apply-patch+yaml":
            of = (
                "/".join(filter(None, request.path.split("/")[2:4]))
                if "/apis/" in request.path
                else "v1"
            )
            if body.get("apiVersion") != of:
                return _status(400, "BadRequest", f"apiVersion must be {of}")
            if not request.query.get("fieldManager"):
                return _status(400, "BadRequest", "fieldManager is required for apply patch")
            wrong = _check(kind, body)
            if wrong:
                return _status(422, "Invalid", wrong)
            after = _apply(before or {}, self.applied.get((kind, name), {}), body)
        elif before is None:
            return _status(404, "NotFound", f'{kind} "{name}" not found')
        else:
            after = _merge(copy.deepcopy(before), body)
        rolled = before is not None and kind == "deployments"
        if rolled and (before or {})["spec"]["selector"] != after["spec"]["selector"]:
            return _status(422, "Invalid", "spec.selector: field is immutable")
        if media == "application/apply-patch+yaml":
            self.applied[kind, name] = copy.deepcopy(body)
        self._keep(kind, name, before, after)
        return Answer(status=200 if before else 201, content=after)

    def _keep(self, kind: str, name: str, before: Json | None, after: Json) -> None:
        metadata = after["metadata"]
        self._clock += 1
        metadata.setdefault("creationTimestamp", f"2026-01-01T00:{self._clock:02}:00Z")
        changed = before is None or before.get("spec") != after.get("spec")
        former = (before or {"metadata": {}})["metadata"].get("generation", 0)
        metadata["generation"] = former + 1 if changed else former
        self.objects[kind, name] = after

    def _list(self, request: Request, kind: str) -> Answer:
        wanted = dict(p.split("=") for p in request.query.get("labelSelector", "").split(",") if p)
        found = [
            entry
            for entry in self._all(kind)
            if wanted.items() <= (entry["metadata"].get("labels") or {}).items()
        ]
        first = int(request.query.get("continue", "0"))
        metadata = {"continue": str(first + 2)} if first + 2 < len(found) else {}
        return Answer(content={"items": found[first : first + 2], "metadata": metadata})

    def _all(self, kind: str) -> list[Json]:
        if kind == "pods":
            return self._pods()
        if kind == "events":
            return [
                {
                    "metadata": {"name": "e"},
                    "type": "Warning",
                    "reason": "Failed",
                    "message": "Failed to pull image: unauthorized",
                    "involvedObject": {"name": pod["metadata"]["name"]},
                }
                for pod in self._pods()
                if pod["status"]["containerStatuses"]
            ]
        if kind == "endpointslices":
            return [
                {
                    "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
                    "endpoints": [
                        {"conditions": {"ready": True}, "targetRef": {"kind": "Pod", "name": pod}}
                        for pod in pods
                    ],
                }
                for name, pods in self._endpoints.items()
            ]
        return [entry for (of, _), entry in self.objects.items() if of == kind]


def _check(kind: str, body: Json) -> str | None:
    """Return the faults of an object by the published API."""
    try:
        _MODELS[kind].model_validate(body)
    except ValueError as error:
        return str(error).splitlines()[1]
    metadata, spec = body.get("metadata") or {}, body.get("spec") or {}
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", metadata.get("name", "")):
        return "metadata.name is not a DNS label"
    for text in (metadata.get("labels") or {}).values():
        if not re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", text):
            return f"the label {text!r} is invalid"
    if kind == "deployments":
        chosen = spec["selector"]["matchLabels"].items()
        if not chosen <= spec["template"]["metadata"]["labels"].items():
            return "the selector does not match the template's labels"
    return None


def _apply(before: Json, applied: Json, wish: Json) -> Json:
    """Return the result of server-side apply: fields that are no longer applied are removed."""
    after = copy.deepcopy(before)
    _drop(after, applied, wish)
    return _merge(after, json.loads(json.dumps(wish)))


def _drop(after: Json, applied: Json, wish: Json) -> None:
    for name, value in applied.items():
        if name not in wish:
            after.pop(name, None)
        elif isinstance(value, dict) and isinstance(wish[name], dict) and name in after:
            _drop(after[name], value, wish[name])


def _merge(target: Json, change: Json) -> Json:
    for name, value in change.items():
        if value is None:
            target.pop(name, None)
        elif isinstance(value, dict) and isinstance(target.get(name), dict) and name not in _ATOMIC:
            _merge(target[name], value)
        else:
            target[name] = value
    return target


def _status(code: int, reason: str, message: str) -> Answer:
    content = {"kind": "Status", "status": "Failure", "reason": reason, "message": message}
    return Answer(status=code, content={**content, "code": code})
