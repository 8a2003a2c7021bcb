"""Names that Azure takes, names that are not taken twice, and regions."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.check.arm import ASSIGNMENT, Compiled, Configuration, Problem, Resource
from infra.check.choices import LOCATION, LONGEST_NAME
from infra.check.labels import plain

# By type: the shortest and the longest name, and its form.
FILE = "names.json"
# Names of the whole world, not of a group: two resources may not share one.
GLOBAL = {
    "Microsoft.Storage/storageAccounts",
    "Microsoft.KeyVault/vaults",
    "Microsoft.ContainerRegistry/registries",
    "Microsoft.Web/sites",
}
# Resources that are in no region; every other one is in that of the parameter files.
WITHOUT_REGION = {
    "Microsoft.Insights/actionGroups",
    "Microsoft.Insights/metricAlerts",
    "Microsoft.Network/privateDnsZones",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
}


def check(compiled: Compiled, root: Path) -> Iterator[Problem]:
    """Yield every name and region that Azure would refuse."""
    limits = json.loads((root / FILE).read_text("utf-8"))
    limit = compiled.outline["main"]["parameters"].get("environmentName", "")
    if limit != f"string({len(LONGEST_NAME)})":
        text = f"environmentName is {limit}; the checks try a name of {len(LONGEST_NAME)} letters."
        yield Problem("main.bicep", text)
    for configuration in compiled.configurations.values():
        for resource, text in _refused(configuration, limits):
            yield Problem(configuration.path, f"{resource.type} {resource.label}: {text}")


def _refused(
    configuration: Configuration, limits: Mapping[str, list[Any]]
) -> Iterator[tuple[Resource, str]]:
    taken: set[tuple[str, ...]] = set()
    for resource in configuration.resources:
        name = plain(resource.raw["name"]).rpartition("/")[2]
        shortest, longest, form = limits.get(resource.type, (1, 260, ".*"))
        key = (resource.type, name.lower(), "" if resource.type in GLOBAL else resource.label)
        if resource.type in limits and "<" in name:
            yield resource, "The name cannot be known before the deployment."
        elif not shortest <= len(name) <= longest:
            yield resource, f"{name} has {len(name)} characters; it takes {shortest} to {longest}."
        elif not re.fullmatch(form, name):
            yield resource, f"{name} has a form that {resource.type} does not take."
        if key in taken and resource.type != ASSIGNMENT:
            yield resource, f"{name!r} is the name of two resources."
        taken.add(key)
        region = "global" if resource.type in WITHOUT_REGION else LOCATION
        for path, value in resource.values.items():
            if path.rpartition(".")[2] == "location" and value != region:
                yield resource, f"{path} is {value!r}; it must be {region!r}."
