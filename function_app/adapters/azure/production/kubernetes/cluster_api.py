"""The API of a Kubernetes cluster, by the official client: objects as plain JSON.

Objects are sent and read without the models of the client, because these refuse the values of newer
clusters.
"""

import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from function_app.adapters.azure.production.kubernetes.cluster_kinds import KINDS
from function_app.addresses import url_segment
from function_app.domain.text.redaction import redact
from function_app.errors import NotFoundError, PlatformError
from function_app.late_imports import importing

MANAGER = "mlops"
_REMEDIES = {
    401: "Let the cluster take Entra tokens of this app's identity.",
    403: "Give the app's identity Azure Kubernetes Service RBAC Writer on the namespace.",
    404: "Make the namespace, or correct the settings.",
    422: "The cluster does not take the object; report it.",
}
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterAccess:
    """The address of a cluster's API, its CA certificate, and a token for each request."""

    host: str
    ca: bytes
    token: Callable[[], str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceProxy:
    """The address of a Service through the cluster's API, with the headers and the trusted CA.

    The API takes the token for itself and passes on no `Authorization`.

    Source: "Access Services Running on Clusters", kubernetes.io.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    verify: ssl.SSLContext


class ClusterApi:
    """Reads, applies and deletes objects of one namespace."""

    def __init__(self, access: Callable[[], ClusterAccess], namespace: str) -> None:
        self._access, self.namespace = access, namespace
        # The client and the source of its tokens: one value, because a thread that saw the client
        # before its source sent an empty token.
        self._reach: tuple[Any, Callable[[], str]] | None = None
        self._served: dict[str, list[str]] = {}

    def get(self, kind: str, name: str) -> Json | None:
        """Return an object, None when an existing namespace has no such object."""
        try:
            return self._ask("GET", self._path(kind, name), f"read {kind} {name}")
        except NotFoundError:
            self._confirm()
            return None

    def list(self, kind: str, labels: Mapping[str, str] | None = None) -> list[Json]:
        """Return all objects of a kind that have these labels."""
        query = {"limit": "200"}
        if labels:
            query["labelSelector"] = ",".join(f"{k}={v}" for k, v in sorted(labels.items()))
        objects: list[Json] = []
        while True:
            page = self._ask("GET", self._path(kind), f"list {kind}", query=query)
            objects += page.get("items") or []
            more = page.get("metadata", {}).get("continue")
            if not more:
                return objects
            query = {**query, "continue": more}

    def apply(self, content: Json) -> Json:
        """Make an object be so, by server-side apply: one call, whether it is there or not."""
        kind, name = content["kind"], content["metadata"]["name"]
        version = KINDS[kind].api_version(self._version(kind))
        return self._ask(
            "PATCH",
            self._path(kind, name),
            f"apply {kind} {name}",
            query={"fieldManager": MANAGER, "force": "true"},
            body={**content, "apiVersion": version},
            media="application/apply-patch+yaml",
        )

    def merge(self, kind: str, name: str, change: Json) -> Json:
        """Change some fields of an object."""
        operation = f"change {kind} {name}"
        media = "application/merge-patch+json"
        return self._ask("PATCH", self._path(kind, name), operation, body=change, media=media)

    def delete(self, kind: str, name: str) -> None:
        """Delete an object and the objects that it owns; nothing happens when there is none."""
        try:
            self._ask(
                "DELETE",
                self._path(kind, name),
                f"delete {kind} {name}",
                query={"propagationPolicy": "Background"},
            )
        except NotFoundError:
            return

    def service_proxy(self, service: str) -> ServiceProxy:
        """Return the proxy for port `http` of a Service; it works outside of its network, too."""
        access = self._access()
        path = f"/api/v1/namespaces/{self.namespace}/services/{service}:http/proxy"
        return ServiceProxy(
            url=access.host.rstrip("/") + path,
            headers={"Authorization": f"Bearer {access.token()}"},
            verify=ssl.create_default_context(cadata=access.ca.decode()),
        )

    def log_tail(self, pod: str, lines: int) -> str:
        """Return the last lines of a pod's log."""
        path = f"{self._path('Pod', pod)}/log"
        query = {"tailLines": str(lines)}
        answer = self._send("GET", path, f"read the log of {pod}", query, None, "application/json")
        return str(answer.decode(errors="replace"))

    def _confirm(self) -> None:
        """Raise when the namespace itself is not there, which answers like an absent object."""
        path = f"/api/v1/namespaces/{self.namespace}"
        try:
            self._ask("GET", path, f"read namespace {self.namespace}")
        except NotFoundError as error:
            text = f"There is no namespace {self.namespace}. {_REMEDIES[404]}"
            raise PlatformError("azure", "reach production", text) from error

    def _path(self, kind: str, name: str = "") -> str:
        path = KINDS[kind].path(self._version(kind), self.namespace)
        return f"{path}/{url_segment(name)}" if name else path

    def _version(self, kind: str) -> str:
        """Return the API version in which this cluster serves a kind."""
        locations = KINDS[kind]
        if len(locations.versions) > 1 and locations.group not in self._served:
            try:
                answer = self._ask("GET", f"/apis/{locations.group}", f"read {locations.group}")
            except NotFoundError:
                answer = {}
            served = [entry["version"] for entry in answer.get("versions") or []]
            self._served[locations.group] = served
        return locations.newest(self._served.get(locations.group, ()))

    def _ask(
        self,
        method: str,
        path: str,
        operation: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        media: str = "application/json",
    ) -> Json:
        content = self._send(method, path, operation, query, body, media)
        document: Json = json.loads(content) if content else {}
        return document

    def _send(
        self,
        method: str,
        path: str,
        operation: str,
        query: Mapping[str, str] | None,
        body: Json | None,
        media: str,
    ) -> bytes:
        with _translate(operation):
            client, token = self._client()
            request = client.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params={
                    "Accept": "application/json",
                    "Content-Type": media,
                    # The token is set now, because the client calls its refresh hook only after a
                    # first token.
                    "Authorization": f"Bearer {token()}",
                },
                body=body,
            )
            answer = client.call_api(*request, _request_timeout=(10, 60))
            content = bytes(answer.read() or b"")
            if answer.status == 404:
                raise NotFoundError(f"The cluster could not {operation}. {_describe(404, content)}")
            if answer.status >= 400:
                raise PlatformError("azure", operation, _describe(answer.status, content))
        return content

    def _client(self) -> tuple[Any, Callable[[], str]]:
        """Return the client and the source of its tokens.

        Two threads that ask first may make two clients; either works, and one is kept.
        """
        reach = self._reach
        if reach is None:
            with importing():
                from kubernetes import client
                from urllib3.util.retry import Retry

            access = self._access()
            configuration: Any = client.Configuration()
            configuration.host = access.host
            configuration.ca_cert_data = access.ca.decode()
            # Each of our requests may be repeated: applying twice is applying once.
            configuration.retries = Retry(
                total=4,
                backoff_factor=0.5,
                status_forcelist=(429, 500, 502, 503, 504),
                allowed_methods=None,
                raise_on_status=False,
            )

            self._reach = reach = (client.ApiClient(configuration), access.token)
        return reach


def _describe(status: int, content: bytes) -> str:
    try:
        message = str(json.loads(content).get("message", ""))
    except (ValueError, AttributeError, RecursionError):
        message = ""
    remedy = _REMEDIES.get(status, "The cluster is at fault or busy; try again.")
    return redact(f"HTTP {status}. {message[:300]} {remedy}")


@contextmanager
def _translate(operation: str) -> Iterator[None]:
    """Raise this app's errors for those of the client and its transport."""
    with importing():
        from kubernetes.client.exceptions import OpenApiException
        from urllib3.exceptions import HTTPError

    try:
        yield
    except (OpenApiException, HTTPError) as error:
        text = (
            f"The cluster did not answer ({type(error).__name__}). Check its address, its"
            " certificate, and that this app's network reaches it."
        )
        raise PlatformError("azure", operation, text) from error
