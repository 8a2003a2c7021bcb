"""Verifies events against the platform before a story is started, woken or superseded.

An event is a claim of its sender. Its fields are compared with the platform's own records, and only
the platform's values are used afterwards:

| event | question | port |
|---|---|---|
| BlobCreated, BlobRenamed | Is there such a file, or part beside it, with this etag? | datasets |
| DirectoryRenamed | Which files are in the folder? | datasets |
| ModelRegistered | Does the version exist, and was it registered by this app? | registry |
| RunCompleted, RunStatusChanged | Has the run ended, and which story waits for it? | jobs |
| ImagePushed | Does the version's tag have this digest? | images |
| CodePushed, CodeProposed | Does the branch or the pull request have the commit? | sources |
| TrainingRequested | Was the version of the code published? The story reads the data | jobs |
| DriftDetected | Did this app report it? Of a monitor: is it served? | ledger, production |
| DatasetDriftDetected | Does the monitor's run exist? | jobs |
| ModelDeployed | Nothing: the comparison that it starts reads production | |

A claim that is not true raises ContractError, and the event becomes a dead letter. A platform that
does not answer raises PlatformError; the event is kept and verified again later.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

from function_app.domain.change.integration import ChangeRequest
from function_app.domain.codec import load
from function_app.domain.drift.retraining import DriftState
from function_app.domain.drift.watching import drift_name
from function_app.domain.events.arrivals import is_marker
from function_app.domain.events.events import (
    CodeProposed,
    CodePushed,
    DataArrived,
    DomainEvent,
    DriftDetected,
    FolderArrived,
    ImagePushed,
    ModelRegistered,
    NothingToDo,
    RunCompleted,
    TrainingRequested,
    without_people,
)
from function_app.domain.events.inbox import OWN_CHANNEL
from function_app.domain.routing import Projects, Start, route, takes_folder
from function_app.domain.training import RunStatus, is_own
from function_app.errors import ConflictError, ContractError, NotFoundError
from function_app.ports import Ports

EVENT_GRID = "event-grid"
# Only the platform's own topics know the order in which files were written.
ORDERED = (EVENT_GRID, OWN_CHANNEL)


class OutdatedError(ContractError):
    """The event was true once, and newer content has replaced its subject."""


def verify(
    ports: Ports, event: DomainEvent, projects: Projects, channel: str, *, trusted: bool = False
) -> DomainEvent | NothingToDo:
    """Return the event with the platform's own facts; NothingToDo when it concerns no model.

    `projects` are the models that the sender may name. `trusted` senders may report drift that
    only they know. Raises ContractError for a claim that is not true, OutdatedError for one that
    is not true any more, PlatformError when the platform does not answer.
    """
    if isinstance(event, RunCompleted):
        return _verify_run(ports, event, projects)
    if isinstance(event, FolderArrived):
        return _list_folder(ports, event, projects, channel)
    # An event that nothing here wants costs the platform no question.
    targets = route(event, projects)
    if isinstance(targets, NothingToDo):
        return targets
    match event:
        case DataArrived():
            return _verify_file(ports, event, channel)
        case ModelRegistered():
            _verify_version(ports, event)
        case ImagePushed():
            _verify_image(ports, event)
        case CodePushed() | CodeProposed():
            assert isinstance(targets, tuple)  # routing wakes nothing for code
            _verify_commit(ports, targets)
            return event if trusted else without_people(event)
        case TrainingRequested():
            _verify_code(ports, event)
        case DriftDetected():
            _verify_drift(ports, event, trusted=trusted)
    return event


def _verify_run(ports: Ports, event: RunCompleted, projects: Projects) -> DomainEvent | NothingToDo:
    run = ports.jobs.get(event.run_id)
    if run.status is RunStatus.UNKNOWN:
        text = f"There is no run {event.run_id[:200]!r}. {run.detail}".strip()
        raise ContractError(text, code="UNKNOWN_RUN")
    if not run.status.ended:
        return NothingToDo(reason=f"{event.run_id} has not ended: it is {run.status}.")
    if run.model and run.model not in projects and "instance_id" in run.tags:
        return NothingToDo(reason=f"{event.run_id} is a run of {run.model}, which is not in scope.")
    return replace(event, tags=run.tags)


def _verify_file(ports: Ports, event: DataArrived, channel: str) -> DataArrived | NothingToDo:
    try:
        file = ports.datasets.find(event.container, event.path, event.etag)
    except ConflictError as error:
        raise OutdatedError(error.message, code=error.code) from error
    if file is None and is_marker(event.path):
        reason = f"{event.path} has no file beside it whose name begins with `part-`."
        return NothingToDo(reason=reason)
    if file is None:
        text = f"There is no file {event.path} in {event.container}. Put it there and send again."
        raise ContractError(text, code="UNKNOWN_FILE")
    sequencer = event.sequencer if channel in ORDERED else ""
    return replace(event, uri=file.uri, etag=file.etag, size=file.size, sequencer=sequencer)


def _list_folder(
    ports: Ports, event: FolderArrived, projects: Projects, channel: str
) -> FolderArrived:
    if not takes_folder(event, projects):
        return event
    files = ports.datasets.list_folder(event.container, event.path)
    sequencer = event.sequencer if channel in ORDERED else ""
    return replace(event, files=files, sequencer=sequencer)


def _verify_version(ports: Ports, event: ModelRegistered) -> None:
    try:
        version = ports.registry.get(event.model, event.version)
    except NotFoundError as error:
        text = (
            f"The registry has no version {event.version[:60]} of {event.model}, so that nothing "
            "is released. A version that is registered later is found by the comparison."
        )
        raise ContractError(text, code="UNKNOWN_VERSION") from error
    if not is_own(version):
        text = (
            f"{event.model}:{version.version} was not registered by this app, so that nothing is "
            "released. Send its data here to train on."
        )
        raise ContractError(text, code="FOREIGN_VERSION")


def _verify_image(ports: Ports, event: ImagePushed) -> None:
    digest = ports.images.find(event.repository, event.tag)
    if digest != event.digest:
        text = (
            f"{event.repository}:{event.tag[:60]} is {digest or 'not in the registry'}, not "
            f"{event.digest[:80]}."
        )
        raise ContractError(text, code="UNKNOWN_IMAGE")


def _verify_commit(ports: Ports, starts: Sequence[Start]) -> None:
    asked = set()
    for start in starts:
        assert isinstance(start.argument, ChangeRequest)
        change = start.argument.change
        # Models that share a repository share the answer.
        if (change.repository, change.branch, change.proposal) in asked:
            continue
        asked.add((change.repository, change.branch, change.proposal))
        try:
            ports.sources.confirm(change)
        except NotFoundError as error:
            raise ContractError(error.message, code="UNKNOWN_COMMIT") from error


def _verify_code(ports: Ports, event: TrainingRequested) -> None:
    if not event.code_version:
        return
    try:
        ports.jobs.code(event.model, event.code_version)
    except NotFoundError as error:
        raise ContractError(error.message, code="UNKNOWN_CODE") from error


def _verify_drift(ports: Ports, event: DriftDetected, *, trusted: bool) -> None:
    if event.monitor:
        known = ports.jobs.get(event.report_id).status is not RunStatus.UNKNOWN
    else:
        known = event.report_id in _reports(ports, event.model) or (
            trusted and ports.production.champion(event.model) is not None
        )
    if not known:
        text = (
            f"No comparison of {event.model} reported {event.report_id[:80]!r}. Let another "
            "monitor send it as a webhook source whose `types` name Mlops.DriftDetected."
        )
        raise ContractError(text, code="UNKNOWN_REPORT")


def _reports(ports: Ports, model: str) -> set[str]:
    """Return the ids of the alarms that this app's own comparison raised."""
    record = ports.ledger.get_record(drift_name(model)) or {}
    if "state" not in record:
        return set()
    state = load(DriftState, json.loads(record["state"]))
    pending = (state.pending,) if state.pending else ()
    return {alarm.report_id for alarm in (*pending, *state.alarms)}
