"""Failed stories for operators: outcomes, reasons, notifications, retry, cancel."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from function_app.adapters.local.jobs.mlflow_client import mlflow_client
from tests.funchost.conftest import until
from tests.mlopsctl import invocation
from tests.stories.conftest import App, make_app, project

PATIENT = "\n" + project("patient", training='"tests.stories.projects.slow"', timeout_seconds="300")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from make_app(tmp_path_factory.mktemp("app"), monkeypatch, PATIENT)


def command(app: App, *arguments: str) -> subprocess.CompletedProcess[str]:
    return invocation.run(*arguments, environ={"MLOPS_STATE": str(app.state), "MLOPS_URL": ""})


def notified(app: App, instance_id: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(
        (app.state / "outbox" / f"{instance_id}-outcome.json").read_text()
    )
    end: dict[str, Any] = content["end"]
    return end


def test_rejected_data_is_no_success_and_people_hear_of_it(app: App) -> None:
    app.drop("diabetes/bad.csv", "a,b\n1,2\n")
    instance_id = app.claimed("diabetes/bad.csv")

    story = app.ended(instance_id)

    assert (story["status"], story["outcome"], story["tone"]) == (
        "Completed",
        "rejected",
        "warning",
    )
    assert story["facts"]["data"].endswith("/data/diabetes/bad.csv")
    assert "Column a is not in the schema." in story["reasons"]
    assert notified(app, instance_id)["reasons"] == story["reasons"]
    shown = command(app, "status").stdout
    assert "rejected" in shown
    assert "bad.csv" in shown
    assert f"more: mlopsctl show {instance_id}" in shown
    every = command(app, "show", instance_id).stdout
    assert "    - Column a is not in the schema." in every
    assert f"mlopsctl retry {instance_id}" in every
    doctor = command(app, "doctor")
    assert doctor.returncode == 1
    assert f"BAD  rejected training: {instance_id}: Column age is absent." in doctor.stdout


def test_a_file_of_200_unknown_columns_is_refused_with_every_reason(app: App) -> None:
    names = [f"an_unknown_column_with_a_long_name_{number:03}_ü" for number in range(200)]
    app.drop("diabetes/wide.csv", ",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
    instance_id = app.claimed("diabetes/wide.csv")

    story = app.ended(instance_id)

    assert (story["status"], story["outcome"]) == ("Completed", "rejected")
    # 11 columns are absent, 200 are unknown, and the file has one row.
    assert len(story["reasons"]) == 212
    shown = command(app, "show", instance_id).stdout
    assert all(f"Column {name} is not in the schema." in shown for name in names)


def test_a_failed_training_is_retried_once_under_an_id_of_its_own(app: App, diabetes: str) -> None:
    app.drop("crashing/1.csv", diabetes)
    first = app.claimed("crashing/1.csv")
    story = app.ended(first)
    assert (story["outcome"], story["tone"]) == ("failed", "bad")
    assert notified(app, first)["outcome"] == "failed"

    answers = [app.api.post(f"/api/stories/{first}/retry") for _ in range(2)]

    second = answers[0]["instance_id"]
    assert [answer["outcome"] for answer in answers] == ["started", "repeated"]
    assert answers[1]["instance_id"] == second != first
    again = app.ended(second)
    assert (again["outcome"], again["facts"]["data"]) == ("failed", story["facts"]["data"])
    attention = {one["subject"] for one in app.api.get("/api/attention")["attention"]}
    assert second in attention
    assert first not in attention, "the newest attempt counts"


def test_a_cancelled_training_stops_its_run_leaves_its_lanes_and_names_the_person(
    app: App, diabetes: str
) -> None:
    app.drop("patient/1.csv", diabetes)
    instance_id = app.claimed("patient/1.csv")
    app.at_step(instance_id, "training")
    assert app.ask("POST", f"/api/stories/{instance_id}/cancel").status_code == 401

    ended = command(app, "cancel", instance_id, "--comment", "wrong data", "--as", "grace")

    assert ended.stdout == f"{instance_id}: cancelled. grace cancelled it: wrong data\n"
    assert ended.returncode == 0
    story = app.ended(instance_id)
    assert (story["status"], story["outcome"]) == ("Completed", "cancelled")
    assert app.api.get("/api/status")["lanes"] == []
    run = app.api.get(f"/api/runs/{instance_id}")
    assert run["status"] == "cancelled"
    assert "grace cancelled it: wrong data" in run["detail"]
    assert app.api.cancel(instance_id, "grace", "wrong data")["cancellation"]["by"] == "grace"
    headers = {"Authorization": f"Bearer {app.api.token('ada')}"}
    other = app.ask("POST", f"/api/stories/{instance_id}/cancel", headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "ALREADY_CANCELLED")


def test_an_event_raised_with_durable_s_key_cancels_nothing_and_a_person_still_can(
    app: App, diabetes: str
) -> None:
    app.hold("train")
    app.drop("held/1.csv", diabetes)
    instance_id = app.claimed("held/1.csv")
    app.at_step(instance_id, "training")
    host = json.loads((app.state / "funchost" / "host.json").read_text())

    raised = app.ask(
        "POST",
        f"/runtime/webhooks/durabletask/instances/{instance_id}/raiseEvent/Cancel-{instance_id}",
        params={"code": host["systemKey"]},
        json={},
    )

    assert raised.status_code == 202
    until(lambda: "settle_cancellation" in done(app, instance_id), "the story to see the event")
    app.at_step(instance_id, "training")
    app.api.cancel(instance_id, "ada", "really")
    ended = app.ended(instance_id)
    assert (ended["outcome"], ended["reasons"]) == ("cancelled", ["ada cancelled it: really"])


def done(app: App, instance_id: str) -> list[str]:
    """Return the activities of a story that ended."""
    host = json.loads((app.state / "funchost" / "host.json").read_text())
    path = f"/runtime/webhooks/durabletask/instances/{instance_id}"
    answer = app.ask("GET", path, params={"code": host["systemKey"], "showHistory": "true"})
    events = answer.json()["historyEvents"]
    return [e["FunctionName"] for e in events if e["EventType"] == "TaskCompleted"]


def test_a_release_is_cancelled_while_it_waits_and_retried_under_the_next_attempt(
    app: App, diabetes: str, tmp_path: Path
) -> None:
    app.drop("eager/1.csv", diabetes)
    app.ended(app.claimed("eager/1.csv"))
    first, second = "release-eager-1", "release-eager-1-try2"
    app.at_step(first, "awaiting approval")

    app.api.cancel(first, "ada", "not now")

    story = app.ended(first)
    assert (story["status"], story["outcome"]) == ("Completed", "cancelled")
    kept = app.api.get(f"/api/releases/{first}")
    assert (kept["status"], kept["cancelled_by"]) == ("cancelled", "ada")
    assert kept["reasons"] == ["ada cancelled it: not now"]
    assert command(app, "retry", first).stdout == f"started {second}\n"
    app.at_step(second, "awaiting approval")
    unread = command(app, "approve", second, "--comment", "now", "--as", "ada")
    assert (unread.returncode, "NOT_READ" in unread.stderr) == (1, True)
    assert "data report" in command(app, "show", second).stdout
    fetched = command(app, "evidence", second, "--out", str(tmp_path / "read")).stdout
    assert f"{tmp_path / 'read' / 'data-report.html'}  sha256 " in fetched
    assert b"442 rows" in (tmp_path / "read" / "data-report.html").read_bytes()
    card = (tmp_path / "read" / "model-card.md").read_text()
    assert command(app, "explain", "eager:1", "--card").stdout == card
    approved = command(app, "approve", second, "--comment", "now", "--as", "ada").stdout
    assert f"{second}: eager version 1\n" in approved
    assert "On held-out rows:" in approved, "the evidence is shown"
    assert approved.endswith(f"ada: approve {second}: now\n1 of 1 approvals.\n")
    assert app.ended(second)["outcome"] == "promoted"
    nothing = app.ask("POST", f"/api/stories/{second}/retry")
    assert (nothing.status_code, nothing.json()["error"]["code"]) == (409, "NOTHING_TO_RETRY")
    shown = command(app, "models").stdout
    assert "version 1" in shown
    served = app.ended(second)["facts"]["endpoint"]
    assert command(app, "endpoint", "eager").stdout.splitlines()[0] == served
    assert "NOT_SERVED" in command(app, "endpoint", "slow").stderr


def test_a_failed_release_keeps_its_reasons(app: App) -> None:
    # A version whose folder is gone cannot become an image.
    client = mlflow_client(app.state)
    with suppress(MlflowException):
        client.create_registered_model("diabetes")
    tags = {"run_id": "by-hand", "digest": "0" * 64}
    made = client.create_model_version("diabetes", source="file:///nowhere", tags=tags)
    event = {
        "id": "99",
        "topic": "t",
        "subject": f"models/diabetes:{made.version}",
        "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
        "eventTime": "2026-01-01T00:00:00Z",
        "dataVersion": "1",
        "data": {"ModelName": "diabetes", "ModelVersion": made.version},
    }
    instance_id = app.api.post("/api/events", event)["receipts"][0]["instance_id"]

    story = app.ended(instance_id)

    kept = app.api.get(f"/api/releases/{instance_id}")
    assert kept["status"] == story["outcome"] == "failed"
    assert kept["reasons"] == story["reasons"] != []
    assert kept["reasons"][0] in command(app, "releases").stdout


def test_a_comparison_is_started_and_its_findings_are_printed(app: App) -> None:
    compared = command(app, "reconcile", "--json")

    assert json.loads(compared.stdout)["report"]["findings"] is not None
