"""Labels, categories, texts and dates of mlops.toml name columns that are there, each once."""

import pytest

from tests.configuration.project_files import MODEL, problems

CHURN = """\
[models.churn]
container = "data"
prefix = "churn/"
training = "training"
scoring = "scoring"

[models.churn.data]
columns = ["months", "plan", "comment", "since", "ends", "left"]
target = "left"
labels = ["no", "yes"]
categories = ["plan"]
texts = ["comment"]
dates = ["since", "ends"]
future_dates = ["ends"]

[models.churn.gate]
metric = "brier"
bar = 0.2

[models.churn.release]
approvers = ["ada"]
"""


def test_a_classification_with_columns_of_words_has_no_problem() -> None:
    assert problems(CHURN + MODEL) == []
    assert problems(CHURN.replace('["no", "yes"]', '["0", "1"]')) == []


@pytest.mark.parametrize("target", ['["left", "months"]', '["left"]', "[]", "[1]"])
def test_several_targets_are_refused_with_the_remedy(target: str) -> None:
    [problem] = problems(CHURN.replace('target = "left"', f"target = {target}") + MODEL)

    assert f"data.target = {target}: a model with several targets is not supported." in problem
    assert "make a model of its own for each other target (`mlopsctl init NAME`)" in problem


@pytest.mark.parametrize("count", [3, 50, 100])
@pytest.mark.parametrize("metric", ["log_loss", "brier", "calibration", "auc", "f_beta"])
def test_a_target_may_have_many_labels(count: int, metric: str) -> None:
    labels = ", ".join(f'"{number}"' for number in range(count))
    text = CHURN.replace('["no", "yes"]', f"[{labels}]").replace('"brier"', f'"{metric}"')

    assert problems(text + MODEL) == []


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('["no", "yes"]', '["no"]', 'data.labels = ["no"]: a target must have 2 to 100 labels, and this list has 1'),
        ('["no", "yes"]', str([str(n) for n in range(101)]), "a target must have 2 to 100 labels, and this list has 101"),
        ('["no", "yes"]', '["no", "no"]', "data.labels[0] has it already"),
        ('["no", "yes"]', '["0", "1.0"]', 'data.labels[1] = "1.0": it must be a label'),
        ('["no", "yes"]', '["no", 1]', "data.labels[1] = 1: it must be a label"),
        ('["no", "yes"]', '"yes"', 'data.labels = "yes": it must be a list of labels'),
        ('categories = ["plan"]', 'categories = ["left"]', "name its labels in `labels`"),
        ('categories = ["plan"]', 'categories = ["plans"]', "data.columns has months, plan, comment, since, ends"),
        ('texts = ["comment"]', 'texts = ["comment"]\ngroup = "plan"', 'data.categories[0] = "plan": it is the group; name features only'),
        ('texts = ["comment"]', 'texts = ["plan"]', "data.categories[0] has it already"),
        ('dates = ["since", "ends"]', 'dates = ["ends", "left"]', 'data.dates[1] = "left": it is the target'),
        ('dates = ["since", "ends"]', 'dates = ["ends", "plan"]', "data.categories[0] has it already"),
        ('dates = ["since", "ends"]', 'dates = ["ends", "begin"]', 'data.dates[1] = "begin": '),
        ('dates = ["since", "ends"]', 'dates = ["since"]', 'data.future_dates[0] = "ends": models.churn.data.dates has no such column.'),
        ('metric = "brier"', 'metric = "brier"\ndecreasing = ["since"]', "it is a column of words or dates"),
        ('metric = "brier"', 'metric = "mae"', 'gate.metric = "mae": the target has labels'),
        (
            'metric = "brier"',
            'metric = "brier"\nincreasing = ["plan"]',
            'gate.increasing[0] = "plan": it is a column of words or dates; only a number can rise.',
        ),
        ('metric = "brier"', "margin = 0.0", 'gate.metric = "mse": the target has labels'),
        ("[models.churn.release]", "[models.churn.drift]\nalpha = 0.01\n[models.churn.release]", "[models.churn.drift]: drift is watched in numbers only"),
        ("[models.churn.release]", "[models.churn.drift]\n[models.churn.release]", "[models.churn.drift]: drift is watched in numbers only"),
    ],
)  # fmt: skip
def test_a_conflict_is_named(before: str, after: str, problem: str) -> None:
    assert before in CHURN
    [text] = problems(CHURN.replace(before, after))

    assert problem in text
