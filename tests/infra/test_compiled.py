"""The templates by the real compiler: no warnings, and the rules of a first deployment."""

import json
import math
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.preflight.compiler import snapshot
from infra.preflight.needs import SURGE, read_needs
from tests.azure_servers.compiler import NO_COMPILER, find_compiler
from tests.azure_servers.definitions import misspelt
from tests.infra.conftest import ROOT
from tests.infra.snapshot import NAMES, SUBSCRIPTION, plain, record, resources, take

INFRA = ROOT / "infra"
PARAMETERS = [f"{name}.bicepparam" for name in NAMES]


@pytest.fixture(scope="module")
def compiler() -> str:
    found = find_compiler()
    if found is None:
        pytest.skip(NO_COMPILER)
    return found


@pytest.mark.parametrize("name", ["main.bicep", "events.bicep", *PARAMETERS])
def test_the_compiler_has_neither_errors_nor_warnings(compiler: str, name: str) -> None:
    done = subprocess.run(
        [compiler, "lint", str(INFRA / name)], capture_output=True, text=True, check=False
    )

    # It exits with 0 whatever it warns of.
    assert (done.stdout + done.stderr).strip() == ""
    assert done.returncode == 0


@pytest.mark.parametrize("name", NAMES)
def test_the_recorded_snapshot_is_what_the_compiler_makes(compiler: str, name: str) -> None:
    assert json.loads(record(name).read_text()) == take(compiler, name), (
        "record it anew: python -m tests.infra.snapshot"
    )


def test_computes_without_public_addresses_come_after_the_private_endpoint(
    compiler: str, tmp_path: Path
) -> None:
    target = tmp_path / "main.json"
    subprocess.run(
        [compiler, "build", str(INFRA / "main.bicep"), "--outfile", str(target)], check=True
    )
    modules = {r["name"]: r for r in json.loads(target.read_text())["resources"]}

    def after(name: str) -> set[str]:
        listed = modules[name].get("dependsOn", []) if name in modules else []
        found = {re.findall(r"'([\w-]+)'\)", text)[-1] for text in listed if "deployments'" in text}
        return found.union(*(after(one) for one in found))

    assert "private-endpoints" in after("computes")
    assert {"network", "workspace"} <= after("computes")
    made = modules["workspace"]["properties"]["template"]["resources"]
    kinds = {r["type"] for r in made}
    assert "Microsoft.MachineLearningServices/workspaces" in kinds
    assert "Microsoft.MachineLearningServices/workspaces/computes" not in kinds


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
    ("name", "training", "cluster", "surge"), [("dev", 16, 4, 2), ("prod", 32, 24, 4)]
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


@pytest.mark.parametrize("kind", ["ServicePrincipal", "User", "Group"])
def test_publishers_may_be_services_people_and_groups(compiler: str, kind: str) -> None:
    environ = plain(MLOPS_PUBLISHERS='["p"]', MLOPS_PUBLISHER_TYPE=kind)
    found = snapshot(compiler, "dev", environ, SUBSCRIPTION, "westeurope")["predictedResources"]

    roles = [r for r in found if r.get("properties", {}).get("principalId") == "p"]
    assert [r["properties"]["principalType"] for r in roles] == [kind]


@pytest.mark.parametrize("path", [".github/workflows/deploy.yml", "infra/azure-pipelines.yml"])
def test_build_systems_install_the_compiler_that_the_templates_are_checked_with(path: str) -> None:
    text = (ROOT / path).read_text()

    assert text.count("az bicep install") == text.count("az bicep install --version v0.49.2") == 1
