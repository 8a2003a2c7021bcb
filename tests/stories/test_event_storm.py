"""A storm of events: duplicates, reordering, reused ids, lost acknowledgements and host kills.

Exactly one training, registration and release per cause, as the platforms' own records say:
MLflow's database, the folders of the runs, and the index of the images. EVENT_STORM=10000 sends as
many events; `make storm` does that. The default takes half a minute.
"""

import json
import os
import random
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.funchost.conftest import until
from tests.patience import PATIENCE
from tests.stories.conftest import App, project

EVENTS = int(os.environ.get("EVENT_STORM", "100"))
CAUSES = 2 if EVENTS < 10_000 else 12
KILLS = 1 if EVENTS < 10_000 else 5
SENDERS = 4


class Storm:
    """Sends every event at least once, as Event Grid does: until it is acknowledged."""

    def __init__(self, app: App) -> None:
        self.app, self.sent, self.lost, self.lock = app, 0, 0, threading.Lock()
        self.dice = random.Random(7)

    def batches(self, files: list[tuple[str, str]]) -> list[list[dict[str, Any]]]:
        """Return all events in an order of their own, ids reused across them, in small batches."""
        events = []
        for number in range(EVENTS):
            name, digest = files[number % len(files)]
            events.append(self.event(f"id-{number % 7}", name, digest))
            if number % 11 == 0:
                # The same id, and a payload that nothing takes.
                events[-1] = {**events[-1], "data": {"api": "PutBlob", "url": 5}}
        self.dice.shuffle(events)
        # Every cause has at least one event, for every seed.
        events += [self.event("last", *file) for file in files]
        size = 20
        return [events[at : at + size] for at in range(0, len(events), size)]

    def event(self, event_id: str, name: str, digest: str) -> dict[str, Any]:
        path = self.app.state / "inbox" / "data" / name
        data = {"api": "PutBlob", "url": path.as_uri(), "eTag": digest}
        subject = f"/blobServices/default/containers/data/blobs/{name}"
        return {
            "id": event_id,
            "topic": "storm",
            "subject": subject,
            "eventType": "Microsoft.Storage.BlobCreated",
            "eventTime": "2026-01-01T00:00:00Z",
            "dataVersion": "1",
            "data": data,
        }

    def send(self, batch: list[dict[str, Any]]) -> None:
        lose = self.dice.random() < 0.2
        while True:
            try:
                url = f"{self.app.host.url}/api/events"
                answer = httpx.post(url, json=batch, timeout=0.01 if lose else PATIENCE)
                if answer.status_code == 202:
                    break
                assert answer.status_code in (429, 503), answer.text
            except httpx.HTTPError:
                self.lost += lose
            lose = False
            time.sleep(0.1)
        with self.lock:
            self.sent += len(batch)


def versions_by_run(state: Path) -> dict[str, list[str]]:
    """Return the versions that MLflow's own tables have of each run."""
    with sqlite3.connect(f"file:{state / 'mlflow.db'}?mode=ro", uri=True) as database:
        rows = database.execute(
            "SELECT value, version FROM model_version_tags WHERE key = 'run_id' AND name = 'eager'"
        ).fetchall()
    found: dict[str, list[str]] = {}
    for run, version in rows:
        found.setdefault(run, []).append(str(version))
    return found


@pytest.mark.timeout(3600)
def test_a_storm_of_events_is_one_training_one_version_and_one_release_per_cause(
    tmp_path: Path, diabetes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = project("eager", margin="-0.9", newest_only="false", poll_interval_seconds="1")
    limits = "[limits]\nmax_events_per_minute = 1000000\n"
    (tmp_path / "mlops.toml").write_text(f"{limits}\n{text}")
    monkeypatch.setenv("MLOPS_PROJECTS", str(tmp_path / "mlops.toml"))
    app = App(tmp_path / "state")
    try:
        _storm(app, diabetes)
    finally:
        app.stop()


def changed(rows: list[str], number: int) -> list[str]:
    """Return the rows with another target in one of them; the data check refuses repeated rows."""
    features, _, target = rows[number].rpartition(",")
    return [*rows[:number], f"{features},{float(target) + 1}", *rows[number + 1 :]]


def _storm(app: App, diabetes: str) -> None:
    import hashlib

    header, *rows = diabetes.splitlines()
    files = []
    for number in range(CAUSES):
        # A name with a dot: the watcher leaves it alone, so that only the storm speaks of it.
        name, content = f"eager/.{number}.csv", "\n".join((header, *changed(rows, number), ""))
        app.drop(name, content)
        files.append((name, hashlib.sha256(content.encode()).hexdigest()))
    storm = Storm(app)
    batches = storm.batches(files)
    cuts = {len(batches) * (n + 1) // (KILLS + 1) for n in range(KILLS)}
    with ThreadPoolExecutor(SENDERS) as pool:
        sending = []
        for number, batch in enumerate(batches):
            sending.append(pool.submit(storm.send, batch))
            if number in cuts:
                until(lambda n=number: sum(s.done() for s in sending) > n - 8, "the storm", 120)
                app.kill()
                app.start()
        for one in sending:
            one.result()

    claims = app.api.get("/api/status")["claims"]
    owners = sorted({c["owner"] for c in claims if c["type"].endswith("BlobCreated")})
    assert len(owners) == CAUSES
    for owner in owners:
        assert app.ended(owner, 600)["output"]["outcome"] == "registered"
    versions = versions_by_run(app.state)
    assert sorted(versions) == owners, "one version of each run, and of no other"
    assert all(len(found) == 1 for found in versions.values())
    releases = [f"release-eager-{n + 1}" for n in range(CAUSES)]
    for release in releases[:-1]:
        assert app.ended(release, 120)["output"]["status"] == "superseded"
    app.at_step(releases[-1], "awaiting approval")

    runs = [path.name for path in (app.state / "runs").iterdir()]
    runs = [name for name in runs if name.startswith("train-") and "-vs-" not in name]
    assert sorted(runs) == owners, "one run of each cause"
    index = json.loads((app.state / "images" / "index.json").read_text())
    assert len(index["manifests"]) == CAUSES, "one image of each version"
    outbox = sorted(path.name for path in (app.state / "outbox").glob("*-approval.json"))
    assert outbox == sorted(f"{release}-approval.json" for release in releases)
    stories = [s["instance_id"] for s in app.api.get("/api/status")["stories"]]
    assert len(stories) == len(set(stories))
    assert sorted(s for s in stories if s.startswith("release-")) == sorted(releases)
