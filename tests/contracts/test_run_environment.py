"""The inputs of a training beside rows and code, on both platforms: fixed, recorded, read back."""

import hashlib
import platform

import pytest

from function_app.domain.lineage.environment import PINNED, differences, unknown_inputs
from function_app.domain.training import Split
from tests.azure_servers.azure import azure, sdk_warnings
from tests.contracts.job_bench import TOY, Bench, bench, rows

__all__ = ["azure", "bench", "rows"]
pytestmark = sdk_warnings

# A model whose bytes are the variables that it was trained with.
SEEN = """
import os
import sys
from pathlib import Path

names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "PYTHONHASHSEED")
out = Path(sys.argv[sys.argv.index("--out") + 1])
(out / "model.txt").write_text(" ".join(os.environ.get(name, "-") for name in names))
print(" ".join(os.environ.get(name, "-") for name in names))
"""
# A module that neither trains nor predicts unless its variables are fixed.
ONE_THREAD = f"""
import os

if any(os.environ.get(name) != value for name, value in {PINNED!r}.items()):
    raise SystemExit("The variables of threads and hashes are not fixed.")
"""


def test_a_training_has_one_thread_whatever_the_app_has(
    bench: Bench, rows: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PINNED:
        monkeypatch.setenv(name, "2")

    run = bench.train("train-diabetes-threads", bench.add(rows), SEEN)

    assert " ".join(PINNED.values()) in bench.jobs.log(run.run_id, 10_000).decode().splitlines()
    environment = bench.jobs.environment(run.run_id)
    assert environment is not None
    assert environment.threads == "1"


def test_the_models_of_folds_have_one_thread_whatever_the_app_has(
    bench: Bench, rows: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PINNED:
        monkeypatch.setenv(name, "2")
    dataset = bench.add(rows)
    name = f"prepare-{dataset.version[:8]}"
    bench.finish(bench.jobs.submit_preparation(name, dataset, "Y", {}, split=Split(folds=2)).run_id)

    run = bench.train("train-diabetes-pinned", dataset, ONE_THREAD + TOY)

    comparison = bench.jobs.comparison(bench.evaluate(run, dataset))
    assert (comparison.refused, comparison.folds) == ("", 2)


def test_the_environment_of_a_training_is_recorded_and_the_same_for_the_next(
    bench: Bench, rows: bytes
) -> None:
    runs = [bench.train(f"train-diabetes-{name}", bench.add(rows), TOY) for name in "ab"]

    first, second = (bench.jobs.environment(run.run_id) for run in runs)

    assert first is not None
    assert second is not None
    assert differences(first, second) == ()
    # A published version of the code is an input of its own.
    assert unknown_inputs(first, second) == ("code of this app",)
    assert first.python == f"CPython {platform.python_version()}"
    assert first.begun_at is not None
    assert second.begun_at is not None
    assert first.begun_at < second.begun_at


def test_a_training_by_this_apps_own_code_names_the_codes_digest(bench: Bench, rows: bytes) -> None:
    run = bench.train("train-diabetes-own", bench.add(rows))

    environment = bench.jobs.environment(run.run_id)

    assert environment is not None
    assert len(environment.code) == len(hashlib.sha256().hexdigest())
    assert environment.command == "python -m training"


def test_a_run_without_a_record_has_no_environment(bench: Bench, rows: bytes) -> None:
    prepared = bench.prepare(bench.add(rows))

    for run_id in (prepared, "train-diabetes-none", "../runs", ""):
        assert bench.jobs.environment(run_id) is None, run_id
