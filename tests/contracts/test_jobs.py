"""Runs on both platforms: submitted, cancelled, failed, with their logs and checks."""

from datetime import UTC, datetime

import pytest

from function_app.adapters.local.jobs.jobs import LocalJobs
from function_app.domain.change.change import CheckPlan, CodeVersion
from function_app.domain.training import (
    RunStatus,
)
from function_app.errors import MlopsError, NotFoundError
from tests.azure_servers.azure import ROOT, azure, sdk_warnings
from tests.contracts.job_bench import DAY, TOY, Bench, bench, code_archive, rows

__all__ = ["azure", "bench", "rows"]
pytestmark = sdk_warnings


def code(bench: Bench, main: str) -> CodeVersion:
    """Return a version of the training code with this program."""
    return bench.jobs.publish("diabetes", bench.keep(code_archive(__main__=main.encode())))


def test_a_run_that_is_submitted_twice_is_one_run(bench: Bench, rows: bytes) -> None:
    dataset = bench.add(rows)

    first = bench.submit("train-diabetes-a", dataset, None, {"instance_id": "i"})
    bench.finish("train-diabetes-a")
    second = bench.submit("train-diabetes-a", dataset, None, {"instance_id": "i"})

    # A machine that stalls may look at it after its end.
    assert first.status in (RunStatus.RUNNING, RunStatus.COMPLETED)
    assert second.status is RunStatus.COMPLETED
    assert second.metrics["training_mse"] > 0
    assert second.dataset_version == dataset.version
    assert second.tags["instance_id"] == "i"
    since = datetime.now(UTC) - DAY
    found = [run.run_id for run in bench.jobs.list_runs(since)]
    assert found == [f"prepare-{dataset.version[:8]}", "train-diabetes-a"]


def test_a_run_that_nobody_submitted_is_unknown(bench: Bench) -> None:
    run = bench.jobs.get("train-diabetes-b")

    assert run.status is RunStatus.UNKNOWN
    assert run.detail
    bench.jobs.cancel("train-diabetes-b")


def test_a_run_whose_code_fails_is_failed_and_its_log_tells_why(bench: Bench) -> None:
    bench.submit("train-diabetes-c", bench.add(b"a,Y\n1,x\n2,y\n3,z\n4,y\n5,z\n"))
    bench.finish("train-diabetes-c")

    run = bench.jobs.get("train-diabetes-c")

    assert run.status is RunStatus.FAILED
    assert run.detail
    assert run.metrics == {}
    log = bench.jobs.log("train-diabetes-c", 1_000_000)
    assert log.strip()
    assert bench.jobs.log("train-diabetes-c", 7) == log[-7:]


def test_a_run_that_printed_nothing_yet_has_an_empty_log(bench: Bench, rows: bytes) -> None:
    bench.submit("train-diabetes-quiet", bench.add(rows), code(bench, TOY))

    assert isinstance(bench.jobs.log("train-diabetes-quiet", 1000), bytes)
    bench.finish("train-diabetes-quiet")


def test_an_id_that_no_run_has_leads_to_no_file(bench: Bench, rows: bytes) -> None:
    bench.train("train-diabetes-x", bench.add(rows), TOY)

    for run_id in ("nothing", "../runs/train-diabetes-x", "", "a" * 300, "ä"):
        with pytest.raises(NotFoundError):
            bench.jobs.log(run_id, 1000)
        assert bench.jobs.get(run_id).status is RunStatus.UNKNOWN, run_id
        with pytest.raises(NotFoundError):
            bench.jobs.report(run_id, "junit.xml")


def test_a_run_that_is_cancelled_is_timed_out_also_when_it_is_cancelled_twice(
    bench: Bench, rows: bytes
) -> None:
    endless = "import signal\n\nsignal.pause()\n"
    bench.submit("train-diabetes-d", bench.add(rows), code(bench, endless))

    bench.jobs.cancel("train-diabetes-d")
    bench.jobs.cancel("train-diabetes-d")

    assert bench.jobs.get("train-diabetes-d").status is RunStatus.TIMED_OUT


def test_a_cancelled_run_has_the_first_reason_for_which_it_was_cancelled(
    bench: Bench, rows: bytes
) -> None:
    bench.submit("train-diabetes-c", bench.add(rows))

    bench.jobs.cancel("train-diabetes-c", "ada cancelled it: wrong data")
    bench.jobs.cancel("train-diabetes-c", "grace cancelled it.")

    run = bench.jobs.get("train-diabetes-c")
    assert run.status is RunStatus.CANCELLED
    assert "ada cancelled it: wrong data" in run.detail
    assert "time" not in run.detail


def test_a_run_whose_time_was_over_says_so(bench: Bench, rows: bytes) -> None:
    bench.submit("train-diabetes-t", bench.add(rows))

    bench.jobs.cancel("train-diabetes-t")

    run = bench.jobs.get("train-diabetes-t")
    assert run.status is RunStatus.TIMED_OUT
    assert "its time was over" in run.detail
    assert "cancel" not in run.detail


def test_garbled_files_of_a_run_stop_no_look_at_the_others(bench: Bench, rows: bytes) -> None:
    for name in ("a", "b"):
        bench.train(f"train-diabetes-{name}", bench.add(rows), TOY)
    local = isinstance(bench.jobs, LocalJobs)
    since = datetime.now(UTC) - DAY
    for content in (b"", b"{half", b"[]", b"7", b'{"status": "odd"}'):
        bench.overwrite("runs/train-diabetes-a/model/metrics.json", content)
        bench.overwrite("runs/a-vs-nothing/evaluation/evaluation.json", content)
        if local:
            bench.overwrite("runs/train-diabetes-a/request.json", content)
            bench.overwrite("runs/train-diabetes-a/result.json", content)

        assert "train-diabetes-b" in [run.run_id for run in bench.jobs.list_runs(since)]
        assert bench.jobs.get("train-diabetes-a").metrics == {}
        with pytest.raises(MlopsError, match="a-vs-nothing"):
            bench.jobs.comparison("a-vs-nothing")


@pytest.mark.skipif(not (ROOT / "checks").exists(), reason="the package of checks is not here")
def test_checks_of_a_bundle_are_reported_with_their_files(bench: Bench) -> None:
    plan = CheckPlan(
        lint=("ruff", "check", "--no-cache", "--isolated", "--select", "F", "."),
        tests=("pytest", "-q"),
        training="training",
        dry_run=True,
        timeout_seconds=600,
    )
    bundle = bench.keep(code_archive(test_commit=b"def test_it() -> None:\n    assert 1 == 2\n"))

    bench.jobs.submit_checks("checks-diabetes-a", "diabetes", bundle, plan, {})
    bench.jobs.submit_checks("checks-diabetes-a", "diabetes", bundle, plan, {})
    bench.finish("checks-diabetes-a")
    report = bench.jobs.checks("checks-diabetes-a")

    assert bench.jobs.get("checks-diabetes-a").status is RunStatus.COMPLETED
    found = {result.name: result.passed for result in report.results}
    assert found == {"lint": True, "tests": False, "dry run": True}
    assert b"test_it" in bench.jobs.report("checks-diabetes-a", "junit.xml")
    with pytest.raises(NotFoundError):
        bench.jobs.report("checks-diabetes-a", "../request.json")
