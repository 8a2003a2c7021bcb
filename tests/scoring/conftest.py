"""A trained model, made once for all tests of the scoring service."""

import shutil
from pathlib import Path

import pytest

from tests.contracts.benches import train


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model folder, with the golden rows of its evaluation beside the model's files."""
    folder = train(tmp_path_factory.mktemp("scoring"))
    shutil.copy(folder.parent / "evaluation" / "golden.json", folder)
    return folder
