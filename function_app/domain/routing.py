"""The stories that an event starts or wakes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from function_app import names
from function_app.domain.change.change import Change
from function_app.domain.change.integration import ChangeRequest, integration_id
from function_app.domain.events.arrivals import is_marker, parts_beside, why_no_data
from function_app.domain.events.caller import Caller
from function_app.domain.events.events import (
    CodeProposed,
    CodePushed,
    DataArrived,
    DomainEvent,
    DriftDetected,
    FolderArrived,
    ImagePushed,
    ModelDeployed,
    ModelRegistered,
    NothingToDo,
    RunCompleted,
    TrainingRequested,
    claim_key,
    repository_key,
)
from function_app.domain.project import ModelProject
from function_app.domain.reconciliation import ReconcileRequest
from function_app.domain.release.release import Release, release_id
from function_app.domain.training import TrainingRequest, awaited_run, run_id, run_of_attempt
from function_app.errors import ContractError

Projects = Mapping[str, ModelProject]
Argument = TrainingRequest | Release | ChangeRequest | ReconcileRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Start a story under this instance id, once per claimed cause.

    Causes of one `subject` are sorted by `order`: one that is older than the newest is stale.
    """

    story: str
    instance_id: str
    cause: str
    subject: str
    content: str
    argument: Argument
    order: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """Wake the story that waits for this external event."""

    instance_id: str
    event: str


Targets = tuple[Start, ...] | Wake | NothingToDo


def started_by(start: Start, person: str) -> Start:
    """Return the start of a training or a change with this person as its requester, "" for none.

    The requesters of earlier attempts stay.
    """
    argument = start.argument
    if not person:
        return start
    if isinstance(argument, TrainingRequest):
        people = tuple(dict.fromkeys((*argument.started_by, person)))
        return replace(start, argument=replace(argument, started_by=people))
    if isinstance(argument, ChangeRequest):
        change = argument.change
        people = tuple(dict.fromkeys((*change.started_by, person)))
        change = replace(change, started_by=people)
        return replace(start, argument=replace(argument, change=change))
    return start


def route(event: DomainEvent, projects: Projects) -> Targets:
    """Return the starts and wakes of an event; ContractError when no story handles it."""
    match event:
        case DataArrived():
            return _route_data(event, projects)
        case FolderArrived():
            return _route_folder(event, projects)
        case CodePushed() | CodeProposed():
            return _route_code(event, projects)
        case ModelRegistered():
            return (_release(event, projects),)
        case TrainingRequested():
            return (_request(event, projects),)
        case DriftDetected():
            return (_drift(event, projects),)
        case RunCompleted():
            return _wake_run(event)
        case ImagePushed():
            return _wake_build(event, projects)
        case ModelDeployed():
            return (_reconcile(event, projects),)


def _route_data(event: DataArrived, projects: Projects) -> tuple[Start, ...] | NothingToDo:
    if any(
        event.container == project.container and event.path.startswith(project.labels)
        for project in projects.values()
    ):
        return NothingToDo(reason="Labels of predictions are read when production is watched.")
    takers = _takers(event, projects)
    prefix = next((project.prefix for project in takers.values()), "")
    if reason := why_no_data(event.path.removeprefix(prefix), event.size):
        return NothingToDo(reason=reason)
    starts = tuple(
        _train(
            event,
            model,
            project,
            uri=event.uri,
            etag=event.etag,
            order=event.sequencer.rjust(64, "0") if event.sequencer else "",
        )
        for model, project in takers.items()
    )
    if not starts:
        raise _no_taker(event.container, event.path)
    return starts


def takes_folder(event: FolderArrived, projects: Projects) -> bool:
    """Return whether a model's data may lie in the folder, or the folder in the model's."""
    folder = f"{event.path}/"
    return any(
        event.container == project.container
        and (folder.startswith(project.prefix) or project.prefix.startswith(folder))
        for project in projects.values()
    )


def _route_folder(event: FolderArrived, projects: Projects) -> tuple[Start, ...] | NothingToDo:
    """Return the starts for the files of a folder, each as if it had arrived alone."""
    if not takes_folder(event, projects):
        raise _no_taker(event.container, event.path)
    starts: list[Start] = []
    names = [file.path for file in event.files or ()]
    for file in event.files or ():
        arrived = DataArrived(
            source=event.source,
            container=event.container,
            path=file.path,
            uri=file.uri,
            etag=file.etag,
            sequencer=event.sequencer,
            size=file.size,
        )
        if is_marker(file.path) and not parts_beside(file.path, names):
            continue
        # A folder above the models' own may hold files that are no model's.
        if takers := _takers(arrived, projects):
            targets = _route_data(arrived, takers)
            starts += () if isinstance(targets, NothingToDo) else targets
    if not starts:
        return NothingToDo(reason=f"{event.container}/{event.path} holds no file of data.")
    return tuple(starts)


def _takers(event: DataArrived, projects: Projects) -> dict[str, ModelProject]:
    """Return the models whose data folder contains the file."""
    return {
        model: project
        for model, project in sorted(projects.items())
        if event.container == project.container and event.path.startswith(project.prefix)
    }


def _no_taker(container: str, path: str) -> ContractError:
    return ContractError(
        f"No model in mlops.toml takes data from {container}/{path}. "
        "Add one, or change its container and prefix.",
        code="UNKNOWN_MODEL",
    )


def _route_code(event: CodePushed | CodeProposed, projects: Projects) -> Targets:
    key = repository_key(event.repository)
    owners = {
        model: project
        for model, project in sorted(projects.items())
        if project.code and repository_key(project.code.repository) == key
    }
    if not owners:
        raise ContractError(
            f"No model in mlops.toml has its code in {event.repository}. "
            "Set `repository` of [models.<name>.code].",
            code="UNKNOWN_REPOSITORY",
        )
    starts = tuple(_changes(event, owners))
    if not starts:
        models = " and ".join(owners)
        reason = (
            f"No training follows: {models} tracks neither branch {event.branch} nor these paths "
            "([models.<name>.code] in mlops.toml)."
            if isinstance(event, CodePushed)
            else f"No check follows: {models} checks no pull requests to branch {event.branch} "
            "([models.<name>.code] in mlops.toml)."
        )
        return NothingToDo(reason=reason)
    return starts


def _changes(event: CodePushed | CodeProposed, owners: Projects) -> Iterator[Start]:
    proposed = isinstance(event, CodeProposed)
    for model, project in owners.items():
        rules = project.code
        if rules is None or not rules.takes_branch(event.branch):
            continue
        if isinstance(event, CodePushed) and not rules.takes_paths(event.paths):
            continue
        if proposed and not rules.pull_requests:
            continue
        cause = claim_key(event, model)
        change = Change(
            # The address in mlops.toml, never the event's: a forged one must not be fetched.
            repository=rules.repository,
            branch=event.branch,
            commit=event.commit,
            proposal=event.number if isinstance(event, CodeProposed) else "",
            author=event.author,
            contributors=event.contributors if isinstance(event, CodePushed) else (),
        )
        request = ChangeRequest(
            model=model,
            cause=cause,
            change=change,
            policy=project.change_policy(rules, dry_run=proposed),
        )
        yield Start(
            story=names.INTEGRATE_CHANGE,
            instance_id=integration_id(model, cause),
            cause=cause,
            subject=f"{change.repository}#{change.proposal or change.branch}",
            content=event.commit,
            argument=request,
        )


def _release(event: ModelRegistered, projects: Projects) -> Start:
    project = _project(event.model, projects)
    release = Release(
        release_id=release_id(event.model, event.version),
        model=event.model,
        version=event.version,
        policy=project.release_policy(),
    )
    return Start(
        story=names.RELEASE_MODEL,
        instance_id=release.release_id,
        cause=claim_key(event),
        subject=f"models/{event.model}:{event.version}",
        content=event.version,
        argument=release,
    )


def _request(event: TrainingRequested, projects: Projects) -> Start:
    project = _project(event.model, projects)
    return _train(
        event,
        event.model,
        project,
        uri=event.uri,
        code_version=event.code_version,
        caller=event.caller,
    )


def _drift(event: DriftDetected, projects: Projects) -> Start:
    return _train(event, event.model, _project(event.model, projects), reason=event.reason)


def _train(
    event: DataArrived | TrainingRequested | DriftDetected,
    model: str,
    project: ModelProject,
    *,
    uri: str = "",
    etag: str = "",
    code_version: str = "",
    reason: str = "",
    order: str = "",
    caller: Caller | None = None,
) -> Start:
    cause = claim_key(event, model)
    request = TrainingRequest(
        model=model,
        cause=cause,
        data_uri=uri,
        policy=project.training_policy(),
        etag=etag,
        code_version=code_version,
        reason=reason,
        caller=caller or Caller(),
    )
    return Start(
        story=names.TRAIN_MODEL,
        instance_id=run_id(model, cause),
        cause=cause,
        subject="/".join(event.cause[1:-1]),
        content=event.cause[-1],
        argument=request,
        order=order,
    )


def _wake_run(event: RunCompleted) -> Wake | NothingToDo:
    instance_id = event.tags.get("instance_id")
    if not instance_id:
        # In Azure every run of the workspace raises events, also other people's.
        return NothingToDo(
            reason=f"Run {event.run_id} has no tag instance_id: this app did not start it."
        )
    run, _ = run_of_attempt(event.run_id)
    return Wake(instance_id=instance_id, event=names.run_completed_event(awaited_run(run)))


def _wake_build(event: ImagePushed, projects: Projects) -> Wake | NothingToDo:
    if event.repository not in projects:
        return NothingToDo(reason=f"mlops.toml names no model {event.repository!r}.")
    waiting = release_id(event.repository, event.tag)
    return Wake(instance_id=waiting, event=names.image_pushed_event(waiting))


def _reconcile(event: ModelDeployed, projects: Projects) -> Start:
    cause = claim_key(event)
    return Start(
        story=names.RECONCILE,
        instance_id=f"reconcile-{cause[:12]}",
        cause=cause,
        subject=f"endpoints/{event.service}",
        content=event.event_id,
        argument=ReconcileRequest(
            reason=f"{event.service} was deployed.", models=tuple(sorted(projects))
        ),
    )


def _project(model: str, projects: Projects) -> ModelProject:
    project = projects.get(model)
    if project is None:
        message = f"mlops.toml names no model {model!r}. Add it, or name another."
        raise ContractError(message, code="UNKNOWN_MODEL")
    return project
