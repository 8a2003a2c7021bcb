"""The stored records of one platform, with a production and a registry of this test's own."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from function_app.activities import production, releases
from function_app.activities.reconciliation import compare_platform
from function_app.domain.change.change import CodeVersion
from function_app.domain.people.authorship import Authors
from function_app.domain.project import ModelProject
from function_app.domain.reconciliation import Finding, FindingKind, ModelName
from function_app.domain.release.approval import Decision, Evidence, Verdict
from function_app.domain.release.authorization import last_number
from function_app.domain.release.release import (
    Release,
    ReleasePolicy,
    ReleaseRecord,
    ReleaseResult,
    ReleaseStatus,
)
from function_app.domain.release.serving import Deployment, Environment, Image, Rollout, Serving
from function_app.domain.requests import (
    ApprovalRequest,
    Promotion,
    ReleaseEnd,
    ReleaseUpdate,
    RollBack,
    RolledBack,
)
from function_app.domain.training import ModelVersion
from function_app.ports import Ledger, Ports, Rows
from function_app.records.changes import Changes
from function_app.records.decisions import Decisions
from tests.sample_project import sample_projects

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MODEL = "diabetes"


def digest(version: str) -> str:
    """Return the digest of a version's image."""
    return "sha256:" + version.rjust(64, "0")


def image(version: str, **change: str) -> Image:
    """Return the image that the registry built of a version."""
    built = Image(
        model=MODEL,
        version=version,
        digest=digest(version),
        uri=f"own.example/{MODEL}@{digest(version)}",
    )
    return replace(built, **change)


def release(version: str, suffix: str = "") -> Release:
    """Return a release of a version with a policy that a forged input of a story could have."""
    return Release(
        release_id=f"release-{MODEL}-{version}{suffix}",
        model=MODEL,
        version=version,
        policy=ReleasePolicy(approvers=("mallory",), replicas=99),
    )


@dataclass
class FakeProduction:
    """Serves the image of the last change; `calls` are the requested changes."""

    served: Image | None = None
    calls: list[tuple[str, Image | None]] = field(default_factory=list)
    replicas: int = 0
    ready: int = 2
    repaired: int = 0
    # So often a change answers that it is under way.
    slow: int = 0

    def champion(self, model: str) -> Image | None:
        return self.served

    def endpoint(self, model: str) -> str | None:
        return "http://127.0.0.1:1" if self.served else None

    def promote(self, release_id: str, image: Image, replicas: int) -> Rollout:
        self.calls.append((release_id, image))
        if self.slow:
            self.slow -= 1
            return Rollout(done=False)
        self.served, self.replicas = image, replicas
        deployment = Deployment(
            deployment_id="p",
            environment=Environment.PRODUCTION,
            endpoint="http://127.0.0.1:1",
            image=image,
            runtime="process",
        )
        return Rollout(deployment=deployment)

    def roll_back(self, model: str, image: Image | None) -> Rollout:
        self.calls.append(("roll back", image))
        if self.slow:
            self.slow -= 1
            return Rollout(done=False)
        self.served = image
        return Rollout()

    def serving(self, model: str) -> Serving | None:
        return Serving(image=self.served, replicas=2, ready=self.ready) if self.served else None

    def repair(self, model: str) -> None:
        self.repaired += 1


class FakeImages:
    """The app's own store of images."""

    def at(self, model: str, version: str, digest: str) -> Image:
        return Image(
            model=model, version=version, digest=digest, uri=f"own.example/{model}@{digest}"
        )


@dataclass
class FakeRegistry:
    """A registry with every version, judged against `compared`, None for the present champion."""

    champions: list[str] = field(default_factory=list)
    authors: Authors = ()
    code: CodeVersion | None = None
    production: FakeProduction | None = None
    compared: str | None = None

    def get(self, model: str, version: str) -> ModelVersion:
        served = self.production.served if self.production else None
        champion = (served.version if served else "") if self.compared is None else self.compared
        return ModelVersion(
            model=model,
            version=version,
            run_id="r",
            uri="",
            digest="d",
            code=self.code,
            evaluation_id=f"train-{model}-{version}-vs-{champion or 'nothing'}",
            authors=self.authors,
        )

    def list_versions(self, model: str) -> Iterator[ModelVersion]:
        return iter(())

    def mark_champion(self, version: ModelVersion) -> None:
        self.champions.append(version.version)


@dataclass
class FakeStaging:
    deployed: list[Image] = field(default_factory=list)

    def deploy(self, release_id: str, image: Image) -> Rollout:
        self.deployed.append(image)
        return Rollout(done=False)


class FakeProbe:
    def answers_without_key(self, model: str, endpoint: str) -> bool:
        """Return whether production lacks an authentication of its callers."""
        return False


class FakeNotifier:
    def ask_for_approval(self, release: Release, evidence: Evidence) -> None:
        """Send no message."""

    def report_result(self, release: Release, result: ReleaseResult) -> None:
        """Send no message."""


@dataclass
class Bench:
    """Calls the activities as stories do, also as stories of an attacker do."""

    ledger: Ledger
    rows: Rows
    moment: datetime = NOW
    production: FakeProduction = field(default_factory=FakeProduction)
    images: FakeImages = field(default_factory=FakeImages)
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    staging: FakeStaging = field(default_factory=FakeStaging)
    probe: FakeProbe = field(default_factory=FakeProbe)
    notifier: FakeNotifier = field(default_factory=FakeNotifier)
    projects: Mapping[str, ModelProject] = field(default_factory=sample_projects)

    def __post_init__(self) -> None:
        self.registry.production = self.production

    @property
    def clock(self) -> "Bench":
        return self

    def now(self) -> datetime:
        return self.moment

    @property
    def ports(self) -> Ports:
        return cast(Ports, self)

    @property
    def changes(self) -> Changes:
        return Changes(self.rows)

    @property
    def decisions(self) -> Decisions:
        return Decisions(self.rows, self.ledger)

    def policy(self, **change: Any) -> None:
        """Let mlops.toml say something else about releases from now on."""
        project = self.projects[MODEL]
        rules = dataclasses.replace(project.release, **change)
        self.projects = {MODEL: dataclasses.replace(project, release=rules)}

    def pass_time(self, **time: float) -> None:
        self.moment += timedelta(**time)

    def ask(
        self,
        version: str,
        built: Image | None = None,
        suffix: str = "",
        evaluation_id: str = "",
    ) -> ReleaseRecord:
        """Let a release get as far as waiting for a decision on evidence about an evaluation."""
        wanted, built = release(version, suffix), built or image(version)
        self.update(version, ReleaseStatus.IN_PROGRESS, suffix)
        evidence = Evidence(
            release_id=wanted.release_id,
            image_digest=built.digest,
            reasons=("fine",),
            evaluation_id=evaluation_id,
        )
        request = ApprovalRequest(release=wanted, image=built, evidence=evidence)
        releases.request_approval(self.ports, request)
        return self.record(version, suffix)

    def update(self, version: str, status: ReleaseStatus, suffix: str = "") -> None:
        update = ReleaseUpdate(release=release(version, suffix), status=status)
        releases.update_release(self.ports, update)

    def record(self, version: str, suffix: str = "") -> ReleaseRecord:
        record = self.ledger.get_release(release(version, suffix).release_id)
        assert record is not None
        return record

    def decide(
        self, record: ReleaseRecord, verdict: Verdict = Verdict.APPROVE, person: str = "ada"
    ) -> Decision:
        """Store a person's decision over the image and the evidence of the record."""
        assert record.image is not None
        decision = Decision(
            release_id=record.release.release_id,
            verdict=verdict,
            decided_by=person,
            comment="",
            image_digest=record.image.digest,
            evidence_hash=record.evidence_hash or "",
            decided_at=self.moment,
            after=last_number(self.changes.of_model(MODEL)),
        )
        return self.decisions.decide(record, decision, self.projects[MODEL].approval_rules())

    def approve(
        self, version: str, suffix: str = "", person: str = "ada", evaluation_id: str = ""
    ) -> None:
        """Let a release be approved, and its story hear of it."""
        record = self.ask(version, suffix=suffix, evaluation_id=evaluation_id)
        self.decide(record, person=person)
        releases.settle_approval(self.ports, release(version, suffix))

    def promote(self, version: str, built: Image | None = None, suffix: str = "") -> Rollout:
        promotion = Promotion(release=release(version, suffix), image=built or image(version))
        return production.promote_challenger(self.ports, promotion)

    def end(self, version: str, status: ReleaseStatus, suffix: str = "") -> None:
        result = ReleaseResult(status=status, reasons=("r",), image_digest=digest(version))
        releases.end_release(
            self.ports, ReleaseEnd(release=release(version, suffix), result=result)
        )

    def bring_up(self, version: str, suffix: str = "") -> None:
        """Approve, promote and end a release as a story does."""
        self.approve(version, suffix)
        self.promote(version, suffix=suffix)
        self.end(version, ReleaseStatus.PROMOTED, suffix)
        self.pass_time(hours=1)

    def roll_back(self, **request: Any) -> RolledBack:
        return production.roll_back_production(self.ports, RollBack(model=MODEL, **request))

    def findings(self) -> list[Finding]:
        """Return the findings, without those of entries: this bench decides past the routes."""
        found = compare_platform(self.ports, ModelName(model=MODEL)).findings
        return [finding for finding in found if finding.kind is not FindingKind.LATE_ENTRY]
