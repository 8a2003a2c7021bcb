"""Every property that a template sets against those that were looked up in the management SDKs.

`python -m infra.check.lookup` makes the list where the SDKs are installed; this needs none.
"""

import json
from collections.abc import Iterator
from typing import Any

from infra.check.choices import EVERYTHING
from infra.check.evaluate import EvaluationError, Instance, Resource, instantiate
from infra.check.problems import Problem
from infra.check.program import Program

FILE = "properties.json"
# Keys that people choose, not the service.
FREE = frozenset({"tags", "userAssignedIdentities"})
# Their properties are names of settings.
FREE_TYPES = frozenset({"Microsoft.Web/sites/config"})
# Bicep's own, not the service's.
OURS = frozenset({"name", "scope", "parent", "dependsOn"})


def check(program: Program) -> Iterator[Problem]:
    """Yield properties that nobody looked up, and entries of the list that are spare."""
    listed: dict[str, list[str]] = json.loads((program.root / FILE).read_text("utf-8"))
    used: dict[str, set[str]] = {}
    for resource in made(program):
        kind = resource.type.partition("@")[0]
        for path in paths(resource):
            used.setdefault(kind, set()).add(path)
            if path not in listed.get(kind, ()):
                text = f"{resource.symbol}: {kind} is not known to have {path}; see {FILE}."
                yield Problem(path=resource.path, line=resource.line, text=text)
    for kind, entries in listed.items():
        for path in sorted(set(entries) - used.get(kind, set())):
            yield Problem(path=FILE, line=1, text=f"{path} of {kind} is not used any more.")


def made(program: Program) -> Iterator[Resource]:
    """Yield every resource of every parameter file and of the event subscriptions."""
    events = program.files.get("events.bicep")
    try:
        for file in program.parameter_files():
            if file.using in program.files:
                yield from instantiate(program, file, EVERYTHING).resources()
        if events:
            yield from Instance(program, events, {}, {}).resources()
    except EvaluationError:
        return  # names.py says so


def paths(resource: Resource) -> set[str]:
    """Return the paths of a resource's properties, `[]` for the items of a list."""
    if resource.type.partition("@")[0] in FREE_TYPES or not isinstance(resource.body, dict):
        return set()
    body = {key: value for key, value in resource.body.items() if key not in OURS}
    return set(_paths(body, ""))


def _paths(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _paths(item, f"{path}[]")
    elif isinstance(value, dict):
        for key, inner in value.items():
            # A key may hold a dot itself (odata.type), so the marks between keys are slashes.
            here = f"{path}/{key}" if path else key
            yield here
            if key not in FREE:
                yield from _paths(inner, here)
