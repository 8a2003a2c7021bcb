"""The platform decides which types a model file may hold; no list in the model folder counts."""

import json
import subprocess
from pathlib import Path

import pytest
import skops.io
from sklearn.ensemble import RandomForestRegressor
from sklearn.neighbors import KNeighborsRegressor

from platform_jobs.errors import ContractError
from platform_jobs.models.model_types import is_library_class, needed_types

X, Y = [[0.0], [1.0], [2.0], [3.0]] * 5, [0.0, 1.0, 2.0, 3.0] * 5


class Foreign:
    """A type of a training's own."""

    def __init__(self) -> None:
        self.value = 1


@pytest.mark.parametrize(
    "model", [RandomForestRegressor(2), KNeighborsRegressor(1)], ids=lambda m: type(m).__name__
)
def test_classes_of_scikit_learn_are_trusted(tmp_path: Path, model: object) -> None:
    content = skops.io.dumps(model.fit(X, Y))  # type: ignore[attr-defined]
    (tmp_path / "model.skops").write_bytes(content)

    types = needed_types(tmp_path, ())

    assert types
    assert skops.io.loads(content, trusted=types).predict([[1.0]])[0] == pytest.approx(1.0, abs=0.6)


def test_a_type_of_the_training_is_refused_whatever_its_own_list_says(tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(skops.io.dumps(Foreign()))
    name = f"{__name__}.Foreign"
    (tmp_path / "trusted_types.json").write_text(json.dumps([name]))

    with pytest.raises(ContractError, match=rf"not trusted: .*{name}.*trusted_types"):
        needed_types(tmp_path, ())
    assert name in (needed_types(tmp_path, (name,)) or ())


def test_a_file_that_is_none_of_skops_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(b"PK no")

    with pytest.raises(ContractError, match="cannot be read"):
        needed_types(tmp_path, ())


def test_a_folder_without_a_skops_file_needs_no_types(tmp_path: Path) -> None:
    assert needed_types(tmp_path, ()) is None


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "builtins.eval",
        "subprocess.Popen",
        "sklearn.utils._testing.check_output",
        "sklearn.utils.fixes.parse_version",
        "sklearn.datasets._base.import_module",
        "sklearn.no_such_module.Thing",
        "sklearn",
        "sklearnx.Thing",
        "numpy.os.system",
        "numpy",
        "",
    ],
)
def test_functions_and_foreign_names_are_no_classes_of_a_library(name: str) -> None:
    assert not is_library_class(name)


def test_a_class_that_a_library_only_imports_is_foreign() -> None:
    import sklearn.utils._testing as testing

    imported = [n for n, v in vars(testing).items() if v is subprocess.CalledProcessError]

    assert imported
    assert not is_library_class(f"sklearn.utils._testing.{imported[0]}")
