"""The preflight: each thing that would end a first deployment is a finding, and nothing is changed."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.check.compile import PINNED, CompileError, find
from infra.preflight import __main__ as preflight
from infra.preflight.needs import read_needs
from tests.azure_servers.arm import DENIED, ArmServer
from tests.azure_servers.compiler import NO_COMPILER, find_compiler
from tests.azure_servers.identity import IdentityServer
from tests.azure_servers.subscription import CONTRIBUTOR, ROLE_ADMINISTRATOR, Subscription
from tests.azure_servers.tls import Tls
from tests.infra.snapshot import SUBSCRIPTION, plain, record, resources

VAULT = resources("prod", "Microsoft.KeyVault/vaults")[0]
STORAGE = resources("prod", "Microsoft.Storage/storageAccounts")[0]
Change = Callable[[Subscription], Any]


@pytest.fixture
def arm(tls: Tls, identity: IdentityServer) -> Iterator[ArmServer]:
    with ArmServer(tls) as server:
        yield server


@pytest.fixture
def subscription(arm: ArmServer) -> Subscription:
    needs = read_needs(json.loads(record("prod").read_text()))
    return Subscription(arm, SUBSCRIPTION, set(needs.providers))


@pytest.fixture
def environ(arm: ArmServer, tls: Tls) -> dict[str, str]:
    return plain(
        MLOPS_AZURE_MANAGEMENT_ENDPOINT=arm.url,
        MLOPS_AZURE_CA_FILE=str(tls.ca_file),
        AZURE_SUBSCRIPTION_ID=SUBSCRIPTION,
    )


def run_preflight(environ: dict[str, str], *more: str, name: str = "prod") -> int:
    given = ["--environment", name, "--snapshot", str(record(name)), *more]
    return preflight.main(given, environ)


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_subscription_in_which_all_is_well_is_said_to_be_so(
    subscription: Subscription,
    environ: dict[str, str],
    arm: ArmServer,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    assert run_preflight(environ, name=name) == 0

    text = capsys.readouterr().out
    assert "BAD" not in text
    cpus = {"dev": (20, 6), "prod": (36, 28)}[name]
    assert f"Azure ML, standardDSv2Family: {cpus[0]} are needed" in text
    assert f"AKS, standardDSv5Family: {cpus[1]} are needed" in text
    assert "Nothing was changed" in text
    changing = [r for r in arm.requests if r.method not in ("GET", "POST")]
    asked = [r.path.lower() for r in arm.requests if r.method == "POST"]
    assert changing == []
    assert all(path.endswith("/checknameavailability") for path in asked)
    assert len(asked) == len({*asked}) + 3  # three storage accounts, two vaults


# By name: the fault, the text of the finding, and its remedy.
WRONG: dict[str, tuple[Change, str, str]] = {
    "Azure ML's quota": (
        lambda s: s.free.update(standarddsv2family=35),
        "vCPU quota of Azure ML, standardDSv2Family: 36 are needed, 35 of 39 are free",
        "Raise it to 40 or more",
    ),
    "the quota of VMs with the surge": (
        lambda s: s.free.update(standarddsv5family=27),
        "vCPU quota of AKS, standardDSv5Family: 28 are needed, 27 of",
        "Raise it to 32",
    ),
    "the region's total": (
        lambda s: s.free.update(cores=10),
        "vCPU quota of AKS, cores: 28 are needed, 10 of 14 are free",
        "infra/sizes.json",
    ),
    "a quota that is not listed": (
        lambda s: s.free.pop("standarddsv5family"),
        "28 are needed, no quota is listed",
        "Ask for 28",
    ),
    "a provider": (
        lambda s: s.namespaces.discard("Microsoft.ContainerInstance"),
        "not registered: Microsoft.ContainerInstance",
        "az provider register --namespace Microsoft.ContainerInstance",
    ),
    "no role": (
        lambda s: s.roles.clear(),
        "has no role that allows a deployment",
        "Owner is needed",
    ),
    "a role of one group only": (
        lambda s: setattr(s, "scope", f"{s.scope}/resourceGroups/g"),
        "has no role that allows a deployment",
        "Owner is needed",
    ),
    "a role that assigns nothing": (
        lambda s: setattr(s, "roles", {CONTRIBUTOR: ""}),
        "has Contributor on",
        "User Access Administrator",
    ),
    "a role with a condition": (
        lambda s: setattr(s, "roles", {CONTRIBUTOR: "", ROLE_ADMINISTRATOR: "only some"}),
        "Role Based Access Control Administrator",
        "has a condition",
    ),
    "a size that is not offered": (
        lambda s: s.zones.pop("Standard_D4s_v5"),
        "VM size Standard_D4s_v5 in westeurope: is not offered",
        "another region",
    ),
    "a size that is restricted": (
        lambda s: s.restricted.add("Standard_DS3_v2"),
        "is restricted: NotAvailableForSubscription",
        "another size",
    ),
    "a zone": (
        lambda s: s.zones.update(Standard_D4s_v5=["1", "2"]),
        "is not in the zones 3",
        "clusterZones",
    ),
    "Flex": (lambda s: s.flex.clear(), "Flex Consumption in westeurope: is not offered", "region"),
    "Flex with zones": (
        lambda s: s.flex.update({"West Europe": "PUBLIC"}),
        "is offered without zone redundancy",
        "zoneRedundant",
    ),
    "a taken name": (
        lambda s: s.taken.update({STORAGE["name"]: "AlreadyExists"}),
        f"name {STORAGE['name']} (Microsoft.Storage/storageAccounts): AlreadyExists",
        "AZURE_ENV_NAME",
    ),
    "an illegal name": (
        lambda s: s.taken.update({VAULT["name"]: "AccountNameInvalid"}),
        "AccountNameInvalid",
        "AZURE_ENV_NAME",
    ),
    "a deleted vault": (
        lambda s: s.deleted_vaults.append(VAULT["name"]),
        "is that of a deleted vault",
        f"az keyvault purge --name {VAULT['name']}",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_obstacle_to_a_deployment_is_found_with_its_remedy(
    subscription: Subscription,
    environ: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    what: str,
) -> None:
    change, seen, action = WRONG[what]
    change(subscription)

    assert run_preflight(environ) == 1

    lines = capsys.readouterr().out.splitlines()
    bad = [n for n, line in enumerate(lines) if line.startswith("BAD") and seen in line]
    assert len(bad) == 1, lines
    assert action in lines[bad[0] + 1]


def test_names_that_this_environment_has_already_are_its_own(
    subscription: Subscription, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    subscription.taken[STORAGE["name"]] = "AlreadyExists"
    subscription.standing.add(STORAGE["id"])

    assert run_preflight(environ) == 0
    assert "is this environment's already" in capsys.readouterr().out


def test_a_refused_check_is_a_finding_and_the_others_continue(
    subscription: Subscription,
    environ: dict[str, str],
    arm: ArmServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arm.fail("GET", "/providers/Microsoft.Compute/skus", DENIED, times=9)

    assert run_preflight(environ) == 1

    text = capsys.readouterr().out
    assert "BAD  VM sizes: could not be checked" in text
    assert "AuthorizationFailed" in text
    assert f"ok   name {VAULT['name']}" in text


def test_without_a_compiler_the_rest_is_looked_at(
    subscription: Subscription, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    environ["BICEP"] = "/no/such/bicep"

    assert preflight.main(["--environment", "dev"], environ) == 1

    text = capsys.readouterr().out
    assert f"az bicep install --version v{PINNED}" in text
    assert "ok   roles of the deployer" in text


def test_a_file_that_is_no_snapshot_is_said_to_be_none(
    subscription: Subscription,
    environ: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "x.json").write_text("{}")

    given = ["--environment", "dev", "--snapshot", str(tmp_path / "x.json")]

    assert preflight.main(given, environ) == 1
    assert "cannot be read" in capsys.readouterr().out


@pytest.mark.parametrize(("said", "right"), [("0.49.2", True), ("0.50.0", True), ("0.9.9", False)])
def test_an_older_compiler_is_refused(tmp_path: Path, said: str, right: bool) -> None:
    program = tmp_path / "bicep"
    program.write_text(f"#!/bin/sh\necho 'Bicep CLI version {said} (abc)'\n")
    program.chmod(0o755)

    environ = {**os.environ, "BICEP": str(program)}

    if right:
        assert find(environ) == (str(program), said)
    else:
        with pytest.raises(CompileError, match=said):
            find(environ)


def test_the_templates_themselves_are_compiled(
    subscription: Subscription, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    compiler = find_compiler()
    if compiler is None:
        pytest.skip(NO_COMPILER)
    environ["BICEP"] = compiler

    assert preflight.main(["--environment", "dev"], environ) == 0
    assert f"ok   Bicep compiler: {PINNED}" in capsys.readouterr().out


def test_the_region_of_the_command_counts(
    subscription: Subscription, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_preflight(environ, "--location", "North Europe") == 1
    assert "Flex Consumption in northeurope: is not offered" in capsys.readouterr().out


def test_without_a_subscription_it_says_how_to_choose_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        preflight.main(["--environment", "dev"], {"PATH": str(Path(sys.executable).parent / "no")})
    assert "az login" in capsys.readouterr().err
