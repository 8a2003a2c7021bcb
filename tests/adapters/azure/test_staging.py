"""Staging on container groups: slow, failing, changed, forgotten ones."""

from datetime import timedelta
from typing import Any

import pytest
from azure.mgmt.containerinstance import models

from function_app.adapters.azure.staging import container_groups as groups
from function_app.adapters.azure.staging.container_groups import group_name
from function_app.domain.release.serving import Image
from function_app.errors import AttemptError, PlatformError
from tests.azure_servers.arm import DENIED, THROTTLED
from tests.azure_servers.azure import NOW, Azure

RELEASE, GROUP = "release-diabetes-3", "staging-diabetes-3"
IMAGE = Image(
    model="diabetes",
    version="3",
    digest="sha256:" + "a" * 64,
    uri="registry.azurecr.io/diabetes@sha256:" + "a" * 64,
)
OTHER = Image(
    model="diabetes",
    version="3",
    digest="sha256:" + "b" * 64,
    uri="registry.azurecr.io/diabetes@sha256:" + "b" * 64,
)


def test_a_release_is_deployed_once_and_there_when_its_container_runs(azure: Azure) -> None:
    first = azure.staging().deploy(RELEASE, IMAGE)
    second = azure.staging().deploy(RELEASE, IMAGE)
    azure.aci.run(GROUP)
    third = azure.staging().deploy(RELEASE, IMAGE)

    assert (first.deployment, second.deployment) == (None, None)
    assert "Creating" in second.detail
    assert third.deployment is not None
    assert third.deployment.image == IMAGE
    assert third.deployment.runtime == "container instance"
    assert third.deployment.endpoint == (
        "https://staging-diabetes-3.a1b2.westeurope.azurecontainer.io:8443"
    )
    assert azure.staging().list_releases() == (RELEASE,)
    assert len(azure.arm.asked("PUT", "/containerGroups/")) == 1


def test_a_group_runs_one_image_by_digest_and_holds_no_password(azure: Azure) -> None:
    identity = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u"
    azure.with_settings(staging_identity=identity).staging().deploy(RELEASE, IMAGE)

    body = azure.arm.asked("PUT", "/containerGroups/")[0].json
    group: Any = models.ContainerGroup.deserialize(body)
    credential = group.image_registry_credentials[0]
    assert group.serialize() == body
    assert group.containers[0].image == IMAGE.uri
    assert credential.identity == identity
    assert credential.password is None
    assert group.ip_address.auto_generated_domain_name_label_scope == "TenantReuse"
    assert group.containers[0].readiness_probe.http_get.path == "/healthz"


def test_a_group_in_a_subnet_has_no_public_address(azure: Azure) -> None:
    private = azure.with_settings(staging_subnet="/subscriptions/s/subnets/n")
    private.staging().deploy(RELEASE, IMAGE)
    azure.aci.run(GROUP)

    deployed = private.staging().deploy(RELEASE, IMAGE)

    body = azure.arm.asked("PUT", "/containerGroups/")[0].json["properties"]
    assert body["ipAddress"]["type"] == "Private"
    assert body["subnetIds"] == [{"id": "/subscriptions/s/subnets/n"}]
    assert deployed.deployment is not None
    assert deployed.deployment.endpoint == "http://10.0.0.4:8080"


def test_another_image_of_a_release_replaces_the_group(azure: Azure) -> None:
    azure.staging().deploy(RELEASE, IMAGE)
    azure.aci.run(GROUP)

    deleting = azure.staging().deploy(RELEASE, OTHER)
    still = azure.staging().deploy(RELEASE, OTHER)
    del azure.aci.groups[GROUP]
    azure.staging().deploy(RELEASE, OTHER)
    azure.aci.run(GROUP)
    deployed = azure.staging().deploy(RELEASE, OTHER)

    assert (deleting.deployment, still.deployment) == (None, None)
    assert deployed.deployment is not None
    assert deployed.deployment.image == OTHER
    assert len(azure.arm.asked("DELETE", "/containerGroups/")) == 1


def test_an_image_that_cannot_be_pulled_is_an_error_with_the_reason_and_the_log(
    azure: Azure,
) -> None:
    azure.staging().deploy(RELEASE, IMAGE)
    azure.aci.fail(GROUP, "Failed to pull image: unauthorized")

    with pytest.raises(PlatformError, match=r"unauthorized.*no module named skops"):
        azure.staging().deploy(RELEASE, IMAGE)


def test_a_group_that_failed_is_reported_once_and_made_anew_by_the_next_request(
    azure: Azure,
) -> None:
    azure.staging().deploy(RELEASE, IMAGE)
    azure.aci.fail(GROUP, "Failed to pull image: timeout")
    with pytest.raises(AttemptError, match="timeout"):
        azure.staging().deploy(RELEASE, IMAGE)

    deleting = azure.staging().deploy(RELEASE, IMAGE)
    del azure.aci.groups[GROUP]
    anew = azure.staging().deploy(RELEASE, IMAGE)
    azure.aci.run(GROUP)

    assert (deleting.done, anew.done) == (False, False)
    assert azure.staging().deploy(RELEASE, IMAGE).deployment is not None
    assert len(azure.arm.asked("PUT", "/containerGroups/")) == 2


def test_a_container_that_ends_again_and_again_is_an_error(azure: Azure) -> None:
    azure.staging().deploy(RELEASE, IMAGE)
    azure.aci.run(GROUP)
    container = azure.aci.groups[GROUP]["properties"]["containers"][0]["properties"]
    container["instanceView"]["restartCount"] = 3

    with pytest.raises(PlatformError, match="no module named skops"):
        azure.staging().deploy(RELEASE, IMAGE)


def test_a_container_whose_probe_fails_is_not_there_yet(azure: Azure) -> None:
    azure.staging().deploy(RELEASE, IMAGE)
    azure.aci.run(GROUP)
    container = azure.aci.groups[GROUP]["properties"]["containers"][0]["properties"]
    container["instanceView"]["events"] = [
        {"count": 1, "name": "Unhealthy", "message": "Readiness probe failed", "type": "Warning"}
    ]

    assert azure.staging().deploy(RELEASE, IMAGE).deployment is None


def test_a_deployment_whose_answer_was_lost_is_found(azure: Azure) -> None:
    azure.arm.lose_answer("PUT", "/containerGroups/")

    with pytest.raises(PlatformError):
        azure.staging().deploy(RELEASE, IMAGE)

    assert "Creating" in azure.staging().deploy(RELEASE, IMAGE).detail
    assert len(azure.arm.asked("PUT", "/containerGroups/")) == 1


def test_a_release_is_removed_once_and_absent_ones_are_too(azure: Azure) -> None:
    azure.staging().deploy(RELEASE, IMAGE)
    azure.staging().remove(RELEASE)
    azure.staging().remove(RELEASE)
    del azure.aci.groups[GROUP]
    azure.staging().remove(RELEASE)

    assert azure.staging().list_releases() == ()


def test_a_group_of_somebody_else_is_neither_used_nor_removed(azure: Azure) -> None:
    azure.staging().deploy(RELEASE, IMAGE)
    azure.aci.groups[GROUP]["tags"] = {"owner": "somebody"}

    with pytest.raises(PlatformError, match="no tag"):
        azure.staging().deploy(RELEASE, IMAGE)
    azure.staging().remove(RELEASE)

    assert azure.arm.asked("DELETE", "/containerGroups/") == []
    assert azure.staging().list_releases() == ()


def test_groups_are_listed_over_all_pages_and_expire(azure: Azure) -> None:
    releases = tuple(f"release-diabetes-{number}" for number in range(5))
    for release in releases:
        azure.staging().deploy(release, IMAGE)

    assert azure.staging().list_releases() == releases
    assert azure.staging().expired(NOW) == ()
    assert azure.staging().expired(NOW + timedelta(days=8)) == releases


def test_groups_of_other_people_are_listed_as_foreign_and_left_alone(azure: Azure) -> None:
    azure.staging().deploy(RELEASE, IMAGE)
    made = azure.aci.groups[GROUP]
    for name, tags in {
        "staging-by-hand": {groups.OWNER: "somebody"},
        "staging-copied": made["tags"],
        "somebody-s": made["tags"],
        "their-own": {groups.OWNER: "somebody"},
    }.items():
        azure.aci.groups[name] = {**made, "name": name, "tags": tags}
    staging = azure.staging()

    assert staging.list_releases() == (RELEASE,)
    assert staging.list_foreign() == ("staging-by-hand", "staging-copied")
    staging.remove("release-by-hand")
    assert azure.arm.asked("DELETE", "/containerGroups/") == []


def test_a_changed_tag_of_a_group_stops_no_comparison(azure: Azure) -> None:
    azure.staging().deploy(RELEASE, IMAGE)
    azure.aci.groups[GROUP]["tags"] |= {groups.EXPIRES: "soon"}

    assert azure.staging().expired(NOW + timedelta(days=8)) == ()
    assert azure.staging().list_releases() == (RELEASE,)


def test_a_resource_group_that_is_gone_is_not_taken_for_an_absent_group(azure: Azure) -> None:
    azure.aci.standing = False

    with pytest.raises(PlatformError, match="no resource group"):
        azure.staging().deploy(RELEASE, IMAGE)
    with pytest.raises(PlatformError, match="no resource group"):
        azure.staging().remove(RELEASE)


def test_a_refused_read_is_not_taken_for_an_absent_group(azure: Azure) -> None:
    azure.arm.fail("GET", "/containerGroups/", DENIED, times=9)

    with pytest.raises(PlatformError, match="AuthorizationFailed"):
        azure.staging().remove(RELEASE)


def test_a_throttled_deployment_is_repeated(azure: Azure) -> None:
    azure.arm.fail("PUT", "/containerGroups/", THROTTLED)

    assert azure.staging().deploy(RELEASE, IMAGE).deployment is None
    assert GROUP in azure.aci.groups


def test_long_names_of_releases_are_cut_and_stay_apart() -> None:
    model, cut = "a" * 30, set()
    for number in range(3):
        cut.add(group_name(f"release-{model}-{'1' * 30}{number}"))

    assert len(cut) == 3
    assert all(len(name) <= 63 for name in cut)


def test_a_group_that_runs_without_an_address_is_under_way(azure: Azure) -> None:
    azure.staging().deploy(RELEASE, IMAGE)
    azure.aci.run(GROUP)
    del azure.aci.groups[GROUP]["properties"]["ipAddress"]

    assert "has no address yet" in azure.staging().deploy(RELEASE, IMAGE).detail
