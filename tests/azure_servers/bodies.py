"""Request bodies as resources: their type, their api-version, and the fields that they hold."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.azure_servers.base import Answer, Request

_PROVIDER = re.compile(r".*/providers/(?P<namespace>[^/]+)(?P<rest>/.+)")
# An action has no resource type of its own; this resource holds the same body.
_RUN = "Microsoft.ContainerRegistry/registries/taskRuns"
# The same on every resource.
IDENTITY = ("id", "name", "type")
# Azure's own spelling: addresses come in any case, types do not.
_SPELLINGS = ("Microsoft.ContainerInstance", "Microsoft.EventGrid", "Microsoft.ContainerRegistry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A body that was sent; `type` is Azure's resource type, without the version."""

    type: str
    version: str
    name: str
    body: dict[str, Any]

    @property
    def label(self) -> str:
        """Return the type with its version, as Bicep writes it."""
        return f"{self.type}@{self.version}"


def resource_of(request: Request) -> Resource | None:
    """Return the resource that a PUT makes, or a scheduled run; None for requests that make no resource."""
    found = _PROVIDER.fullmatch(request.path)
    if found is None or not request.body or request.method not in ("PUT", "POST"):
        return None
    parts = found["rest"].strip("/").split("/")
    version = request.query.get("api-version", "")
    if request.method == "POST":
        if parts[-1] != "scheduleRun":
            return None
        body = {"properties": {"runRequest": request.json}}
        return Resource(type=_RUN, version=version, name="registry/run", body=body)
    kind = "/".join((_spelt(found["namespace"]), *parts[0::2]))
    name = "/".join(parts[1::2])
    return Resource(type=kind, version=version, name=name, body=request.json)


def answer_of(request: Request, answer: Answer) -> Resource | None:
    """Return the resource that an answer shows; None for lists, actions, errors and operations."""
    found = _PROVIDER.fullmatch(request.path)
    content = answer.content
    if (
        found is None
        or answer.status >= 300
        or not isinstance(content, dict)
        or "id" not in content
    ):
        return None
    parts = found["rest"].strip("/").split("/")
    if len(parts) % 2 or request.method not in ("GET", "PUT"):
        return None
    kind = "/".join((_spelt(found["namespace"]), *parts[0::2]))
    version = request.query.get("api-version", "")
    return Resource(type=kind, version=version, name="/".join(parts[1::2]), body=content)


def _spelt(namespace: str) -> str:
    return next((s for s in _SPELLINGS if s.lower() == namespace.lower()), namespace)


def leaves(
    value: Any, open_maps: frozenset[str] = frozenset(), path: str = ""
) -> Iterator[tuple[str, Any]]:
    """Yield each value of a document with its path; the keys of an open map are all `*`."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            step = "*" if path in open_maps else key
            yield from leaves(inner, open_maps, f"{path}.{step}")
    elif isinstance(value, list) and value:
        for inner in value:
            yield from leaves(inner, open_maps, f"{path}[]")
    else:
        yield path, value


def kind_of(value: Any) -> str:
    """Return the JSON type of a value; an empty object or list has a type, too."""
    if value is None:
        return "null"
    names: dict[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return names.get(type(value), "object" if isinstance(value, dict) else "array")
