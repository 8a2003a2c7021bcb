"""Readers of envelopes: one per event type, each returns a domain event.

Shapes: Event Grid documentation, "Azure Blob Storage", "Azure Machine Learning" and "Azure
Container Registry as an Event Grid source". Azure ML spells its fields in mixed case.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from function_app.domain.envelopes import Envelope
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
)
from function_app.domain.training import ModelVersion
from function_app.errors import ContractError

BLOB_CREATED = "Microsoft.Storage.BlobCreated"
BLOB_RENAMED = "Microsoft.Storage.BlobRenamed"
DIRECTORY_RENAMED = "Microsoft.Storage.DirectoryRenamed"
_ML = "Microsoft.MachineLearningServices."
MODEL_REGISTERED = f"{_ML}ModelRegistered"
MODEL_DEPLOYED = f"{_ML}ModelDeployed"
RUN_COMPLETED = f"{_ML}RunCompleted"
RUN_STATUS_CHANGED = f"{_ML}RunStatusChanged"
DATASET_DRIFT_DETECTED = f"{_ML}DatasetDriftDetected"
IMAGE_PUSHED = "Microsoft.ContainerRegistry.ImagePushed"
CODE_PUSHED = "Mlops.CodePushed"
CODE_PROPOSED = "Mlops.CodeProposed"
TRAINING_REQUESTED = "Mlops.TrainingRequested"
DRIFT_DETECTED = "Mlops.DriftDetected"

# The `api` values after which a blob is complete; the others announce one that is still written.
_COMPLETE = frozenset({"PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit"})
_BLOB_SUBJECT = re.compile(r"^/blobServices/default/containers/([^/]+)/blobs/(.+)$")
# Azure ML raises RunCompleted only for a run that succeeded; this is how the others end.
_ENDED = frozenset({"completed", "failed", "canceled", "cancelled", "notresponding"})
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
Fields = Mapping[str, Any]


def read_event(envelope: Envelope) -> DomainEvent | NothingToDo:
    """Return the domain event, or why there is nothing to do."""
    reader = READERS.get(envelope.type)
    if reader is None:
        known = ", ".join(sorted(READERS))
        message = f"type: {envelope.type!r} is not one this app reacts to ({known})."
        raise ContractError(message, code="UNKNOWN_TYPE")
    return reader(envelope, {key.lower(): value for key, value in envelope.data.items()})


def _read_blob(envelope: Envelope, fields: Fields) -> DataArrived | NothingToDo:
    api = _text(fields, "api")
    if api not in _COMPLETE:
        return NothingToDo(reason=f"After {api} the blob is not complete.")
    container, path = _blob_of(envelope)
    length = fields.get("contentlength")
    # The calls that write a file in blocks do not always report its length.
    is_whole = api == "PutBlob" and isinstance(length, int)
    return DataArrived(
        source=envelope.source,
        container=container,
        path=path,
        uri=_text(fields, "url"),
        etag=_text(fields, "etag"),
        sequencer=str(fields.get("sequencer") or ""),
        size=length if is_whole else None,
    )


def _read_renamed(envelope: Envelope, fields: Fields) -> DataArrived:
    """Read RenameFile or SftpRename: the subject is the new name, and no etag is given."""
    container, path = _blob_of(envelope)
    return DataArrived(
        source=envelope.source,
        container=container,
        path=path,
        uri=_text(fields, "destinationurl"),
        etag="",
        sequencer=_text(fields, "sequencer"),
    )


def _read_renamed_folder(envelope: Envelope, fields: Fields) -> FolderArrived:
    container, path = _blob_of(envelope)
    return FolderArrived(
        source=envelope.source,
        container=container,
        path=path.rstrip("/"),
        sequencer=_text(fields, "sequencer"),
    )


def _blob_of(envelope: Envelope) -> tuple[str, str]:
    """Return container and path that the subject names."""
    match = _BLOB_SUBJECT.match(envelope.subject)
    if match is None:
        raise ContractError(f"subject: {envelope.subject!r} does not name a blob.")
    return match[1], match[2]


def _read_model(envelope: Envelope, fields: Fields) -> ModelRegistered:
    return ModelRegistered(
        model=_text(fields, "modelname"),
        version=_text(fields, "modelversion"),
        tags=_tags(fields, "modeltags"),
    )


def _read_deployed(envelope: Envelope, fields: Fields) -> ModelDeployed:
    ids = fields.get("modelids")
    models = tuple(part.strip() for part in ids.split(",")) if isinstance(ids, str) else ()
    return ModelDeployed(service=_text(fields, "servicename"), models=models, event_id=envelope.id)


def _read_run(envelope: Envelope, fields: Fields) -> RunCompleted:
    return RunCompleted(run_id=_text(fields, "runid"), tags=_tags(fields, "runtags"))


def _read_run_status(envelope: Envelope, fields: Fields) -> RunCompleted | NothingToDo:
    status = _text(fields, "runstatus").lower()
    if status not in _ENDED:
        return NothingToDo(reason=f"The run is {status}; the app acts on its end only.")
    return _read_run(envelope, fields)


def _read_dataset_drift(envelope: Envelope, fields: Fields) -> DriftDetected:
    return DriftDetected(
        model=_text(fields, "datadriftname"),
        report_id=_text(fields, "runid"),
        reason=f"The dataset monitor saw drift of {fields.get('driftcoefficient')}.",
        monitor=True,
    )


def _read_image(envelope: Envelope, fields: Fields) -> ImagePushed | NothingToDo:
    target = fields.get("target")
    if not isinstance(target, dict):
        raise ContractError("data.target: expected an object.")
    inner = {key.lower(): value for key, value in target.items()}
    if not inner.get("tag"):
        return NothingToDo(reason="An image without a tag belongs to no model version.")
    return ImagePushed(
        repository=_text(inner, "repository"),
        tag=_text(inner, "tag"),
        digest=_text(inner, "digest"),
    )


def _read_push(envelope: Envelope, fields: Fields) -> CodePushed | NothingToDo:
    branch = _branch(_text(fields, "ref"))
    if branch is None:
        return NothingToDo(reason=f"{fields['ref']} is not a branch.")
    changed = fields.get("changedpaths")
    paths = tuple(str(path) for path in changed) if isinstance(changed, list) and changed else None
    return CodePushed(
        repository=_text(fields, "repository"),
        branch=branch,
        commit=read_commit(_text(fields, "commit"), "data.commit"),
        paths=paths,
        author=str(fields.get("actor") or ""),
        contributors=_contributors(fields),
    )


def _read_proposal(envelope: Envelope, fields: Fields) -> CodeProposed | NothingToDo:
    branch = _branch(_text(fields, "ref"))
    if branch is None:
        return NothingToDo(reason=f"{fields['ref']} is not a branch.")
    return CodeProposed(
        repository=_text(fields, "repository"),
        branch=branch,
        commit=read_commit(_text(fields, "commit"), "data.commit"),
        number=_text(fields, "number"),
        author=str(fields.get("actor") or ""),
    )


def _read_request(envelope: Envelope, fields: Fields) -> TrainingRequested:
    return TrainingRequested(
        model=_text(fields, "model"),
        uri=_text(fields, "datauri") if fields.get("datauri") else "",
        request_id=_text(fields, "requestid"),
        code_version=_text(fields, "codeversion") if fields.get("codeversion") else "",
        caller=Caller(
            run_id=_optional(fields, "callerrunid"),
            build_id=_optional(fields, "buildid"),
            build_uri=_optional(fields, "builduri"),
        ),
    )


def _read_drift(envelope: Envelope, fields: Fields) -> DriftDetected:
    return DriftDetected(
        model=_text(fields, "model"),
        report_id=_text(fields, "reportid"),
        reason=_text(fields, "reason"),
    )


READERS: Mapping[str, Callable[[Envelope, Fields], DomainEvent | NothingToDo]] = {
    BLOB_CREATED: _read_blob,
    BLOB_RENAMED: _read_renamed,
    DIRECTORY_RENAMED: _read_renamed_folder,
    MODEL_REGISTERED: _read_model,
    MODEL_DEPLOYED: _read_deployed,
    RUN_COMPLETED: _read_run,
    RUN_STATUS_CHANGED: _read_run_status,
    DATASET_DRIFT_DETECTED: _read_dataset_drift,
    IMAGE_PUSHED: _read_image,
    CODE_PUSHED: _read_push,
    CODE_PROPOSED: _read_proposal,
    TRAINING_REQUESTED: _read_request,
    DRIFT_DETECTED: _read_drift,
}


def registered(version: ModelVersion) -> tuple[str, dict[str, object]]:
    """Return the subject and the data of the event MODEL_REGISTERED about a version."""
    data: dict[str, object] = {
        "modelName": version.model,
        "modelVersion": version.version,
        "modelTags": {"run_id": version.run_id},
        "modelProperties": {"digest": version.digest},
    }
    return f"models/{version.model}:{version.version}", data


def read_commit(text: str, path: str) -> str:
    """Return the name of a commit, or raise ContractError."""
    if not _COMMIT.fullmatch(text):
        raise ContractError(f"{path}: expected 40 hex digits of a commit, got {text[:80]!r}.")
    return text


def _contributors(fields: Fields) -> tuple[str, ...]:
    """Return the names under `contributors`; () for a list of another shape."""
    listed = fields.get("contributors")
    names = listed if isinstance(listed, list) else []
    return tuple(name for name in names if isinstance(name, str) and name)


def _branch(ref: str) -> str | None:
    if not ref.startswith("refs/"):
        return ref
    return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else None


def _optional(fields: Fields, key: str) -> str:
    return _text(fields, key) if fields.get(key) else ""


def _text(fields: Fields, key: str) -> str:
    # Azure ML sends ModelVersion as a number at times, and keys in mixed case.
    value = fields.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise ContractError(f"data.{key}: expected text that is not empty.")
    return value


def _tags(fields: Fields, key: str) -> dict[str, str]:
    value = fields.get(key) or {}
    if not isinstance(value, dict):
        raise ContractError(f"data.{key}: expected an object.")
    return {str(name): str(content) for name, content in value.items()}
