"""The compute parts of the platform: a cluster per compute target, or serverless compute."""

from typing import TYPE_CHECKING, Any, Union

from function_app.adapters.azure.platform.platform_parts import MARK, PLATFORM, Fixed, get_or_none
from function_app.adapters.azure.reach.compute_targets import ComputeTarget
from function_app.adapters.azure.reach.connection import begin, translate
from function_app.adapters.azure.reach.workspace import Workspace
from function_app.errors import ConfigError
from function_app.late_imports import importing
from function_app.settings.azure import SERVERLESS

if TYPE_CHECKING:
    from azure.ai.ml.entities import AmlCompute

# A cluster, or SERVERLESS.
Compute = Union["AmlCompute", str]
_TAGS = {MARK: PLATFORM}
_IDLE = 120  # seconds before a node that has nothing to do goes


class ComputePart:
    """The cluster of a compute target; it has no node while no run needs one. Serverless needs
    none."""

    def __init__(self, workspace: Workspace, target: ComputeTarget) -> None:
        self._workspace, self._settings = workspace, workspace.connection.settings
        self.name, self._target = target.name, target

    def find(self) -> Compute | None:
        if self._target.is_serverless:
            return SERVERLESS

        def get() -> "AmlCompute":
            with translate("read the compute", self._target.compute):
                cluster: AmlCompute = self._workspace.client.compute.get(self._target.compute)
            return cluster

        return get_or_none(get)

    def differences(self, resource: Compute) -> list[str]:
        if isinstance(resource, str):
            return []
        s, changes = self._settings, list[str]()
        if self._is_of_other_size(resource):
            changes.append(Fixed(f"size {resource.size} to {s.compute_size}"))
        if resource.max_instances != self._target.nodes:
            changes.append(f"most nodes {resource.max_instances} to {self._target.nodes}")
        if resource.min_instances != 0:
            changes.append(f"fewest nodes {resource.min_instances} to 0")
        given, identity = _identities(resource), self._target.identity
        # An additional identity is a difference too, because code on the cluster can take its
        # token.
        if identity and {one.lower() for one in given} != {identity.lower()}:
            changes.append(f"identity {', '.join(given) or 'none'} to {identity}")
        return changes

    def describe(self) -> str:
        if self._target.is_serverless:
            return "serverless compute"
        s = self._settings
        return f"compute {self._target.compute} of 0 to {self._target.nodes} {s.compute_size}"

    def make(self, resource: Compute | None) -> None:
        with importing():
            from azure.ai.ml.entities import (
                AmlCompute,
                IdentityConfiguration,
                ManagedIdentityConfiguration,
            )

        s, target = self._settings, self._target
        cluster = None if isinstance(resource, str) else resource
        if cluster is not None and self._is_of_other_size(cluster):
            text = f"{target.compute} has nodes of {cluster.size}, which Azure does not change."
            raise ConfigError(f"{text} Correct MLOPS_AZURE_COMPUTE_SIZE, or take another name.")
        identity = None
        if target.identity:
            one = ManagedIdentityConfiguration(resource_id=target.identity)
            identity = IdentityConfiguration(type="user_assigned", user_assigned_identities=[one])
        compute = AmlCompute(
            name=target.compute,
            size=s.compute_size,
            location=s.location,
            min_instances=0,
            max_instances=target.nodes,
            idle_time_before_scale_down=_IDLE,
            tier="dedicated",
            identity=identity,
            ssh_public_access_enabled=False,
            # A cluster that infra/ made keeps its tags, so that `remove` leaves it alone.
            tags=_TAGS if cluster is None else cluster.tags,
            **_network_of(cluster),
        )
        with begin("make the compute", target.compute):
            # Its poller is left alone: the story asks again.
            self._workspace.client.compute.begin_create_or_update(compute)

    def state_of(self, resource: Compute) -> str:
        if isinstance(resource, str):
            return "Succeeded"
        state = resource.provisioning_state  # an enumeration when the SDK knows the word
        return str(getattr(state, "value", state))

    def is_ours(self, resource: Compute) -> bool:
        return not isinstance(resource, str) and (resource.tags or {}).get(MARK) == PLATFORM

    def delete(self, resource: Compute) -> None:
        with begin("remove the compute", self._target.compute):
            self._workspace.client.compute.begin_delete(self._target.compute)

    def _is_of_other_size(self, resource: "AmlCompute") -> bool:
        return str(resource.size).lower() != self._settings.compute_size.lower()


def _identities(resource: "AmlCompute") -> list[str]:
    """Return the resource ids of the identities that a cluster has from people."""
    given = resource.identity.user_assigned_identities if resource.identity else None
    return sorted(str(one.resource_id) for one in given or ())


def _network_of(resource: "AmlCompute | None") -> dict[str, Any]:
    """Return the network settings of a cluster; an existing cluster keeps its network."""
    if resource is None:
        return {}
    network: dict[str, Any] = {"enable_node_public_ip": resource.enable_node_public_ip}
    if resource.network_settings is not None and resource.network_settings.subnet:
        network["network_settings"] = resource.network_settings
    return network
