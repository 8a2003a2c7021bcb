from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from platform_jobs.prepare import write_rows
from platform_jobs.tables.tables import read_table
from training import model_file
from training.__main__ import main
from training.answers import predict
from training.data import DataError, load_rows
from training.sample import NAMES, write_sample
from training.train import read_parameters, train


def training_folder(folder: Path) -> Path:
    """Write the folder that a training gets."""
    write_sample(folder / "data.csv")
    write_rows(folder / "rows", read_table(folder / "data.csv"), "Y")
    return folder / "rows"


def test_ridge_predicts_what_the_reference_predicted() -> None:
    x = np.arange(1, 7).reshape(-1, 1)
    model = train(x, np.array([10, 9, 8, 8, 6, 5]), {"alpha": 1.2})

    np.testing.assert_allclose(model.predict([[1], [2]]), [9.93939394, 9.03030303], atol=1e-8)


def test_the_diabetes_data_has_442_rows(tmp_path: Path) -> None:
    rows = load_rows(training_folder(tmp_path))

    assert (rows.x.shape, rows.y.shape, rows.target) == ((442, 10), (442,), "Y")


def test_a_seed_draws_other_rows_and_the_same_ones_each_time(tmp_path: Path) -> None:
    for name, seed in {"data": [], "a": ["--seed", "7"], "b": ["--seed", "7"]}.items():
        assert main(["sample", "--out", str(tmp_path / name), *seed]) == 0

    data, drawn = (pd.read_csv(tmp_path / name) for name in ("data", "a"))
    assert (tuple(drawn), drawn.shape) == (NAMES, data.shape)
    assert set(drawn.sex) == set(data.sex)
    assert not set(map(tuple, drawn.to_numpy())) & set(map(tuple, data.to_numpy()))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "no column a, Y"),
        ("a,b\n1,2\n", "no column Y"),
        ("a,Y\n1,2\nx,3\n", "column a has values"),
        ("a,Y\n1,2\n", "1 rows"),
    ],
)
def test_bad_data_is_refused_with_the_reason(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "rows.csv").write_text(content)
    (tmp_path / "schema.json").write_text('{"features": ["a"], "target": "Y"}')

    with pytest.raises(DataError, match=reason):
        load_rows(tmp_path)


@pytest.mark.parametrize(
    "content", ["[", '{"training": {"beta": 1}}', '{"training": {"alpha": "x"}}', "[1]"]
)
def test_bad_parameters_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "parameters.json").write_text(content)

    with pytest.raises(DataError):
        read_parameters(tmp_path / "parameters.json")


def test_two_trainings_on_the_same_data_are_the_same_bytes(tmp_path: Path) -> None:
    rows = training_folder(tmp_path)
    for out in ("a", "b"):
        assert main(["train", "--data", str(rows), "--out", str(tmp_path / out)]) == 0

    assert (tmp_path / "a/model.skops").read_bytes() == (tmp_path / "b/model.skops").read_bytes()


def test_predict_answers_by_column_names_in_any_order(tmp_path: Path) -> None:
    main(["train", "--data", str(training_folder(tmp_path)), "--out", str(tmp_path / "model")])
    (tmp_path / "a.csv").write_text("age,sex,bmi,bp,s1,s2,s3,s4,s5,s6\n1,2,3,4,5,6,7,8,9,10\n")
    (tmp_path / "b.csv").write_text("s6,s5,s4,s3,s2,s1,bp,bmi,sex,age\n10,9,8,7,6,5,4,3,2,1\n")
    for name in ("a", "b"):
        words = ["predict", "--model", str(tmp_path / "model")]
        words += ["--data", str(tmp_path / f"{name}.csv"), "--out", str(tmp_path / f"{name}.out")]
        assert main(words) == 0

    expected = model_file.load(tmp_path / "model").predict([list(range(1, 11))])
    answers = [read_table(tmp_path / f"{name}.out") for name in ("a", "b")]
    assert answers[0] == answers[1]
    assert answers[0].columns == ("prediction",)
    assert float(answers[0].rows[0][0]) == pytest.approx(expected[0])


def test_a_bad_folder_ends_the_command_with_2_and_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "holds no schema.json" in capsys.readouterr().err


class Surprise(Ridge):  # type: ignore[misc]
    """A type that no list names."""


def test_a_model_of_a_type_that_its_list_does_not_name_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(skops.io.dumps(Surprise().fit([[1.0]], [1.0])))
    (tmp_path / "trusted_types.json").write_text("[]")

    with pytest.raises(model_file.UntrustedModelError, match="Surprise"):
        model_file.load(tmp_path)


def test_a_pipeline_that_selects_columns_by_name_is_asked_with_names() -> None:
    x, y = np.arange(12.0).reshape(6, 2) ** 2, np.arange(6.0)
    picked = ColumnTransformer([("scaled", StandardScaler(), ["b"])], remainder="passthrough")
    model = make_pipeline(picked, Ridge()).fit(pd.DataFrame(x, columns=["a", "b"]), y)

    by_name = predict(model, x, ("a", "b"))

    assert by_name == pytest.approx(model.predict(pd.DataFrame(x, columns=["a", "b"])))
    assert predict(Ridge().fit(x, y), x, ("a", "b")).shape == (6,)
