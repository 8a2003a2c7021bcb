"""Production on a managed online endpoint: traffic moves to a ready deployment only, and back."""

import pytest

from function_app.domain.release.serving import Image, Rollout
from function_app.errors import AttemptError, PlatformError
from tests.azure_servers.arm import DENIED
from tests.azure_servers.azure import Azure, sdk_warnings

pytestmark = sdk_warnings


def image(version: str) -> Image:
    digest = "sha256:" + version[-1] + "a" * 63
    uri = f"registry.azurecr.io/diabetes@{digest}"
    return Image(model="diabetes", version=version, digest=digest, uri=uri)


def reached(azure: Azure, wish: Image | None, *, back: bool = False) -> Rollout:
    """Ask as a story does, with Azure at work in between."""
    for _ in range(8):
        production = azure.online()
        if back or wish is None:
            rollout = production.roll_back("diabetes", wish)
        else:
            rollout = production.promote(f"release-diabetes-{wish.version}", wish, 2)
        if rollout.done:
            return rollout
        azure.endpoints.settle()
    raise AssertionError(rollout.detail)


def traffic(azure: Azure) -> dict[str, int]:
    found = azure.endpoints.endpoints[azure.online().endpoint_name("diabetes")]
    return dict(found["properties"].get("traffic") or {})


def deployments(azure: Azure) -> set[str]:
    return {name for _, name in azure.endpoints.deployments}


def test_a_model_that_was_never_promoted_has_no_champion(azure: Azure) -> None:
    assert azure.online().champion("diabetes") is None
    assert azure.online().endpoint("diabetes") is None
    assert reached(azure, None) == Rollout()


def test_a_promoted_image_is_the_champion_and_answers_at_the_scoring_address(
    azure: Azure,
) -> None:
    rollout = reached(azure, image("1"))

    assert rollout.deployment is not None
    assert rollout.deployment.endpoint.startswith("https://diabetes-")
    assert azure.online().champion("diabetes") == image("1")
    assert azure.online().endpoint("diabetes") == rollout.deployment.endpoint


def test_promoting_twice_changes_nothing_the_second_time(azure: Azure) -> None:
    first = reached(azure, image("1"))
    before = len([r for r in azure.arm.requests if r.method in ("PUT", "PATCH", "DELETE")])

    assert reached(azure, image("1")) == first
    assert before == len([r for r in azure.arm.requests if r.method in ("PUT", "PATCH", "DELETE")])


def test_no_traffic_moves_before_the_deployment_stands(azure: Azure) -> None:
    reached(azure, image("1"))

    waiting = azure.online().promote("release-diabetes-2", image("2"), 2)
    still = azure.online().promote("release-diabetes-2", image("2"), 2)

    assert (waiting.deployment, still.deployment) == (None, None)
    assert traffic(azure) == {"version-1": 100}
    assert azure.online().champion("diabetes") == image("1")


def test_a_deployment_that_fails_is_an_error_with_its_log_and_the_champion_stays(
    azure: Azure,
) -> None:
    reached(azure, image("1"))
    azure.online().promote("release-diabetes-2", image("2"), 2)
    azure.endpoints.settle("Failed")

    with pytest.raises(PlatformError, match="ModuleNotFoundError"):
        azure.online().promote("release-diabetes-2", image("2"), 2)
    assert azure.online().champion("diabetes") == image("1")


def test_a_deployment_that_failed_is_reported_once_and_made_anew_by_the_next_request(
    azure: Azure,
) -> None:
    reached(azure, image("1"))
    azure.online().promote("release-diabetes-2", image("2"), 2)
    azure.endpoints.settle("Failed")
    with pytest.raises(AttemptError):
        azure.online().promote("release-diabetes-2", image("2"), 2)

    deleting = azure.online().promote("release-diabetes-2", image("2"), 2)
    azure.endpoints.settle()
    rollout = reached(azure, image("2"))

    assert not deleting.done
    assert rollout.deployment is not None
    assert azure.online().champion("diabetes") == image("2")


def test_a_deployment_with_traffic_that_failed_is_asked_for_again_and_not_deleted(
    azure: Azure,
) -> None:
    reached(azure, image("1"))
    reached(azure, image("2"))
    name = azure.online().endpoint_name("diabetes")
    azure.endpoints.deployments[name, "version-2"]["properties"]["provisioningState"] = "Failed"

    down = azure.online().serving("diabetes")
    with pytest.raises(AttemptError):
        azure.online().promote("release-diabetes-2", image("2"), 2)
    azure.endpoints.settle()

    assert down is not None
    assert (down.ready, down.replicas) == (0, 2)
    assert "ModuleNotFoundError" in down.detail
    assert reached(azure, image("2")).deployment is not None
    serving = azure.online().serving("diabetes")
    assert serving is not None
    assert (serving.ready, serving.replicas) == (2, 2)


def test_a_served_deployment_that_failed_is_repaired(azure: Azure) -> None:
    azure.online().repair("diabetes")
    assert azure.online().serving("diabetes") is None
    reached(azure, image("1"))
    name = azure.online().endpoint_name("diabetes")
    azure.endpoints.deployments[name, "version-1"]["properties"]["provisioningState"] = "Failed"

    azure.online().repair("diabetes")
    azure.endpoints.settle()

    serving = azure.online().serving("diabetes")
    assert serving is not None
    assert serving.ready == 2


@pytest.mark.parametrize("tags", [{"version": "1"}, {"owner": "somebody"}])
def test_a_champion_whose_tags_somebody_changed_has_a_reason_and_a_way_on(
    azure: Azure, tags: dict[str, str]
) -> None:
    reached(azure, image("1"))
    name = azure.online().endpoint_name("diabetes")
    azure.endpoints.deployments[name, "version-1"]["tags"] = tags
    production = azure.online()

    for ask in (production.champion, production.serving, production.repair):
        with pytest.raises(PlatformError, match=r"tags version and digest .* Promote again"):
            ask("diabetes")
    assert reached(azure, image("1")).deployment is not None
    assert production.champion("diabetes") == image("1")


def test_a_champion_under_another_name_is_read_and_repaired(azure: Azure) -> None:
    """The traffic was moved to a deployment with the tags of this app and another name."""
    reached(azure, image("1"))
    name = azure.online().endpoint_name("diabetes")
    moved = azure.endpoints.deployments.pop((name, "version-1"))
    moved["id"] = moved["id"].replace("version-1", "theirs")
    moved["name"] = "theirs"
    azure.endpoints.deployments[name, "theirs"] = moved
    azure.endpoints.endpoints[name]["properties"]["traffic"] = {"theirs": 100}

    serving = azure.online().serving("diabetes")
    azure.online().repair("diabetes")

    assert serving is not None
    assert (serving.image, serving.ready) == (image("1"), 2)


def test_an_endpoint_whose_traffic_could_not_be_moved_is_asked_for_again(azure: Azure) -> None:
    reached(azure, image("1"))
    name = azure.online().endpoint_name("diabetes")
    azure.endpoints.endpoints[name]["properties"]["provisioningState"] = "Failed"

    with pytest.raises(AttemptError, match="is failed"):
        azure.online().promote("release-diabetes-2", image("2"), 2)
    azure.endpoints.settle()

    assert traffic(azure) == {"version-1": 100}
    assert reached(azure, image("2")).deployment is not None


def test_the_former_deployment_stays_until_the_next_promotion(azure: Azure) -> None:
    reached(azure, image("1"))
    reached(azure, image("2"))
    after_two = deployments(azure)
    reached(azure, image("3"))
    azure.endpoints.settle()

    assert after_two == {"version-1", "version-2"}
    assert deployments(azure) == {"version-2", "version-3"}


def test_a_challenger_gets_a_tenth_of_the_traffic_before_it_gets_all(azure: Azure) -> None:
    reached(azure, image("1"))

    seen, served = [], []
    for _ in range(6):
        azure.online().promote("release-diabetes-2", image("2"), 2)
        seen.append(traffic(azure))
        served.append(azure.online().champion("diabetes"))
        azure.endpoints.settle()

    steps = [t for n, t in enumerate(seen) if n == 0 or t != seen[n - 1]]
    assert steps == [{"version-1": 100}, {"version-1": 90, "version-2": 10}, {"version-2": 100}]
    assert served[0] == served[seen.index(steps[1])] == image("1"), "who has most of it"
    assert served[-1] == image("2")


def test_a_split_that_somebody_made_has_a_champion_and_is_ended_by_a_promotion(
    azure: Azure,
) -> None:
    reached(azure, image("1"))
    reached(azure, image("2"))
    name = azure.online().endpoint_name("diabetes")
    azure.endpoints.endpoints[name]["properties"]["traffic"] = {"version-1": 30, "version-2": 70}

    split = azure.online().champion("diabetes")
    reached(azure, image("2"))

    assert split == image("2")
    assert traffic(azure) == {"version-2": 100}


def test_an_endpoint_that_could_not_be_made_is_made_anew_by_the_next_release(azure: Azure) -> None:
    azure.online().promote("release-diabetes-1", image("1"), 2)
    azure.endpoints.settle("Failed")

    with pytest.raises(PlatformError, match="is failed"):
        azure.online().promote("release-diabetes-1", image("1"), 2)

    assert reached(azure, image("1")).deployment is not None


def test_a_roll_back_is_one_move_of_the_traffic(azure: Azure) -> None:
    reached(azure, image("1"))
    reached(azure, image("2"))

    moving = azure.online().roll_back("diabetes", image("1"))

    assert not moving.done
    assert traffic(azure) == {"version-1": 100}
    assert reached(azure, image("1"), back=True).deployment is not None
    assert azure.online().champion("diabetes") == image("1")


def test_a_roll_back_to_nothing_takes_the_traffic_and_keeps_the_endpoint(azure: Azure) -> None:
    reached(azure, image("1"))

    assert reached(azure, None) == Rollout()

    assert azure.online().champion("diabetes") is None
    assert len(azure.endpoints.endpoints) == 1


def test_a_refused_read_is_not_taken_for_an_absent_endpoint(azure: Azure) -> None:
    azure.arm.fail("GET", "/onlineEndpoints/", DENIED, times=9)

    with pytest.raises(PlatformError, match="AuthorizationFailed"):
        azure.online().champion("diabetes")


def test_an_endpoint_of_a_watched_model_sends_its_log_under_the_replicas_identity(
    azure: Azure,
) -> None:
    group = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity"
    identity = f"{group}/userAssignedIdentities/replica"
    client = "66666666-6666-6666-6666-666666666666"
    logged = azure.with_settings(replica_client_id=client, replica_identity=identity)

    for _ in range(8):
        rollout = logged.online().promote("release-diabetes-1", image("1"), 2)
        logged.endpoints.settle()

    assert rollout.deployment is not None
    [endpoint] = logged.endpoints.endpoints.values()
    [deployment] = logged.endpoints.deployments.values()
    environ = deployment["properties"]["environmentVariables"]
    assert endpoint["identity"]["type"] == "UserAssigned"
    assert list(endpoint["identity"]["userAssignedIdentities"]) == [identity]
    assert environ["AZURE_CLIENT_ID"] == client
    assert environ["PREDICTION_LOG_BLOBS"].endswith("/predictions/diabetes")
