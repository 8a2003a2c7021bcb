"""Figures that a training reports of itself, as people see them."""

import pytest

from function_app.domain.text.figures import figure
from function_app.domain.training import (
    SHOWN_FIGURES,
    ModelVersion,
    Run,
    RunStatus,
    describe_metrics,
    describe_reported,
    figure_tags,
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
