"""A copy of the app with a model that `mlopsctl init` made, and the first release of that model."""

from pathlib import Path
from typing import Any

from tests.mlopsctl.app_copy import copy_app, run
from tests.stories.conftest import PATIENT_RELEASE, App


def copy_with_model(folder: Path, model: str, template: str, *options: str) -> Path:
    """Return the folder of the copy, whose new model has one replica.

    `options` are further options of `mlopsctl init`.

    The limit of latency has tests of its own, and a second replica takes two seconds of CPU.
    """
    clone = copy_app(folder)
    made = run(clone, "mlopsctl", "init", model, "--template", template, *options)
    assert made.returncode == 0, made.stderr
    tables = clone / "mlops.toml"
    text = tables.read_text().replace(*PATIENT_RELEASE).replace("replicas = 2", "replicas = 1")
    tables.write_text(text)
    return clone


def promoted(app: App, model: str, rows: str, file: str = "") -> dict[str, Any]:
    """Return the outcome of the model's first release, which ada approves, after its rows arrived.

    They arrive as `file` below the data, by default `a.csv` of the model.
    """
    file = file or f"{model}/a.csv"
    app.drop(file, rows)
    trained = app.ended(app.claimed(file))["output"]
    assert trained["outcome"] == "registered", trained["reasons"]
    release = f"release-{model}-1"
    app.at_step(release, "awaiting approval")
    app.api.decide(app.api.release(release), "approve", "ada", "")
    outcome: dict[str, Any] = app.ended(release)["output"]
    assert outcome["status"] == "promoted", outcome["reasons"]
    return outcome
