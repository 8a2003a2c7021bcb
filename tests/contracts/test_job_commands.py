"""A program named by words runs a model's commands on both platforms."""

import pytest

from function_app.adapters.archives import pack
from function_app.domain.training import RunStatus, Split
from tests.azure_servers.azure import azure, sdk_warnings
from tests.contracts.job_bench import Bench, bench, rows
from tests.platform_jobs.shell_project import SCRIPT

__all__ = ["azure", "bench", "rows"]
pytestmark = sdk_warnings
LINE = SCRIPT.replace('$at["x"]', '$at["bmi"]').replace('$at["y"]', '$at["Y"]')


def test_words_train_and_answer_also_for_each_fold(bench: Bench, rows: bytes) -> None:
    bench.run_by("sh", "model.sh")
    bundle = bench.keep(pack({"training/model.sh": LINE.encode()}))
    code, dataset = bench.jobs.publish("diabetes", bundle), bench.add(rows)
    name = f"prepare-{dataset.version[:8]}"
    bench.finish(bench.jobs.submit_preparation(name, dataset, "Y", {}, split=Split(folds=2)).run_id)

    bench.submit("train-diabetes-words", dataset, code)
    bench.finish("train-diabetes-words")

    run = bench.jobs.get("train-diabetes-words")
    assert run.status is RunStatus.COMPLETED, run.detail
    evaluation = bench.evaluate(run, dataset)
    comparison = bench.jobs.comparison(evaluation)
    assert (comparison.refused, comparison.folds) == ("", 2)
    # The variance of the target is 5930, that around the line of bmi 3890.
    assert bench.jobs.judged(evaluation).metrics["mse"] == pytest.approx(3920, abs=50)
    environment = bench.jobs.environment(run.run_id)
    assert environment is not None
    assert environment.command == "sh model.sh"


def test_a_program_that_is_not_installed_fails_the_run_with_what_to_do(
    bench: Bench, rows: bytes
) -> None:
    bench.run_by("no-such-program", "model.R")

    bench.submit("train-diabetes-absent", bench.add(rows))
    bench.finish("train-diabetes-absent")

    assert bench.jobs.get("train-diabetes-absent").status is RunStatus.FAILED
    log = bench.jobs.log("train-diabetes-absent", 10_000).decode()
    assert "There is no program no-such-program in " in log
    assert "the first word of `command` of the model in mlops.toml" in log
