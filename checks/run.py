"""The checks, one after the other, each on a fresh copy of the code."""

import importlib.util
import shlex
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from checks.plan import Plan, command, is_pytest
from checks.reports import read_coverage, read_junit
from checks.sandbox import Ended, Sandbox
from sandbox.probe import Found

JUNIT, COVERAGE = "reports/junit.xml", "reports/coverage.xml"
DATA, JOBS = "reference.csv", "platform_jobs.zip"
_TOO_MUCH = {
    "time": "It ran longer than {seconds:.0f} seconds and was stopped.",
    "processes": "It started too many processes and was stopped.",
    "space": "It wrote too much and was stopped.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The result of one check."""

    name: str
    passed: bool
    detail: str


@dataclass(slots=True, kw_only=True)
class Report:
    """The results of all checks; the files are stored in the folder of the report."""

    isolation: str
    results: list[Check] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    coverage: float | None = None


def run_checks(
    plan: Plan, sandbox: Sandbox, out: Path, isolation: str, *, has_data: bool = False
) -> Report:
    """Run all checks of the plan, also after one that failed.

    `has_data` says that the sandbox holds reference data; else a dry run takes the code's sample.
    """
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
        report.results.append(_dry_run(plan, run, report, out, has_data))
    if not report.results:
        report.results.append(Check(name="plan", passed=False, detail="It names no checks."))
    return report


def refuse(found: Found, minimum: str, out: Path) -> Report:
    """Return the report of a refused change: this machine isolates its code too weakly."""
    out.mkdir(parents=True, exist_ok=True)
    detail = (
        f"Not run: the isolation of this machine is {found}, and `[checks] min_isolation` in "
        f"mlops.toml asks for {minimum}. Install bubblewrap, or lower it to {found.level.strength}."
    )
    refused = Check(name="isolation", passed=False, detail=detail)
    return Report(isolation=str(found), results=[refused])


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
        ran = tests.count - tests.skipped if tests else 0
        detail = f"{ran} {'test' if ran == 1 else 'tests'} passed." if tests else "They passed."
    return Check(name="tests", passed=passed, detail=detail)


def _dry_run(plan: Plan, run: Run, report: Report, out: Path, has_data: bool) -> Check:
    # The interpreter itself puts the archive first on the path, so that the code under check cannot
    # replace the package.
    start = f"import sys, runpy; sys.path.insert(0, '{{work}}/{JOBS}'); "
    start += "runpy.run_module('platform_jobs', run_name='__main__')"
    words = [sys.executable, "-c", start, "contract", "--module", plan.training]
    if plan.command:
        words += ["--command", shlex.join(plan.command)]
    # A second training would double the time of each pull request.
    words += ["--train-once", "--timeout", f"{plan.timeout_seconds:g}"]
    if has_data:
        words += ["--data", f"{{work}}/{DATA}"]
    if plan.target:
        words += ["--target", plan.target]
    words += plan.words
    if plan.group:
        words += ["--group", plan.group]
    words += plan.metric
    ended = run(words)
    _keep(report, out, "dry-run.log", ended.output.encode())
    lines = [line.strip() for line in ended.output.splitlines() if line.strip()]
    steps = [line for line in lines if line.startswith(("ok ", "FAILED "))]
    if not ended.passed:
        failed = [line for line in steps if line.startswith("FAILED ")]
        if failed and ended.ended == "exited":
            return Check(name="dry run", passed=False, detail=_step(failed[-1]))
        return Check(name="dry run", passed=False, detail=_reason(ended, plan, lines[-1:]))
    if not steps:
        detail = "The contract was not checked: the code ended the check."
        return Check(name="dry run", passed=False, detail=detail)
    figures = [step for step in steps if _step(step).startswith(("predict: ", "metric: "))]
    shown = "; ".join(_step(step) for step in figures or steps[:1])
    return Check(name="dry run", passed=True, detail=f"It keeps the contract. {shown}")


def _step(line: str) -> str:
    """Return the text of a step of the contract."""
    return line.partition(" ")[2].strip()[:300]


def pack_jobs(path: Path) -> None:
    """Write the package platform_jobs as an archive that Python can import from."""
    package = Path(__file__).resolve().parents[1] / "platform_jobs"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(package.rglob("*.py")):
            # By name, so that the entry gets the present time: a zip holds no time before 1980.
            archive.writestr(file.relative_to(package.parent).as_posix(), file.read_bytes())


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
