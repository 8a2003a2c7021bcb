"""Events from outside as types of the domain.

The `cause` of an event is equal for a repetition, even with another id or on another channel.
"""

import hashlib
from dataclasses import dataclass, field, replace

from function_app.addresses import file_path
from function_app.domain.events.caller import Caller
from function_app.domain.text import identifiers as ids


@dataclass(frozen=True, slots=True, kw_only=True)
class DataArrived:
    """A complete file lies in a container; the sequencer sorts the events of one file as text.

    `etag` is "" when the event does not name it: a renamed file's. `size` is in bytes, None when it
    is unknown.
    """

    source: ids.OrEmpty[ids.Opaque]
    container: ids.ContainerName
    path: ids.BlobPath
    uri: ids.Address
    etag: ids.OrEmpty[ids.Opaque]
    sequencer: ids.OrEmpty[ids.Opaque] = ""
    size: int | None = None

    @property
    def cause(self) -> tuple[str, ...]:
        # Without an etag the sequencer distinguishes two files of the same name.
        content = self.etag or f"sequencer {self.sequencer}"
        return ("data", self.source, self.container, self.path, content)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedFile:
    """A file of a container, as its listing describes it; `size` is in bytes."""

    path: ids.BlobPath
    uri: ids.Address
    etag: ids.OrEmpty[ids.Opaque]
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderArrived:
    """A folder was renamed into a container; its files have no events of their own.

    `files` is None until the platform has listed them.
    """

    source: ids.OrEmpty[ids.Opaque]
    container: ids.ContainerName
    path: ids.BlobPath
    sequencer: ids.Opaque
    files: tuple[ArrivedFile, ...] | None = None

    @property
    def cause(self) -> tuple[str, ...]:
        return ("folder", self.source, self.container, self.path, self.sequencer)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePushed:
    """A branch has a new commit; `paths` are the files that changed, None when that is unknown.

    `author` pushed it, `contributors` wrote or committed the pushed commits; each by a name of the
    code host, "" and () when the event does not name them.
    """

    repository: ids.Repository
    branch: ids.BranchName
    commit: ids.CommitId
    paths: tuple[str, ...] | None = None
    author: ids.Line = ""
    contributors: tuple[str, ...] = ()

    @property
    def cause(self) -> tuple[str, ...]:
        return ("push", repository_key(self.repository), self.branch, self.commit)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeProposed:
    """A pull request has a new commit that wants to get into a branch."""

    repository: ids.Repository
    branch: ids.BranchName
    commit: ids.CommitId
    number: ids.Proposal
    author: ids.Line = ""

    @property
    def cause(self) -> tuple[str, ...]:
        return ("proposal", repository_key(self.repository), self.number, self.commit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRegistered:
    """A registry holds a new model version."""

    model: ids.ModelName
    version: ids.Version
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def cause(self) -> tuple[str, ...]:
        return ("model", self.model, self.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCompleted:
    """A run ended; its status is read from the platform, never from the event."""

    run_id: ids.RunId
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def cause(self) -> tuple[str, ...]:
        return ("run", self.run_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePushed:
    """A container registry has an image under a tag."""

    repository: ids.ImageName
    tag: ids.Tag
    digest: ids.ImageDigest

    @property
    def cause(self) -> tuple[str, ...]:
        return ("image", self.repository, self.tag, self.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDeployed:
    """A model was deployed to a service of the platform, perhaps not by this app."""

    service: ids.Opaque
    models: tuple[ids.Opaque, ...]
    event_id: ids.Opaque

    @property
    def cause(self) -> tuple[str, ...]:
        return ("deployed", self.service, self.event_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequested:
    """A build system, a schedule, a change of code or a person requests a training.

    Without a uri it is trained on the data that was accepted last.
    """

    model: ids.ModelName
    uri: ids.OrEmpty[ids.Address]
    request_id: ids.Opaque
    code_version: ids.OrEmpty[ids.CodeDigest] = ""
    caller: Caller = field(default_factory=Caller)

    @property
    def cause(self) -> tuple[str, ...]:
        return ("request", self.model, self.uri, self.request_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftDetected:
    """Requests or answers of production have drifted from the training data of the model.

    `monitor` is True when Azure ML's dataset monitor saw it; its report is a run of the workspace.
    """

    model: ids.ModelName
    report_id: ids.Opaque
    reason: str
    monitor: bool = False

    @property
    def cause(self) -> tuple[str, ...]:
        return ("drift", self.model, self.report_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingToDo:
    """An event that is understood and needs no answer, with the reason."""

    reason: str


DomainEvent = (
    DataArrived
    | FolderArrived
    | CodePushed
    | CodeProposed
    | ModelRegistered
    | RunCompleted
    | ImagePushed
    | ModelDeployed
    | TrainingRequested
    | DriftDetected
)


def without_people(event: DomainEvent) -> DomainEvent:
    """Return the event without the people that it names: its sender proved no person."""
    match event:
        case CodePushed():
            return replace(event, author="", contributors=())
        case CodeProposed():
            return replace(event, author="")
    return event


def claim_key(event: DomainEvent, model: str = "") -> str:
    """Return the key by which the cause is claimed, with the model if several react to it."""
    return hashlib.sha256("\0".join((*event.cause, model)).encode()).hexdigest()[:32]


def repository_key(address: str) -> str:
    """Return a key that all addresses of one repository share.

    `https://user@host/org/repo.git`, `git@host:org/repo` and `ssh://git@host/org/repo/` are one.
    """
    text = address.strip()
    if text.startswith("file://"):
        text = str(file_path(text))
    text = text.rstrip("/").removesuffix(".git")
    if text.startswith("/"):
        return text
    if "://" in text:
        text = text.split("://", 1)[1]
    elif "@" in text and ":" in text.split("@", 1)[1]:
        text = text.replace(":", "/", 1)
    host, slash, path = text.partition("/")
    return f"{host.rpartition('@')[2].lower()}{slash}{path}"
