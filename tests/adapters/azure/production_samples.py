"""Images in production on AKS, on a present cluster and on an old cluster."""

import pytest

from function_app.domain.release.serving import Image, Rollout
from tests.azure_servers.azure import Azure
from tests.azure_servers.cluster import OLD, TODAY


@pytest.fixture(autouse=True, params=[TODAY, OLD], ids=["a cluster of today", "a cluster of 2020"])
def versions(azure: Azure, request: pytest.FixtureRequest) -> None:
    azure.cluster.versions = request.param


def image(version: str, mark: str = "a") -> Image:
    digest = "sha256:" + mark * 63 + version[-1]
    return Image(
        model="diabetes",
        version=version,
        digest=digest,
        uri=f"registry.azurecr.io/diabetes@{digest}",
    )


def promoted(azure: Azure, challenger: Image, replicas: int = 2) -> Rollout:
    """Ask as a story does, with the cluster's controllers at work in between."""
    rollout = Rollout(done=False)
    for _ in range(6):
        rollout = azure.production().promote(
            f"release-diabetes-{challenger.version}", challenger, replicas
        )
        if rollout.deployment:
            return rollout
        azure.cluster.settle()
    raise AssertionError(rollout.detail)


def rolled_back(azure: Azure, former: Image | None) -> Rollout:
    for _ in range(6):
        rollout = azure.production().roll_back("diabetes", former)
        if rollout.done:
            return rollout
        azure.cluster.settle()
    raise AssertionError(rollout.detail)


def replicas(azure: Azure) -> dict[str, int]:
    return {
        name: found["spec"]["replicas"]
        for (kind, name), found in azure.cluster.objects.items()
        if kind == "deployments"
    }
