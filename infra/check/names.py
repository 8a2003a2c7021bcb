"""Names that Azure takes, names that are not taken twice, and regions."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.check.arm import ASSIGNMENT, Compiled, Names, Problem, Resource, leaves
from infra.check.choices import LOCATION, LONGEST_NAME

# By type: the shortest and the longest name, and its form.
FILE = "names.json"
# Names of the whole world, not of a group: two resources may not share one.
GLOBAL = {
    "Microsoft.Storage/storageAccounts",
    "Microsoft.KeyVault/vaults",
    "Microsoft.ContainerRegistry/registries",
    "Microsoft.Web/sites",
}


def check(compiled: Compiled, root: Path) -> Iterator[Problem]:
    """Yield every name and region that Azure would refuse."""
    limits = json.loads((root / FILE).read_text("utf-8"))
    limit = compiled.outline["main"]["parameters"].get("environmentName", "")
    if limit != f"string({len(LONGEST_NAME)})":
        text = f"environmentName is {limit}; the checks try a name of {len(LONGEST_NAME)} letters."
        yield Problem(path="main.bicep", text=text)
    for configuration in compiled.configurations.values():
        seen: set[tuple[str, str]] = set()
        for resource in configuration.resources:
            full = Names().plain(resource.raw["name"])
            name = full.rpartition("/")[2]
            place = "" if resource.type in GLOBAL else resource.label
            key = (place, f"{resource.type} {name}".lower())
            texts = [*_refused(resource, name, limits), *_elsewhere(resource)]
            if (of_id := _name_of(resource.raw["id"])) not in (None, full):
                texts.append(f"the id has the name {of_id}.")
            if key in seen and resource.type != ASSIGNMENT:
                texts.append(f"{name!r} is the name of two resources.")
            seen.add(key)
            for text in texts:
                yield Problem(path=configuration.path, text=f"{resource.type} {full}: {text}")


def _name_of(id: str) -> str | None:
    """Return the name in an id, None when an expression makes the id."""
    _, provider, kinds = id.rpartition("/providers/")
    return "/".join(kinds.split("/")[2::2]) if provider and not id.startswith("[") else None


def _refused(resource: Resource, name: str, limits: Mapping[str, list[Any]]) -> Iterator[str]:
    if resource.type in limits:
        shortest, longest, form = limits[resource.type]
        if "<" in name:
            yield "The name cannot be known before the deployment."
        elif not shortest <= len(name) <= longest:
            yield f"{len(name)} characters; {resource.type} takes {shortest} to {longest}."
        elif not re.fullmatch(form, name):
            yield f"The name has a form that {resource.type} does not take."


def _elsewhere(resource: Resource) -> Iterator[str]:
    for path, value in leaves(resource.raw):
        if path.rpartition(".")[2] == "location" and value not in (LOCATION, "global"):
            yield f"{path} is {value!r}; the parameter files name {LOCATION!r}."
