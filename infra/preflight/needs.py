"""The needs of a deployment, read from the compiler's snapshot of its templates."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.check.names import RULES

_ML, _AKS = (
    "Microsoft.MachineLearningServices/workspaces/computes",
    "Microsoft.ContainerService/managedClusters",
)
# Providers that no resource of the templates names: nodes of AKS, and groups of staging.
_MORE = ("Microsoft.Compute", "Microsoft.ContainerInstance", "Microsoft.Network")
# Providers that every subscription has.
_BUILT_IN = ("Microsoft.Authorization", "Microsoft.Consumption", "Microsoft.Resources")
# AKS upgrades a pool with this share of its nodes, at least one, beside the old ones.
SURGE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A resource whose name must be unique in all of Azure."""

    id: str
    type: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Nodes by size of VM, for Azure ML and for AKS (surge of upgrades included), and the rest."""

    training_nodes: Mapping[str, int]
    cluster_nodes: Mapping[str, int]
    surge_nodes: Mapping[str, int]
    zones: Mapping[str, tuple[str, ...]]
    names: tuple[Named, ...]
    providers: tuple[str, ...]
    is_flex: bool
    is_zone_redundant: bool

    @property
    def sizes(self) -> tuple[str, ...]:
        """Return the sizes of VM, each once."""
        return tuple(sorted({*self.training_nodes, *self.cluster_nodes}))


def read_needs(snapshot: Mapping[str, Any]) -> Needs:
    """Return the needs of a snapshot's resources; raise KeyError when it is no snapshot."""
    resources = snapshot["predictedResources"]
    training, cluster, surge = Counter[str](), Counter[str](), Counter[str]()
    zones: dict[str, tuple[str, ...]] = {}
    for resource in resources:
        properties = resource.get("properties") or {}
        if resource["type"] == _ML:
            inner = properties["properties"]
            training[inner["vmSize"]] += int(inner["scaleSettings"]["maxNodeCount"])
        elif resource["type"] == _AKS:
            for pool in properties["agentPoolProfiles"]:
                size, most = pool["vmSize"], int(pool.get("maxCount") or pool["count"])
                cluster[size] += most
                surge[size] += math.ceil(most * SURGE)
                zones[size] = tuple(pool.get("availabilityZones") or ())
    plans = [r for r in resources if r["type"] == "Microsoft.Web/serverfarms"]
    spaces = {r["type"].partition("/")[0] for r in resources}
    return Needs(
        training_nodes=training,
        cluster_nodes=cluster,
        surge_nodes=surge,
        zones=zones,
        names=tuple(
            Named(id=r["id"], type=r["type"], name=r["name"])
            for r in resources
            if r["type"] in RULES["global"]
        ),
        providers=tuple(sorted({*spaces, *_MORE} - {*_BUILT_IN})),
        is_flex=any((p.get("sku") or {}).get("tier") == "FlexConsumption" for p in plans),
        is_zone_redundant=any((p.get("properties") or {}).get("zoneRedundant") for p in plans),
    )
