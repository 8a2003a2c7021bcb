"""The names that come out, against Azure's limits for each type of resource."""

import re
from collections.abc import Iterator, Mapping

from infra.check.choices import EVERYTHING, NOTHING
from infra.check.evaluate import EvaluationError, Instance, instantiate
from infra.check.functions import Unknown
from infra.check.problems import Problem
from infra.check.program import Program
from infra.check.syntax import BicepFile

_HYPHENS = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
# Type -> shortest, longest, form.
LIMITS: dict[str, tuple[int, int, str]] = {
    "Microsoft.Resources/resourceGroups": (1, 90, r"[\w().-]*[\w()-]"),
    "Microsoft.Storage/storageAccounts": (3, 24, r"[a-z0-9]+"),
    "Microsoft.Storage/storageAccounts/blobServices/containers": (
        3, 63, r"[a-z0-9](?:[a-z0-9]|-(?!-))*[a-z0-9]",
    ),
    "Microsoft.KeyVault/vaults": (3, 24, r"[a-zA-Z](?:[a-zA-Z0-9]|-(?!-))*[a-zA-Z0-9]"),
    "Microsoft.ContainerRegistry/registries": (5, 50, r"[a-zA-Z0-9]+"),
    "Microsoft.ContainerService/managedClusters": (
        1, 63, r"[a-zA-Z0-9](?:[\w-]*[a-zA-Z0-9])?",
    ),
    "Microsoft.MachineLearningServices/workspaces": (3, 33, r"[a-zA-Z0-9][\w-]*"),
    "Microsoft.MachineLearningServices/workspaces/computes": (
        2, 24, r"[a-zA-Z][a-zA-Z0-9-]*[a-zA-Z0-9]",
    ),
    "Microsoft.Web/sites": (2, 60, _HYPHENS),
    "Microsoft.Web/serverfarms": (1, 60, r"[a-zA-Z0-9-]+"),
    "Microsoft.OperationalInsights/workspaces": (4, 63, _HYPHENS),
    "Microsoft.Insights/components": (1, 255, r"[^%&\\?/]*[^%&\\?/. ]"),
    "Microsoft.ManagedIdentity/userAssignedIdentities": (3, 128, r"[a-zA-Z0-9][\w-]*"),
    "Microsoft.EventGrid/topics": (3, 50, r"[a-zA-Z0-9-]+"),
    "Microsoft.EventGrid/systemTopics": (3, 128, r"[a-zA-Z0-9-]+"),
    "Microsoft.DurableTask/schedulers": (3, 64, r"[a-zA-Z0-9-]+"),
    "Microsoft.DurableTask/schedulers/taskHubs": (3, 64, r"[a-zA-Z0-9-]+"),
    "Microsoft.Network/virtualNetworks": (2, 64, r"[a-zA-Z0-9](?:[\w.-]*\w)?"),
    "Microsoft.Network/privateEndpoints": (2, 64, r"[a-zA-Z0-9](?:[\w.-]*\w)?"),
    "Microsoft.Network/privateDnsZones": (1, 63, r"[a-z0-9-]+(?:\.[a-z0-9-]+)+"),
    "Microsoft.Consumption/budgets": (1, 63, r"[\w-]+"),
    "Microsoft.Insights/actionGroups": (1, 260, r"[^:<>+/&%\\?|]*[^:<>+/&%\\?| .]"),
    "Microsoft.Insights/scheduledQueryRules": (1, 260, r"[^*<>%{}&:\\?/#|]*[^*<>%{}&:\\?/#| .]"),
    "Microsoft.Insights/metricAlerts": (1, 260, r"[^*#&+:<>?@%{}\\/|]*[^*#&+:<>?@%{}\\/| .]"),
}  # fmt: skip
# Names of the whole world, not of a group: two resources may not share one.
GLOBAL = {
    "Microsoft.Storage/storageAccounts",
    "Microsoft.KeyVault/vaults",
    "Microsoft.ContainerRegistry/registries",
    "Microsoft.Web/sites",
}


def check(program: Program) -> Iterator[Problem]:
    """Yield every name that Azure would refuse, for each parameter file and a longest name."""
    for file in program.parameter_files():
        if file.using and file.using in program.files:
            longest = {**EVERYTHING, "AZURE_ENV_NAME": _longest(program, file)}
            for environ in (NOTHING, longest):
                yield from _names(program, file, environ)


def _longest(program: Program, file: BicepFile) -> str:
    """Return an environment name as long as the template lets it be."""
    for entry in program.files[file.using].of("param"):
        limit = entry.decorator("maxLength")
        if entry.name == "environmentName" and limit and limit.arguments:
            return "e" * int(getattr(limit.arguments[0], "value", 0))
    return "e" * 64


def _names(program: Program, file: BicepFile, environ: Mapping[str, str]) -> Iterator[Problem]:
    seen: set[tuple[str, str]] = set()
    try:
        instance: Instance = instantiate(program, file, environ)
        made = list(instance.resources())
    except EvaluationError as error:
        yield Problem(path=file.path, line=error.line, text=error.text)
        return
    for resource in made:
        kind = resource.type.partition("@")[0]
        if kind not in LIMITS:
            continue
        name = resource.name
        text = ""
        if isinstance(name, Unknown):
            text = f"The name of {resource.symbol} cannot be worked out ({name.text})."
        else:
            shortest, longest, form = LIMITS[kind]
            if not shortest <= len(name) <= longest:
                text = f"{name!r} has {len(name)} characters; {kind} takes {shortest} to {longest}."
            elif not re.fullmatch(form, name):
                text = f"{name!r} has a form that {kind} does not take."
            elif kind in GLOBAL and (kind, name) in seen:
                text = f"{name!r} is the name of two resources."
            seen.add((kind, str(name)))
        if text:
            yield Problem(path=resource.path, line=resource.line, text=f"{text} (with {file.path})")
