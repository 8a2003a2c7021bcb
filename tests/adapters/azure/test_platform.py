"""The parts of the Azure platform: planned, made, changed, removed, and never guessed at."""

import json

import pytest

from function_app.domain.platform import PartState
from function_app.errors import AttemptError, ConfigError, PlatformError
from tests.adapters.azure.whole_platform import PARTS, complete_platform, whole
from tests.azure_servers.arm import DENIED
from tests.azure_servers.azure import Azure, sdk_warnings

pytestmark = sdk_warnings
REFERENCE = json.dumps(
    {
        "dataset": {"model": "diabetes", "version": "b" * 64, "uri": "https://elsewhere/a.csv"},
        "profile": {"rows": 1, "columns": []},
    }
).encode()


IDENTITIES = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
)


def test_the_parts_come_in_the_order_in_which_they_need_each_other(azure: Azure) -> None:
    assert azure.platform().parts() == PARTS


def test_an_empty_subscription_is_planned_as_absent_and_stays_empty(azure: Azure) -> None:
    azure.blobs.containers.clear()
    azure.ml.standing = False

    states = {part: whole(azure).platform().plan(part).state for part in PARTS}

    assert set(states.values()) == {PartState.ABSENT}
    assert [r for r in azure.arm.requests if r.method != "GET"] == []
    assert azure.blobs.containers == {}
    assert [r for r in azure.blobs.requests if r.method not in ("GET", "HEAD")] == []


def test_every_part_is_made_once_and_found_after_that(azure: Azure) -> None:
    complete_platform(whole(azure))
    before = len([r for r in azure.arm.requests if r.method == "PUT"])

    complete_platform(whole(azure))

    assert len([r for r in azure.arm.requests if r.method == "PUT"]) == before
    plans = [whole(azure).platform().plan(part) for part in PARTS]
    assert {plan.state for plan in plans} == {PartState.PRESENT}


def test_a_part_is_not_ready_while_azure_makes_it(azure: Azure) -> None:
    first = azure.platform().ensure("compute")
    second = azure.platform().ensure("compute")
    azure.ml.provide()
    third = azure.platform().ensure("compute")

    assert (first.ready, second.ready, third.ready) == (False, False, True)
    assert len(azure.arm.asked("PUT", "/computes/")) == 1


def test_compute_has_no_node_while_nothing_runs(azure: Azure) -> None:
    identity = f"{IDENTITIES}/u"
    azure.with_settings(compute_identity=identity).platform().ensure("compute")

    body = azure.arm.asked("PUT", "/computes/")[0].json
    scale = body["properties"]["properties"]["scaleSettings"]
    assert (scale["minNodeCount"], scale["maxNodeCount"]) == (0, 2)
    assert scale["nodeIdleTimeBeforeScaleDown"] == "PT2M"
    assert body["tags"] == {"mlops": "platform"}
    assert list(body["identity"]["userAssignedIdentities"]) == [identity]


@pytest.mark.parametrize("state", ["Failed", "Canceled"])
def test_compute_that_failed_is_reported_once_and_made_again(azure: Azure, state: str) -> None:
    azure.platform().ensure("compute")
    azure.ml.resources["/computes/training"]["properties"]["provisioningState"] = state

    with pytest.raises(AttemptError, match=f"was {state.lower()}"):
        azure.platform().ensure("compute")
    again = azure.platform().ensure("compute")
    azure.ml.provide()

    assert not again.ready
    assert azure.platform().ensure("compute").ready
    assert len(azure.arm.asked("PUT", "/computes/")) == 2


def test_a_part_that_is_being_deleted_is_not_ready(azure: Azure) -> None:
    azure.platform().ensure("compute")
    azure.ml.resources["/computes/training"]["properties"]["provisioningState"] = "Deleting"

    assert not azure.platform().ensure("compute").ready


def test_compute_of_another_number_of_nodes_is_different_and_changed(azure: Azure) -> None:
    complete_platform(azure)
    azure.ml.resources["/computes/training"]["properties"]["properties"]["scaleSettings"][
        "maxNodeCount"
    ] = 9

    plan = azure.platform().plan("compute")
    changing = azure.platform().ensure("compute")
    azure.ml.provide()

    assert plan.state is PartState.DIFFERENT
    assert "most nodes 9 to 2" in plan.detail
    assert not changing.ready
    assert azure.platform().plan("compute").state is PartState.PRESENT


def test_compute_of_another_size_is_not_changed_in_place(azure: Azure) -> None:
    complete_platform(azure)
    other = azure.with_settings(compute_size="Standard_NC6")

    plan = other.platform().plan("compute")

    assert plan.state is PartState.DIFFERENT
    assert plan.detail.startswith("Cannot change size Standard_DS3_v2 to Standard_NC6")
    with pytest.raises(ConfigError, match="does not change"):
        other.platform().ensure("compute")


def test_each_kind_of_code_has_a_compute_of_its_own_under_one_identity(azure: Azure) -> None:
    apart = azure.with_settings(
        compute_identity=f"{IDENTITIES}/training",
        judge_identity=f"{IDENTITIES}/judge",
        checks_identity=f"{IDENTITIES}/checks",
    )

    complete_platform(apart)

    bodies = {r.path.split("/")[-1]: r.json for r in azure.arm.asked("PUT", "/computes/")}
    given = {n: list(body["identity"]["userAssignedIdentities"]) for n, body in bodies.items()}
    assert given == {
        "training": [f"{IDENTITIES}/training"],
        "judging": [f"{IDENTITIES}/judge"],
        "checks": [f"{IDENTITIES}/checks"],
    }
    scales = {n: b["properties"]["properties"]["scaleSettings"] for n, b in bodies.items()}
    assert {scale["minNodeCount"] for scale in scales.values()} == {0}
    assert {n: scale["maxNodeCount"] for n, scale in scales.items()} == {
        "training": 2,
        "judging": 1,
        "checks": 2,
    }


def test_datastores_of_runs_have_no_key(azure: Azure) -> None:
    complete_platform(azure)

    stores = {
        r.path.split("/")[-1]: r.json["properties"] for r in azure.arm.asked("PUT", "/datastores/")
    }
    assert {name: store["containerName"] for name, store in stores.items()} == {
        "mlops": "versions",
        "mlops_runs": "runs",
        "mlops_evaluations": "evaluations",
        "mlops_checks": "checks",
        "mlops_checks_inputs": "checks-inputs",
    }
    assert {s["credentials"]["credentialsType"] for s in stores.values()} == {"None"}


def test_compute_under_another_identity_is_different_and_changed_whatever_its_case(
    azure: Azure,
) -> None:
    complete_platform(azure.with_settings(checks_identity=f"{IDENTITIES}/old"))
    same = azure.with_settings(checks_identity=f"{IDENTITIES}/old".upper())
    new = azure.with_settings(checks_identity=f"{IDENTITIES}/new")

    unchanged = same.platform().plan("checks compute")
    plan = new.platform().plan("checks compute")
    changing = new.platform().ensure("checks compute")
    azure.ml.provide()

    assert unchanged.state is PartState.PRESENT
    assert plan.state is PartState.DIFFERENT
    assert "old to " in plan.detail
    assert not changing.ready
    assert new.platform().plan("checks compute").state is PartState.PRESENT


def test_compute_that_has_one_more_identity_is_different(azure: Azure) -> None:
    wanted = azure.with_settings(checks_identity=f"{IDENTITIES}/checks")
    complete_platform(wanted)
    found = azure.ml.resources["/computes/checks"]["identity"]["userAssignedIdentities"]
    found[f"{IDENTITIES}/training"] = {}

    plan = wanted.platform().plan("checks compute")

    assert plan.state is PartState.DIFFERENT


def test_compute_that_is_changed_stays_in_its_network_and_not_ours(azure: Azure) -> None:
    complete_platform(azure)
    found = azure.ml.resources["/computes/training"]
    found["tags"] = {"owner": "infra"}
    subnet = (
        "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/g/providers"
        "/Microsoft.Network/virtualNetworks/n/subnets/training"
    )
    found["properties"]["properties"] |= {
        "subnet": {"id": subnet},
        "enableNodePublicIp": False,
    }

    azure.with_settings(compute_nodes=3).platform().ensure("compute")

    body = azure.arm.asked("PUT", "/computes/training")[-1].json
    kept = body["properties"]["properties"]
    assert kept["subnet"]["id"] == subnet
    assert kept["enableNodePublicIp"] is False
    assert body["tags"] == {"owner": "infra"}


def test_checks_on_the_compute_of_trainings_make_no_second_one(azure: Azure) -> None:
    shared = azure.with_settings(checks_compute="training")

    assert "checks compute" not in shared.platform().parts()


def test_serverless_compute_is_always_there(azure: Azure) -> None:
    serverless = azure.with_settings(compute="serverless", checks_compute="serverless")

    assert serverless.platform().ensure("compute").ready
    assert serverless.platform().plan("compute").state is PartState.PRESENT
    assert "stays" in serverless.platform().remove("compute")


@pytest.mark.parametrize("part", [*PARTS[PARTS.index("datastore") : PARTS.index("events of data")]])
def test_a_part_that_may_not_be_read_is_never_taken_for_absent(azure: Azure, part: str) -> None:
    azure.wrote("datasets/diabetes/reference.json", REFERENCE)
    for method in ("GET", "PUT"):
        azure.arm.fail(method, "/workspaces/", DENIED, times=99)

    with pytest.raises(PlatformError, match="AuthorizationFailed"):
        azure.platform().plan(part)
    with pytest.raises(PlatformError, match="AuthorizationFailed"):
        azure.platform().ensure(part)


@pytest.mark.parametrize(
    "container",
    [
        "versions",
        "runs",
        "evaluations",
        "predictions",
        "checks",
        "checks-inputs",
    ],
)
def test_storage_that_refuses_is_not_taken_for_an_absent_container(
    azure: Azure, container: str
) -> None:
    azure.blobs.refused.add(container)

    with pytest.raises(PlatformError, match="AuthorizationPermissionMismatch"):
        azure.platform().plan(f"{container} container")


def test_a_workspace_is_not_made_without_its_vault_and_says_what_makes_it(azure: Azure) -> None:
    azure.ml.standing = False

    plan = azure.platform().plan("workspace")

    assert plan.detail.startswith("Cannot make workspace ")
    with pytest.raises(ConfigError, match="infra/") as refused:
        azure.platform().ensure("workspace")
    assert plan.detail.endswith(refused.value.message)
    assert azure.arm.asked("PUT", "/workspaces/") == []


def test_a_workspace_that_the_settings_describe_is_made(azure: Azure) -> None:
    azure.ml.standing = False

    first = whole(azure).platform().ensure("workspace")

    body = azure.arm.asked("PUT", "/workspaces/workspace")[0].json
    assert not first.ready
    assert body["tags"] == {"mlops": "platform"}
    assert body["properties"]["systemDatastoresAuthMode"] == "Identity"


@pytest.mark.parametrize("part", ["datastore", "runs datastore"])
def test_a_datastore_that_somebody_else_made_is_changed_and_stays_theirs(
    azure: Azure, part: str
) -> None:
    complete_platform(azure)
    path = {"datastore": "/datastores/mlops", "runs datastore": "/datastores/mlops_runs"}[part]
    properties = azure.ml.resources[path]["properties"]
    properties |= {"tags": {"owner": "infra"}, "containerName": "another"}

    azure.platform().ensure(part)

    assert azure.ml.resources[path]["properties"]["containerName"] != "another"
    assert "stays" in azure.platform().remove(part)
    assert path in azure.ml.resources


def test_only_parts_that_this_app_created_are_removed(azure: Azure) -> None:
    complete_platform(whole(azure))
    azure.ml.resources["/computes/training"]["tags"] = {"owner": "somebody"}

    told = {part: whole(azure).platform().remove(part) for part in reversed(PARTS)}

    assert "stays" in told["compute"]
    assert "stays" in told["workspace"]
    assert "stays" in told["versions container"]
    assert azure.grid.subscriptions == {}
    assert not [rest for rest in azure.ml.resources if rest.startswith("/datastores/")]
    assert "/computes/checks" not in azure.ml.resources
    assert "/computes/training" in azure.ml.resources


def test_a_part_that_is_gone_is_removed_without_complaint(azure: Azure) -> None:
    assert azure.platform().remove("compute") == "There is no compute."
