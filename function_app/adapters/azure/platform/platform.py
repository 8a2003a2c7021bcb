"""The parts of the platform in Azure, in the order of their dependencies."""

from collections.abc import Mapping, Sequence
from typing import Any

from function_app.adapters.azure.jobs.code_versions import CodeVersions
from function_app.adapters.azure.jobs.environments import Environments
from function_app.adapters.azure.platform.compute_part import ComputePart
from function_app.adapters.azure.platform.event_parts import (
    SubscriptionPart,
    data_filter,
    workspace_filter,
)
from function_app.adapters.azure.platform.model_parts import (
    BaselinePart,
    ContainerPart,
    EnvironmentPart,
    ReferenceData,
    StepPart,
)
from function_app.adapters.azure.platform.platform_parts import AnyPart, PartKeeper
from function_app.adapters.azure.platform.workspace_parts import DatastorePart, WorkspacePart
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.compute_targets import compute_targets
from function_app.adapters.azure.reach.workspace import (
    CHECKS_DATASTORE,
    CHECKS_INPUTS_DATASTORE,
    DATASTORE,
    EVALUATIONS_DATASTORE,
    RUNS_DATASTORE,
    Workspace,
)
from function_app.domain.platform import EnsuredPart, PlannedPart
from function_app.domain.project import ModelProject
from function_app.errors import NotFoundError


class AzurePlatform:
    """Plans, makes and removes each part by its name."""

    def __init__(self, parts: Sequence[AnyPart]) -> None:
        self._parts = {part.name: PartKeeper(part) for part in parts}

    def parts(self) -> tuple[str, ...]:
        return tuple(self._parts)

    def plan(self, part: str) -> PlannedPart:
        return self._keeper(part).plan()

    def ensure(self, part: str) -> EnsuredPart:
        return self._keeper(part).ensure()

    def remove(self, part: str) -> str:
        return self._keeper(part).remove()

    def isolation(self) -> str:
        return "machines: each run has a machine of Azure ML of its own, with its own identity"

    def _keeper(self, part: str) -> PartKeeper[Any]:
        keeper = self._parts.get(part)
        if keeper is None:
            raise NotFoundError(f"There is no part {part!r}. Parts: {', '.join(self._parts)}.")
        return keeper


def azure_parts(
    workspace: Workspace,
    blobs: Blobs,
    environments: Environments,
    versions: CodeVersions,
    projects: Mapping[str, ModelProject],
    references: ReferenceData,
) -> list[AnyPart]:
    """Return the parts of the platform, each after the parts on which it depends."""
    connection = workspace.connection
    s = connection.settings
    parts: list[AnyPart] = [
        WorkspacePart(workspace),
        ContainerPart("versions", blobs),
        ContainerPart("runs", Blobs(connection, s.runs_container)),
        ContainerPart("evaluations", Blobs(connection, s.evaluations_container)),
        ContainerPart("predictions", Blobs(connection, s.predictions_container)),
        ContainerPart("checks", Blobs(connection, s.checks_container)),
        ContainerPart("checks-inputs", Blobs(connection, s.checks_inputs_container)),
        DatastorePart(workspace, "datastore", DATASTORE, s.versions_container),
        DatastorePart(workspace, "runs datastore", RUNS_DATASTORE, s.runs_container),
        DatastorePart(
            workspace, "evaluations datastore", EVALUATIONS_DATASTORE, s.evaluations_container
        ),
        DatastorePart(workspace, "checks datastore", CHECKS_DATASTORE, s.checks_container),
        DatastorePart(
            workspace,
            "checks-inputs datastore",
            CHECKS_INPUTS_DATASTORE,
            s.checks_inputs_container,
        ),
        *(ComputePart(workspace, target) for target in compute_targets(s)),
        EnvironmentPart(workspace, environments, versions, projects),
    ]
    for model, project in projects.items():
        own_code = project.code is None
        parts.append(BaselinePart(workspace, blobs, model, references, own_code=own_code))
        parts.append(StepPart(workspace, versions, model, project))
    parts.append(SubscriptionPart(connection, s.data_topic, "data", data_filter(s.data_container)))
    parts.append(SubscriptionPart(connection, s.workspace_topic, "workspace", workspace_filter()))
    return parts
