"""A model gets the type of input that it was fitted with, and its failures reach the caller."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from platform_jobs.models.model_types import needed_types
from scoring.predictor import ModelError, Predictor, read_numbers, shape_for
from tests.scoring.keys import AS_PROBE
from tests.scoring.service import serving
from training import model_file

NAMES = ("a", "b", "c")
X = np.random.default_rng(1).normal(size=(60, 3))
Y = X @ [1.0, -2.0, 0.5] + 3
TABLE = pd.DataFrame(X, columns=list(NAMES))
ROWS = X[:4].tolist()
Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Save a model with the features of its schema; return its folder."""

    def save_model(model: Any, features: tuple[str, ...] = NAMES) -> Path:
        folder = tmp_path / "model"
        folder.mkdir()
        model_file.save(model, folder)
        schema = {"features": features, "target": "Y"}
        (folder / "model_schema.json").write_text(json.dumps(schema))
        return folder

    return save_model


def picked(*names: str) -> ColumnTransformer:
    return ColumnTransformer([("scaled", StandardScaler(), list(names))], remainder="passthrough")


def answer(folder: Path) -> list[float]:
    trusted = folder.with_name("trusted_types.json")
    trusted.write_text(json.dumps(needed_types(folder, ())))
    numbers: list[float] = Predictor(folder, trusted).answer({"data": ROWS}, {})["result"]
    return numbers


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(picked("c", "a"), Ridge()),
        make_pipeline("passthrough", picked("b"), Ridge()),
        make_pipeline(make_pipeline(picked("a"), StandardScaler()), Ridge()),
        make_pipeline(StandardScaler().set_output(transform="pandas"), picked("b"), Ridge()),
        GridSearchCV(make_pipeline(picked("a"), Ridge()), {"ridge__alpha": [0.1, 1.0]}, cv=2),
        TransformedTargetRegressor(make_pipeline(picked("a"), Ridge())),
        Ridge(),
    ],
    ids=["by name", "after passthrough", "nested", "by set_output", "search", "target", "ridge"],
)
def test_a_model_that_was_fitted_with_a_table_is_asked_with_one(model: Any, save: Save) -> None:
    model.fit(TABLE, Y)

    assert answer(save(model)) == pytest.approx(model.predict(TABLE[:4]), abs=1e-12)


def test_a_model_that_was_fitted_with_other_columns_first_gets_them_in_its_order(
    save: Save,
) -> None:
    model = Ridge().fit(TABLE[["c", "a"]], Y)

    assert answer(save(model)) == pytest.approx(model.predict(TABLE[["c", "a"]][:4]), abs=1e-12)


def test_a_model_that_was_fitted_with_an_array_is_asked_with_one() -> None:
    model = make_pipeline(StandardScaler(), Ridge()).fit(X, Y)

    asked = shape_for(model, NAMES)([[1, 2, 3]])

    assert isinstance(asked, np.ndarray)
    assert asked.tolist() == [[1.0, 2.0, 3.0]]


def test_a_model_of_columns_that_its_schema_does_not_name_is_refused_at_the_start(
    save: Save,
) -> None:
    folder = save(Ridge().fit(TABLE.rename(columns={"b": "bmi"}), Y))
    command = [sys.executable, "-m", "scoring", "--model", str(folder), "--port", "1"]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=600)

    assert ended.returncode == 2
    assert "was fitted with the columns bmi, which model_schema.json does not name" in ended.stderr


def test_an_exception_of_the_model_is_a_json_answer_with_its_text(save: Save) -> None:
    # Its schema names a column less than it was fitted with: 2 numbers for 3 features.
    folder = save(StandardScaler().fit(X), NAMES[:2])
    with serving(folder, {}) as client:
        failed = client.post("/score", json={"data": [[1, 2]]})
        metrics = client.get("/metrics", headers=AS_PROBE).text
        described = client.get("/openapi.json").json()

    error = failed.json()["error"]
    assert (failed.status_code, error["code"]) == (500, "MODEL_FAILED")
    assert "AttributeError" in error["message"]
    assert "refused" in metrics
    assert "500" in described["paths"]["/score"]["post"]["responses"]


def test_the_text_of_a_model_is_cut(save: Save) -> None:
    names = tuple(f"column {number} of a table" for number in range(200))
    model = make_pipeline(Ridge()).fit(np.zeros((5, 3)), np.zeros(5))
    folder = save(model, names)

    with pytest.raises(ModelError, match="ValueError: X has 200 features") as failure:
        Predictor(folder).answer({"data": [[0.0] * 200]}, {})

    assert len(str(failure.value)) <= 500


@pytest.mark.parametrize(
    ("predicted", "text"),
    [
        ([1.0, float("nan")], "answered nan to data[1]"),
        ([float("inf"), 1.0], "answered inf to data[0]"),
        (["low", "high"], "something that is not a number"),
        ([1.0], "shape (1,) to 2 rows"),
        ([[1.0, 2.0], [3.0, 4.0]], "shape (2, 2) to 2 rows"),
        (3.0, "shape () to 2 rows"),
    ],
)
def test_anything_but_a_finite_number_a_row_is_an_error(predicted: Any, text: str) -> None:
    with pytest.raises(ModelError) as failure:
        read_numbers(predicted, 2)

    assert text in str(failure.value)


def test_a_column_of_answers_is_one_number_a_row(save: Save) -> None:
    model = DummyRegressor(strategy="constant", constant=[[7.0]]).fit(X, Y.reshape(-1, 1))

    assert answer(save(model)) == [7.0] * 4
    assert read_numbers(np.array([[1.0], [2.0]]), 2) == [1.0, 2.0]
