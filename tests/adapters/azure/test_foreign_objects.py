"""Objects in the cluster that somebody else made or changed."""

from copy import deepcopy

import pytest

from tests.adapters.azure.production_samples import image, promoted, replicas, rolled_back
from tests.azure_servers.azure import Azure


def test_a_deployment_of_somebody_else_with_our_labels_is_left_alone(azure: Azure) -> None:
    promoted(azure, image("1"))
    foreign = deepcopy(azure.cluster.objects["deployments", "m-diabetes-1"])
    foreign["metadata"]["name"] = "theirs"
    azure.cluster.objects["deployments", "theirs"] = foreign
    unlabelled = deepcopy(foreign)
    unlabelled["metadata"] |= {"name": "unlabelled", "labels": {"app": "diabetes"}}
    azure.cluster.objects["deployments", "unlabelled"] = unlabelled
    for number in "23456789":
        promoted(azure, image(number))

    assert replicas(azure)["theirs"] == 2
    assert replicas(azure)["unlabelled"] == 2


@pytest.mark.parametrize("annotation", ["many", "-3", "", "²"])
def test_an_annotation_that_somebody_changed_does_not_stop_a_roll_back(
    azure: Azure, annotation: str
) -> None:
    promoted(azure, image("1"))
    promoted(azure, image("2"))
    for number in "12":
        found = azure.cluster.objects["deployments", f"m-diabetes-{number}"]
        found["metadata"]["annotations"]["mlops/replicas"] = annotation
        del found["metadata"]["labels"]["version"]

    assert rolled_back(azure, image("1")).done
    assert azure.production().champion("diabetes") == image("1")
    assert azure.production().serving("diabetes") is not None
