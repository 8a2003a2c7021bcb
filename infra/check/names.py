"""The names and words that Azure accepts; the compiler accepts any text for most of them."""

import re
from collections.abc import Iterator, Set
from typing import Any

from infra.check.arm import Compiled, Configuration, Problem, Resource, text_of
from infra.check.choices import LONGEST_NAME

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
# Names that are unique in the whole of Azure, not in a group: two resources may not share one.
GLOBAL = {
    "Microsoft.Storage/storageAccounts",
    "Microsoft.KeyVault/vaults",
    "Microsoft.ContainerRegistry/registries",
    "Microsoft.Web/sites",
}


REGIONS = {
    "australiacentral", "australiaeast", "australiasoutheast", "austriaeast", "belgiumcentral",
    "brazilsouth", "canadacentral", "canadaeast", "centralindia", "centralus", "chilecentral",
    "eastasia", "eastus", "eastus2", "francecentral", "germanywestcentral", "indonesiacentral",
    "israelcentral", "italynorth", "japaneast", "japanwest", "koreacentral", "koreasouth",
    "malaysiawest", "mexicocentral", "newzealandnorth", "northcentralus", "northeurope",
    "norwayeast", "polandcentral", "qatarcentral", "southafricanorth", "southcentralus",
    "southeastasia", "southindia", "spaincentral", "swedencentral", "switzerlandnorth",
    "uaenorth", "uksouth", "ukwest", "westcentralus", "westeurope", "westus", "westus2",
    "westus3", "global",
}  # fmt: skip
ZONES = frozenset("123")
VM_SIZES = frozenset(
    {
        *(f"Standard_DS{n}_v2" for n in (1, 2, 3, 4, 5, 11, 12, 13, 14)),
        *(f"Standard_{kind}{n}{form}" for kind in "DE" for n in (2, 4, 8, 16, 32, 48, 64)
          for form in ("_v5", "s_v5", "as_v5", "ds_v5", "s_v4", "s_v3")),
        *(f"Standard_F{n}s_v2" for n in (2, 4, 8, 16, 32, 48, 64, 72)),
        *(f"Standard_NC{n}s_v3" for n in (6, 12, 24)),
        *(f"Standard_NC{n}as_T4_v3" for n in (4, 8, 16, 64)),
    }
)  # fmt: skip
_STORAGE = {f"{tier}_{copies}" for tier in ("Standard", "Premium") for copies in ("LRS", "ZRS")}
_STORAGE |= {f"Standard_{copies}" for copies in ("GRS", "RAGRS", "GZRS", "RAGZRS")}
# The path of a SKU in a type of resource, and its allowed values.
SKUS: dict[str, dict[str, set[str]]] = {
    "Microsoft.Storage/storageAccounts": {"sku.name": _STORAGE},
    "Microsoft.KeyVault/vaults": {
        "properties.sku.name": {"standard", "premium"}, "properties.sku.family": {"A"},
    },
    "Microsoft.ContainerRegistry/registries": {"sku.name": {"Basic", "Standard", "Premium"}},
    "Microsoft.ContainerService/managedClusters": {
        "sku.name": {"Base", "Automatic"}, "sku.tier": {"Free", "Standard", "Premium"},
    },
    "Microsoft.DurableTask/schedulers": {"properties.sku.name": {"Consumption", "Dedicated"}},
    "Microsoft.MachineLearningServices/workspaces": {
        "sku.name": {"Basic"}, "sku.tier": {"Basic"},
    },
    "Microsoft.Web/serverfarms": {"sku.name": {"FC1"}, "sku.tier": {"FlexConsumption"}},
    "Microsoft.OperationalInsights/workspaces": {"properties.sku.name": {"PerGB2018"}},
    "Microsoft.Network/publicIPAddresses": {"sku.name": {"Standard", "StandardV2"}},
    "Microsoft.Network/natGateways": {"sku.name": {"Standard", "StandardV2"}},
}  # fmt: skip


def check(compiled: Compiled) -> Iterator[Problem]:
    """Yield every name, SKU, size, region, zone and kind of topic that Azure would refuse."""
    limit = compiled.outline["main"]["parameters"].get("environmentName", "")
    if limit != f"string({len(LONGEST_NAME)})":
        text = f"environmentName is {limit}; the checks try a name of {len(LONGEST_NAME)} letters."
        yield Problem(path="main.bicep", text=text)
    for configuration in compiled.configurations.values():
        path = f"snapshots/{configuration.name}.json"
        seen: set[tuple[str, str]] = set()
        for resource in configuration.resources:
            for text in (
                *_name(resource, seen), *_words(resource), *_topic(configuration, resource)
            ):  # fmt: skip
                yield Problem(path=path, text=f"{resource.type} {text_of(resource.name)}: {text}")


def _name(resource: Resource, seen: set[tuple[str, str]]) -> Iterator[str]:
    kind, name = resource.type, text_of(resource.name.rpartition("/")[2])
    identity = ("" if kind in GLOBAL else resource.id.lower(), f"{kind} {name}".lower())
    if identity in seen:
        yield f"{name!r} is the name of two resources."
    seen.add(identity)
    if kind not in LIMITS:
        return
    shortest, longest, form = LIMITS[kind]
    if "<" in name:
        yield f"The name cannot be known before the deployment ({name})."
    elif not shortest <= len(name) <= longest:
        yield f"{name!r} has {len(name)} characters; {kind} takes {shortest} to {longest}."
    elif not re.fullmatch(form, name):
        yield f"{name!r} has a form that {kind} does not take."


def _words(resource: Resource) -> Iterator[str]:
    skus = SKUS.get(resource.type, {})
    for path, allowed in skus.items():
        if resource.at(path) not in allowed:
            yield f"{path} is {resource.at(path)!r}; use one of {', '.join(sorted(allowed))}."
    for path, key, value in _leaves(resource.body, ""):
        allowed_words: Set[str] | None = None
        if key == "location":
            allowed_words = REGIONS
        elif key in ("vmSize", "instanceType"):
            allowed_words = VM_SIZES
        elif key in ("zones", "availabilityZones"):
            allowed_words = ZONES
        elif ".sku." in f".{path}." and path.split(".")[-1] in ("name", "tier", "family"):
            allowed_words = frozenset() if path not in skus else None
        if allowed_words is not None and value not in allowed_words:
            yield f"{path} is {value!r}, which is no known word; correct it or extend names.py."


def _leaves(value: Any, path: str, key: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield each text with its path and its key; an item of a list has the key of its list."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, path, key)
    elif isinstance(value, str):
        yield path, key, value


# The label of each system topic, and that of the resource whose events it has.
TOPICS = {"evgs-data": "stdata", "evgs-ml": "mlw", "evgs-images": "cr"}


def _topic(configuration: Configuration, resource: Resource) -> Iterator[str]:
    if resource.type != "Microsoft.EventGrid/systemTopics":
        return
    source = str(resource.at("properties.source"))
    expected = TOPICS.get(configuration.label(resource.id))
    if configuration.label(source) != expected:
        yield f"source is {configuration.label(source)!r}; it must be {expected!r}."
    kind = ".".join(source.partition("/providers/")[2].split("/")[:2])
    if str(resource.at("properties.topicType")).lower() != kind.lower():
        yield f"topicType is {resource.at('properties.topicType')!r}; its source is a {kind!r}."
