"""The compiled templates as the checks read them: resources, assignments of roles, the outline."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.check.choices import CHOICES

ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
_SCOPES = {
    rf"(/.*)/providers/{ASSIGNMENT}/": r"\1",
    rf"\[extensionResourceId\('([^']*)', '{ASSIGNMENT}'": r"\1",
    rf"\[resourceId\('([^']*)', '([^']*)', '{ASSIGNMENT}'": r"/subscriptions/\1/resourceGroups/\2",
}
_PUBLIC_CLOUD = {"environment().suffixes.storage": "core.windows.net"}
_QUOTED_ID = re.compile(r"'(/subscriptions/[^']*)'")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """A fault: the file or configuration where it is, and what to do."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource that a configuration makes; `body` is its JSON."""

    id: str
    type: str
    name: str
    body: Mapping[str, Any]

    def at(self, path: str) -> Any:
        """Return the value at a dotted path of the body, None where there is none."""
        value: Any = self.body
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        return value


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Assignment:
    """A role that a principal gets at a scope, unless its condition forbids an action.

    Principal and scope are labels (see `Configuration.label`).
    """

    principal: str
    role: str
    scope: str
    principal_type: str = ""
    condition: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The resources of one configuration, and the suffix that makes its names unique."""

    name: str
    resources: tuple[Resource, ...]
    suffix: str
    environment: str

    @property
    def traits(self) -> frozenset[str]:
        """Return the conditions of roles.json that hold."""
        return CHOICES[self.name].traits

    def of(self, kind: str) -> tuple[Resource, ...]:
        """Return the resources of a type."""
        return tuple(r for r in self.resources if r.type == kind)

    def settings(self) -> dict[str, str]:
        """Return the settings of the app; raise ValueError unless one resource holds them."""
        resources = [r for r in self.of("Microsoft.Web/sites/config") if "appsettings" in r.name]
        if len(resources) != 1:
            raise ValueError(f"{len(resources)} resources hold app settings; one must.")
        return {name: str(value) for name, value in resources[0].body["properties"].items()}

    def label(self, reference: object) -> str:
        """Return a short name of the resource that an id, or an expression with it, is about.

        It has neither suffix nor environment: `id-app`, `stdata/versions`, `rg-staging`.
        """
        text = str(reference)
        quoted = _QUOTED_ID.search(text) if text.startswith("[") else None
        parts = (quoted[1] if quoted else text).strip("/").split("/")
        if parts[0] != "subscriptions":
            return text
        names: list[str] = []
        while parts:
            kind, *parts = parts
            if kind == "providers":
                _, _, *parts = parts
            names += parts[:1] if parts[:1] != ["default"] else []
            parts = parts[1:]
        group = names[1].replace(f"-{self.environment}", "") if len(names) > 1 else ""
        short = "/".join(names[2:])
        if self.suffix:
            short = re.sub(rf"-?{self.suffix}", "", short)
        # Nearly everything is in one group.
        return ":".join(filter(None, ("" if group == "rg" and short else group, short))) or names[0]

    def labels(self, reference: str) -> set[str]:
        """Return the label of each resource that an expression is about."""
        return {self.label(name) for name in _QUOTED_ID.findall(reference)}

    def assignments(self) -> Iterator[Assignment]:
        """Yield every assignment of a role."""
        for resource in self.of(ASSIGNMENT):
            given = resource.body["properties"]
            principal = str(given["principalId"])
            known = not principal.startswith("[") or principal.endswith(".principalId]")
            yield Assignment(
                principal=self.label(principal) if known else principal,
                role=str(given["roleDefinitionId"]).rpartition("/")[2].rstrip("')]"),
                scope=self.label(_scope(resource.id)),
                principal_type=given.get("principalType", ""),
                condition=given.get("condition") or "",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """Every configuration, the event subscriptions, and the outline of the templates."""

    configurations: Mapping[str, Configuration]
    events: tuple[Resource, ...]
    outline: Mapping[str, Any]


def read(snapshots: Mapping[str, Any]) -> Compiled:
    """Return what snapshots hold, by file name; raise KeyError when one is missing."""
    return Compiled(
        configurations={
            name: _configuration(name, snapshots[f"{name}.json"])
            for name in CHOICES
            if f"{name}.json" in snapshots
        },
        events=_resources(snapshots["events.json"]),
        outline=snapshots["template.json"],
    )


def load(folder: Path) -> dict[str, Any]:
    """Return the committed snapshots by file name."""
    return {
        path.name: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))
    }


def text_of(value: object) -> str:
    """Return the text that a value comes to in Azure's public cloud, `<name>` for unknown parts."""
    text = str(value)
    if not text.startswith("["):
        return text
    if not (matched := re.match(r"\[format\('([^']*)', (.*)\)\]$", text, re.DOTALL)):
        return f"<{re.split(r'[.(]', text.rstrip('])'))[-1]}>"
    # Commas in brackets or quotes do not end an argument.
    arguments = re.findall(r"(?:[^,'()]|'[^']*'|\((?:[^()]|\([^()]*\))*\))+", matched[2])
    known = []
    for argument in (argument.strip() for argument in arguments):
        quoted = re.fullmatch(r"'([^']*)'", argument)
        known.append(quoted[1] if quoted else _PUBLIC_CLOUD.get(argument, text_of(f"[{argument}]")))
    return re.sub(r"\{(\d+)\}", lambda m: known[int(m[1])], matched[1])


def _scope(name: str) -> str:
    """Return the scope in the id of an assignment, or in the expression that makes the id."""
    for form, scope in _SCOPES.items():
        if matched := re.match(form, name):
            return matched.expand(scope)
    return name


def _resources(snapshot: Mapping[str, Any]) -> tuple[Resource, ...]:
    return tuple(
        Resource(id=r["id"], type=r["type"], name=r["name"], body=r)
        for r in snapshot["predictedResources"]
    )


def _configuration(name: str, snapshot: Mapping[str, Any]) -> Configuration:
    resources = _resources(snapshot)
    sites = [r for r in resources if r.type == "Microsoft.Web/sites"]
    tags = [r.at("tags.azd-env-name") for r in resources if r.at("tags.azd-env-name")]
    return Configuration(
        name=name,
        resources=resources,
        suffix=sites[0].name.rpartition("-")[2] if sites else "",
        environment=str(tags[0]) if tags else "",
    )
