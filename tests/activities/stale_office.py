"""An office in which version 2 was judged before version 1 served, for second judgings."""

from dataclasses import dataclass, field, replace

import pytest

from function_app.domain.gates import GateResult
from function_app.domain.release.release import Release
from function_app.domain.training import Run, RunStatus
from function_app.records.ledger import verdicts
from function_app.records.ledger.ledger import StoredLedger
from tests.activities.law_bench import MODEL, release
from tests.attacks.approvals import Office
from tests.contracts.memory_rows import MemoryRows

PASSED = GateResult(passed=True, reasons=("It is better.",))
AGAIN = "train-diabetes-2-vs-1"
STALE = (
    "diabetes:2 was judged without a champion. Production changed, so that it must be judged "
    "against version 1."
)


@dataclass
class FakeJobs:
    """Runs that have completed, except those that are gone."""

    gone: set[str] = field(default_factory=set)

    def get(self, run_id: str) -> Run:
        status = RunStatus.UNKNOWN if run_id in self.gone else RunStatus.COMPLETED
        return Run(run_id=run_id, model=MODEL, status=status, dataset_version="", output_uri="/m")


@dataclass
class StaleOffice(Office):
    """An office in which version 1 is served, and version 2 was judged before there was any."""

    jobs: FakeJobs = field(default_factory=FakeJobs)

    def judge_again(self, result: GateResult = PASSED, evaluation_id: str = AGAIN) -> None:
        verdicts.save(self.rows, evaluation_id, result)


@pytest.fixture
def office() -> StaleOffice:
    rows = MemoryRows()
    made = StaleOffice(StoredLedger(rows), rows)
    made.bring_up("1")
    made.production.calls.clear()
    made.registry.compared = ""
    return made


def judged_again(version: str) -> Release:
    wanted = release(version)
    return replace(wanted, policy=replace(wanted.policy, judged_again=True))
