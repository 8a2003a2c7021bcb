import hashlib
import json
from pathlib import Path

import httpx
import pytest

from function_app.adapters.local.jobs.mlflow_client import mlflow_client
from function_app.adapters.run_facts import RUN_ID
from tests.funchost.conftest import until
from tests.stories.conftest import App
from tests.stories.traffic import caller_of


def artifacts(state: Path, version: str) -> set[str]:
    """Return the files behind the evidence of a version of diabetes as its run in MLflow has them."""
    client = mlflow_client(state)
    run = client.get_model_version("diabetes", version).run_id
    assert run is not None
    return {file.path for file in client.list_artifacts(run, "evidence")}


def test_the_whole_loop_a_repetition_and_two_rejections(fresh_app: App, diabetes: str) -> None:
    app = fresh_app
    app.drop("diabetes/a.csv", diabetes)
    assert app.ended(app.claimed("diabetes/a.csv"))["output"]["version"] == "1"
    first = "release-diabetes-1"
    app.at_step(first, "awaiting approval")

    # A decision of another person, or on another image, changes nothing.
    release = app.api.get(f"/api/releases/{first}")
    assert any("mse 3118" in reason for reason in release["reasons"]), "what an approver decides by"
    report = app.ask("GET", release["data_report"])
    assert report.headers["content-type"].startswith("text/html")
    digest = hashlib.sha256(report.content).hexdigest()
    named = f"Report of the data check: {release['data_report']}, SHA-256 {digest}."
    assert named in release["evidence"]
    card = app.ask("GET", release["model_card"])
    digest = hashlib.sha256(card.content).hexdigest()
    assert f"Model card: {release['model_card']}, SHA-256 {digest}." in release["evidence"]
    assert mlflow_client(app.state).get_model_version("diabetes", "1").description == card.text
    for line in ("| rows | 442 |", "Verdict of the gate: promote. The reasons:", "| bar | 4500 |"):
        assert line in card.text.splitlines(), line
    plots = {"predicted.svg", "residuals.svg", "calibration.svg"}
    files = {"data-report.html", "data-report.json", "model-card.md", *plots}
    assert artifacts(app.state, "1") >= {f"evidence/{name}" for name in files}
    body = {"image_digest": release["image_digest"], "evidence_hash": "0" * 64}
    path = f"/api/releases/{first}/approve"
    ada = {"Authorization": f"Bearer {app.api.token('ada')}"}
    assert app.ask("POST", path, json=body).status_code == 401
    stale = app.ask("POST", path, json=body, headers=ada)
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "STALE_DECISION")
    incomplete = app.ask("POST", path, json={}, headers=ada)
    assert (incomplete.status_code, incomplete.json()["error"]["code"]) == (400, "CONTRACT")

    app.api.decide(app.api.release(first), "approve", "ada", "fine")
    promoted = app.ended(first)["output"]
    assert (promoted["status"], promoted["decided_by"]) == ("promoted", "ada")
    kept = app.api.get(f"/api/releases/{first}")
    assert (kept["decided_by"], kept["endpoint"]) == ("ada", promoted["endpoint"])
    assert kept["reasons"] == promoted["reasons"]
    assert any("mse 3118" in reason for reason in kept["evidence"]), "the evidence is kept too"
    assert kept["data"].endswith("/diabetes/a.csv")
    repeated = {**body, "evidence_hash": release["evidence_hash"], "comment": "fine"}
    assert app.ask("POST", path, json=repeated, headers=ada).status_code == 202
    other = app.ask("POST", path, json={**repeated, "comment": "on second thought"}, headers=ada)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "ALREADY_DECIDED")
    assert "'fine'" in other.json()["error"]["message"]
    misspelt = app.ask("POST", path, json={**repeated, "coment": "x"}, headers=ada)
    assert (misspelt.status_code, misspelt.json()["error"]["code"]) == (400, "UNKNOWN_FIELD")
    assert "Did you mean 'comment'?" in misspelt.json()["error"]["message"]
    second_decision = {**body, "evidence_hash": release["evidence_hash"]}
    grace = {"Authorization": f"Bearer {app.api.token('grace')}"}
    late = app.ask("POST", path, json=second_decision, headers=grace)
    assert (late.status_code, late.json()["error"]["code"]) == (409, "ALREADY_DECIDED")

    # The same bytes again: nothing new is claimed. Other bytes: a training, and no better model.
    app.drop("diabetes/a.csv", diabetes)
    app.drop("diabetes/b.csv", diabetes + diabetes.splitlines()[1] + "\n")
    again = app.ended(app.claimed("diabetes/b.csv"))["output"]
    assert again["outcome"] == "rejected"
    assert "not to be better by enough" in again["reasons"][0]
    trainings = [s for s in app.api.get("/api/status")["stories"] if s["story"] == "train_model"]
    assert len(trainings) == 2

    # There is nothing to roll back to after the first promotion.
    refused = app.ask("POST", "/api/models/diabetes/roll-back", headers=ada)
    assert refused.status_code == 409

    golden = json.loads(
        next((app.state / "models").glob("diabetes/*/evaluation/golden.json")).read_text()
    )
    url, ask = f"{promoted['endpoint']}/score", {"data": golden["data"]}
    assert httpx.post(url, json=ask).status_code == 401, "without a key"
    served = httpx.post(url, json=ask, headers=caller_of(app.api, "diabetes")).json()
    assert served["result"] == pytest.approx(golden["result"], abs=1e-9)

    _check_tracking(app)
    _check_second_version(app, promoted["endpoint"], promoted["image_digest"])


def _check_tracking(app: App) -> None:
    """Check that every ended run is a run in MLflow, with its results."""
    client = mlflow_client(app.state)
    ran = {path.name for path in (app.state / "runs").iterdir()}

    def recorded() -> dict[str, str]:
        experiment = client.get_experiment_by_name("diabetes")
        found = client.search_runs([experiment.experiment_id]) if experiment else []
        return {run.data.tags[RUN_ID]: run.info.status for run in found}

    def has_recorded_all() -> bool:
        # One look for both: a run may be created between two.
        runs = recorded()
        return runs.keys() == ran and "RUNNING" not in runs.values()

    until(has_recorded_all, "the runs")
    assert set(recorded().values()) == {"FINISHED"}


def _check_second_version(app: App, endpoint: str, former: str) -> None:
    """A version registered by hand is released by its event, and judged against the champion."""
    registered = {
        "id": "m2",
        "topic": "t",
        "subject": "models/diabetes:2",
        "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
        "eventTime": "2026-01-01T00:00:00Z",
        "dataVersion": "1",
        "data": {"modelName": "diabetes", "modelVersion": "2", "modelTags": {}},
    }
    _register_second_version(app)
    receipt = app.api.post("/api/events", registered)["receipts"][0]
    assert receipt["outcome"] == "started"
    assert app.api.post("/api/events", registered)["receipts"][0]["outcome"] == "repeated"
    second = receipt["instance_id"]

    ended = app.ended(second)

    # Its copied verdict is of the time before there was a champion.
    assert ended["outcome"] == "rejected"
    assert "judging again" in [step["step"] for step in ended["step"]["trail"]]
    kept = app.api.get(f"/api/releases/{second}")
    assert (kept["status"], kept["decided_by"]) == ("rejected", None)
    assert kept["reasons"][0] == (
        "diabetes:2 was judged without a champion. Production changed, so that it must be judged "
        "against version 1."
    )
    assert kept["reasons"][1].startswith("The challenger is shown not to be better by enough")
    assert any("This is comparison 2 of the model" in reason for reason in kept["reasons"])
    assert not (app.state / "staging" / f"{second}.json").exists()
    model = app.api.get("/api/models/diabetes")
    assert (model["version"], model["endpoint"]) == ("1", endpoint)
    assert httpx.get(f"{endpoint}/healthz").json()["image"] == former


def _register_second_version(app: App) -> None:
    client = mlflow_client(app.state)
    first = client.get_model_version("diabetes", "1")
    tags = {**first.tags, "run_id": "by-hand"}
    client.create_model_version("diabetes", source=first.source or "", tags=tags)
