"""Recorded histories of every story replay on today's code; a change that breaks them is found."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from funchost.testing import DivergenceError, replay
from function_app.composition import STORIES
from tests.sample_project import sample_text

ROOT = Path(__file__).parents[2]
HISTORIES = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parent / "histories").rglob("*.json"))
}
PARTS = ("function_app", "function_app.py", "host.json", "training", "scoring")


@pytest.fixture(autouse=True)
def no_traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLOPS_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("MLOPS_ENGINE", "")


def test_every_story_has_a_recorded_history() -> None:
    assert {h["name"] for h in HISTORIES.values()} == {story.__name__ for story in STORIES}


def test_every_recorded_history_replays() -> None:
    replay(ROOT, *HISTORIES.values())


def changed(folder: Path, old: str, new: str, file: str = "train_model.py") -> Path:
    """Return a copy of the app in which a story reads otherwise."""
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)
    (folder / "mlops.toml").write_text(sample_text(), encoding="utf-8")
    story = folder / "function_app" / "orchestrators" / file
    text = story.read_text()
    assert old in text
    story.write_text(text.replace(old, new))
    return folder


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [
        (
            "    version = yield from steps.register_model(ctx, registration)\n",
            "    yield from steps.get_run(ctx, run.run_id)\n"
            "    version = yield from steps.register_model(ctx, registration)\n",
            "was register_model and is now get_run",
        ),
        ("    yield from steps.submit_training(ctx, run)\n", "", "was submit_training"),
        ("TrainingOutcome.REGISTERED", "TrainingOutcome.REJECTED", "returns"),
    ],
)
def test_a_change_that_would_break_running_trainings_is_found_with_its_step(
    tmp_path: Path, old: str, new: str, step: str
) -> None:
    app = changed(tmp_path, old, new)

    with pytest.raises(DivergenceError, match=step):
        replay(app, HISTORIES["train_model-registered"])


def test_a_breaking_change_ships_under_a_new_name_beside_the_old_story(tmp_path: Path) -> None:
    """The old story stays until its instances have ended (docs/how-to/change-a-story.md)."""
    app = changed(tmp_path, "", "")
    stories = app / "function_app" / "orchestrators"
    new = (stories / "train_model.py").read_text()
    new = new.replace("def train_model(", "def train_model_2(")
    new = new.replace("    yield from steps.submit_training(ctx, run)\n", "")
    (stories / "train_model_2.py").write_text(new)
    composition = app / "function_app" / "composition.py"
    text = composition.read_text()
    text = text.replace(
        "from function_app.orchestrators.train_model import train_model\n",
        "from function_app.orchestrators.train_model import train_model\n"
        "from function_app.orchestrators.train_model_2 import train_model_2\n",
    )
    text = text.replace(
        "    train_model,\n    release_model,\n",
        "    train_model,\n    train_model_2,\n    release_model,\n",
    )
    composition.write_text(text)
    renamed: dict[str, Any] = {**HISTORIES["train_model-registered"], "name": "train_model_2"}

    replay(app, *HISTORIES.values())
    with pytest.raises(DivergenceError, match="was submit_training"):
        replay(app, renamed)
