"""Requests against Microsoft's own API definitions, as its packages for Python carry them."""

import re
from collections.abc import Iterator
from typing import Any

from tests.azure_servers.base import Request

_ML = "azure.ai.ml._restclient.arm_ml_service"
# By method and address: the package's module of models, and the model of the body.
_MODELS = (
    (r"PUT /.*/Microsoft.EventGrid/.*eventSubscriptions/[^/]+$", "azure.mgmt.eventgrid", "EventSubscription"),
    (r"POST /.*/Microsoft.ContainerRegistry/registries/[^/]+/scheduleRun$", "azure.mgmt.containerregistrytasks", "RunRequest"),
    (r"PUT /.*/Microsoft.ContainerInstance/containerGroups/[^/]+$", "azure.mgmt.containerinstance", "ContainerGroup"),
    (r"PUT /.*/workspaces/[^/]+$", _ML, "Workspace"),
    (r"PUT /.*/workspaces/[^/]+/jobs/[^/]+$", _ML, "JobBase"),
    (r"PUT /.*/workspaces/[^/]+/computes/[^/]+$", _ML, "ComputeResource"),
    (r"PUT /.*/workspaces/[^/]+/datastores/[^/]+$", _ML, "Datastore"),
    (r"PUT /.*/workspaces/[^/]+/models/[^/]+/versions/[^/]+$", _ML, "ModelVersion"),
    (r"PUT /.*/workspaces/[^/]+/data/[^/]+/versions/[^/]+$", _ML, "DataVersionBase"),
    (r"PUT /.*/workspaces/[^/]+/environments/[^/]+/versions/[^/]+$", _ML, "EnvironmentVersion"),
    (r"PUT /.*/workspaces/[^/]+/components/[^/]+/versions/[^/]+$", _ML, "ComponentVersion"),
    (r"PUT /.*/workspaces/[^/]+/onlineEndpoints/[^/]+$", _ML, "OnlineEndpoint"),
    (r"PUT /.*/workspaces/[^/]+/onlineEndpoints/[^/]+/deployments/[^/]+$", _ML, "OnlineDeployment"),
)  # fmt: skip


# Azure ML's SDK archives a version by sending back what it read, with what only answers have.
_OF_THE_SDK = "/data/diabetes-baseline/versions/"
_READ_ONLY = ".properties.provisioningState"


def model_of(request: Request) -> Any:
    """Return the published model of a request's body, None when no package has one."""
    from importlib import import_module

    where = f"{request.method} {request.path.partition('?')[0]}"
    for pattern, package, name in _MODELS:
        if re.match(pattern, where, re.IGNORECASE):
            return getattr(import_module(f"{package}.models"), name)
    return None


def strange_fields(requests: list[Request]) -> list[str]:
    """Return what the bodies of these requests hold that no definition knows."""
    found = []
    for request in requests:
        model = model_of(request) if request.method in ("PUT", "POST") and request.body else None
        if model is not None:
            fields = unknown_fields(request.json, model)
            found += [
                f"{request.method} {request.path}{field}"
                for field in fields
                if not (field == _READ_ONLY and _OF_THE_SDK in request.path)
            ]
    return found


def unknown_fields(body: Any, model: Any) -> list[str]:
    """Return what of a body the definition does not know."""
    if hasattr(model, "_attribute_map"):
        kept = model.deserialize(body).serialize(keep_readonly=True)
        return sorted(set(_leaves(body)) - set(_leaves(kept)))
    return sorted(_strangers(model._deserialize(body, []), ""))


def _leaves(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each value in a document, with the value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, f"{path}[]")
    else:
        yield f"{path} = {value}"


def _strangers(found: Any, path: str) -> Iterator[str]:
    """Yield the keys of a generated model, and of those in it, that are no fields of it."""
    if isinstance(found, list):
        for inner in found:
            yield from _strangers(inner, f"{path}[]")
    fields = getattr(found, "_attr_to_rest_field", None)
    if fields is None:
        return
    names = {field._rest_name: attribute for attribute, field in fields.items()}
    for key in found.keys() - names.keys():
        yield f"{path}.{key}"
    for key in found.keys() & names.keys():
        yield from _strangers(getattr(found, names[key]), f"{path}.{key}")
