"""The modules whose rules are mutated, and the test files that own each of them."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.operators import Mutant

ROOT = Path(__file__).parents[2]
ARGUED = Path(__file__).with_name("equivalent.toml")
_DOMAIN = "function_app/domain"
_JUDGING = "platform_jobs/judging"
_TESTS = "tests/domain"
# Module -> its test files, the one that finds most faults first.
SUBJECTS: dict[str, tuple[str, ...]] = {
    f"{_DOMAIN}/release/approval.py": (f"{_TESTS}/test_approval.py", f"{_TESTS}/test_release.py"),
    f"{_DOMAIN}/release/release.py": (
        *(f"{_TESTS}/test_release_states.py", f"{_TESTS}/test_release.py"),
    ),
    f"{_DOMAIN}/release/authorization.py": (
        *(f"{_TESTS}/test_authorization.py", f"{_TESTS}/test_orders.py"),
    ),
    f"{_DOMAIN}/drift/e_processes.py": (f"{_TESTS}/test_e_processes.py",),
    f"{_DOMAIN}/drift/drift.py": (f"{_TESTS}/test_drift_evidence.py",),
    f"{_DOMAIN}/drift/observations.py": (f"{_TESTS}/test_drift.py",),
    f"{_DOMAIN}/drift/clusters.py": (f"{_TESTS}/test_clusters.py",),
    f"{_DOMAIN}/drift/confirmation.py": (f"{_TESTS}/test_confirmation.py",),
    f"{_DOMAIN}/drift/dependence.py": (f"{_TESTS}/test_dependence.py",),
    f"{_DOMAIN}/drift/joint.py": (f"{_TESTS}/test_joint.py",),
    f"{_DOMAIN}/drift/prediction_lines.py": (
        f"{_TESTS}/test_clusters.py",
        f"{_TESTS}/test_drift.py",
    ),
    f"{_DOMAIN}/drift/retraining.py": (
        f"{_TESTS}/test_retraining.py",
        f"{_TESTS}/test_confirmation.py",
    ),
    f"{_DOMAIN}/drift/watching.py": (f"{_TESTS}/test_retraining.py",),
    f"{_DOMAIN}/data_quality.py": (f"{_TESTS}/test_data_quality.py",),
    f"{_DOMAIN}/gates.py": (
        *(f"{_TESTS}/test_gate_limits.py", f"{_TESTS}/test_gates.py"),
        *(f"{_TESTS}/test_gate_sanity.py", f"{_TESTS}/test_spending.py"),
    ),
    f"{_DOMAIN}/gating/budgets.py": (f"{_TESTS}/test_gate_budgets.py",),
    f"{_DOMAIN}/gating/findings.py": (f"{_TESTS}/test_gate_sanity.py",),
    f"{_DOMAIN}/gating/monotone.py": (f"{_TESTS}/test_gate_monotone.py",),
    f"{_DOMAIN}/gating/nights.py": (f"{_TESTS}/test_nights.py",),
    f"{_DOMAIN}/gating/sanity.py": (f"{_TESTS}/test_gate_sanity.py",),
    f"{_DOMAIN}/gating/slices.py": (f"{_TESTS}/test_gate_sanity.py",),
    f"{_DOMAIN}/gating/spending.py": (f"{_TESTS}/test_spending.py",),
    f"{_JUDGING}/comparison.py": (
        *("tests/platform_jobs/test_comparison.py", "tests/platform_jobs/test_metrics.py"),
        "tests/platform_jobs/test_multiclass.py",
    ),
    f"{_JUDGING}/multiclass/losses.py": ("tests/platform_jobs/test_multiclass.py",),
    f"{_JUDGING}/multiclass/figures.py": ("tests/platform_jobs/test_multiclass.py",),
    f"{_JUDGING}/intervals.py": ("tests/platform_jobs/test_comparison.py",),
    f"{_JUDGING}/metrics.py": ("tests/platform_jobs/test_metrics.py",),
    f"{_JUDGING}/rankings.py": ("tests/platform_jobs/test_metrics.py",),
    f"{_JUDGING}/sanity.py": ("tests/platform_jobs/test_metrics.py",),
    f"{_JUDGING}/slices.py": ("tests/platform_jobs/test_slices.py",),
    f"{_JUDGING}/student.py": ("tests/platform_jobs/test_comparison.py",),
    "platform_jobs/own_metric/measure.py": ("tests/platform_jobs/test_measure.py",),
    f"{_JUDGING}/evaluate.py": (
        *("tests/platform_jobs/test_evaluate.py", "tests/platform_jobs/test_cross_fitting.py"),
        *("tests/platform_jobs/test_words.py", "tests/platform_jobs/test_many_labels.py"),
    ),
    "platform_jobs/probing/monotone.py": ("tests/platform_jobs/test_monotone.py",),
    f"{_JUDGING}/figures.py": ("tests/platform_jobs/test_comparison.py",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Argued:
    """A reason for which a fault changes no result; it holds for each of `count` equal mutants."""

    module: str
    scope: str
    before: str
    after: str
    reason: str
    count: int = 1

    def covers(self, module: str, mutant: Mutant) -> bool:
        """Return whether this is the reason for this mutant of the module."""
        return (self.module, self.scope, self.before, self.after) == (
            *(module, mutant.scope, mutant.before, mutant.after),
        )


def read_argued(path: Path = ARGUED) -> tuple[Argued, ...]:
    """Return the mutants that equivalent.toml argues to be equivalent."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(Argued(**entry) for entry in content.get("mutant", []))
