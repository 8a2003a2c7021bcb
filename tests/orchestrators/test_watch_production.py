"""The story, and its activities on hand-written ports: one alarm, also when parts run twice."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from function_app import steps
from function_app.activities.watching import announce_drift, observe_production
from function_app.adapters.local.rows import LocalRows
from function_app.domain.drift.observations import (
    ObservationBatch,
    Reference,
    Watched,
    count_column,
    describe_column,
)
from function_app.domain.drift.retraining import DriftPolicy, Verdict
from function_app.domain.drift.watching import (
    DriftAnnouncement,
    DriftReport,
    WatchRequest,
    drift_name,
)
from function_app.domain.event_types import DRIFT_DETECTED
from function_app.domain.reconciliation import Finding, FindingKind
from function_app.domain.release.serving import Image
from function_app.domain.training import Dataset, ModelVersion, Run, RunStatus
from function_app.errors import PlatformError
from function_app.orchestrators.watch_production import watch_production
from function_app.ports import Ports
from function_app.records.ledger.ledger import StoredLedger
from tests.orchestrators.player import Player

NOW = datetime(2026, 1, 1, tzinfo=UTC)
# Looks of one day suffice here; tests/domain/test_confirmation.py has the others.
REQUEST = WatchRequest(model="m", policy=DriftPolicy(days=1))
REPORT = DriftReport(model="m", at=NOW, verdict=Verdict.QUIET, reason="")


def test_a_quiet_look_announces_nothing() -> None:
    host = Player({steps.observe_production.name: REPORT})

    assert host.play(watch_production(host, REQUEST)) == REPORT
    assert host.called == [steps.observe_production.name]
    assert host.shown[-1] == "quiet"


def test_an_alarm_is_announced_under_its_report_id() -> None:
    alarm = replace(REPORT, verdict=Verdict.RETRAIN, reason="bmi went up", report_id="r1")
    host = Player({steps.observe_production.name: alarm})

    host.play(watch_production(host, REQUEST))

    assert host.called == [steps.observe_production.name, steps.announce_drift.name]
    assert host.arguments[-1] == {"model": "m", "report_id": "r1"}


@dataclass
class FakeWorld:
    """Production, registry, runs, data, topic, notifier, clock and observations of one model."""

    served: str | None = "1"
    runs: dict[str, str] = field(default_factory=dict)
    newest: str = "d2" * 32
    shift: float = 0.0
    echoed: int = 0
    time: datetime = NOW
    reads: list[str] = field(default_factory=list)
    published: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    told: list[Finding] = field(default_factory=list)
    fail_publish: bool = False
    complaints: tuple[str, ...] = ()
    out_of_range: dict[str, int] = field(default_factory=dict)
    rng: Any = field(default_factory=lambda: np.random.default_rng(0))

    def champion(self, model: str) -> Image | None:
        if self.served is None:
            return None
        digest = f"sha256:{int(self.served):064d}"
        return Image(model=model, version=self.served, digest=digest, uri="u")

    def get(self, name: str, version: str = "") -> Any:
        if version:
            run = self.runs.get(version, f"train-m-{version}")
            return ModelVersion(model=name, version=version, run_id=run, uri="u", digest="d")
        return Run(
            run_id=name,
            model="m",
            status=RunStatus.COMPLETED,
            dataset_version="d1" * 32,
            output_uri="/o",
        )

    def latest(self, model: str) -> Dataset:
        return Dataset(model=model, version=self.newest, uri="u")

    def publish(self, kind: str, subject: str, content: dict[str, object]) -> None:
        self.published.append((kind, content))
        if self.fail_publish:
            raise PlatformError("Fake", "publish", "It was stored, and the answer was lost.")

    def report_findings(self, findings: tuple[Finding, ...]) -> None:
        self.told += findings

    def now(self) -> datetime:
        return self.time

    def reference(self, watched: Watched) -> Reference | None:
        values = np.random.default_rng(int(watched.version)).normal(size=1000)
        column = describe_column("bmi", values)
        assert column is not None
        return Reference(
            watched=watched, target="Y", columns=(column,), seen=100, echoed=self.echoed
        )

    def read(
        self, reference: Reference, after: str, allowed: float | None, rows_per_request: int
    ) -> ObservationBatch:
        self.reads.append(after)
        values = self.rng.normal(size=400) + self.shift
        counts = {"bmi": count_column(reference.columns[0], values)}
        cursor = str(len(self.reads))
        return ObservationBatch(
            cursor=cursor,
            rows=400,
            columns=counts,
            complaints=self.complaints,
            out_of_range=self.out_of_range,
        )


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


@pytest.fixture
def ports(world: FakeWorld, tmp_path: Path) -> Ports:
    anything = cast(Any, world)
    given = dict.fromkeys(Ports.__dataclass_fields__, anything)
    return Ports(**{**given, "ledger": StoredLedger(LocalRows(tmp_path / "ledger.db"))})


def observe(ports: Ports, policy: DriftPolicy = REQUEST.policy) -> DriftReport:
    return observe_production(ports, WatchRequest(model="m", policy=policy))


def announce(ports: Ports, report: DriftReport) -> None:
    announce_drift(ports, DriftAnnouncement(model="m", report_id=report.report_id))


def test_production_that_serves_nothing_is_quiet(ports: Ports, world: FakeWorld) -> None:
    world.served = None

    report = observe(ports)

    assert (report.verdict, report.rows) == (Verdict.QUIET, 0)
    assert world.reads == []


def test_each_look_goes_on_where_the_last_one_ended(ports: Ports, world: FakeWorld) -> None:
    reports = [observe(ports) for _ in range(3)]

    assert world.reads == ["", "1", "2"]
    assert [report.rows for report in reports] == [400, 800, 1200]
    assert {report.verdict for report in reports} == {Verdict.QUIET}


def test_drift_is_announced_once_though_every_activity_runs_twice(
    ports: Ports, world: FakeWorld
) -> None:
    world.shift = 2.0
    first = observe(ports)
    again = observe(ports)
    assert first.verdict is Verdict.RETRAIN
    assert (again.report_id, len(world.reads)) == (first.report_id, 1)

    world.fail_publish = True
    with pytest.raises(PlatformError):
        announce(ports, first)
    world.fail_publish = False
    announce(ports, observe(ports))
    announce(ports, first)

    # Twice on the topic, but with one report id: the inbox claims that once.
    assert {kind for kind, _ in world.published} == {DRIFT_DETECTED}
    assert [content["reportId"] for _, content in world.published] == [first.report_id] * 2
    assert observe(ports).verdict is Verdict.COOLDOWN


def test_a_new_champion_begins_a_new_test_and_old_rows_are_not_read_again(
    ports: Ports, world: FakeWorld
) -> None:
    observe(ports)
    world.served = "2"

    report = observe(ports)

    assert (report.version, report.rows) == ("2", 400)
    assert world.reads == ["", "1"]


def test_a_feedback_loop_ends_in_one_retraining_and_a_finding_that_is_told_once(
    ports: Ports, world: FakeWorld
) -> None:
    policy = replace(REQUEST.policy, cooldown_seconds=0, max_retrainings=100)
    world.shift = 2.0
    announce(ports, observe(ports, policy))

    # Its answers became the next training's targets, and the requests have shifted.
    world.served, world.newest, world.echoed = "2", "d2", 100
    reports = []
    for _ in range(20):
        world.time += timedelta(days=1)
        reports.append(observe(ports, policy))
        world.newest = f"{len(reports):064d}"

    assert {report.verdict for report in reports} == {Verdict.LOOP}
    assert len(world.published) == 1
    assert [finding.kind for finding in world.told] == [FindingKind.FEEDBACK_LOOP]


def test_drift_that_retraining_does_not_cure_is_no_storm(ports: Ports, world: FakeWorld) -> None:
    policy = replace(REQUEST.policy, cooldown_seconds=0, max_retrainings=100)
    world.shift = 2.0
    version = 1
    for hour in range(60):
        world.newest = f"{hour:064d}"
        report = observe(ports, policy)
        if report.report_id:
            announce(ports, report)
            note = json.loads((ports.ledger.get_record(drift_name("m")) or {})["state"])
            # The retraining is promoted in any case, so that production drifts away from its data.
            version += 1
            world.runs[str(version)] = note["alarms"][-1]["run_id"]
            world.served = str(version)
        world.time += timedelta(hours=1)

    assert len(world.published) == policy.loop_length
    assert [f.kind for f in world.told] == [FindingKind.FEEDBACK_LOOP]


def test_labels_that_cannot_be_read_are_told(ports: Ports, world: FakeWorld) -> None:
    world.complaints = ("a.csv: it needs the columns id and Y.",)

    observe(ports)

    assert [f.kind for f in world.told] == [FindingKind.UNREADABLE_LABELS]


def test_values_out_of_range_are_told_once_for_each_column(ports: Ports, world: FakeWorld) -> None:
    world.out_of_range = {"bmi": 3}
    observe(ports)
    world.out_of_range = {"bmi": 1, "age": 2}
    for _ in range(2):
        observe(ports)

    assert [f.kind for f in world.told] == [FindingKind.VALUES_OUT_OF_RANGE] * 2
    assert "bmi (3)" in world.told[0].detail
    assert "age (2)" in world.told[1].detail
    assert "bmi" not in world.told[1].detail
    record = ports.ledger.get_record(drift_name("m")) or {}
    assert json.loads(record["state"])["out_of_range"] == {"bmi": 5, "age": 4}


def test_a_champion_of_the_newest_data_is_not_retrained_and_people_are_told_once(
    ports: Ports, world: FakeWorld
) -> None:
    world.shift, world.newest = 2.0, "d1" * 32

    reports = [observe(ports) for _ in range(5)]

    assert {report.verdict for report in reports} == {Verdict.NOTHING_NEW}
    assert (world.published, len(world.told)) == ([], 1)
    world.newest = "d2" * 32
    assert observe(ports).verdict is Verdict.RETRAIN


def test_a_suspicion_waits_for_another_day(ports: Ports, world: FakeWorld) -> None:
    world.shift = 2.0

    reports = [observe(ports, DriftPolicy()) for _ in range(3)]

    assert {report.verdict for report in reports} == {Verdict.SUSPECTED}
    assert "whole days" in reports[0].reason
    assert (world.published, world.told) == ([], [])
