"""The shipped settings with Microsoft's worker library and Azurite finish a training."""

import hashlib
import json

import httpx
import pytest

from funchost.timers import parse_schedule
from function_app.composition import TIMERS, create_app
from function_app.settings.settings import read_settings
from tests.funchost.conftest import until
from tests.worker.conftest import WorkerApp
from tests.worker.storage import read_timers


def test_the_worker_indexes_every_function(app: WorkerApp) -> None:
    settings = read_settings({"MLOPS_STATE": str(app.folder / "unused")}, app.folder)

    assert app.api.get("/")["functions"] == len(create_app(settings).get_functions())


def test_a_file_becomes_a_release_without_a_topic(app: WorkerApp) -> None:
    made = httpx.post(f"{app.url}/api/platform")
    assert made.status_code == 202, made.text
    assert app.ended("ensure-platform")["status"] == "Completed", app.log()[-3000:]
    inbox = app.state / "inbox" / "data" / "diabetes"
    (inbox / "new.csv").write_bytes((app.state / "datasets/diabetes/baseline.csv").read_bytes())

    def claims() -> list[str]:
        found = app.api.get("/api/status")["claims"]
        return [c["owner"] for c in found if c["subject"].endswith("new.csv")]

    until(claims, "a claim of new.csv", 120)
    trained = app.ended(claims()[0])
    assert trained["output"]["outcome"] == "registered", trained

    def waits() -> bool:
        step = app.find("release-diabetes-1").get("step") or {}
        return bool(step.get("step") == "awaiting approval")

    until(waits, "the release to wait for approval", 300)
    app.api.decide(app.api.release("release-diabetes-1"), "approve", "ada", "")
    promoted = app.ended("release-diabetes-1")
    assert promoted["output"]["status"] == "promoted", promoted


def test_no_file_that_a_release_writes_restarts_the_real_host(app: WorkerApp) -> None:
    """The host restarts when a .py file changes below the app (GrpcWorkerChannel, FileEvent)."""
    written = list(app.state.rglob("*.py"))
    values = json.loads((app.folder / "local.settings.json").read_text())["Values"]

    assert written
    assert values["AzureFunctionsJobHost__fileWatchingEnabled"] == "false"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/platform", 202),
        ("/api/findings", 202),
        ("/api/models/diabetes/drift", 202),
        ("/api/models/diabetes/train", 400),
        ("/api/releases/release-diabetes-1/reject", 400),
    ],
)
def test_no_body_counts_as_an_empty_object(app: WorkerApp, path: str, status: int) -> None:
    empty, without = app.post(path, b"{}"), app.post(path)

    assert (without.status_code, empty.status_code) == (status, status), without.text
    assert "MALFORMED_JSON" not in without.text


def test_every_timer_runs_in_the_worker(app: WorkerApp) -> None:
    app.fire_timers()
    for name in (*(name for name, _, _ in TIMERS), "watch_inbox", "record_runs"):
        done = f"Executed 'Functions.{name}' (Succeeded"
        until(lambda done=done: done in app.log(), f"{name} to succeed", 120)

    failed = [line for line in app.log().splitlines() if "timer function" in line]
    assert not failed
    host = hashlib.sha256(str(app.folder).encode()).hexdigest()[:32]
    # The real host keeps no status of a timer that fires more often than each minute.
    rare = {name for name, text, _ in TIMERS if not parse_schedule(text, {}).is_frequent}
    until(lambda: rare <= set(read_timers(host)), "the status of rare timers", 60)
    assert not {"take_up_pending", "watch_inbox"} & set(read_timers(host))


def test_event_grid_reaches_its_function_in_the_worker(app: WorkerApp) -> None:
    event = (
        b'[{"id": "1", "topic": "t", "subject": "by webhook", "eventType": "Some.Other", '
        b'"eventTime": "2026-11-29T10:00:00Z", "dataVersion": "1", "data": {}}]'
    )
    address = f"{app.url}/runtime/webhooks/EventGrid?functionName=on_event"
    taken = httpx.post(address, content=event, headers={"aeg-event-type": "Notification"})

    assert taken.status_code == 202, app.log()[-2000:]
    kept = app.api.get("/api/events")["events"]
    assert "by webhook" in [one["subject"] for one in kept]
