"""The compiled templates as the checks read them: resources with labels instead of ids."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from infra.check import labels
from infra.check.choices import CHOICES, INFRA, NONE, Choice

Template = Mapping[str, Any]  # a compiled template, or an object in it
ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
SETTINGS = "Microsoft.Web/sites/config"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A fault: its file or configuration, and the remedy."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


def problems(path: str, *texts: Iterable[str]) -> Iterator[Problem]:
    """Return a problem of a file or a configuration for each text of each iterable."""
    return (Problem(path, text) for text in chain(*texts))


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
        text = f"{self.principal} ({self.principal_type}) on {self.scope}"
        others = ", ".join(f"{name} {value}" for name, value in self.others)
        return f"{text}, with {others}" if others else text


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
    """Each configuration of main.bicep, `events`, `template` (the modules), and the outline.

    `repository` is the folder of the tables and files that they are held to.
    """

    configurations: Mapping[str, Configuration]
    outline: Template
    repository: Path

    def chosen(self) -> tuple[Configuration, ...]:
        """Return the configurations of main.bicep."""
        return tuple(c for name, c in self.configurations.items() if name in CHOICES)

    def text(self, path: str) -> str:
        """Return the text of a file of the repository."""
        return (self.repository / path).read_text("utf-8")

    def table(self, name: str) -> Any:
        """Return a table of infra/, which is a JSON file."""
        return json.loads(self.text(f"infra/{name}"))


def load(folder: Path) -> dict[str, Any]:
    """Return the committed snapshots by file name."""
    return {path.name: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}


def read(snapshots: Template, repository: Path = INFRA.parent) -> Compiled:
    """Return the content of snapshots by file name; raise KeyError without template.json."""
    outline = snapshots["template.json"]
    modules = [
        {"id": name, "type": "module", "name": name, "after": module["after"]}
        for name, module in outline["main"]["modules"].items()
    ]
    made = {**snapshots, "template.json": {"predictedResources": modules}}
    names = [name for name in (*CHOICES, "events", "template") if f"{name}.json" in made]
    configurations = {name: _configuration(name, made[f"{name}.json"]) for name in names}
    return Compiled(configurations=configurations, outline=outline, repository=repository)


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
        made.append({"id": "outputs", "type": "outputs", "name": "outputs", **outputs})
    resources = tuple(
        Resource(label=labels.label(body), type=raw["type"], values=dict(leaves(body)), raw=raw)
        for raw, body in zip(made, labels.shorten(made), strict=True)
    )
    return Configuration(name=name, choice=CHOICES.get(name, NONE), resources=resources)
