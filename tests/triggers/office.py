"""An invocation over the real inbox and ledger of a platform; the other ports only remember."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from function_app.adapters.local.rows import LocalRows
from function_app.domain.change.change import Change, CodeVersion
from function_app.domain.events.events import ArrivedFile
from function_app.domain.project import Limits, ModelProject
from function_app.domain.release.serving import Image
from function_app.domain.training import ModelVersion, Run, RunStatus
from function_app.errors import NotFoundError, PlatformError
from function_app.ports import Inbox, Ledger, Ports, Rows
from function_app.records.inbox.inbox import StoredInbox
from function_app.records.ledger.ledger import StoredLedger
from function_app.settings.settings import read_projects
from function_app.triggers.events.inbox import Receipt, settle_pending, take_in
from function_app.triggers.events.verification import EVENT_GRID
from function_app.triggers.invocation import Invocation

ROOT = Path(__file__).parents[2]
PROJECTS = read_projects(ROOT / "mlops.toml")


@dataclass
class MovingClock:
    moment: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


@dataclass
class RememberedStories:
    """Stories that are started are there from then on; `broken` ids cannot be started."""

    started: list[str] = field(default_factory=list)
    woken: list[tuple[str, str]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    arguments: list[Any] = field(default_factory=list)

    async def start(self, story: str, instance_id: str, argument: Any) -> None:
        if instance_id in self.broken:
            raise ConnectionError("the backend is away")
        self.started.append(instance_id)
        self.arguments.append(argument)

    async def wake(self, instance_id: str, event: str) -> None:
        self.woken.append((instance_id, event))

    async def find(self, instance_id: str) -> Any:
        return {"instance_id": instance_id} if instance_id in self.started else None

    async def argument(self, instance_id: str) -> Any:
        return None

    async def list(self, since: datetime) -> list[Any]:
        return []

    async def forget(self, start: datetime, end: datetime) -> int:
        return 0


class KnownRuns:
    """Jobs that know the tags of the run "known"; runs whose names begin with "no" are not there.

    The code "published" of each model was published.
    """

    def __init__(self) -> None:
        self.status = RunStatus.COMPLETED

    def get(self, run_id: str) -> Run:
        tags = {"instance_id": "train-x"} if run_id == "known" else {}
        return Run(
            run_id=run_id,
            model="diabetes",
            status=RunStatus.UNKNOWN if run_id.startswith("no") else self.status,
            dataset_version="",
            output_uri="",
            tags=tags,
        )

    def code(self, model: str, version: str = "") -> CodeVersion | None:
        if version != "published":
            raise NotFoundError(f"{model} has no code {version}.")
        return CodeVersion(model=model, version=version, uri="", commit="")


@dataclass
class FewFiles:
    """Datasets that hold the files of one folder."""

    files: tuple[ArrivedFile, ...] = ()
    asked: list[str] = field(default_factory=list)

    def find(self, container: str, path: str, etag: str = "") -> ArrivedFile | None:
        # No part lies beside a marker.
        if path.endswith("_SUCCESS"):
            return None
        return ArrivedFile(path=path, uri="file:///u.csv", etag=etag, size=3)

    def list_folder(self, container: str, folder: str) -> tuple[ArrivedFile, ...]:
        self.asked.append(f"{container}/{folder}")
        return self.files


@dataclass
class FewVersions:
    """A registry with these versions, which answers nothing while it is away."""

    versions: dict[tuple[str, str], ModelVersion] = field(default_factory=dict)
    away: bool = False

    def get(self, model: str, version: str) -> ModelVersion:
        if self.away:
            raise PlatformError("local", "read a model", "The registry is away.")
        if (model, version) not in self.versions:
            raise NotFoundError(f"{model} has no version {version}.")
        return self.versions[model, version]

    def add(self, model: str, version: str, digest: str = "d" * 64) -> None:
        """Register a version, without a digest as a foreign one."""
        self.versions[model, version] = ModelVersion(
            model=model, version=version, run_id="train", uri="", digest=digest
        )


@dataclass
class FewImages:
    """A container registry with these tags."""

    digests: dict[str, str] = field(default_factory=dict)

    def find(self, model: str, version: str) -> str | None:
        return self.digests.get(f"{model}:{version}")


@dataclass
class FewCommits:
    """Repositories whose branches have these commits."""

    commits: set[str] = field(default_factory=set)

    def confirm(self, change: Change) -> None:
        if change.commit not in self.commits:
            raise NotFoundError(f"Commit {change.commit[:12]} is not on {change.branch}.")


@dataclass
class Served:
    """Production that serves these models."""

    models: set[str] = field(default_factory=set)

    def champion(self, model: str) -> Image | None:
        image = Image(model=model, version="1", digest="sha256:" + "a" * 64, uri="")
        return image if model in self.models else None


class NoPeople:
    """Approvers of whom only ada has a token: her name."""

    def identify(self, token: str) -> str | None:
        return token if token == "ada" else None


@dataclass
class FewPorts:
    inbox: Inbox
    ledger: Ledger
    rows: Rows
    clock: MovingClock
    jobs: KnownRuns
    datasets: Any
    registry: FewVersions
    images: FewImages
    sources: FewCommits
    production: Served
    approvers: NoPeople


Records = tuple[Inbox, Ledger, Rows]


def local_records(folder: Path) -> Records:
    """Return the records of this machine below a folder."""
    rows = LocalRows(folder / "ledger.db")
    return StoredInbox(LocalRows(folder / "inbox.db")), StoredLedger(rows), rows


class Office:
    """A invocation, its clock and its stories."""

    def __init__(
        self,
        folder: Path,
        projects: Mapping[str, ModelProject] = PROJECTS,
        records: Records | None = None,
    ) -> None:
        """Take the records of another platform, else use this machine's, below the folder."""
        self.clock, self.stories = MovingClock(), RememberedStories()
        self.inbox, self.ledger, rows = records or local_records(folder)
        self.datasets, self.registry, self.images = FewFiles(), FewVersions(), FewImages()
        self.sources, self.production, self.jobs = FewCommits(), Served(), KnownRuns()
        self.ports = FewPorts(
            inbox=self.inbox,
            ledger=self.ledger,
            rows=rows,
            clock=self.clock,
            jobs=self.jobs,
            datasets=self.datasets,
            registry=self.registry,
            images=self.images,
            sources=self.sources,
            production=self.production,
            approvers=NoPeople(),
        )
        self.invocation = Invocation(
            ports=cast(Ports, self.ports),
            projects=projects,
            stories=self.stories,
            limits=Limits(max_events_per_minute=100),
        )

    def take(self, *payloads: Any, channel: str = EVENT_GRID, person: str = "") -> list[Receipt]:
        return asyncio.run(take_in(self.invocation, channel, list(payloads), person))

    def sweep(self) -> int:
        return asyncio.run(settle_pending(self.invocation))
