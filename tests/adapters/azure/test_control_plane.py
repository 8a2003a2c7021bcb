"""Production on a real control plane of etcd, API server and controller manager, if available.

MLOPS_TEST_CLUSTER=https://127.0.0.1:6443 is its address, MLOPS_TEST_CLUSTER_CA a file, and
MLOPS_TEST_CLUSTER_TOKEN the token of a user who may create namespaces and nodes. No node may run
pods.
"""

import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from function_app.adapters.azure.production.kubernetes.cluster_api import ClusterAccess, ClusterApi
from function_app.adapters.azure.production.kubernetes.exposure import Exposure
from function_app.adapters.azure.production.kubernetes.kubernetes import KubernetesProduction
from function_app.adapters.azure.production.replicas import Replicas
from function_app.adapters.scoring_service.scoring_keys import Digests, digest_of
from function_app.domain.drift.retraining import DriftPolicy
from function_app.domain.release.serving import Image, Rollout
from function_app.errors import PlatformError
from tests.adapters.azure.control_plane import Kubelet

URL = os.environ.get("MLOPS_TEST_CLUSTER", "")
CA = Path(os.environ.get("MLOPS_TEST_CLUSTER_CA", "/dev/null"))
TOKEN = os.environ.get("MLOPS_TEST_CLUSTER_TOKEN", "")
REPLICAS = Replicas(
    logs="https://account.example/predictions", client_id="c", watched={"diabetes": DriftPolicy()}
)
pytestmark = pytest.mark.skipif(not URL, reason="No control plane is given: MLOPS_TEST_CLUSTER.")


@pytest.fixture
def namespace() -> str:
    return f"mlops-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def kubelet(namespace: str) -> Iterator[Kubelet]:
    with Kubelet(URL, CA, TOKEN, namespace) as made:
        yield made


class FixedKeys:
    """Keys that no vault keeps."""

    def ensure(self, model: str) -> Digests:
        return Digests(primary=digest_of("one"), secondary=digest_of("two"))

    def rotate(self, model: str) -> Digests:
        return Digests(primary=digest_of("three"), secondary=digest_of("one"))

    def header(self, model: str) -> str:
        return "Authorization: Bearer one"

    def production_secret(self, model: str) -> str:
        return "probe"


@pytest.fixture
def production(namespace: str) -> KubernetesProduction:
    def access() -> ClusterAccess:
        return ClusterAccess(host=URL, ca=CA.read_bytes(), token=lambda: TOKEN)

    return KubernetesProduction(
        ClusterApi(access, namespace), FixedKeys(), Exposure(kind="cluster"), REPLICAS
    )


def image(version: str) -> Image:
    digest = f"sha256:{version * 64}"
    uri = f"registry.example/diabetes@{digest}"
    return Image(model="diabetes", version=version, digest=digest, uri=uri)


def promoted(production: KubernetesProduction, version: str, seconds: float = 60) -> Rollout:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        rollout = production.promote(f"release-{version}", image(version), 2)
        if rollout.done:
            return rollout
        time.sleep(0.3)
    return rollout


def served(production: KubernetesProduction) -> str | None:
    champion = production.champion("diabetes")
    return champion.version if champion else None


def test_production_moves_on_stays_where_a_rollout_fails_and_goes_back(
    production: KubernetesProduction, kubelet: Kubelet, namespace: str
) -> None:
    assert served(production) is None
    for version in ("1", "2"):
        assert promoted(production, version).deployment
        assert served(production) == version

    kubelet.broken.add(image("3").uri)
    assert promoted(production, "3", 5).detail == "0 of 2 replicas of version 3 are available."
    deployments = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    kubelet.change(f"{deployments}/m-diabetes-3", {"spec": {"progressDeadlineSeconds": 6}})
    with pytest.raises(PlatformError, match=r"ProgressDeadlineExceeded.*ImagePullBackOff"):
        promoted(production, "3")
    assert served(production) == "2"

    while not production.roll_back("diabetes", image("1")).done:
        time.sleep(0.3)
    assert served(production) == "1"
    while not production.roll_back("diabetes", None).done:
        time.sleep(0.3)
    assert served(production) is None
    assert {d["spec"]["replicas"] for d in kubelet.list(deployments)} == {0}
