"""A classifier is served with its labels and probabilities, and gets columns of text by name."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from platform_jobs.models.model_types import needed_types
from scoring.predictor import InputError, ModelError, Predictor, read_labels, read_probabilities
from scoring.server import describe
from training import model_file

KINDS = {"age": "number", "plan": "category", "note": "text"}
TABLE = pd.DataFrame(
    {
        "age": [20.0, 30.0, 40.0, 50.0] * 5,
        "plan": ["a", "b", "b", "a"] * 5,
        "note": ["good day", "bad day", "good night", "bad night"] * 5,
    }
)
LABELS = np.where(TABLE["age"] > 30, "yes", "no")


@pytest.fixture
def served(tmp_path: Path) -> Predictor:
    """Return the predictor of a classifier that selects columns by name."""
    return serve(tmp_path, LABELS, ["no", "yes"])


def serve(folder: Path, truths: object, labels: list[str]) -> Predictor:
    columns = ColumnTransformer(
        [
            ("words", CountVectorizer(), "note"),
            ("plan", OneHotEncoder(handle_unknown="ignore"), ["plan"]),
            ("age", "passthrough", ["age"]),
        ]
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=1000)).fit(TABLE, truths)
    model_file.save(model, folder)
    schema = {"features": list(KINDS), "target": "Y", "kinds": KINDS, "labels": labels}
    (folder / "model_schema.json").write_text(json.dumps(schema))
    trusted = folder / "trusted_types.json"
    trusted.write_text(json.dumps(needed_types(folder, ())))
    return Predictor(folder, trusted)


def test_each_row_gets_its_label_and_the_probability_of_each_label(served: Predictor) -> None:
    answer = served.answer({"data": [[20, "a", "good day"], [50, "z", "never seen"]]}, {})

    assert answer["result"] == ["no", "yes"]
    for label, row in zip(answer["result"], answer["probabilities"], strict=True):
        assert sorted(row) == ["no", "yes"]
        assert sum(row.values()) == pytest.approx(1)
        assert max(row, key=row.__getitem__) == label
    assert json.loads(json.dumps(answer)) == answer


def test_each_of_many_labels_gets_a_probability_also_an_unseen_one(tmp_path: Path) -> None:
    age = np.digitize(TABLE["age"], [25, 35])
    predictor = serve(tmp_path, age, ["0", "1", "2", "9"])

    answer = predictor.answer({"data": [[20, "a", "good day"], [30, "b", "bad day"]]}, {})

    assert answer["result"] == ["0", "1"]
    for label, row in zip(answer["result"], answer["probabilities"], strict=True):
        assert list(row) == ["0", "1", "2", "9"]
        assert row["9"] == 0.0
        assert sum(row.values()) == pytest.approx(1)
        assert max(row, key=row.__getitem__) == label


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([20, 7, "good"], r"data\[0\].plan: expected a text"),
        (["20", "a", "good"], r"data\[0\].age: expected a finite number"),
        ([20, "a", "x" * 10_001], r"data\[0\].note: expected a text of at most 10000"),
        ([20, "a"], r"expected 3 cells \(age, plan, note\), got 2"),
    ],
)
def test_a_cell_of_another_kind_is_refused(
    served: Predictor, row: list[object], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        served.answer({"data": [row]}, {})


def test_a_cell_of_a_date_is_one_of_iso_8601(served: Predictor) -> None:
    served.texts = served.dates = frozenset({"plan"})
    row: list[float | str] = [20.0, "2024-02-29T12:00:00Z", 1.0]

    assert served.rows({"data": [row]}) == [row]
    for other in ("29.02.2024", "2023-02-29", "soon", 7):
        with pytest.raises(InputError, match=r"data\[0\]\.plan: expected a"):
            served.rows({"data": [[20.0, other, 1.0]]})


def test_its_document_names_the_kinds_of_cells_and_of_answers(served: Predictor) -> None:
    operation = describe(served)["paths"]["/score"]["post"]
    asked = operation["requestBody"]["content"]["application/json"]["schema"]
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]["properties"]

    kinds = [item["type"] for item in asked["properties"]["data"]["items"]["prefixItems"]]
    assert kinds == ["number", "string", "string"]
    assert answer["result"]["items"] == {"type": "string"}
    assert "probabilities" in answer


def test_labels_that_are_numbers_are_texts_without_a_fraction() -> None:
    assert read_labels(np.array([1, 0]), 2) == ["1", "0"]
    assert read_labels(np.array([1.0, 0.5]), 2) == ["1", "0.5"]
    assert read_labels(np.array([["a"], ["b"]]), 2) == ["a", "b"]


def test_answers_of_another_shape_are_the_model_s_fault() -> None:
    with pytest.raises(ModelError, match="one label a row"):
        read_labels(np.array(["a"]), 2)
    with pytest.raises(ModelError, match="2 finite numbers a row"):
        read_probabilities([[0.5], [0.5]], ["a", "b"], 2)
    with pytest.raises(ModelError, match="2 finite numbers a row"):
        read_probabilities([[0.5, float("nan")]], ["a", "b"], 1)
