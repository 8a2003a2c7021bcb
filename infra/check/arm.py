"""The compiled templates as the checks read them: resources with labels instead of ids.

A label is an id without its subscription, its providers, and the endings of names that differ
between environments: `id-app`, `stdata/versions`, `rg-staging`. A value that only Azure knows has
angle brackets: `[reference('/subscriptions/…/id-app-<suffix>').clientId]` is `<id-app.clientId>`.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.check.choices import CHOICES, NONE, Choice

Template = Mapping[str, Any]  # a compiled template, or an object in it
ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
SETTINGS = "Microsoft.Web/sites/config"
OUTPUTS = "outputs"
_ID = re.compile(r"/subscriptions/[^/]+(?:/resourceGroups/([^/]+))?(.*)")
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
# A call whose arguments are texts, and the members that are taken of its value.
_CALL = re.compile(r"(\w+)\(((?:'[^']*'(?:, '[^']*')*)?)\)([\w.]*)")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A fault: its file or configuration, and the remedy."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource of a configuration: its values by path, with labels; `raw` has the ids."""

    label: str
    type: str
    values: Template
    raw: Template

    def under(self, path: str) -> dict[str, Any]:
        """Return the values of an object, by their paths in it."""
        size = len(path) + 1
        return {key[size:]: value for key, value in self.values.items() if key[:size] == f"{path}."}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Assignment:
    """A role that a principal has at a scope; `others` are its further properties."""

    principal: str
    role: str
    scope: str
    principal_type: str = ""
    others: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        others = ", ".join(f"{name} {value}" for name, value in self.others)
        more = f", with {others}" if others else ""
        return f"{self.principal} ({self.principal_type}) on {self.scope}{more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The resources of a snapshot; its outputs are a resource of the type `outputs`."""

    name: str
    choice: Choice
    resources: tuple[Resource, ...]

    @property
    def path(self) -> str:
        """Return the file to name in a problem."""
        return f"snapshots/{self.name}.json"

    def of(self, kind: str) -> tuple[Resource, ...]:
        """Return the resources of a type."""
        return tuple(r for r in self.resources if r.type == kind)

    def settings(self) -> dict[str, str]:
        """Return the settings of the app; there are none without their resource."""
        found = [r.under("properties") for r in self.of(SETTINGS) if "appsettings" in r.label]
        return {name: str(value) for settings in found for name, value in settings.items()}

    def assignments(self) -> Iterator[Assignment]:
        """Yield every assignment of a role."""
        for resource in self.of(ASSIGNMENT):
            given = {name: str(value) for name, value in resource.under("properties").items()}
            principal = given.pop("principalId", "")
            known = re.fullmatch(r"<(.*?)(?:\.identity)?\.principalId>", principal)
            yield Assignment(
                principal=known[1] if known else principal,
                role=given.pop("roleDefinitionId", "").rpartition("/")[2],
                scope=resource.label.rpartition("/")[0] or "rg",
                principal_type=given.pop("principalType", ""),
                others=tuple(sorted(given.items())),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """Each configuration of main.bicep, `events`, `template` (the modules), and the outline."""

    configurations: Mapping[str, Configuration]
    outline: Template

    def chosen(self) -> tuple[Configuration, ...]:
        """Return the configurations of main.bicep."""
        return tuple(c for name, c in self.configurations.items() if name in CHOICES)


def load(folder: Path) -> dict[str, Any]:
    """Return the committed snapshots by file name."""
    return {
        path.name: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))
    }


def read(snapshots: Template) -> Compiled:
    """Return the content of snapshots by file name; raise KeyError without template.json."""
    outline = snapshots["template.json"]
    modules = [
        {"id": name, "type": "module", "name": name, "after": module["after"]}
        for name, module in outline["main"]["modules"].items()
    ]
    made = {**snapshots, "template.json": {"predictedResources": modules}}
    return Compiled(
        configurations={
            name: _configuration(name, made[f"{name}.json"])
            for name in (*CHOICES, "events", "template")
            if f"{name}.json" in made
        },
        outline=outline,
    )


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value of a JSON object with its path; a list of plain values is one value."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(inner, Mapping) for inner in value):
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{index}]")
    elif value is not None:
        yield path, value


def _configuration(name: str, snapshot: Template) -> Configuration:
    made = list(snapshot["predictedResources"])
    if outputs := snapshot.get("outputs"):
        made.append({"id": OUTPUTS, "type": OUTPUTS, "name": OUTPUTS, **outputs})
    short = [_map(plain, resource) for resource in json.loads(_without_endings(made))]
    return Configuration(
        name=name,
        choice=CHOICES.get(name, NONE),
        resources=tuple(
            Resource(label=_label(body), type=raw["type"], values=dict(leaves(body)), raw=raw)
            for raw, body in zip(made, short, strict=True)
        ),
    )


def _without_endings(resources: list[Template]) -> str:
    """Return resources as JSON, without the suffix and the environment that end their names."""
    text = json.dumps(resources)
    sites = [r["name"] for r in resources if r["type"] == "Microsoft.Web/sites"]
    tags = [r["tags"]["azd-env-name"] for r in resources if "azd-env-name" in r.get("tags", {})]
    if not (sites and tags):
        return text
    suffix = sites[0].rpartition("-")[2]
    # `evgt-mlops-<suffix>` keeps its `mlops` in the environment `mlops` too.
    return re.sub(rf"-{tags[0]}(?![\w]|-{suffix})|-?{suffix}", "", text)


def _map(change: Callable[[str], str], value: Any) -> Any:
    """Return a JSON value with every text in it changed, those of keys too."""
    if isinstance(value, Mapping):
        return {change(key): _map(change, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_map(change, inner) for inner in value]
    return change(value) if isinstance(value, str) else value


def _label(body: Template) -> str:
    """Return the label of a resource: its id, and its name where the id does not end with it."""
    id, name = body["id"], body["name"].replace("/default", "")
    if id.startswith("["):  # an expression that is not known
        id = name
    return _GUID.sub("guid", id if id.endswith(name) else f"{id} named {name}")


def plain(text: str) -> str:
    """Return a text without expressions and ids; an expression that is not known stays."""
    if text.startswith("["):
        value, before = text[1:-1], ""
        while value != before:
            value, before = _CALL.sub(_evaluate, value), value
        text = value[1:-1] if re.fullmatch("'[^']*'", value) else text
    if not (matched := _ID.fullmatch(text)):
        return text
    group, rest = matched.groups()
    below = re.sub(r"/providers/[^/]+", "", rest).split("/")[2::2]
    names = [name for name in below if name != "default"]
    return "/".join([*([] if names and group == "rg" else [group or "subscription"]), *names])


def _evaluate(call: re.Match[str]) -> str:
    """Return the value of a call as a text in quotes, or the call itself."""
    function, arguments, members = call[1], re.findall(r"'([^']*)'", call[2]), call[3]
    match function, arguments:
        case "environment", []:
            value = {".suffixes.storage": "core.windows.net"}.get(members, f"<{members}>")
        case "reference", [id, *_]:
            value = f"<{plain(id)}{members}>"
        case "resourceId", [subscription, group, kind, *names]:
            provider, *kinds = kind.split("/")
            value = f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{provider}"
            value += "".join(f"/{one}/{name}" for one, name in zip(kinds, names, strict=True))
        case "extensionResourceId", [scope, kind, name]:
            value = f"{scope}/providers/{kind}/{name}"
        case "format", [text, *values]:
            value = text.format(*values)
        case "replace", [text, old, new]:
            value = text.replace(old, new)
        case "guid", _:
            value = "guid"
        case _:
            return call[0]
    return f"'{value}'"
