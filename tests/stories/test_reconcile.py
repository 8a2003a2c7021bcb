"""Differences between ledger, histories and platforms are repaired or reported."""

import json
from typing import Any

from function_app.adapters.local.jobs.mlflow_client import mlflow_client
from function_app.adapters.local.reach.processes import Processes
from function_app.triggers.timers import RECONCILIATION
from tests.stories.conftest import App

DEPLOYED: dict[str, Any] = {
    "specversion": "1.0",
    "id": "by-hand",
    "source": "/somebody",
    "type": "Microsoft.MachineLearningServices.ModelDeployed",
    "data": {"ServiceName": "past-the-app", "ModelIds": "eager:1"},
}


def compare(app: App, event_id: str, since: str = "") -> dict[str, dict[str, Any]]:
    """Return the findings of a comparison that an event starts, by their subjects.

    With `since` also the findings of the app's own reconciliation, which may have been faster.
    """
    receipt = app.api.post("/api/events", {**DEPLOYED, "id": event_id})["receipts"][0]
    reports = [app.ended(receipt["instance_id"])["output"]]
    if since and last_own(app) != since:
        reports.append(app.ended(RECONCILIATION)["output"])
    return {finding["subject"]: finding for report in reports for finding in report["findings"]}


def last_own(app: App) -> str:
    """Return when the app's own last comparison began, "never" before the first."""
    return str((app.find(RECONCILIATION) or {}).get("created_at", "never"))


def register(app: App, run_id: str) -> None:
    client = mlflow_client(app.state)
    first = client.get_model_version("eager", "1")
    tags = {**first.tags, "run_id": run_id}
    client.create_model_version("eager", source=first.source or "", tags=tags)


def test_changes_past_the_app_are_found_and_safe_ones_are_repaired(
    fresh_app: App, diabetes: str
) -> None:
    app = fresh_app
    app.drop("eager/1.csv", diabetes)
    app.ended(app.claimed("eager/1.csv"))
    app.at_step("release-eager-1", "awaiting approval")
    assert compare(app, "before") == {}

    since = last_own(app)
    # A deployment that a crash left, a version of somebody else, and one whose event was lost.
    record = {"model": "eager", "version": "77", "digest": "sha256:0", "uri": ""}
    (app.state / "staging" / "release-eager-77.json").write_text(json.dumps(record))
    register(app, "somebody-s-notebook")
    register(app, "train-eager-0123456789ab")

    found = compare(app, "after", since)

    assert found["release-eager-77"]["kind"] == "orphaned staging"
    assert found["release-eager-77"]["repaired"]
    assert not (app.state / "staging" / "release-eager-77.json").exists()
    assert found["eager:2"]["kind"] == "model registered out of band"
    assert not found["eager:2"]["repaired"]
    assert found["eager:3"]["kind"] == "registered version without a release"
    app.at_step("release-eager-3", "awaiting approval")
    assert app.ended("release-eager-1")["output"]["status"] == "superseded"
    told = list((app.state / "outbox").glob("findings-*.json"))
    assert len(told) == 1, "people are told once of what nobody repaired"
    _check_metrics(app)

    _outlive_staging(app, "release-eager-3")
    app.api.decide(app.api.release("release-eager-3"), "reject", "ada", "no")
    app.ended("release-eager-3")
    again = compare(app, "later")
    assert "release-eager-77" not in again
    assert "eager:3" not in again
    assert len(list((app.state / "outbox").glob("findings-*.json"))) == 1
    shown = app.api.get("/api/findings")
    assert {f["subject"] for f in shown["report"]["findings"]} == set(again)


def _outlive_staging(app: App, release_id: str) -> None:
    """A deployment whose time is over is removed, and its release still waits."""
    record = app.state / "staging" / f"{release_id}.json"
    assert runs(app, release_id)
    content = json.loads(record.read_text())
    since = last_own(app)
    record.write_text(json.dumps({**content, "expires": "2026-01-01T00:00:00+00:00"}))

    found = compare(app, "too-late", since)

    assert found[release_id]["kind"] == "expired staging"
    assert found[release_id]["repaired"]
    assert not record.exists()
    assert not runs(app, release_id)
    app.at_step(release_id, "awaiting approval")


def runs(app: App, release_id: str) -> bool:
    processes = Processes(app.state / "processes")
    return processes.find(f"staging-{release_id}") is not None


def _check_metrics(app: App) -> None:
    answer = app.ask("GET", "/api/metrics")
    lines = answer.text.splitlines()

    assert answer.headers["content-type"].startswith("text/plain")
    assert 'mlops_releases{model="eager",status="superseded"} 1' in lines
    assert any(x.startswith('mlops_approval_age_seconds{release="release-eager-3"}') for x in lines)
    assert 'mlops_findings{kind="model registered out of band",repaired="false"} 1' in lines
    assert "mlops_events_pending 0" in lines
    assert any(line.startswith('mlops_stories{story="train_model",') for line in lines)
