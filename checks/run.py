"""The checks, one after the other, each on a fresh copy of the code."""

import importlib.util
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from checks.plan import Plan, command, is_pytest
from checks.reports import read_coverage, read_junit
from checks.sandbox import Ended, Sandbox

JUNIT, COVERAGE, METRICS = "reports/junit.xml", "reports/coverage.xml", "model/metrics.json"
DATA = "reference.csv"
_TOO_MUCH = {
    "time": "It ran longer than {seconds:.0f} seconds and was stopped.",
    "processes": "It started too many processes and was stopped.",
    "space": "It wrote too much and was stopped.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What one check said."""

    name: str
    passed: bool
    detail: str


@dataclass(slots=True, kw_only=True)
class Report:
    """What all of them said; the files are kept in the folder of the report."""

    isolation: str
    results: list[Check] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    coverage: float | None = None


def run_checks(plan: Plan, sandbox: Sandbox, out: Path, isolation: str) -> Report:
    """Run all checks of the plan, also after one that failed."""
    out.mkdir(parents=True, exist_ok=True)
    report = Report(isolation=isolation)
    end = time.monotonic() + plan.timeout_seconds

    def run(words: Sequence[str], collect: Sequence[str] = ()) -> Ended:
        left = end - time.monotonic()
        if left <= 0:
            return Ended(ended="time", code=None, output="No time was left.\n")
        return sandbox.run(words, left, collect)

    if plan.lint:
        report.results.append(_lint(plan, run, report, out))
    if plan.tests:
        report.results.append(_tests(plan, run, report, out))
    if plan.dry_run:
        report.results.append(_dry_run(plan, run, report, out))
    if not report.results:
        report.results.append(Check(name="plan", passed=False, detail="It names no checks."))
    return report


Run = Callable[..., Ended]


def _lint(plan: Plan, run: Run, report: Report, out: Path) -> Check:
    ended = run(command(plan.lint))
    _keep(report, out, "lint.txt", ended.output.encode())
    lines = [line for line in ended.output.splitlines() if line.strip()]
    detail = "No complaints." if ended.passed else _reason(ended, plan, lines[:1])
    return Check(name="lint", passed=ended.passed, detail=detail)


def _tests(plan: Plan, run: Run, report: Report, out: Path) -> Check:
    words = command(plan.tests)
    reported = is_pytest(plan.tests)
    if reported:
        words += ["-p", "no:cacheprovider", f"--junitxml={{work}}/{JUNIT}"]
        if importlib.util.find_spec("pytest_cov") is not None:
            words += ["--cov=.", f"--cov-report=xml:{{work}}/{COVERAGE}", "--cov-report=term"]
    ended = run(words, [JUNIT, COVERAGE])
    _keep(report, out, "tests.log", ended.output.encode())
    for name, content in ended.files.items():
        _keep(report, out, name.rpartition("/")[2], content)
    report.coverage = read_coverage(ended.files.get(COVERAGE, b""))
    tests = read_junit(ended.files.get(JUNIT, b""))
    passed, detail = ended.passed, _reason(ended, plan, ended.output.splitlines()[-1:])
    if tests is not None and tests.failed:
        failed = f"{tests.failed} of {tests.count} tests failed, first {tests.first}"
        passed, detail = False, failed if ended.ended == "exited" else f"{detail} {failed}"
    elif passed and reported and tests is None:
        passed, detail = False, "pytest ended without a report: the code ended it."
    elif passed and tests is not None and tests.count <= tests.skipped:
        passed, detail = False, "No test ran. Write one."
    elif passed:
        detail = f"{tests.count - tests.skipped} tests passed." if tests else "They passed."
    return Check(name="tests", passed=passed, detail=detail)


def _dry_run(plan: Plan, run: Run, report: Report, out: Path) -> Check:
    words = [sys.executable, "-m", plan.training]
    words += ["--data", f"{{work}}/{DATA}", "--out", "{work}/model"]
    ended = run(words, [METRICS])
    _keep(report, out, "dry-run.log", ended.output.encode())
    if not ended.passed:
        last = [line for line in ended.output.splitlines() if line.strip()][-1:]
        return Check(name="dry run", passed=False, detail=_reason(ended, plan, last))
    figures = _figures(ended.files.get(METRICS, b""))
    if figures is None:
        detail = "The training wrote no metrics.json with finite figures."
        return Check(name="dry run", passed=False, detail=detail)
    text = ", ".join(f"{name} {value:.6g}" for name, value in sorted(figures.items()))
    return Check(name="dry run", passed=True, detail=f"It trains on the reference data: {text}.")


def _figures(content: bytes) -> dict[str, float] | None:
    try:
        figures = json.loads(content)
    except ValueError:
        return None
    if not isinstance(figures, dict) or not figures:
        return None
    for value in figures.values():
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            return None
    return {str(name)[:40]: float(value) for name, value in list(figures.items())[:20]}


def _reason(ended: Ended, plan: Plan, lines: Sequence[str]) -> str:
    if ended.ended in _TOO_MUCH:
        return _TOO_MUCH[ended.ended].format(seconds=plan.timeout_seconds)
    if ended.ended != "exited":
        return "The sandbox could not be made; see the log."
    said = f": {lines[0].strip()[:300]}" if lines else "."
    if ended.code is not None and ended.code < 0:
        return f"It was killed by signal {-ended.code}{said}"
    return f"Exit code {ended.code}{said}"


def _keep(report: Report, out: Path, name: str, content: bytes) -> None:
    (out / name).write_bytes(content)
    report.files.append(name)
