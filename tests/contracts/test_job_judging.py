"""Preparation and evaluation on both platforms: the platform computes every figure."""

import json

import pytest

from function_app.domain.training import (
    RunStatus,
    Split,
)
from function_app.errors import NotFoundError
from tests.azure_servers.azure import azure, sdk_warnings
from tests.contracts.job_bench import TOY, Bench, bench, code_archive, rows

__all__ = ["azure", "bench", "rows"]
pytestmark = sdk_warnings


def test_the_figures_and_rows_of_a_file_are_found_by_its_preparation(
    bench: Bench, rows: bytes
) -> None:
    run_id = bench.prepare(bench.add(rows))

    prepared = bench.jobs.prepared(run_id)

    assert prepared.profile is not None
    assert prepared.profile.rows == prepared.seen + prepared.held_out == 442
    assert [column.name for column in prepared.profile.columns][-1] == "Y"
    assert b"442 rows" in bench.jobs.report(run_id, "report.html")
    assert json.loads(bench.jobs.report(run_id, "report.json"))["profile"]["rows"] == 442
    for name in ("prepared.json", "../request.json", "seen/rows.csv"):
        with pytest.raises(NotFoundError, match=r"It may have .*report\.html"):
            bench.jobs.report(run_id, name)


def test_a_preparation_compares_the_rows_with_the_reference_data(bench: Bench, rows: bytes) -> None:
    header, *lines = rows.decode().splitlines()
    half = len(lines) // 2
    reference = bench.add("\n".join([header, *lines[:half], ""]).encode())
    dataset = bench.add("\n".join([header.upper(), *lines[half:], ""]).encode())
    bench.jobs.submit_preparation("prepare-compared", dataset, "Y", {}, reference)
    bench.finish("prepare-compared")

    prepared = bench.jobs.prepared("prepare-compared")

    assert prepared.profile is not None
    assert prepared.profile.columns[0].name == "age"
    assert prepared.reference is not None
    assert prepared.reference.rows == half
    assert prepared.check is not None
    assert (prepared.check.rows, prepared.check.reference_rows) == (len(lines) - half, half)
    assert bench.jobs.report("prepare-compared", "drift.svg").startswith(b"<svg ")


def test_a_file_that_is_no_table_is_prepared_to_a_reason(bench: Bench) -> None:
    prepared = bench.jobs.prepared(bench.prepare(bench.add(b"")))

    assert (prepared.profile, prepared.seen) == (None, 0)
    assert prepared.refused


def test_a_preparation_that_nobody_submitted_is_not_found(bench: Bench) -> None:
    with pytest.raises(NotFoundError):
        bench.jobs.prepared("prepare-nothing")


def test_a_training_gets_the_seen_rows_and_nothing_else(bench: Bench, rows: bytes) -> None:
    spy = b"""
import json, pathlib, sys
data = pathlib.Path(sys.argv[sys.argv.index("--data") + 1])
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
rows = len((data / "rows.csv").read_text().splitlines()) - 1
(out / "metrics.json").write_text(json.dumps({"files": len(list(data.iterdir())), "rows": rows}))
"""
    dataset = bench.add(rows)
    version = bench.jobs.publish("diabetes", bench.keep(code_archive(__main__=spy)))
    bench.submit("train-diabetes-h", dataset, version)
    bench.finish("train-diabetes-h")

    seen = bench.jobs.prepared(bench.prepare(dataset)).seen
    assert bench.jobs.get("train-diabetes-h").metrics == {"files": 2, "rows": seen}


def test_challenger_and_champion_predict_the_same_rows(bench: Bench, rows: bytes) -> None:
    dataset = bench.add(rows)
    run = bench.train("train-diabetes-f", dataset)
    alone = bench.evaluate(run, dataset)
    champion = bench.registry.register(run, bench.jobs.judged(alone))
    both = bench.evaluate(run, dataset, champion)

    comparison = bench.jobs.comparison(both)

    assert bench.jobs.comparison(alone).champion_loss is None
    assert comparison.challenger_loss == comparison.champion_loss
    assert (comparison.gain_low, comparison.gain_high) == (0.0, 0.0)
    held_out = bench.jobs.prepared(bench.prepare(dataset)).held_out
    assert comparison.rows == held_out
    assert bench.jobs.get(both).metrics == bench.jobs.judged(both).metrics
    assert bench.jobs.judged(both).digest == champion.digest


def test_all_rows_judge_by_cross_fitting_and_a_champion_remembers_its_rows(
    bench: Bench, rows: bytes
) -> None:
    dataset = bench.add(rows)
    header, *lines = rows.decode().splitlines()
    grown = bench.add("\n".join([header, *lines[:400], *lines[:5], f"1{lines[0]}"]).encode())
    for data in (dataset, grown):
        name = f"prepare-{data.version[:8]}"
        bench.finish(
            bench.jobs.submit_preparation(name, data, "Y", {}, split=Split(folds=3)).run_id
        )

    run = bench.train("train-diabetes-k", dataset, TOY)
    champion = bench.register(run, dataset)
    again = bench.jobs.comparison(bench.evaluate(run, dataset, champion))
    later = bench.train("train-diabetes-l", grown, TOY)
    compared = bench.jobs.comparison(bench.evaluate(later, grown, champion))

    prepared = bench.jobs.prepared(bench.prepare(grown))
    assert (prepared.folds, prepared.seen, prepared.held_out, prepared.repeated) == (3, 406, 401, 5)
    assert (again.rows, again.folds, again.recalled, again.known) == (442, 3, 442, True)
    # The same fold models answered both times.
    assert (again.gain_low, again.gain_high) == (0.0, 0.0)
    assert (compared.rows, compared.recalled, compared.left_out) == (401, 400, 0)


@pytest.mark.parametrize(
    ("main", "reason"),
    [
        (b"", "train wrote no file into its model folder"),
        (
            b"import pathlib, sys\n"
            b"out = pathlib.Path(sys.argv[sys.argv.index('--out') + 1])\n"
            b"(out / 'x' if out.is_dir() else out).write_text('prediction\\n1\\n')\n",
            "predict answered 1 rows where",
        ),
    ],
)
def test_a_training_that_breaks_the_contract_is_refused_at_its_evaluation(
    bench: Bench, rows: bytes, main: bytes, reason: str
) -> None:
    dataset = bench.add(rows)
    version = bench.jobs.publish("diabetes", bench.keep(code_archive(__main__=main)))
    bench.submit("train-diabetes-g", dataset, version)
    bench.finish("train-diabetes-g")

    evaluated = bench.evaluate(bench.jobs.get("train-diabetes-g"), dataset)

    assert reason in bench.jobs.comparison(evaluated).refused
    assert bench.jobs.get(evaluated).status is RunStatus.COMPLETED


def test_predictions_of_no_evaluation_are_not_found(bench: Bench) -> None:
    with pytest.raises(NotFoundError):
        bench.jobs.comparison("nothing-vs-nothing")
