"""The compiled templates as the checks read them, without ids, expressions and suffixes.

`[reference('/subscriptions/…/id-app-<suffix>').clientId]` is `<id-app.clientId>`, and an id is the
label of its resource: `id-app`, `stdata/versions`, `rg-staging`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.check.choices import CHOICES

Template = Mapping[str, Any]  # a compiled template, or an object in it
ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
OUTPUTS = "outputs"
_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|\w+|[()\[\],.])")
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_ID = re.compile(r"/subscriptions/[^/]+(?:/resourceGroups/([^/]+))?(.*)")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """A fault: its file or configuration, and the remedy."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource of a configuration; `body` has labels in it, `raw` is the compiler's JSON."""

    label: str
    type: str
    name: str
    body: Template
    raw: Template

    def at(self, path: str) -> Any:
        """Return the value at a dotted path of the compiler's JSON, None where there is none."""
        value: Any = self.raw
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        return value


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Assignment:
    """A role that a principal gets at a scope, and the values of `properties` beside them."""

    principal: str
    role: str
    scope: str
    principal_type: str = ""
    condition: str = ""
    others: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The resources of one configuration; its outputs are a resource of the type `outputs`."""

    name: str
    resources: tuple[Resource, ...]
    traits: frozenset[str]

    @property
    def path(self) -> str:
        """Return the file to name in a problem."""
        return f"snapshots/{self.name}.json"

    def of(self, kind: str) -> tuple[Resource, ...]:
        """Return the resources of a type."""
        return tuple(r for r in self.resources if r.type == kind)

    def settings(self) -> dict[str, str]:
        """Return the settings of the app; raise ValueError unless one resource holds them."""
        found = [r for r in self.of("Microsoft.Web/sites/config") if "appsettings" in r.name]
        if len(found) != 1:
            raise ValueError(f"{len(found)} resources hold app settings; one must.")
        return {name: str(value) for name, value in found[0].body["properties"].items()}

    def assignments(self) -> Iterator[Assignment]:
        """Yield every assignment of a role."""
        for resource in self.of(ASSIGNMENT):
            given = dict(resource.body["properties"])
            principal = str(given.pop("principalId"))
            known = re.fullmatch(r"<(.*?)(?:\.identity)?\.principalId>", principal)
            yield Assignment(
                principal=known[1] if known else principal,
                role=str(given.pop("roleDefinitionId")).rpartition("/")[2],
                scope=resource.label.rpartition("/")[0] or "rg",
                principal_type=given.pop("principalType", ""),
                condition=given.pop("condition", None) or "",
                others=tuple((name, str(value)) for name, value in leaves(given) if name),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """Each configuration of main.bicep, `events`, `template` (the modules), and the outline."""

    configurations: Mapping[str, Configuration]
    outline: Template


def read(snapshots: Template) -> Compiled:
    """Return the content of snapshots by file name; raise KeyError when one is missing."""
    outline = snapshots["template.json"]
    configurations = {
        name: _configuration(name, snapshots[f"{name}.json"])
        for name in (*CHOICES, "events")
        if f"{name}.json" in snapshots
    }
    modules = [
        {"id": name, "type": "module", "name": name, "after": module["after"]}
        for name, module in outline["main"]["modules"].items()
    ]
    configurations["template"] = _configuration("template", {"predictedResources": modules})
    return Compiled(configurations=configurations, outline=outline)


def load(folder: Path) -> dict[str, Any]:
    """Return the committed snapshots by file name."""
    return {
        path.name: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))
    }


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The endings of the names of a configuration, which their labels leave out."""

    suffix: str = ""
    environment: str = ""

    def plain(self, value: Any) -> Any:
        """Return a value of the compiler's JSON with labels, and without expressions."""
        if isinstance(value, Mapping):
            return {self.plain(key): self.plain(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.plain(inner) for inner in value]
        if not isinstance(value, str):
            return value
        expression = value.startswith("[") and value.endswith("]")
        if expression:
            value = str(self._expression(_TOKEN.findall(value[1:-1])))
        if not (matched := _ID.fullmatch(value)):
            # Labels in an expression are short already; `evgt-mlops` keeps its end.
            return value if expression and self.suffix not in value else self._short(value)
        group, rest = matched.groups()
        below = re.sub(r"/providers/[^/]+", "", rest or "").split("/")[2::2]
        group = self._short(group) if group else "subscription"
        names = [self._short(name) for name in below if name != "default"]
        return "/".join(([] if names and group == "rg" else [group]) + names)

    def label(self, resource: Template) -> str:
        """Return the label of a resource: that of its id, or of its name for an expression."""
        names = resource["type"] != ASSIGNMENT and resource["id"].startswith("[")
        return _GUID.sub("guid", self.plain(resource["name" if names else "id"]))

    def _short(self, text: str) -> str:
        if self.suffix and self.suffix in text:
            return re.sub(f"-?{self.suffix}", "", text)
        return text.replace(f"-{self.environment}", "") if self.environment else text

    def _expression(self, tokens: list[str]) -> Any:
        """Take an expression from the front of its tokens and return its value."""
        token = tokens.pop(0)
        call = bool(tokens) and tokens[0] == "("
        value: Any = token[1:-1].replace("''", "'") if token.startswith("'") else token
        if call:
            arguments: list[Any] = []
            while tokens.pop(0) != ")":
                if tokens[0] != ")":
                    arguments.append(self._expression(tokens))
            value = self._call(token, arguments)
        members = ""
        while tokens and tokens[0] in (".", "["):
            if tokens.pop(0) == "[":
                index = tokens.pop(0)
                tokens.pop(0)
                value = f"{value}[{index}]"
            else:
                members += f".{tokens.pop(0)}"
        if call and token == "environment":  # of Azure's public cloud
            return {".suffixes.storage": "core.windows.net"}.get(members, f"<{members}>")
        if call and token == "reference":
            return f"<{value}{members}>"
        return f"{value}{members}" if members else value

    def _call(self, name: str, arguments: list[Any]) -> Any:
        match name, arguments:
            case "format", [text, *values]:
                return re.sub(r"\{(\d+)\}", lambda m: str(values[int(m[1])]), text)
            case "reference", [resource, *_]:
                return self.plain(resource)
            case "resourceId", [subscription, group, kind, *names]:
                space, *kinds = kind.split("/")
                pairs = "".join(f"/{one}/{name}" for one, name in zip(kinds, names, strict=False))
                return (
                    f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{space}{pairs}"
                )
            case "extensionResourceId", [scope, kind, name]:
                return f"{scope}/providers/{kind}/{name}"
            case "guid", _:
                return "guid"
            case "replace", [text, old, new]:
                return text.replace(old, new)
        return f"{name}({', '.join(map(str, arguments))})"


def _configuration(name: str, snapshot: Template) -> Configuration:
    made = snapshot["predictedResources"]
    sites = [r["name"] for r in made if r["type"] == "Microsoft.Web/sites"]
    tags = [r["tags"]["azd-env-name"] for r in made if "azd-env-name" in (r.get("tags") or {})]
    names = Names(
        suffix=sites[0].rpartition("-")[2] if sites else "", environment=tags[0] if tags else ""
    )
    outputs = snapshot.get("outputs") or {}
    listed = [
        *made,
        *([{"id": OUTPUTS, "type": OUTPUTS, "name": OUTPUTS, **outputs}] if outputs else []),
    ]
    return Configuration(
        name=name,
        traits=CHOICES[name].traits if name in CHOICES else frozenset(),
        resources=tuple(
            Resource(
                label=names.label(resource),
                type=resource["type"],
                name=names.plain(resource["name"]),
                body=names.plain(resource),
                raw=resource,
            )
            for resource in listed
        ),
    )
