"""The commands of operators against a small HTTP server that answers as the app does."""

import json
import os
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mlopsctl import screens
from mlopsctl.doctor import examine

ROOT = Path(__file__).parents[2]
LONG = "Exit code 1: " + "x" * 400 + " KeyError: 'the cause'"
STORY = {
    "instance_id": "train-m-1",
    "story": "train_model",
    "status": "Completed",
    "ended": True,
    "outcome": "failed",
    "tone": "bad",
    "reasons": [LONG],
    "facts": {
        "model": "m",
        "data": "file:///in/monday.csv",
        "commit": "c0ffee",
        "run": "train-m-1",
    },
    "step": {"step": "failed", "trail": [{"step": "training", "at": "2026-01-01T00:00:00Z"}]},
    "output": {},
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:01:00Z",
}
RELEASE = {
    "release_id": "release-m-1",
    "model": "m",
    "version": "1",
    "status": "awaiting_approval",
    "image_digest": "sha256:aa",
    "evidence_hash": "e",
    "reasons": ["mse 3"],
    "evidence": ["mse 3"],
    "commit": "c0ffee",
    "data": "file:///in/monday.csv",
    "run": "train-m-1",
    "decision": None,
    "decided_by": None,
    "endpoint": None,
    "updated_at": "2026-01-01T00:00:00Z",
    "story": None,
}
EVENT = {
    "event_key": "abc",
    "channel": "api",
    "type": "Mlops.TrainingRequested",
    "subject": "models/m",
    "outcome": "refused",
    "code": "UNKNOWN_MODEL",
    "reason": "mlops.toml names no model 'm'.",
    "instance_ids": ["train-m-1"],
    "received_at": "2026-01-01T00:00:00Z",
}
MODEL = {
    "model": "m",
    "version": "1",
    "image_digest": "sha256:aa",
    "endpoint": "http://127.0.0.1:5000",
    "serves_since": "2026-01-01T00:00:00Z",
    "release": "release-m-1",
    "error": None,
    "last_training": {"instance_id": "train-m-1", "outcome": "failed", "tone": "bad", "at": None},
    "awaiting_approval": ["release-m-2"],
    "waiting_for_their_turn": [],
}
IDLE = {**MODEL, "model": "idle", "version": None, "endpoint": "http://127.0.0.1:5001"}
ANSWERS: dict[str, Any] = {
    "/api/status": {
        "stories": [STORY],
        "isolation": "namespaces: a test",
        "lanes": [],
        "dead_letters": [EVENT],
        "claims": [],
    },
    "/api/status/train-m-1": STORY,
    "/api/runs/train-m-1": {
        "run_id": "train-m-1",
        "status": "failed",
        "metrics": {"mse": 3.0},
        "metrics_by": "training",
    },
    "/api/runs/train-m-1/log?tail=2": "one line\nanother line\n",
    "/api/releases": {"releases": [RELEASE]},
    "/api/releases/release-m-1": RELEASE,
    "/api/events": {"events": [EVENT]},
    "/api/events/abc": {**EVENT, "payload": {}},
    "/api/models": {"models": [MODEL, IDLE]},
    "/api/models/m": MODEL,
    "/api/models/idle": IDLE,
    "/api/findings": {"compared_at": None, "report": None},
    "/api/attention": {"attention": []},
    "POST /api/models/m/train": {
        "receipts": [{"outcome": "started", "instance_id": "train-m-2", "event_key": "k"}]
    },
    "POST /api/stories/train-m-1/retry": {"instance_id": "train-m-2", "outcome": "started"},
    "POST /api/events/abc/replay": {
        "receipt": {"outcome": "refused", "instance_id": None, "reason": "again"}
    },
    "POST /api/releases/release-m-1/approve": {
        "decision": {"decided_by": "ada", "verdict": "approve", "comment": "fine"}
    },
}


class App(BaseHTTPRequestHandler):
    """Answers from the table above and remembers what was sent."""

    sent: list[tuple[str, Any]]

    def _answer(self) -> None:
        key = self.path if self.command == "GET" else f"{self.command} {self.path}"
        size = int(self.headers.get("Content-Length") or 0)
        self.sent.append((key, json.loads(self.rfile.read(size) or b"null")))
        known = key in ANSWERS
        answer = ANSWERS.get(key, {"error": {"code": "NOT_FOUND", "message": "It is not there."}})
        text = answer if isinstance(answer, str) else json.dumps(answer)
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, format: str, *arguments: Any) -> None:
        """Write nothing."""


@pytest.fixture(scope="module")
def app() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    sent: list[tuple[str, Any]] = []
    handler = type("Handler", (App,), {"sent": sent})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", sent
        server.shutdown()
        thread.join()


def run(
    app: tuple[str, Any], *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "MLOPS_URL": app[0], "MLOPS_TOKEN": "token", **environment}
    return subprocess.run(
        [sys.executable, "-m", "mlopsctl", *arguments],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_status_shows_the_outcome_the_data_file_and_the_whole_reason(app: Any) -> None:
    shown = run(app, "status").stdout

    assert "monday.csv commit c0ffee" in shown
    assert LONG in shown
    row = next(line for line in shown.splitlines() if "monday.csv" in line)
    assert row.index("failed") < row.index("Completed")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("train-m-1", [f"    - {LONG}", "  mlopsctl logs train-m-1", "  mlopsctl retry train-m-1"]),
        ("release-m-1", ["    - mse 3", '  mlopsctl approve release-m-1 --comment "..."']),
        ("abc", ["  mlopsctl retry abc", "  mlopsctl events discard abc"]),
    ],
)
def test_show_finds_stories_releases_runs_and_events(app: Any, name: str, lines: list[str]) -> None:
    shown = run(app, "show", name).stdout.splitlines()

    for line in lines:
        assert line in shown


def test_show_tells_the_cause_and_the_run_of_a_training(app: Any) -> None:
    shown = run(app, "show", "train-m-1").stdout

    assert "Caused by Mlops.TrainingRequested models/m, 2026-01-01T00:00:00Z by api: abc" in shown
    assert "metrics, reported by the training itself: mse 3.0" in shown
    assert json.loads(run(app, "show", "train-m-1", "--json").stdout)["story"] == STORY


def test_what_nobody_knows_is_an_error_that_says_where_ids_are(app: Any) -> None:
    for command in ("show", "retry"):
        ended = run(app, command, "nothing/at all")
        assert ended.returncode == 1
        assert "Nothing here is called 'nothing/at all'" in ended.stderr
    assert run(app, "logs", "nothing").stderr == "mlopsctl: NOT_FOUND: It is not there.\n"


def test_characters_that_the_terminal_cannot_show_end_no_command(app: Any) -> None:
    story = {**STORY, "reasons": ["Zoë wrote \ud800"]}
    ANSWERS["/api/status/train-m-7"] = story
    for encoding, shown in (("utf-8", "Zoë wrote \\ud800"), ("ascii", "Zo\\xeb wrote \\ud800")):
        ended = run(app, "show", "train-m-7", PYTHONIOENCODING=encoding)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert f"    - {shown}" in ended.stdout.splitlines()


def test_logs_prints_the_text_of_the_run(app: Any) -> None:
    assert run(app, "logs", "train-m-1", "--tail", "2").stdout == "one line\nanother line\n"


def test_train_sends_the_data_and_a_request_id(app: Any) -> None:
    started = run(app, "train", "m", "--data", "file:///x.csv", "--request-id", "r1")

    assert started.stdout.splitlines()[0] == "started train-m-2"
    sent = [body for key, body in app[1] if key == "POST /api/models/m/train"]
    assert sent == [{"request_id": "r1", "data_uri": "file:///x.csv"}]


def test_retry_starts_a_story_or_replays_an_event(app: Any) -> None:
    assert run(app, "retry", "train-m-1").stdout == "started train-m-2\n"

    event = run(app, "retry", "abc")

    assert (event.stdout, event.returncode) == ("refused again\n", 1)


def test_approve_shows_what_it_approves_and_names_just_that(app: Any) -> None:
    shown = run(app, "approve", "release-m-1", "--comment", "fine").stdout

    for text in ("m version 1", "sha256:aa", "- mse 3", "file:///in/monday.csv", "c0ffee"):
        assert text in shown
    assert shown.endswith("ada: approve release-m-1: fine\n")
    body = next(body for key, body in app[1] if key.endswith("/approve"))
    assert body == {"image_digest": "sha256:aa", "evidence_hash": "e", "comment": "fine"}


def test_models_and_endpoint_tell_what_serves(app: Any) -> None:
    shown = run(app, "models").stdout

    assert "http://127.0.0.1:5000" in shown
    assert "release-m-2" in shown
    assert run(app, "endpoint", "m").stdout == "http://127.0.0.1:5000\n"
    idle = run(app, "endpoint", "idle")
    assert (idle.returncode, idle.stdout) == (1, "")
    assert "serves no version of idle" in idle.stderr


def test_the_version_is_that_of_pyproject(app: Any) -> None:
    content = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert run(app, "--version").stdout == f"mlopsctl {content['project']['version']}\n"


def test_doctor_measures_the_file_system_of_the_state(tmp_path: Path) -> None:
    state = tmp_path / "not" / "yet"

    findings = {finding["what"]: finding for finding in examine(None, ROOT, state, "no app")}

    assert findings["disk"]["detail"].endswith(f"MiB are free in {tmp_path}") or (
        shutil.disk_usage(tmp_path).free < 1024**3
    )
    assert (findings["app"]["ok"], findings["app"]["detail"]) == (False, "no app")


def test_a_reason_with_markup_is_shown_as_it_is() -> None:
    story = {**STORY, "reasons": ["[red]x[/red]"] * 7}

    lines = screens.reason_lines([story])

    assert lines[1] == "  - \\[red]x\\[/red]"
    assert lines[-1] == "  2 more: mlopsctl show train-m-1"
