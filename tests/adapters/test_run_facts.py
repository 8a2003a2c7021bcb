"""Parameters, tags and figures of a run in the MLflow tracking; the same on both platforms."""

from dataclasses import replace

from function_app.adapters.run_facts import (
    MOST_GROUPS,
    comparison_figures,
    parameters,
    tags,
    version_tags,
)
from tests.domain.test_environment import THEN
from tests.domain.test_lineage import DATA, RUN, VERSION


def test_the_gain_its_bounds_and_both_models_figures_are_named_by_their_place() -> None:
    content = {
        "refused": "",
        "rows": 89,
        "challenger_mse": 3118.0,
        "gain_low": -12.5,
        "gain_high": None,
        "challenger": {"bias": 0.25, "name": "x"},
        "slices": [
            {"name": "sex = 1", "rows": 50, "champion_loss": 2.5, "reserve_low": None},
            {"rows": 4},
            "x",
        ],
        "monotone": [{"feature": "bmi", "direction": "increasing", "largest": 0.5}],
        "lowest": float("nan"),
    }

    assert comparison_figures(content) == {
        "comparison.rows": 89.0,
        "comparison.challenger_mse": 3118.0,
        "comparison.gain_low": -12.5,
        "comparison.challenger.bias": 0.25,
        "comparison.slices.sex 1.rows": 50.0,
        "comparison.slices.sex 1.champion_loss": 2.5,
        "comparison.monotone.bmi.largest": 0.5,
    }


def test_many_groups_of_rows_fit_into_one_request() -> None:
    slices = [{"name": f"age = {n}", "rows": n} for n in range(2_000)]

    assert len(comparison_figures({"slices": slices})) == MOST_GROUPS


def test_a_run_without_a_comparison_has_no_such_figures() -> None:
    assert comparison_figures(None) == comparison_figures({}) == {}


def test_the_parameters_name_model_data_code_and_the_callers_run() -> None:
    run = replace(RUN, code=VERSION.code)
    assert VERSION.code is not None

    assert parameters(run) == {
        "model": "diabetes",
        "dataset_version": DATA,
        "code_version": VERSION.code.version,
        "caller_run_id": "build-7",
    }
    assert "caller_run_id" not in parameters(replace(run, tags={}))


def test_the_tags_name_the_inputs_of_the_environment() -> None:
    found = tags(RUN, THEN)

    assert found["mlops.environment.blas"] == THEN.blas
    assert found["mlops.environment.lock"] == THEN.lock
    assert not [name for name in tags(RUN) if name.startswith("mlops.environment.")]


def test_a_version_has_its_experiment_its_build_and_the_verdict_of_the_gate() -> None:
    run = replace(RUN, tags={"build_id": "42", "verdict": "x" * 400, "instance_id": "i"})

    assert version_tags(run) == {
        "experiment": "diabetes",
        "build_id": "42",
        "verdict": "x" * 250,
    }
    assert version_tags(replace(run, tags={})) == {"experiment": "diabetes"}
