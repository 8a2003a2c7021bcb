"""A trained model, made once for all tests of what serves it."""

from pathlib import Path

import pytest

from training.__main__ import main
from training.data import write_diabetes_csv


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scoring")
    write_diabetes_csv(folder / "data.csv")
    main(["--data", str(folder / "data.csv"), "--out", str(folder / "model")])
    return folder / "model"
