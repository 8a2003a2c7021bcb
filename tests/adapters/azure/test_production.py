"""Rollouts on AKS: no traffic moves before every replica is available."""

import pytest

from function_app.domain.release.serving import Serving
from function_app.errors import AttemptError, PlatformError
from tests.adapters.azure.production_samples import image, promoted, replicas, versions
from tests.azure_servers.arm import Fault
from tests.azure_servers.azure import Azure
from tests.azure_servers.base import Answer

__all__ = ["versions"]


def test_a_model_that_was_never_promoted_has_no_champion(azure: Azure) -> None:
    assert azure.production().champion("diabetes") is None
    assert azure.production().endpoint("diabetes") is None


def test_a_promoted_image_is_the_champion_at_the_address_of_the_load_balancer(
    azure: Azure,
) -> None:
    deployment = promoted(azure, image("1")).deployment

    assert deployment is not None
    assert deployment.endpoint == "http://10.1.0.7"
    assert deployment.image == image("1")
    assert azure.production().champion("diabetes") == image("1")
    assert azure.production().endpoint("diabetes") == "http://10.1.0.7"


def test_promoting_twice_changes_nothing_the_second_time(azure: Azure) -> None:
    first = promoted(azure, image("1"))
    before = {key: found["metadata"]["generation"] for key, found in azure.cluster.objects.items()}

    second = promoted(azure, image("1"))

    after = {key: found["metadata"]["generation"] for key, found in azure.cluster.objects.items()}
    assert second == first
    assert after == before


def test_no_traffic_moves_before_every_replica_is_available(azure: Azure) -> None:
    promoted(azure, image("1"))
    azure.cluster.broken.add(image("2").uri)

    waiting = azure.production().promote("release-diabetes-2", image("2"), 2)
    azure.cluster.settle()
    still = azure.production().promote("release-diabetes-2", image("2"), 2)

    assert (waiting.deployment, still.deployment) == (None, None)
    assert still.detail == "0 of 2 replicas of version 2 are available."
    assert azure.production().champion("diabetes") == image("1")


def test_a_promotion_is_not_done_while_requests_still_reach_the_former_version(
    azure: Azure,
) -> None:
    promoted(azure, image("1"))
    azure.production().promote("release-diabetes-2", image("2"), 2)
    azure.cluster.settle()
    azure.cluster.endpoints_lag = True
    moving = azure.production().promote("release-diabetes-2", image("2"), 2)
    azure.cluster.settle()

    still = azure.production().promote("release-diabetes-2", image("2"), 2)
    azure.cluster.endpoints_lag = False
    azure.cluster.settle()
    done = azure.production().promote("release-diabetes-2", image("2"), 2)

    assert (moving.deployment, still.deployment) == (None, None)
    assert "still moves" in still.detail
    assert done.deployment is not None


def test_a_rollout_that_makes_no_progress_is_an_error_that_says_what_the_pods_say(
    azure: Azure,
) -> None:
    promoted(azure, image("1"))
    azure.cluster.broken.add(image("2").uri)
    azure.production().promote("release-diabetes-2", image("2"), 2)
    azure.cluster.exceed_deadline("m-diabetes-2")

    with pytest.raises(
        PlatformError,
        match=r"ProgressDeadlineExceeded.*unauthorized.*ImagePullBackOff.*ModuleNotFoundError",
    ) as caught:
        azure.production().promote("release-diabetes-2", image("2"), 2)
    assert str(caught.value).count("ImagePullBackOff") == 1, "two replicas say the same"
    assert azure.production().champion("diabetes") == image("1")


def test_a_rollout_that_failed_is_reported_once_and_the_next_request_starts_other_pods(
    azure: Azure,
) -> None:
    promoted(azure, image("1"))
    azure.cluster.broken.add(image("2").uri)
    azure.production().promote("release-diabetes-2", image("2"), 2)
    azure.cluster.exceed_deadline("m-diabetes-2")
    template = azure.cluster.objects["deployments", "m-diabetes-2"]["spec"]["template"]
    with pytest.raises(AttemptError):
        azure.production().promote("release-diabetes-2", image("2"), 2)
    assert template == azure.cluster.objects["deployments", "m-diabetes-2"]["spec"]["template"]

    azure.cluster.broken.clear()
    again = azure.production().promote("release-diabetes-2", image("2"), 2)
    anew = azure.cluster.objects["deployments", "m-diabetes-2"]["spec"]["template"]
    polled = azure.production().promote("release-diabetes-2", image("2"), 2)

    assert template != anew, "a template that changes nothing starts no pods"
    assert template["spec"] == anew["spec"]
    assert (again.done, polled.done) == (False, False)
    assert anew == azure.cluster.objects["deployments", "m-diabetes-2"]["spec"]["template"]
    assert promoted(azure, image("2")).deployment is not None
    assert azure.production().champion("diabetes") == image("2")


def test_a_second_failure_of_a_rollout_is_reported_too(azure: Azure) -> None:
    azure.cluster.broken.add(image("1").uri)
    for _ in range(2):
        assert not azure.production().promote("release-diabetes-1", image("1"), 2).done
        azure.cluster.exceed_deadline("m-diabetes-1")
        with pytest.raises(AttemptError, match="ProgressDeadlineExceeded"):
            azure.production().promote("release-diabetes-1", image("1"), 2)


def test_production_whose_replicas_are_gone_says_why_and_is_started_again(azure: Azure) -> None:
    promoted(azure, image("1"))
    assert azure.production().serving("diabetes") == Serving(image=image("1"), replicas=2, ready=2)
    azure.cluster.broken.add(image("1").uri)
    azure.cluster.settle()
    azure.cluster.exceed_deadline("m-diabetes-1")

    down = azure.production().serving("diabetes")
    azure.production().repair("diabetes")
    azure.cluster.broken.clear()
    azure.cluster.settle()

    assert down is not None
    assert (down.replicas, down.ready) == (2, 0)
    assert "ImagePullBackOff" in down.detail
    assert azure.production().serving("diabetes") == Serving(image=image("1"), replicas=2, ready=2)


def test_production_that_somebody_scaled_to_zero_is_scaled_back(azure: Azure) -> None:
    promoted(azure, image("1"))
    azure.cluster.objects["deployments", "m-diabetes-1"]["spec"]["replicas"] = 0
    azure.cluster.settle()

    down = azure.production().serving("diabetes")
    azure.production().repair("diabetes")

    assert down is not None
    assert (down.replicas, down.ready) == (2, 0)
    assert replicas(azure) == {"m-diabetes-1": 2}


def test_a_model_that_was_never_promoted_has_nothing_to_repair(azure: Azure) -> None:
    assert azure.production().serving("diabetes") is None
    azure.production().repair("diabetes")
    assert azure.cluster.objects == {}


def test_a_rollout_fails_with_its_reason_also_when_no_log_can_be_read(azure: Azure) -> None:
    azure.cluster.broken.add(image("1").uri)
    azure.production().promote("release-diabetes-1", image("1"), 2)
    azure.cluster.exceed_deadline("m-diabetes-1")
    azure.cluster.faults.append(Fault(method="GET", path="/log", answer=Answer(status=403)))

    with pytest.raises(
        PlatformError, match=r"ImagePullBackOff.*Further messages of the pods cannot be"
    ):
        azure.production().promote("release-diabetes-1", image("1"), 2)
