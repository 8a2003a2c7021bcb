"""`mlopsctl up` names the folder of each model's data."""

from pathlib import Path

import pytest

from mlopsctl.commands.config import inbox_folders
from tests.sample_project import sample_text

ROOT = Path(__file__).parents[2]


def test_each_model_of_the_file_has_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = sample_text()
    file = tmp_path / "mlops.toml"
    second = text.replace("models.diabetes", "models.houses").replace('"diabetes/"', '"homes/old/"')
    file.write_text(f"{text}\n{second}", encoding="utf-8")
    monkeypatch.setenv("MLOPS_PROJECTS", str(file))

    folders = inbox_folders(Path("state"))

    assert folders == [Path("state/inbox/data/diabetes"), Path("state/inbox/data/homes/old")]
