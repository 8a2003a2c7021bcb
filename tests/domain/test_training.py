"""Names of runs on a platform, and the figures that a training reports of itself."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function_app.domain.text.figures import figure
from function_app.domain.training import (
    SHOWN_FIGURES,
    ModelVersion,
    Run,
    RunStatus,
    attempt_id,
    champion_of,
    describe_metrics,
    describe_reported,
    evaluation_id,
    figure_tags,
    run_of_attempt,
    run_of_evaluation,
    tagged_figures,
)


def run(metrics: dict[str, float], *, reported: bool = True) -> Run:
    return Run(
        run_id="r",
        model="m",
        status=RunStatus.COMPLETED,
        dataset_version="",
        output_uri="",
        metrics=metrics,
        reported=reported,
    )


def test_figures_of_a_training_are_named_as_its_own() -> None:
    [sentence] = describe_reported(run({"training_mse": 2859.69, "alpha": 0.4}))

    assert sentence == (
        "Reported by the training itself, and judged by no gate: alpha 0.4, training_mse 2860."
    )


@pytest.mark.parametrize(
    "name", ["On held-out rows: mse", "mse\nmse", "", "x" * 41, "mse,", "0 mse", "mse\u202e"]
)
def test_a_name_that_could_pass_for_other_words_is_left_out(name: str) -> None:
    assert describe_reported(run({name: 0.0})) == ()
    [sentence] = describe_reported(run({name: 0.0, "rows": 3.0}))
    assert sentence.endswith(": rows 3.")


def test_many_figures_are_cut_and_those_of_the_platform_are_not_reported() -> None:
    many = {f"figure_{number}": float(number) for number in range(SHOWN_FIGURES + 3)}

    assert describe_reported(run(many))[0].endswith(" and 3 more.")
    assert describe_reported(run(many, reported=False)) == ()
    assert describe_reported(run({})) == ()


@pytest.mark.parametrize("value", [12345678.9, 0.12344999])
def test_a_stored_figure_is_rounded_once_where_it_is_shown(value: float) -> None:
    tags = figure_tags({"mse": value}, "metric.")
    metrics = tagged_figures(tags, "metric.")
    version = ModelVersion(
        model="m", version="1", run_id="r", uri="u", digest="d" * 64, metrics=metrics
    )

    assert metrics == {"mse": value}
    assert describe_metrics(version) == (f"On held-out rows: mse {figure(value)}.",)


@given(
    st.from_regex(r"train-[a-z0-9-]{1,9}-vs-[A-Za-z0-9][A-Za-z0-9_.-]{0,9}", fullmatch=True),
    st.integers(1, 99),
)
def test_the_name_of_an_attempt_names_its_run_and_is_one_that_azure_ml_takes(
    run_id: str, attempt: int
) -> None:
    name = attempt_id(run_id, attempt)

    assert run_of_attempt(name) == (run_id, attempt)
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,254}", name)


@pytest.mark.parametrize("version", ["a_x2e_b", "rc_x86_1", "a_x2e.b", "A_x41_"])
def test_a_name_that_looks_escaped_keeps_its_run(version: str) -> None:
    name = attempt_id(f"train-a-vs-{version}", 1)

    assert run_of_attempt(name) == (f"train-a-vs-{version}", 1)


@pytest.mark.parametrize(
    "version",
    [
        "3",
        "RC1",
        "xgb-vs-lgbm",
        "1-again-2",
        "nothing",
        "a_x2d_b",
        "x_-vs-y",
        "again-2",
        "a-attempt-2",
        "b-asks-c",
    ],
)
@pytest.mark.parametrize("attempt", [1, 2])
def test_an_evaluation_names_its_run_and_its_champion(version: str, attempt: int) -> None:
    champion = ModelVersion(model="m", version=version, uri="", run_id="", digest="")

    name = evaluation_id("train-a-vs-b-3f2a", champion, attempt)

    assert (run_of_evaluation(name), champion_of(name)) == ("train-a-vs-b-3f2a", version)
    assert run_of_attempt(attempt_id(name, 1)) == (name, 1)
    assert run_of_attempt(attempt_id(name, 2)) == (name, 2)
    assert champion_of(evaluation_id("train-a", None, attempt)) == ""


def test_a_plain_run_has_its_own_name() -> None:
    assert attempt_id("train-wine_red-3f2a", 1) == "train-wine_red-3f2a"
    assert attempt_id("train-wine-vs-1.0", 2) == "train-wine-vs-1_x2e_0-attempt-2"
