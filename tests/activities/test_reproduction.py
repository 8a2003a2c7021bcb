"""The recorded inputs of a version: found, or refused with the reason that one is gone."""

from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from function_app.activities.reproduction import judge_reproduction, plan_reproduction
from function_app.domain.change.change import CodeVersion
from function_app.domain.gates import Comparison, GatePolicy
from function_app.domain.lineage.environment import RunEnvironment
from function_app.domain.lineage.origin import Training
from function_app.domain.lineage.reproduction import (
    ReproductionCheck,
    ReproductionOutcome,
    ReproductionPlan,
    ReproductionRequest,
)
from function_app.domain.training import Dataset, Judged, ModelVersion, Run, unknown_run
from function_app.errors import ContractError, NotFoundError
from function_app.ports import Ports
from function_app.records.inbox.inbox import StoredInbox
from function_app.records.ledger.ledger import StoredLedger
from function_app.records.ledger.lineage import Lineage
from tests.contracts.memory_rows import MemoryRows
from tests.domain.test_environment import THEN
from tests.domain.test_lineage import DATA, NOW, RUN, VERSION

REQUEST = ReproductionRequest(
    model="diabetes", version="3", cause="c1", target="Y", gate=GatePolicy(bar=4500)
)


@dataclass
class Platform:
    """A registry with one version, its run, its code and its data; each may be gone."""

    version_of: ModelVersion = VERSION
    run: Run = RUN
    gone: tuple[str, ...] = ()
    environments: dict[str, RunEnvironment] = field(default_factory=dict)
    digest: str = VERSION.digest

    def __post_init__(self) -> None:
        rows = MemoryRows()
        self.ledger, self.inbox = StoredLedger(rows), StoredInbox(rows)
        self.registry = self.jobs = self.datasets = self

    def get(self, name: str, version: str = "") -> Any:
        if version:
            if "version" in self.gone:
                raise NotFoundError("diabetes has no version 3.")
            return self.version_of
        return self.run

    def code(self, model: str, version: str = "") -> CodeVersion | None:
        if "code" in self.gone:
            raise NotFoundError("diabetes has no published code.")
        return VERSION.code

    def version(self, model: str, version: str) -> Dataset:
        if "data" in self.gone:
            raise NotFoundError(f"Version {version[:12]} is gone.")
        if "bytes" in self.gone:
            raise ContractError("/data was changed.")
        return Dataset(model=model, version=version, uri="/data")

    def judged(self, run_id: str) -> Judged:
        return Judged(evaluation_id=run_id, digest=self.digest, metrics={}, largest_difference=1e-9)

    def comparison(self, run_id: str) -> Comparison:
        return Comparison(rows=89)

    def environment(self, run_id: str) -> RunEnvironment | None:
        return self.environments.get(run_id)


def plan(platform: Platform) -> ReproductionPlan:
    return plan_reproduction(cast(Ports, platform), REQUEST)


def test_the_plan_has_the_recorded_code_and_data() -> None:
    found = plan(Platform())

    assert found.refused == ""
    assert found.version == VERSION
    assert found.code == VERSION.code
    assert found.dataset is not None
    assert found.dataset.version == DATA


def test_the_app_s_own_code_trains_a_version_that_no_published_code_trained() -> None:
    found = plan(Platform(version_of=replace(VERSION, code=None), gone=("code",)))

    assert found.refused == ""
    assert found.code is None


@pytest.mark.parametrize(
    ("gone", "reason"),
    [
        ("version", "has no version 3"),
        ("code", "no published code"),
        ("data", "is gone"),
        ("bytes", "was changed"),
    ],
)
def test_an_input_that_is_gone_is_the_reason(gone: str, reason: str) -> None:
    found = plan(Platform(gone=(gone,)))

    assert reason in found.refused
    assert found.version is None


def test_a_foreign_version_cannot_be_trained_again() -> None:
    assert "did not train" in plan(Platform(version_of=replace(VERSION, digest=""))).refused


def test_a_lost_run_is_no_loss_when_the_origin_has_the_data() -> None:
    platform = Platform(run=unknown_run(RUN.run_id, "gone"))
    assert "does not have its run" in plan(platform).refused

    Lineage(platform.ledger, platform.inbox).keep(VERSION, RUN, Training(), NOW)

    assert plan(platform).refused == ""


def test_the_verdict_compares_the_environments_of_both_trainings() -> None:
    environments = {VERSION.run_id: THEN, "again": replace(THEN, blas="numpy openblas Haswell")}
    platform = Platform(environments=environments, digest="0" * 64)
    check = ReproductionCheck(version=VERSION, run_id="again", evaluation_id="again-vs-3")

    result = judge_reproduction(cast(Ports, platform), check)

    assert result.outcome is ReproductionOutcome.DIFFERENT
    assert any("BLAS kernel differs" in reason for reason in result.reasons)
    assert any("89 held-out rows differ by at most 1e-09" in reason for reason in result.reasons)
