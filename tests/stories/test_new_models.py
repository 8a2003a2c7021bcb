"""A model that `mlopsctl init` writes goes to production beside the sample model, without an edit."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.long_stories import long_story
from tests.mlopsctl.app_copy import run
from tests.stories.conftest import App
from tests.stories.new_model import copy_with_model, promoted
from tests.stories.traffic import caller_of

MODEL = "churn"


@pytest.fixture(params=[(), pytest.param(("low", "middle", "high"), marks=long_story)])
def app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[App]:
    labels = [f"--label={label}" for label in request.param]
    clone = copy_with_model(tmp_path / "clone", MODEL, "classification", *labels)
    monkeypatch.setenv("MLOPS_PROJECTS", str(clone / "mlops.toml"))
    started = App(tmp_path / "state", clone)
    yield started
    started.stop()


def test_a_new_classifier_goes_to_production(app: App, tmp_path: Path) -> None:
    sample = tmp_path / "sample.csv"
    assert run(app.root, MODEL, "sample", "--out", str(sample)).returncode == 0
    outcome = promoted(app, MODEL, sample.read_text())

    evaluation = next((app.state / "models").glob(f"{MODEL}/*/evaluation"))
    golden = json.loads((evaluation / "golden.json").read_text())
    caller = caller_of(app.api, MODEL)
    url = f"{outcome['endpoint']}/score"
    answer = httpx.post(url, json={"data": golden["data"]}, headers=caller).json()
    assert answer["result"] == golden["result"]
    for served, offline in zip(answer["probabilities"], golden["probabilities"], strict=True):
        assert served == pytest.approx(offline)
    figures = json.loads((evaluation / "metrics.json").read_text())
    assert figures["auc"] > 0.75
    assert {"accuracy", "log_loss", "brier"} <= set(figures)
