"""Request bodies against Microsoft's definitions of the api-version that each request names.

Microsoft's packages define one version each; they count where they carry the version that is sent.
The Bicep compiler has the types of every other version: bodies.json has its recorded diagnostics
of the bodies that these tests send (record.py), so that the check needs no compiler.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

from tests.azure_servers.base import Answer, Request
from tests.azure_servers.bodies import IDENTITY, Resource, answer_of, kind_of, leaves, resource_of
from tests.azure_servers.record import ANSWERED, RECORD, SENT

_ML = "Microsoft.MachineLearningServices/"
_ENUMERATIONS = "azure.ai.ml._restclient.arm_ml_service.models"
# The address of a request, the package, its client, and its model of the body.
_PACKAGES = (
    (r".*/eventSubscriptions/[^/]+", "azure.mgmt.eventgrid", "EventGridManagementClient", "EventSubscription"),
    (r".*/containerGroups/[^/]+", "azure.mgmt.containerinstance", "ContainerInstanceManagementClient", "ContainerGroup"),
    (r".*/registries/[^/]+/importImage", "azure.mgmt.containerregistry", "ContainerRegistryManagementClient", "ImportImageParameters"),
)  # fmt: skip
# Bodies of actions of Azure ML's own SDK, which no package defines in the version that it sends.
_UNDEFINED = re.compile(r".*/getLogs")


def strange_fields(requests: list[Request]) -> list[str]:
    """Return fields of these requests that the API version which they name does not know."""
    found = []
    for request in requests:
        if (
            request.method not in ("PUT", "POST")
            or not request.body
            or "/providers/" not in request.path
        ):
            continue
        label = f"{request.method} {request.path}?api-version={request.query.get('api-version')}"
        found += [f"{label}: {text}" for text in _strange(request)]
    return found


def strange_answers(answers: list[tuple[Request, Answer]]) -> list[str]:
    """Return answers of these servers that Azure, by its definitions, never gives."""
    found = []
    for request, answer in answers:
        resource = answer_of(request, answer)
        if resource is not None:
            found += [
                f"answer to {request.path}: {text}" for text in unrecorded(resource, ANSWERED)
            ]
    return found


def _strange(request: Request) -> list[str]:
    model, resource = model_of(request), resource_of(request)
    if model is None and resource is None:
        return (
            [] if _UNDEFINED.fullmatch(request.path) else ["no definition of this action is known"]
        )
    found = [] if model is None else unknown_fields(request.json, model)
    if resource is not None:
        if model is None or resource.label in _definitions(SENT):
            found += unrecorded(resource, SENT)
        found += misspelt(resource.type, resource.body)
    return found


def model_of(request: Request) -> Any:
    """Return a package's model of a request's body, None when no package carries that version."""
    for pattern, package, client, name in _PACKAGES:
        if re.fullmatch(pattern, request.path, re.IGNORECASE):
            carried = _carried(package, client)
            return (
                getattr(import_module(f"{package}.models"), name)
                if carried == request.query.get("api-version")
                else None
            )
    return None


@cache
def _carried(package: str, client: str) -> str:
    """Return the api-version that a package's definitions are of."""
    made = getattr(import_module(package), client)(
        object(), "subscription", base_url="https://none", credential_scopes=["none"]
    )
    return str(made._config.api_version)


@cache
def _definitions(way: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RECORD.read_text("utf-8"))[way]
    return found


def unrecorded(resource: Resource, way: str) -> list[str]:
    """Return the fields of a body that the recorded definition of its version does not know."""
    definition = _definitions(way).get(resource.label)
    if definition is None:
        return [f"{resource.label} is not recorded (tests/azure_servers/record.py)"]
    found = []
    body = {key: value for key, value in resource.body.items() if key not in IDENTITY}
    for path, value in leaves(body, frozenset(definition["open"])):
        kinds, allowed = definition["fields"].get(path), definition["values"].get(path)
        if kinds is None:
            found.append(f"{resource.label} is not recorded to have {path}")
        elif kind_of(value) not in kinds:
            found.append(
                f"{path} of {resource.label} is {kind_of(value)}, recorded is {', '.join(kinds)}"
            )
        elif allowed is not None and value not in allowed:
            found.append(
                f"{path} of {resource.label} is {value!r}, allowed is {', '.join(allowed)}"
            )
    return found


def misspelt(kind: str, body: Any) -> list[str]:
    """Return the words of an Azure ML body that differ from Microsoft's enumeration of that name.

    The compiler takes any text where an enumeration may still grow, so that it finds no `identity`.
    """
    if not kind.startswith(_ML):
        return []
    models, found = import_module(_ENUMERATIONS), []
    for path, value in leaves(body):
        field = path.rpartition(".")[2]
        named = getattr(models, field[:1].upper() + field[1:], None)
        words = [str(word.value) for word in getattr(named, "__members__", {}).values()]
        alike = [word for word in words if word.lower() == str(value).lower()]
        if alike and value not in words:
            found.append(f"{path} is {value!r}, Microsoft spells {', '.join(words)}")
    return found


def unknown_fields(body: Any, model: Any) -> list[str]:
    """Return the fields of a body that a package's model does not know."""
    if hasattr(model, "_attribute_map"):
        kept = model.deserialize(body).serialize(keep_readonly=True)
        before, after = ({f"{p} = {v}" for p, v in leaves(one)} for one in (body, kept))
        return sorted(before - after)
    return sorted(_strangers(model._deserialize(body, []), ""))


def _strangers(found: Any, path: str) -> Iterator[str]:
    """Yield the keys of a generated model, and of models in it, that are no fields of it."""
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
