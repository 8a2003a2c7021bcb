"""A metric of mlops.toml that is an own function has a module, a direction and a bar."""

import tomllib
from pathlib import Path

import pytest

from configuration.checking import find_problems
from tests.configuration.project_files import CODE, MODEL, problems
from tests.configuration.test_words import CHURN

FUNCTION = "training.train:cost"
RIGHT = f'metric = "{FUNCTION}"\ndirection = "lower"'


@pytest.mark.parametrize("direction", ["lower", "higher"])
def test_an_own_function_with_a_direction_has_no_problem(direction: str) -> None:
    own = RIGHT.replace("lower", direction)

    assert problems(MODEL.replace('metric = "mse"', own)) == []
    assert problems(MODEL.replace('metric = "mse"', own).replace("4500", "-12.5")) == []
    assert problems(CHURN.replace('metric = "brier"', own) + MODEL) == []


@pytest.mark.parametrize(
    ("after", "problem"),
    [
        (f'metric = "{FUNCTION}"', "gate.direction is missing: models.sugar.gate.metric = "),
        (RIGHT.replace("lower", "up"), 'gate.direction = "up": it must be "" or "lower" or "higher"'),
        ('metric = "mse"\ndirection = "lower"', 'gate.direction = "lower": models.sugar.gate.metric = "mse" has its own direction. Remove this key.'),
        (RIGHT.replace("training.train", "training.absent"), "there is no module training.absent in "),
        (RIGHT.replace("training.train", "costs"), 'a run of the model has the folder of "training" only. Put the function there, such as "training.metrics:cost".'),
        ('metric = "training.train"', 'gate.metric = "training.train": it must be "mse" or "mae" or'),
        *(
            (f'metric = "{wrong}"\ndirection = "lower"', "it must be an own function of the model's code, such as \"churn.metrics:cost\"")
            for wrong in ("training.train:", ":cost", "training..model:cost", "training/model:cost", "training.train:cost()", "training.train:a.b", "a:b:c", "trainíng:cost", "t:" + "c" * 200)
        ),
    ],
)  # fmt: skip
def test_a_wrong_own_function_is_named(after: str, problem: str) -> None:
    [text] = problems(MODEL.replace('metric = "mse"', after))

    assert problem in text


def test_with_a_repository_each_commit_brings_the_module() -> None:
    own = MODEL.replace('metric = "mse"', RIGHT.replace("training.train", "costs.of.ours"))

    assert problems(own + CODE) == []


def test_the_function_may_be_in_a_package(tmp_path: Path) -> None:
    text = MODEL.replace('metric = "mse"', RIGHT.replace("training.train", "training"))
    for name in ("training", "scoring"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__main__.py").touch()

    [absent] = find_problems(tomllib.loads(text), tmp_path)
    (tmp_path / "training" / "__init__.py").touch()

    assert "Write training.py there, or name another one." in absent
    assert find_problems(tomllib.loads(text), tmp_path) == []


def test_an_own_function_of_more_than_two_labels_is_refused() -> None:
    many = CHURN.replace('["no", "yes"]', '["a", "b", "c"]').replace('metric = "brier"', RIGHT)

    [text] = problems(many + MODEL)

    assert "an own function judges numbers or two labels, and the target has 3" in text
