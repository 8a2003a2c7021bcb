"""What happens outside, in the words of the domain.

Both Event Grid schemas become one Envelope; an Envelope becomes a domain event.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from function_app.errors import ContractError

BLOB_CREATED = "Microsoft.Storage.BlobCreated"
MODEL_REGISTERED = "Microsoft.MachineLearningServices.ModelRegistered"
RUN_COMPLETED = "Microsoft.MachineLearningServices.RunCompleted"
RUN_STATUS_CHANGED = "Microsoft.MachineLearningServices.RunStatusChanged"
TRAINING_REQUESTED = "Mlops.TrainingRequested"

# The `api` values after which a blob is complete; the others announce one that is still written.
_COMPLETE = frozenset({"PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit"})
_BLOB_SUBJECT = re.compile(r"^/blobServices/default/containers/([^/]+)/blobs/(.+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One event as Event Grid delivers it, whichever schema it came in."""

    id: str
    source: str
    type: str
    subject: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataArrived:
    """A complete file lies in a container."""

    container: str
    path: str
    uri: str
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRegistered:
    """A registry holds a new model version."""

    model: str
    version: str
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCompleted:
    """A training run ended; its status is read from the platform, never from the event."""

    run_id: str
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequested:
    """A build system, a schedule or a person wants a model trained on this data."""

    model: str
    uri: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingToDo:
    """An event that is understood and needs no answer, with the reason."""

    reason: str


type_names = {
    BLOB_CREATED,
    MODEL_REGISTERED,
    RUN_COMPLETED,
    RUN_STATUS_CHANGED,
    TRAINING_REQUESTED,
}
DomainEvent = DataArrived | ModelRegistered | RunCompleted | TrainingRequested
# Azure ML raises RunCompleted only for a run that succeeded; this is how the others end.
_ENDED = frozenset({"completed", "failed", "canceled", "cancelled", "notresponding"})


def read_envelope(payload: Mapping[str, Any]) -> Envelope:
    """Return the event of an EventGridSchema or CloudEvents 1.0 object."""
    cloud = "specversion" in payload
    if cloud and payload["specversion"] != "1.0":
        raise ContractError(f"specversion: expected 1.0, got {payload['specversion']!r}.")
    source, kind = ("source", "type") if cloud else ("topic", "eventType")
    required = ("id", kind) + (("source",) if cloud else ("subject",))
    for key in required:
        if not isinstance(payload.get(key), str) or not payload[key]:
            raise ContractError(f"{key}: expected text that is not empty.")
    data = payload.get("data")
    if not isinstance(data, dict):
        raise ContractError("data: expected an object.")
    return Envelope(
        id=payload["id"],
        source=str(payload.get(source) or ""),
        type=payload[kind],
        subject=str(payload.get("subject") or ""),
        data=data,
    )


def read_event(envelope: Envelope) -> DomainEvent | NothingToDo:
    """Return the domain event, or why there is nothing to do."""
    fields = {key.lower(): value for key, value in envelope.data.items()}
    if envelope.type == BLOB_CREATED:
        return _read_blob(envelope, fields)
    if envelope.type == MODEL_REGISTERED:
        return ModelRegistered(
            model=_text(fields, "modelname"),
            version=_text(fields, "modelversion"),
            tags=_tags(fields, "modeltags"),
        )
    if envelope.type == RUN_COMPLETED:
        return RunCompleted(run_id=_text(fields, "runid"), tags=_tags(fields, "runtags"))
    if envelope.type == RUN_STATUS_CHANGED:
        status = _text(fields, "runstatus").lower()
        if status not in _ENDED:
            return NothingToDo(reason=f"The run is {status}; its end is what counts.")
        return RunCompleted(run_id=_text(fields, "runid"), tags=_tags(fields, "runtags"))
    if envelope.type == TRAINING_REQUESTED:
        return TrainingRequested(
            model=_text(fields, "model"),
            uri=_text(fields, "datauri"),
            request_id=_text(fields, "requestid"),
        )
    known = ", ".join(sorted(type_names))
    message = f"type: {envelope.type!r} is not one this app reacts to ({known})."
    raise ContractError(message, code="UNKNOWN_TYPE")


def claim_key(envelope: Envelope, event: DomainEvent) -> str:
    """Return the cause of an event: equal for a repetition, whatever its id says."""
    match event:
        case DataArrived():
            content = event.etag
        case ModelRegistered():
            content = event.version
        case RunCompleted():
            content = event.run_id
        case TrainingRequested():
            # Whoever asks names the request: the same one from any source is one training.
            parts = (envelope.type, event.model, event.uri, event.request_id)
            return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
    parts = (envelope.source, envelope.type, envelope.subject, content)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _read_blob(envelope: Envelope, fields: Mapping[str, Any]) -> DataArrived | NothingToDo:
    api = _text(fields, "api")
    if api not in _COMPLETE:
        return NothingToDo(reason=f"After {api} the blob is not complete.")
    match = _BLOB_SUBJECT.match(envelope.subject)
    if match is None:
        raise ContractError(f"subject: {envelope.subject!r} does not name a blob.")
    return DataArrived(
        container=match[1],
        path=match[2],
        uri=_text(fields, "url"),
        etag=_text(fields, "etag"),
    )


def _text(fields: Mapping[str, Any], key: str) -> str:
    # Azure ML sends ModelVersion as a number at times, and keys in mixed case.
    value = fields.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise ContractError(f"data.{key}: expected text that is not empty.")
    return value


def _tags(fields: Mapping[str, Any], key: str) -> dict[str, str]:
    value = fields.get(key) or {}
    if not isinstance(value, dict):
        raise ContractError(f"data.{key}: expected an object.")
    return {str(name): str(content) for name, content in value.items()}
