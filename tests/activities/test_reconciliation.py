"""Repairs of stories follow from the present state of each story."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from function_app.activities.reconciliation import (
    compare_platform,
    compare_records,
    keep_findings,
)
from function_app.adapters.local.bundles import LocalBundles
from function_app.adapters.local.images.images import LocalImages
from function_app.adapters.local.keys import LocalKeys
from function_app.adapters.local.reach.processes import Processes
from function_app.adapters.local.rows import LocalRows
from function_app.adapters.local.staging import LocalStaging
from function_app.domain.reconciliation import (
    Finding,
    FindingKind,
    ModelName,
    ReconcileReport,
    ReconcileRequest,
)
from function_app.domain.release.approval import Decision, Verdict
from function_app.domain.release.release import ReleaseRecord, ReleaseStatus
from function_app.domain.release.serving import Image, Serving
from function_app.domain.training import ModelVersion, Run, run_id
from function_app.ports import Ports, Rows
from tests.domain.test_reconciliation import IMAGE, NOW, RECORD, RUN
from tests.patience import PATIENCE

REQUEST = ReconcileRequest(reason="test", models=())


class FakeLedger:
    """A ledger of a few releases, which all have their rows by status."""

    def list_releases(self) -> tuple[ReleaseRecord, ...]:
        return ()

    def with_status(
        self, status: ReleaseStatus, model: str = "", limit: int | None = None
    ) -> tuple[ReleaseRecord, ...]:
        return tuple(record for record in self.list_releases() if record.status is status)

    def with_image(self, model: str, digest: str) -> tuple[ReleaseRecord, ...]:
        records = self.list_releases()
        return tuple(each for each in records if each.image and each.image.digest == digest)

    def get_release(self, release_id: str) -> ReleaseRecord | None:
        known = {record.release.release_id: record for record in self.list_releases()}
        return known.get(release_id)

    def repair_statuses(self) -> tuple[str, ...]:
        return ()


@dataclass
class FakePlatform(FakeLedger):
    """Ledger, jobs, staging and clock, with an open release and a run that runs."""

    cancelled: list[tuple[str, str]] = field(default_factory=list)
    saved: list[ReleaseRecord] = field(default_factory=list)
    unreadable: tuple[str, ...] = ()

    def now(self) -> datetime:
        return NOW

    def list_releases(self) -> tuple[ReleaseRecord, ...]:
        return (RECORD,)

    def save_release(self, record: ReleaseRecord) -> None:
        self.saved.append(record)

    def list_runs(self, since: datetime) -> tuple[Run, ...]:
        return (replace(RUN, run_id="train", tags={"instance_id": "train-m-1"}),)

    def cancel(self, run_id: str, reason: str = "") -> None:
        self.cancelled.append((run_id, reason))

    def list_unreadable(self) -> tuple[str, ...]:
        return self.unreadable

    def list_damaged(self) -> tuple[tuple[str, str], ...]:
        return ()

    def get(self, partition: str, key: str) -> None:
        """Return no row: nothing was recorded."""

    def query(self, partition: str, prefix: str, **bounds: Any) -> tuple[()]:
        return ()


class FakeStaging:
    """A staging platform without deployments."""

    def list_releases(self) -> tuple[str, ...]:
        return ()

    def list_foreign(self) -> tuple[str, ...]:
        return ()

    def expired(self, now: datetime) -> tuple[str, ...]:
        return ()


@dataclass
class FewPorts:
    ledger: FakePlatform
    inbox: FakePlatform
    jobs: FakePlatform
    clock: FakePlatform
    staging: FakeStaging
    datasets: FakePlatform
    rows: FakePlatform


@dataclass
class FakeStories:
    """Finds stories that its list does not have, because the list was made before."""

    known: dict[str, str]
    output: str | None = None

    async def list(self, since: datetime) -> list[dict[str, Any]]:
        return []

    async def find(self, instance_id: str) -> dict[str, Any] | None:
        if instance_id not in self.known:
            return None
        status = self.known[instance_id]
        return {
            "instance_id": instance_id,
            "status": status,
            "ended": status != "Running",
            "can_be_cancelled": status == "Running",
            "updated_at": (NOW - timedelta(hours=1)).isoformat(),
            "output": self.output,
        }


def compare(known: dict[str, str], output: str | None = None) -> FakePlatform:
    platform = FakePlatform()
    asyncio.run(compare_records(ports_of(platform), REQUEST, cast(Any, FakeStories(known, output))))
    return platform


def ports_of(platform: FakePlatform) -> Ports:
    """Return the ports that a comparison of records uses."""
    ports = FewPorts(
        ledger=platform,
        inbox=platform,
        jobs=platform,
        clock=platform,
        staging=FakeStaging(),
        datasets=platform,
        rows=platform,
    )
    return cast(Ports, ports)


def test_a_story_that_the_list_left_out_is_no_reason_to_end_what_it_waits_for() -> None:
    platform = compare({"release-m-1": "Running", "train-m-1": "Running"})

    assert (platform.cancelled, platform.saved) == ([], [])


def test_runs_without_a_waiting_story_are_cancelled_and_settled() -> None:
    for known in ({}, {"release-m-1": "Terminated", "train-m-1": "Failed"}):
        platform = compare(known)

        [(run_id, reason)] = platform.cancelled
        assert (run_id, "train-m-1 waits for it no more" in reason) == ("train", True)
        assert [record.status for record in platform.saved] == [ReleaseStatus.FAILED]


def test_a_release_whose_story_failed_ends_with_the_reason_of_the_story() -> None:
    text = "It is failed: PLATFORM: down. The end could not be recorded. PLATFORM: disk full"
    platform = compare({"release-m-1": "Failed", "train-m-1": "Failed"}, output=text)

    assert [record.reasons for record in platform.saved] == [(text,)]


@dataclass
class FakeProduction:
    """Production whose replicas are ready once somebody asks for them."""

    state: Serving | None
    repairs: list[str] = field(default_factory=list)
    is_open: bool = False

    def champion(self, model: str) -> Image | None:
        return None if self.state is None else self.state.image

    def endpoint(self, model: str) -> str | None:
        return None if self.state is None else "http://m"

    def answers_without_key(self, model: str, endpoint: str) -> bool:
        return self.is_open

    def serving(self, model: str) -> Serving | None:
        return self.state

    def repair(self, model: str) -> None:
        self.repairs.append(model)
        assert self.state is not None
        self.state = replace(self.state, ready=self.state.replicas)


@dataclass
class PortsOfAModel:
    ledger: Any
    registry: Any
    production: FakeProduction
    rows: Rows

    @property
    def probe(self) -> FakeProduction:
        return self.production

    @property
    def clock(self) -> FakePlatform:
        return FakePlatform()


@dataclass
class Promoted(FakeLedger):
    """A ledger with one promoted release and a registry without versions."""

    def list_releases(self) -> tuple[ReleaseRecord, ...]:
        return (replace(RECORD, status=ReleaseStatus.PROMOTED, image=IMAGE, evidence_hash="e"),)

    def get_decision(self, release_id: str) -> Decision:
        return Decision(
            release_id=release_id,
            verdict=Verdict.APPROVE,
            decided_by="ada",
            comment="",
            image_digest=IMAGE.digest,
            evidence_hash="e",
            decided_at=NOW,
        )

    def list_versions(self, model: str) -> Iterator[ModelVersion]:
        return iter(())


def test_production_that_is_down_is_reported_and_requested_again_until_it_is_ready(
    tmp_path: Path,
) -> None:
    production = FakeProduction(Serving(image=IMAGE, replicas=2, ready=0, detail="Exit code 1."))
    ports = cast(
        Ports, PortsOfAModel(Promoted(), Promoted(), production, LocalRows(tmp_path / "l.db"))
    )

    down = compare_platform(ports, ModelName(model="m")).findings
    up = compare_platform(ports, ModelName(model="m")).findings

    assert [(f.kind, f.subject) for f in down] == [(FindingKind.NOT_READY, "m")]
    assert "0 of 2 replicas are ready" in down[0].detail
    assert (production.repairs, up) == (["m"], ())


def test_production_that_answers_without_a_key_is_reported_until_it_does_not(
    tmp_path: Path,
) -> None:
    production = FakeProduction(Serving(image=IMAGE, replicas=1, ready=1), is_open=True)
    ports = cast(
        Ports, PortsOfAModel(Promoted(), Promoted(), production, LocalRows(tmp_path / "l.db"))
    )

    [finding] = compare_platform(ports, ModelName(model="m")).findings
    production.is_open = False

    assert (finding.kind, finding.subject) == (FindingKind.OPEN_PRODUCTION, "m")
    assert "takes requests without a key" in finding.detail
    assert compare_platform(ports, ModelName(model="m")).findings == ()


@dataclass
class Foreign(FakeLedger):
    """A registry, a staging and a ledger that other people have used, too."""

    notes: dict[str, dict[str, str]] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)

    def now(self) -> datetime:
        return NOW

    def list_releases(self) -> tuple[ReleaseRecord, ...]:
        newest = replace(RECORD.release, version="9", release_id="release-m-9")
        return (replace(RECORD, release=newest, status=ReleaseStatus.PROMOTED),)

    def list_versions(self, model: str) -> Iterator[ModelVersion]:
        return (self.get(model, version) for version in ("3", "4", "5", "12"))

    def get(self, model: str, version: str) -> ModelVersion:
        runs = {"3": "", "4": "somebody", "5": run_id("m", "a"), "12": "somebody"}
        return ModelVersion(model="m", version=version, run_id=runs[version], uri="", digest="")

    def get_decision(self, release_id: str) -> None:
        return None

    def answers_without_key(self, model: str, endpoint: str) -> bool:
        return False

    def get_record(self, name: str) -> dict[str, str] | None:
        return self.notes.get(name)

    def save_record(self, name: str, content: dict[str, str]) -> None:
        self.notes[name] = content

    def report_findings(self, findings: tuple[Finding, ...]) -> None:
        self.told += [(finding.kind, finding.subject) for finding in findings]


def test_foreign_versions_are_reported_once_also_when_they_are_older_than_a_release(
    tmp_path: Path,
) -> None:
    foreign = Foreign()
    ports = cast(
        Ports,
        SimpleNamespace(
            ledger=foreign,
            registry=foreign,
            notifier=foreign,
            clock=foreign,
            probe=foreign,
            rows=LocalRows(tmp_path / "l.db"),
            production=FakeProduction(Serving(image=IMAGE, replicas=1, ready=1)),
        ),
    )
    for _ in range(3):
        findings = compare_platform(ports, ModelName(model="m")).findings
        versions = tuple(f for f in findings if f.kind is FindingKind.FOREIGN_VERSION)
        keep_findings(ports, ReconcileReport(findings=versions))

    assert foreign.told == [(FindingKind.FOREIGN_VERSION, f"m:{v}") for v in ("3", "4", "12")]


def test_a_foreign_file_in_the_folder_of_staging_is_reported_once_and_left_alone(
    tmp_path: Path,
) -> None:
    record = tmp_path / "staging" / "release-m-7.json"
    record.parent.mkdir()
    record.write_text('{"mine": true}')
    images = LocalImages(tmp_path, tmp_path, {}, LocalBundles(tmp_path))
    staging = LocalStaging(
        tmp_path,
        images,
        Processes(tmp_path / "processes"),
        LocalKeys(tmp_path, tmp_path),
        ready_seconds=PATIENCE,
    )
    platform, foreign = FakePlatform(), Foreign()
    ports = cast(
        Ports,
        SimpleNamespace(
            ledger=platform,
            inbox=platform,
            jobs=platform,
            clock=platform,
            staging=staging,
            datasets=platform,
            rows=platform,
        ),
    )
    notes = cast(Ports, SimpleNamespace(ledger=foreign, clock=foreign, notifier=foreign))
    stories = cast(Any, FakeStories({"release-m-1": "Running", "train-m-1": "Running"}))
    for _ in range(2):
        keep_findings(notes, asyncio.run(compare_records(ports, REQUEST, stories)))

    assert foreign.told == [(FindingKind.FOREIGN_STAGING, str(record))]
    assert record.read_text() == '{"mine": true}'


def test_an_entry_of_the_inbox_that_is_never_read_is_a_finding() -> None:
    platform = FakePlatform(unreadable=("data/diabetes/pipe.csv: pipe.csv is a FIFO.",))

    stories = cast(Any, FakeStories({}))
    report = asyncio.run(compare_records(ports_of(platform), REQUEST, stories))

    [finding] = [f for f in report.findings if f.kind is FindingKind.UNREADABLE_FILE]
    assert (finding.subject, finding.detail) == ("data/diabetes/pipe.csv", "pipe.csv is a FIFO.")
    assert not finding.repaired
