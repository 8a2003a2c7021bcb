"""A model that `mlopsctl init` writes goes to production beside the sample model, without an edit."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.mlopsctl.app_copy import copy_app, run
from tests.stories.conftest import PATIENT_RELEASE, App
from tests.stories.traffic import caller_of

MODEL = "churn"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    clone = copy_app(tmp_path / "clone")
    made = run(clone, "mlopsctl", "init", MODEL, "--template", "classification")
    assert made.returncode == 0, made.stderr
    tables = clone / "mlops.toml"
    # The limit of latency has tests of its own, and a second replica takes two seconds of CPU.
    text = tables.read_text().replace(*PATIENT_RELEASE).replace("replicas = 2", "replicas = 1")
    tables.write_text(text)
    monkeypatch.setenv("MLOPS_PROJECTS", str(tables))
    started = App(tmp_path / "state", clone)
    yield started
    started.stop()


def test_a_new_classifier_goes_to_production(app: App, tmp_path: Path) -> None:
    sample = tmp_path / "sample.csv"
    assert run(app.root, MODEL, "sample", "--out", str(sample)).returncode == 0
    app.drop(f"{MODEL}/a.csv", sample.read_text())
    trained = app.ended(app.claimed(f"{MODEL}/a.csv"))["output"]
    assert trained["outcome"] == "registered", trained["reasons"]
    release = f"release-{MODEL}-1"
    app.at_step(release, "awaiting approval")
    app.api.decide(app.api.release(release), "approve", "ada", "")
    promoted = app.ended(release)["output"]
    assert promoted["status"] == "promoted", promoted["reasons"]

    evaluation = next((app.state / "models").glob(f"{MODEL}/*/evaluation"))
    golden = json.loads((evaluation / "golden.json").read_text())
    caller = caller_of(app.api, MODEL)
    url = f"{promoted['endpoint']}/score"
    answer = httpx.post(url, json={"data": golden["data"]}, headers=caller).json()
    assert answer["result"] == golden["result"]
    for served, offline in zip(answer["probabilities"], golden["probabilities"], strict=True):
        assert served == pytest.approx(offline)
    figures = json.loads((evaluation / "metrics.json").read_text())
    assert figures["auc"] > 0.75
    assert {"accuracy", "log_loss", "brier"} <= set(figures)
