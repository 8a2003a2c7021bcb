"""The committed snapshots of the compiler: the rules of a first deployment."""

import json
import math
from typing import Any

import pytest

from infra.preflight.needs import SURGE, read_needs
from tests.azure_servers.definitions import misspelt
from tests.infra.conftest import ROOT
from tests.infra.snapshot import NAMES, record, resources


def test_no_subnet_has_default_outbound_access_and_each_that_needs_one_has_a_gateway() -> None:
    [network] = resources("prod", "Microsoft.Network/virtualNetworks")
    subnets = {s["name"]: s["properties"] for s in network["properties"]["subnets"]}

    assert all(s["defaultOutboundAccess"] is False for s in subnets.values())
    with_gateway = {name for name, s in subnets.items() if "natGateway" in s}
    assert with_gateway == {"app", "staging", "training"}
    [gateway] = resources("prod", "Microsoft.Network/natGateways")
    [address] = resources("prod", "Microsoft.Network/publicIPAddresses")
    assert gateway["properties"]["publicIpAddresses"] == [{"id": address["id"]}]
    assert address["zones"] == ["1", "2", "3"]
    # The cluster goes out by its own load balancer (the default of outboundType).
    [cluster] = resources("prod", "Microsoft.ContainerService/managedClusters")
    assert cluster["properties"]["networkProfile"].get("outboundType") in (None, "loadBalancer")


def test_production_outlives_a_zone() -> None:
    [cluster] = resources("prod", "Microsoft.ContainerService/managedClusters")
    [pool] = cluster["properties"]["agentPoolProfiles"]
    [plan] = resources("prod", "Microsoft.Web/serverfarms")
    [site] = resources("prod", "Microsoft.Web/sites")

    assert pool["availabilityZones"] == ["1", "2", "3"]
    assert pool["minCount"] >= len(pool["availabilityZones"])
    assert plan["properties"]["zoneRedundant"]
    [ready] = site["properties"]["functionAppConfig"]["scaleAndConcurrency"]["alwaysReady"]
    assert ready["instanceCount"] >= 2
    [small] = resources("dev", "Microsoft.ContainerService/managedClusters")
    assert not small["properties"]["agentPoolProfiles"][0].get("availabilityZones")


@pytest.mark.parametrize("name", NAMES)
def test_words_of_azure_ml_are_spelt_as_microsoft_spells_them(name: str) -> None:
    for kind in ("workspaces", "workspaces/computes"):
        for found in resources(name, f"Microsoft.MachineLearningServices/{kind}"):
            assert misspelt(found["type"], found["properties"]) == []


@pytest.mark.parametrize(
    ("name", "training", "cluster", "surge"), [("dev", 20, 4, 2), ("prod", 36, 24, 4)]
)
def test_the_page_names_the_vcpus_that_the_templates_need(
    name: str, training: int, cluster: int, surge: int
) -> None:
    cpus = {"Standard_DS3_v2": 4, "Standard_D2s_v5": 2, "Standard_D4s_v5": 4}
    needs = read_needs(json.loads(record(name).read_text()))

    def total(nodes: Any) -> int:
        return sum(cpus[size] * number for size, number in nodes.items())

    assert total(needs.training_nodes) == training
    assert total(needs.cluster_nodes) == cluster
    assert total(needs.surge_nodes) == surge
    assert all(math.ceil(n * SURGE) == needs.surge_nodes[s] for s, n in needs.cluster_nodes.items())
    page = (ROOT / "docs" / "how-to" / "deploy-to-azure.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    assert [int(n) for n in row.replace("|", " ").split() if n.isdigit()] == [
        training,
        cluster,
        surge,
    ]


@pytest.mark.parametrize("path", [".github/workflows/deploy.yml", "infra/azure-pipelines.yml"])
def test_build_systems_install_the_compiler_that_the_templates_are_checked_with(path: str) -> None:
    text = (ROOT / path).read_text()

    assert text.count("az bicep install") == text.count("az bicep install --version v0.49.2") == 1
