"""Live traffic to real replicas: drift causes one retraining, other traffic causes none."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.long_stories import long_story
from tests.stories.conftest import ROOT, App, make_app, project
from tests.stories.traffic import REQUESTS, Traffic, caller_of

FED = {"max_shift": "50.0", "max_spread": "100.0", "cooldown_seconds": "0"}
# The app looks by itself after each interval, which would take the alarm from a test's own look. One
# replica is enough: another one would take two more seconds of CPU for each promotion.
RARELY = {"interval_seconds": "86400", "replicas": "1", "days": "1"}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    fed = project("fed", margin="-0.5", **FED, **RARELY)
    watched = project("watched", margin="-0.5", **RARELY)
    yield from make_app(tmp_path, monkeypatch, f"\n{fed}\n{watched}")


def promote(app: App, model: str, version: int) -> str:
    """Approve the release; return where production listens."""
    release_id = f"release-{model}-{version}"
    app.at_step(release_id, "awaiting approval")
    app.api.decide(app.api.release(release_id), "approve", "ada", "fine")
    ended = app.ended(release_id)["output"]
    assert ended["status"] == "promoted"
    return str(ended["endpoint"])


def compare_now(app: App, model: str) -> dict[str, Any]:
    story = app.ended(app.api.post(f"/api/models/{model}/drift")["instance_id"])
    assert story["status"] == "Completed", story["output"]
    report: dict[str, Any] = story["output"]
    return report


def newer(app: App, model: str, data: str) -> None:
    """Bring data of which the champion knows nothing; its own version is not promoted."""
    rows = pd.read_csv(io.StringIO(data))
    app.drop(f"{model}/b.csv", rows.iloc[:-20].to_csv(index=False))
    assert app.ended(app.claimed(f"{model}/b.csv"))["output"]["version"] == "2"


def drift_claims(app: App) -> list[dict[str, Any]]:
    claims = app.api.get("/api/status")["claims"]
    return [claim for claim in claims if claim["type"] == "Mlops.DriftDetected"]


def trainings(app: App, model: str) -> list[str]:
    ids = [s["instance_id"] for s in app.api.get("/api/status")["stories"]]
    return [instance_id for instance_id in ids if instance_id.startswith(f"train-{model}-")]


@long_story
def test_shifted_traffic_starts_one_retraining_and_unshifted_traffic_none(
    app: App, diabetes: str
) -> None:
    app.drop("watched/a.csv", diabetes)
    assert app.ended(app.claimed("watched/a.csv"))["output"]["version"] == "1"
    traffic = Traffic(diabetes, promote(app, "watched", 1), caller_of(app.api, "watched"))
    quiet = compare_now(app, "watched")
    assert (quiet["verdict"], quiet["rows"]) == ("quiet", 0), "the smoke test's rows do not count"

    # Traffic like the training data, with true targets that come later.
    rows, ids = traffic.send(0.0)
    labels = pd.DataFrame({"id": ids, "Y": rows["Y"] + 50.0})
    app.drop("watched/labels/may.csv", labels.to_csv(index=False))
    quiet = compare_now(app, "watched")
    assert (quiet["verdict"], quiet["rows"]) == ("quiet", REQUESTS)
    assert (quiet["labelled"], quiet["unmatched"]) == (REQUESTS, 0)

    traffic.send(2.0)
    nothing = compare_now(app, "watched")
    assert nothing["verdict"] == "nothing new to learn from"
    newer(app, "watched", diabetes)
    drifted = compare_now(app, "watched")
    assert (drifted["verdict"], drifted["version"]) == ("retrain", "1")
    assert "bmi went up" in drifted["reason"]
    retraining = app.claimed_by("DriftDetected", drifted["report_id"])
    assert app.ended(retraining)["output"]["version"] == "3"

    # It goes on, and nothing more is caused within the cooldown.
    traffic.send(2.0)
    assert compare_now(app, "watched")["verdict"] == "cooldown"
    assert len(drift_claims(app)) == 1
    assert len(trainings(app, "watched")) == 3, "of two files and of the drift, none of the labels"
    _check_command(app, drifted["report_id"])

    # A new champion begins a test of its own.
    promote(app, "watched", 3)
    fresh = compare_now(app, "watched")
    assert (fresh["version"], fresh["verdict"], fresh["rows"]) == ("3", "quiet", 0)


def _check_command(app: App, report_id: str) -> None:
    command = [sys.executable, "-m", "mlopsctl", "drift", "watched", "--now", "--state"]
    command += [str(app.state), "--url", app.host.url]
    shown = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=True
    ).stdout
    assert shown.startswith("cooldown: ")
    assert "retrainings left: 2" in shown
    assert "version 1: bmi up" in shown
    listed = subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, check=True).stdout
    assert json.loads(listed)["alarms"][0]["report_id"] == report_id


@long_story
def test_a_feedback_loop_ends_in_one_retraining_and_a_finding(app: App, diabetes: str) -> None:
    app.drop("fed/a.csv", diabetes)
    app.ended(app.claimed("fed/a.csv"))
    traffic = Traffic(diabetes, promote(app, "fed", 1), caller_of(app.api, "fed"))
    assert compare_now(app, "fed")["verdict"] == "quiet"
    newer(app, "fed", diabetes)
    answered, _ = traffic.send(2.0)
    drifted = compare_now(app, "fed")
    assert drifted["verdict"] == "retrain"
    app.ended(app.claimed_by("DriftDetected", drifted["report_id"]))

    # Somebody appends production's own answers to the data, and that model is promoted.
    truth = pd.read_csv(io.StringIO(diabetes))
    app.drop("fed/own.csv", pd.concat([truth, answered]).to_csv(index=False))
    assert app.ended(app.claimed("fed/own.csv"))["output"]["version"] == "4"
    promote(app, "fed", 4)

    for _ in range(3):
        traffic.send(8.0)
        report = compare_now(app, "fed")
        assert (report["version"], report["verdict"]) == ("4", "feedback loop")
        assert f"{len(answered)} of {len(answered)} training rows" in report["reason"]
        assert report["report_id"] == ""

    assert len(drift_claims(app)) == 1
    assert len(trainings(app, "fed")) == 4, "of three files and of one drift"
    outbox = [json.loads(path.read_text()) for path in (app.state / "outbox").glob("findings-*")]
    found = [finding for message in outbox for finding in message["findings"]]
    assert [f["kind"] for f in found if f["subject"] == "fed"] == ["feedback loop"]
