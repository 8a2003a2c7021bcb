"""The part of the platform that runs trainings: a cluster, or none where Azure chooses."""

from typing import Any

from function_app.adapters.azure.connection import translate
from function_app.adapters.azure.platform_parts import MARK, PLATFORM, found_or_none
from function_app.adapters.azure.workspace import Workspace
from function_app.errors import ConfigError

_TAGS = {MARK: PLATFORM}
_IDLE = 120  # seconds before a node that has nothing to do goes


class ComputePart:
    """The cluster of runs, which has no node while nothing runs; serverless needs none."""

    name = "compute"

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self._settings = workspace, workspace.connection.settings

    def find(self) -> Any:
        name = self._workspace.compute
        if name is None:
            return "serverless"

        def look() -> Any:
            with translate("look for the compute", name):
                return self._workspace.client.compute.get(name)

        return found_or_none(look)

    def differences(self, found: Any) -> list[str]:
        if found == "serverless":
            return []
        s, changes = self._settings, []
        if str(found.size).lower() != s.compute_size.lower():
            changes.append(f"size {found.size} to {s.compute_size}")
        if found.max_instances != s.compute_nodes:
            changes.append(f"most nodes {found.max_instances} to {s.compute_nodes}")
        if found.min_instances != 0:
            changes.append(f"fewest nodes {found.min_instances} to 0")
        return changes

    def describe(self) -> str:
        s = self._settings
        if self._workspace.compute is None:
            return "serverless compute"
        return f"compute {s.compute} of 0 to {s.compute_nodes} {s.compute_size}"

    def make(self, found: Any) -> None:
        from azure.ai.ml.entities import (
            AmlCompute,
            IdentityConfiguration,
            ManagedIdentityConfiguration,
        )

        s = self._settings
        if found is not None and str(found.size).lower() != s.compute_size.lower():
            text = f"{s.compute} has nodes of {found.size}, which Azure does not change."
            raise ConfigError(f"{text} Correct MLOPS_AZURE_COMPUTE_SIZE, or take another name.")
        identity = None
        if s.compute_identity:
            one = ManagedIdentityConfiguration(resource_id=s.compute_identity)
            identity = IdentityConfiguration(type="user_assigned", user_assigned_identities=[one])
        compute = AmlCompute(
            name=s.compute,
            size=s.compute_size,
            location=s.location,
            min_instances=0,
            max_instances=s.compute_nodes,
            idle_time_before_scale_down=_IDLE,
            tier="dedicated",
            identity=identity,
            ssh_public_access_enabled=False,
            tags=_TAGS,
        )
        with translate("make the compute", s.compute):
            # Its poller is left alone: the story asks again.
            self._workspace.client.compute.begin_create_or_update(compute)

    def state_of(self, found: Any) -> str:
        if found == "serverless":
            return "Succeeded"
        state = found.provisioning_state  # an enumeration when the SDK knows the word
        return str(getattr(state, "value", state))

    def is_ours(self, found: Any) -> bool:
        return found != "serverless" and (found.tags or {}).get(MARK) == PLATFORM

    def delete(self, found: Any) -> None:
        with translate("remove the compute", self._settings.compute):
            self._workspace.client.compute.begin_delete(self._settings.compute)
