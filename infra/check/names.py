"""Names that Azure takes, names that are not taken twice, and regions."""

import json
import re
from collections.abc import Iterator

from infra.check.arm import ASSIGNMENT, Compiled, Configuration, Problem, problems
from infra.check.choices import INFRA, LOCATION, LONGEST_NAME
from infra.check.labels import plain

# `global`: types whose names are unique in the whole of Azure, so that two resources may not share
# one. `withoutRegion`: types that are in no region; every other one is in that of the parameter
# files. `limits`, by type: the shortest and the longest name, and its form.
RULES = json.loads((INFRA / "names.json").read_text("utf-8"))


def check(compiled: Compiled) -> Iterator[Problem]:
    """Yield every name and region that Azure would refuse."""
    limit = compiled.outline["main"]["parameters"].get("environmentName", "")
    if limit != f"string({len(LONGEST_NAME)})":
        text = f"environmentName is {limit}; the checks try a name of {len(LONGEST_NAME)} letters."
        yield Problem("main.bicep", text)
    for configuration in compiled.configurations.values():
        yield from problems(configuration.path, _refused(configuration))


def _refused(configuration: Configuration) -> Iterator[str]:
    taken: set[tuple[str, ...]] = set()
    for resource in configuration.resources:
        at = f"{resource.type} {resource.label}"
        name = plain(resource.raw["name"]).rpartition("/")[2]
        shortest, longest, form = RULES["limits"].get(resource.type, (1, 260, ".*"))
        group = "" if resource.type in RULES["global"] else resource.label
        key = (resource.type, name.lower(), group)
        if resource.type in RULES["limits"] and "<" in name:
            yield f"{at}: The name cannot be known before the deployment."
        elif not shortest <= len(name) <= longest:
            yield f"{at}: {name} has {len(name)} characters; it takes {shortest} to {longest}."
        elif not re.fullmatch(form, name):
            yield f"{at}: {name} has a form that {resource.type} does not take."
        if key in taken and resource.type != ASSIGNMENT:
            yield f"{at}: {name!r} is the name of two resources."
        taken.add(key)
        region = "global" if resource.type in RULES["withoutRegion"] else LOCATION
        for path, value in resource.values.items():
            if path.rpartition(".")[2] == "location" and value != region:
                yield f"{at}: {path} is {value!r}; it must be {region!r}."
