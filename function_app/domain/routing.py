"""Which story an event starts, or which one it wakes."""

from collections.abc import Mapping
from dataclasses import dataclass

from function_app import names
from function_app.domain.events import (
    DataArrived,
    DomainEvent,
    ModelRegistered,
    RunCompleted,
    TrainingRequested,
)
from function_app.domain.project import ModelProject
from function_app.domain.release import Release, release_id
from function_app.domain.training import TrainingRequest, run_id
from function_app.errors import ContractError


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Start a story under this instance id."""

    story: str
    instance_id: str
    argument: TrainingRequest | Release


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """Wake the story that waits for this external event."""

    instance_id: str
    event: str


def route(event: DomainEvent, cause: str, projects: Mapping[str, ModelProject]) -> Start | Wake:
    """Return where an event goes, or raise ContractError when nothing here wants it."""
    match event:
        case DataArrived():
            return _route_data(event, cause, projects)
        case ModelRegistered():
            return _route_model(event, projects)
        case RunCompleted():
            return _route_run(event)
        case TrainingRequested():
            return _route_request(event, cause, projects)


def _route_data(event: DataArrived, cause: str, projects: Mapping[str, ModelProject]) -> Start:
    for model, project in sorted(projects.items()):
        if event.container == project.container and event.path.startswith(project.prefix):
            request = TrainingRequest(
                model=model, cause=cause, data_uri=event.uri, policy=project.training_policy()
            )
            return Start(
                story=names.TRAIN_MODEL, instance_id=run_id(model, cause), argument=request
            )
    raise ContractError(
        f"No model in mlops.toml takes data from {event.container}/{event.path}. "
        "Add one, or change its container and prefix.",
        code="UNKNOWN_MODEL",
    )


def _route_model(event: ModelRegistered, projects: Mapping[str, ModelProject]) -> Start:
    project = projects.get(event.model)
    if project is None:
        message = f"mlops.toml names no model {event.model!r}. Add it, or ignore this."
        raise ContractError(message, code="UNKNOWN_MODEL")
    release = Release(
        release_id=release_id(event.model, event.version),
        model=event.model,
        version=event.version,
        policy=project.release_policy(),
    )
    return Start(story=names.RELEASE_MODEL, instance_id=release.release_id, argument=release)


def _route_request(
    event: TrainingRequested, cause: str, projects: Mapping[str, ModelProject]
) -> Start:
    project = projects.get(event.model)
    if project is None:
        message = f"mlops.toml names no model {event.model!r}. Add it, or name another."
        raise ContractError(message, code="UNKNOWN_MODEL")
    request = TrainingRequest(
        model=event.model, cause=cause, data_uri=event.uri, policy=project.training_policy()
    )
    return Start(story=names.TRAIN_MODEL, instance_id=run_id(event.model, cause), argument=request)


def _route_run(event: RunCompleted) -> Wake:
    instance_id = event.tags.get("instance_id")
    if not instance_id:
        raise ContractError(f"Run {event.run_id} has no tag instance_id: no story waits for it.")
    return Wake(instance_id=instance_id, event=names.run_completed_event(event.run_id))
