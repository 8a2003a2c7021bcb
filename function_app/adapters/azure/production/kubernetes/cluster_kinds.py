"""API paths of the kinds of objects on a cluster, and their versions, newest first.

Clusters drop old versions and get new ones years apart. The older versions here have the same
fields as far as this app uses them ("Deprecated API Migration Guide", kubernetes.io).
"""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of objects; "" is the group of the oldest ones."""

    plural: str
    group: str = ""
    versions: tuple[str, ...] = ("v1",)

    def newest(self, served: Collection[str]) -> str:
        """Return the newest version that is served; the newest of all when none is known."""
        return next((version for version in self.versions if version in served), self.versions[0])

    def api_version(self, version: str) -> str:
        """Return the value of `apiVersion` for this version."""
        return f"{self.group}/{version}" if self.group else version

    def path(self, version: str, namespace: str) -> str:
        """Return the API path of the objects of a namespace."""
        root = "apis" if self.group else "api"
        return f"/{root}/{self.api_version(version)}/namespaces/{namespace}/{self.plural}"


KINDS = {
    "Service": Kind(plural="services"),
    "ServiceAccount": Kind(plural="serviceaccounts"),
    "Secret": Kind(plural="secrets"),
    "Ingress": Kind(plural="ingresses", group="networking.k8s.io"),
    "Pod": Kind(plural="pods"),
    "Event": Kind(plural="events"),
    "Deployment": Kind(plural="deployments", group="apps"),
    "NetworkPolicy": Kind(plural="networkpolicies", group="networking.k8s.io"),
    "HorizontalPodAutoscaler": Kind(
        plural="horizontalpodautoscalers", group="autoscaling", versions=("v2", "v2beta2")
    ),
    "PodDisruptionBudget": Kind(
        plural="poddisruptionbudgets", group="policy", versions=("v1", "v1beta1")
    ),
    "EndpointSlice": Kind(
        plural="endpointslices", group="discovery.k8s.io", versions=("v1", "v1beta1")
    ),
}
