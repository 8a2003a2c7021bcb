import json
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import Ridge

from training import model_file
from training.__main__ import main
from training.data import DataError, load_csv, split, write_diabetes_csv
from training.evaluate import metrics
from training.train import read_parameters, train


def test_ridge_predicts_what_the_reference_predicted() -> None:
    x = np.arange(1, 7).reshape(-1, 1)
    model = train(x, np.array([10, 9, 8, 8, 6, 5]), {"alpha": 1.2})

    np.testing.assert_allclose(model.predict([[1], [2]]), [9.93939394, 9.03030303], atol=1e-8)


def test_the_metrics_are_those_of_the_reference() -> None:
    assert metrics([8, 7], [8.12121212, 7.21212121])["mse"] == pytest.approx(0.02984389, abs=1e-8)


def test_the_diabetes_data_has_442_rows_and_is_split_80_to_20(tmp_path: Path) -> None:
    write_diabetes_csv(tmp_path / "diabetes.csv")
    frame = load_csv(tmp_path / "diabetes.csv")
    rows = split(frame)

    assert frame.shape == (442, 11)
    assert (rows.train_x.shape, rows.test_x.shape) == ((353, 10), (89, 10))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ("a,b\n1,2\n", "no column Y"),
        ("a,Y\n1,2\nx,3\n", "column a has 1 values"),
        ("a,Y\n1,2\n", "1 rows"),
        ('a,Y\n"1,2\n', "not a readable CSV"),
    ],
)
def test_bad_data_is_refused_with_the_reason(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "bad.csv").write_text(content)

    with pytest.raises(DataError, match=reason):
        load_csv(tmp_path / "bad.csv")


@pytest.mark.parametrize(
    "content", ["[", '{"training": {"beta": 1}}', '{"training": {"alpha": "x"}}', "[1]"]
)
def test_bad_parameters_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "parameters.json").write_text(content)

    with pytest.raises(DataError):
        read_parameters(tmp_path / "parameters.json")


def test_the_command_writes_a_model_that_predicts_its_golden_rows(tmp_path: Path) -> None:
    write_diabetes_csv(tmp_path / "data.csv")
    out = tmp_path / "out"

    assert main(["--data", str(tmp_path / "data.csv"), "--out", str(out)]) == 0

    golden = json.loads((out / "golden.json").read_text())
    np.testing.assert_allclose(model_file.load(out).predict(golden["data"]), golden["result"])
    assert 2000 < json.loads((out / "metrics.json").read_text())["mse"] < 4000


def test_two_trainings_on_the_same_data_are_the_same_bytes(tmp_path: Path) -> None:
    write_diabetes_csv(tmp_path / "data.csv")
    for out in ("a", "b"):
        main(["--data", str(tmp_path / "data.csv"), "--out", str(tmp_path / out)])

    assert (tmp_path / "a/model.skops").read_bytes() == (tmp_path / "b/model.skops").read_bytes()


def test_the_predict_command_compares_on_the_given_rows(tmp_path: Path) -> None:
    write_diabetes_csv(tmp_path / "data.csv")
    out = tmp_path / "out"
    main(["--data", str(tmp_path / "data.csv"), "--out", str(out)])
    rows, answer = out / "test_rows.csv", tmp_path / "predictions.json"

    assert main(["predict", "--model", str(out), "--rows", str(rows), "--out", str(answer)]) == 0
    content = json.loads(answer.read_text())
    mse = metrics(content["actual"], content["predicted"])["mse"]
    assert mse == pytest.approx(json.loads((out / "metrics.json").read_text())["mse"])


def test_a_bad_file_ends_the_command_with_2_and_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path / "no.csv"), "--out", str(tmp_path / "out")]) == 2
    assert "does not exist" in capsys.readouterr().err


class Surprise(Ridge):  # type: ignore[misc]
    """A type that no list names."""


def test_a_model_of_a_type_that_its_list_does_not_name_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(skops.io.dumps(Surprise().fit([[1.0]], [1.0])))
    (tmp_path / "trusted_types.json").write_text("[]")

    with pytest.raises(model_file.UntrustedModelError, match="Surprise"):
        model_file.load(tmp_path)
