"""Former versions on AKS: they sleep, serve again, and are deleted in time."""

from function_app.domain.release.serving import Rollout
from tests.adapters.azure.production_samples import image, promoted, replicas, rolled_back, versions
from tests.azure_servers.azure import Azure

__all__ = ["versions"]


def selector(azure: Azure) -> str:
    return str(azure.cluster.objects["services", "diabetes"]["spec"]["selector"]["version"])


def test_the_former_version_runs_until_the_next_promotion_and_goes_to_sleep_then(
    azure: Azure,
) -> None:
    promoted(azure, image("1"))
    promoted(azure, image("2"))
    after_two = replicas(azure)
    promoted(azure, image("3"))

    assert after_two == {"m-diabetes-1": 2, "m-diabetes-2": 2}
    assert replicas(azure) == {"m-diabetes-1": 0, "m-diabetes-2": 2, "m-diabetes-3": 2}
    assert ("horizontalpodautoscalers", "m-diabetes-1") not in azure.cluster.objects


def test_the_oldest_versions_are_deleted_in_time(azure: Azure) -> None:
    for number in range(1, 10):
        promoted(azure, image(str(number)))

    assert sorted(replicas(azure)) == [f"m-diabetes-{number}" for number in range(3, 10)]


def test_a_roll_back_is_one_move_of_the_traffic_to_a_version_that_still_runs(
    azure: Azure,
) -> None:
    promoted(azure, image("1"))
    promoted(azure, image("2"))

    moving = azure.production().roll_back("diabetes", image("1"))
    served = selector(azure)
    rollout = rolled_back(azure, image("1"))

    assert not moving.done
    assert served == "1"
    assert rollout.deployment is not None
    assert azure.production().champion("diabetes") == image("1")
    assert replicas(azure) == {"m-diabetes-1": 2, "m-diabetes-2": 0}


def test_a_roll_back_to_a_version_that_sleeps_wakes_it_first(azure: Azure) -> None:
    for number in ("1", "2", "3"):
        promoted(azure, image(number))

    azure.production().roll_back("diabetes", image("1"))
    served = selector(azure)
    rolled_back(azure, image("1"))

    assert served == "3"
    assert selector(azure) == "1"
    assert replicas(azure)["m-diabetes-1"] == 2


def test_a_roll_back_to_a_version_that_is_gone_makes_it_of_its_image(azure: Azure) -> None:
    promoted(azure, image("1"))
    promoted(azure, image("2"), replicas=3)
    del azure.cluster.objects["deployments", "m-diabetes-1"]

    rolled_back(azure, image("1"))

    assert azure.production().champion("diabetes") == image("1")
    assert replicas(azure)["m-diabetes-1"] == 3


def test_a_roll_back_to_nothing_serves_nothing_and_keeps_the_address(azure: Azure) -> None:
    promoted(azure, image("1"))

    assert rolled_back(azure, None) == Rollout()
    assert rolled_back(azure, None) == Rollout()
    assert azure.production().champion("diabetes") is None
    assert azure.production().endpoint("diabetes") is None
    assert replicas(azure) == {"m-diabetes-1": 0}
    assert ("services", "diabetes") in azure.cluster.objects
    assert promoted(azure, image("1")).deployment is not None


def test_a_number_that_came_again_with_another_image_is_rolled_out(azure: Azure) -> None:
    promoted(azure, image("1"))

    waiting = azure.production().promote("release-diabetes-1", image("1", "b"), 2)
    rollout = promoted(azure, image("1", "b"))

    assert waiting.deployment is None
    assert rollout.deployment is not None
    assert azure.production().champion("diabetes") == image("1", "b")
