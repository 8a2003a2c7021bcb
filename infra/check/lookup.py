"""Looks every property up in Microsoft's management SDKs: `python -m infra.check.lookup`.

The SDKs are generated from the services' own definitions. They are large and nothing else needs
them, so they are installed aside: `pip install -r infra/lookup-requirements.txt`.
"""

import importlib
import inspect
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.check.problems import Problem
from infra.check.program import load
from infra.check.properties import FILE, made, paths

MODELS = {
    "Microsoft.Storage/storageAccounts": ("storage", "StorageAccountCreateParameters"),
    "Microsoft.Storage/storageAccounts/blobServices": ("storage", "BlobServiceProperties"),
    "Microsoft.Storage/storageAccounts/blobServices/containers": ("storage", "BlobContainer"),
    "Microsoft.Storage/storageAccounts/managementPolicies": ("storage", "ManagementPolicy"),
    "Microsoft.Web/serverfarms": ("web", "AppServicePlan"),
    "Microsoft.Web/sites": ("web", "Site"),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": (
        "web", "CsmPublishingCredentialsPoliciesEntity",
    ),
    "Microsoft.OperationalInsights/workspaces": ("loganalytics", "Workspace"),
    "Microsoft.Insights/components": ("applicationinsights", "ApplicationInsightsComponent"),
    "Microsoft.Insights/workbooks": ("applicationinsights", "Workbook"),
    "Microsoft.Insights/actionGroups": ("monitor", "ActionGroupResource"),
    "Microsoft.Insights/scheduledQueryRules": ("monitor", "ScheduledQueryRuleResource"),
    "Microsoft.Insights/metricAlerts": ("monitor", "MetricAlertResource"),
    "Microsoft.KeyVault/vaults": ("keyvault", "VaultCreateOrUpdateParameters"),
    "Microsoft.ContainerRegistry/registries": ("containerregistry", "Registry"),
    "Microsoft.ContainerService/managedClusters": ("containerservice", "ManagedCluster"),
    "Microsoft.EventGrid/topics": ("eventgrid", "Topic"),
    "Microsoft.EventGrid/systemTopics": ("eventgrid", "SystemTopic"),
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": ("eventgrid", "EventSubscription"),
    "Microsoft.EventGrid/topics/eventSubscriptions": ("eventgrid", "EventSubscription"),
    "Microsoft.DurableTask/schedulers": ("durabletask", "Scheduler"),
    "Microsoft.DurableTask/schedulers/taskHubs": ("durabletask", "TaskHub"),
    "Microsoft.DurableTask/schedulers/retentionPolicies": ("durabletask", "RetentionPolicy"),
    "Microsoft.Authorization/roleAssignments": (
        "authorization", "RoleAssignmentCreateParameters",
    ),
    "Microsoft.ManagedIdentity/userAssignedIdentities": ("msi", "Identity"),
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials": (
        "msi", "FederatedIdentityCredential",
    ),
    "Microsoft.Network/virtualNetworks": ("network", "VirtualNetwork"),
    "Microsoft.Network/privateEndpoints": ("network", "PrivateEndpoint"),
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": ("network", "PrivateDnsZoneGroup"),
    "Microsoft.Network/privateDnsZones": ("privatedns", "PrivateZone"),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": ("privatedns", "VirtualNetworkLink"),
    "Microsoft.Consumption/budgets": ("consumption", "Budget"),
    "Microsoft.MachineLearningServices/workspaces": ("ml", "Workspace"),
    "Microsoft.MachineLearningServices/workspaces/computes": ("ml", "ComputeResource"),
}  # fmt: skip
ML = "azure.ai.ml._restclient.arm_ml_service.models"
# No SDK of today has them; where they were read instead.
READ_ELSEWHERE = {
    "Microsoft.Resources/resourceGroups": {"location", "tags"},
    "Microsoft.Insights/diagnosticSettings": {
        "properties", "properties/workspaceId", "properties/logs", "properties/logs[]/category",
        "properties/logs[]/categoryGroup", "properties/logs[]/enabled", "properties/metrics",
        "properties/metrics[]/category", "properties/metrics[]/enabled",
    },
}  # fmt: skip


class Shape:
    """A model class of an SDK of either generation, as paths of the service's own names."""

    def __init__(self, name: str, module: Any) -> None:
        self._name, self._module = name, module

    def has(self, path: str) -> bool:
        """Tell whether the service's definition has this path."""
        return self._has([re.sub(r"(\[\])+$", "", part) for part in path.split("/")], self._name)

    def _has(self, parts: list[str], name: str) -> bool:
        kind = getattr(self._module, name, None)
        if not inspect.isclass(kind):
            return False
        for names, text in self._properties(kind):
            if parts[: len(names)] != names[: len(parts)]:
                continue
            rest = parts[len(names) :]
            if not rest or "dict" in text.lower() or "{" in text:
                return True
            words = re.findall(r"[A-Za-z]\w*", text)
            if any(self._has(rest, word) for word in words):
                return True
        return False

    def _properties(self, kind: Any) -> Iterator[tuple[list[str], str]]:
        for entry in getattr(kind, "_attribute_map", {}).values():
            # Older SDKs flatten: `properties.x`; a dot inside of a name is escaped.
            yield re.split(r"(?<!\\)\.", entry["key"]), entry["type"]
        fields = self._fields(kind)
        if fields:
            hints: dict[str, Any] = {}
            for base in reversed(kind.__mro__):
                hints.update(getattr(base, "__annotations__", {}))
            for attribute, field in fields.items():
                yield [field._rest_name], str(hints.get(attribute, ""))
            for child in kind.__subclasses__():
                yield from self._properties(child)
        for names in kind.__dict__.get("_subtype_map", {}).values():
            for name in names.values():
                yield from self._properties(getattr(self._module, name))

    def _fields(self, kind: Any) -> dict[str, Any]:
        if "Model" not in {base.__name__ for base in kind.__mro__} or hasattr(
            kind, "_attribute_map"
        ):
            return {}
        kind({})  # newer SDKs fill the fields when the first one is made
        return dict(kind._attr_to_rest_field)


def _shape(package: str, name: str) -> Shape:
    module = ML if package == "ml" else f"azure.mgmt.{package}.models"
    for candidate in (module, *_versions(package)):
        found = importlib.import_module(candidate)
        if hasattr(found, name):
            return Shape(name, found)
    raise SystemExit(f"{module} has no {name}. See infra/lookup-requirements.txt.")


def _versions(package: str) -> list[str]:
    if package == "ml":
        return []
    folder = Path(str(importlib.import_module(f"azure.mgmt.{package}").__file__)).parent
    names = sorted((p.name for p in folder.glob("v2*") if p.is_dir()), reverse=True)
    return [f"azure.mgmt.{package}.{name}.models" for name in names]


def main() -> int:
    """Write the list when every property was found; print the others."""
    root = Path(__file__).resolve().parents[1]
    program, problems = load(root)
    known: dict[str, set[str]] = {}
    shapes: dict[str, Shape] = {}
    for resource in made(program):
        kind = resource.type.partition("@")[0]
        for path in sorted(paths(resource)):
            if kind in READ_ELSEWHERE:
                found = path in READ_ELSEWHERE[kind]
            else:
                if kind not in shapes:
                    shapes[kind] = _shape(*MODELS[kind])
                found = shapes[kind].has(path.replace("odata.type", r"odata\.type"))
            if found:
                known.setdefault(kind, set()).add(path)
            else:
                text = f"{resource.symbol}: {kind} has no {path}."
                problems.append(Problem(path=resource.path, line=resource.line, text=text))
    for problem in sorted(set(problems)):
        print(f"infra/{problem}")
    if not problems:
        table = {kind: sorted(entries) for kind, entries in sorted(known.items())}
        (root / FILE).write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
