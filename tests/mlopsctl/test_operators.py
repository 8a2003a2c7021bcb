"""The commands of operators against a small HTTP server that answers as the app does."""

import json
import os
import pty
import shutil
import subprocess
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import IO, Any

import pytest

from configuration.people.tokens import copies_of
from mlopsctl import screens
from mlopsctl.doctor import examine
from tests.listening import Listening
from tests.mlopsctl import invocation

ROOT = Path(__file__).parents[2]
LONG = "Exit code 1: " + "x" * 400 + " KeyError: 'the cause'"
STORY = {
    "instance_id": "train-m-1",
    "story": "train_model",
    "status": "Completed",
    "ended": True,
    "can_be_cancelled": False,
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
        "metrics_by": "training",
        "figures": {"mse": "3"},
    },
    "/api/runs/train-m-1/log?tail=2": "one line\nanother line\n",
    "/api/releases?limit=100": {"releases": [RELEASE], "next": None},
    "/api/releases/release-m-1": RELEASE,
    "/api/events?limit=1000": {"events": [EVENT], "next": None},
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


TOKENS: list[str] = []


class App(BaseHTTPRequestHandler):
    """Answers from the table above and records its requests."""

    sent: list[tuple[str, Any]]

    def _answer(self) -> None:
        key = self.path if self.command == "GET" else f"{self.command} {self.path}"
        size = int(self.headers.get("Content-Length") or 0)
        self.sent.append((key, json.loads(self.rfile.read(size) or b"null")))
        TOKENS.append(self.headers.get("Authorization") or "")
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
    with Listening(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", sent
        server.shutdown()
        thread.join()


def variables(app: tuple[str, Any], changed: dict[str, str]) -> dict[str, str]:
    """Return the variables of a user of the app who has a token."""
    return {"MLOPS_URL": app[0], "MLOPS_TOKEN": "token", **changed}


def run(
    app: tuple[str, Any], *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    return invocation.run(*arguments, environ=variables(app, environment))


def run_apart(
    app: tuple[str, Any], *arguments: str, terminal: IO[str] | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    environ = variables(app, environment)
    return invocation.run_apart(*arguments, environ=environ, terminal=terminal)


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
    assert "metrics, reported by the training itself: mse 3" in shown
    assert json.loads(run(app, "show", "train-m-1", "--json").stdout)["story"] == STORY


def test_an_unknown_id_is_an_error_that_names_the_commands_with_ids(app: Any) -> None:
    for command in ("show", "retry"):
        ended = run(app, command, "nothing/at all")
        assert ended.returncode == 1
        assert "The app knows no id 'nothing/at all'" in ended.stderr
    assert run(app, "logs", "nothing").stderr == "mlopsctl: NOT_FOUND: It is not there.\n"


def test_characters_that_the_terminal_cannot_show_end_no_command(app: Any) -> None:
    story = {**STORY, "reasons": ["Zoë wrote \ud800"]}
    ANSWERS["/api/status/train-m-7"] = story
    for encoding, shown in (("utf-8", "Zoë wrote \\ud800"), ("ascii", "Zo\\xeb wrote \\ud800")):
        ended = run_apart(app, "show", "train-m-7", PYTHONIOENCODING=encoding)
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


@pytest.fixture
def own(tmp_path: Path) -> dict[str, str]:
    """Return the variables of a user who has seen nothing and has no token."""
    return {"MLOPS_CONFIG": str(tmp_path / "config"), "MLOPS_STATE": str(tmp_path / "state")}


def approvals(app: Any) -> list[Any]:
    return [body for key, body in app[1] if key.endswith("/approve")]


@pytest.mark.parametrize("shows", [("show", "release-m-1"), ("releases",)])
def test_approve_names_what_was_shown_and_not_what_the_app_has_now(
    app: Any, own: dict[str, str], shows: tuple[str, ...]
) -> None:
    run(app, *shows, **own)
    before = ANSWERS["/api/releases/release-m-1"]
    ANSWERS["/api/releases/release-m-1"] = {**RELEASE, "image_digest": "sha256:bb"}
    try:
        shown = run(app, "approve", "release-m-1", "--comment", "fine", **own).stdout
    finally:
        ANSWERS["/api/releases/release-m-1"] = before

    for text in ("m version 1", "- mse 3", "file:///in/monday.csv", "c0ffee"):
        assert text in shown
    assert shown.endswith("ada: approve release-m-1: fine\n")
    expected = {"image_digest": "sha256:aa", "evidence_hash": "e", "comment": "fine"}
    assert approvals(app)[-1] == expected


def test_nothing_is_approved_that_nobody_was_shown(app: Any, own: dict[str, str]) -> None:
    before = len(approvals(app))

    ended = run(app, "approve", "release-m-1", **own)

    assert ended.returncode == 1
    assert "NOT_READ: No command has shown you the evidence of release-m-1" in ended.stderr
    assert "mlopsctl show release-m-1" in ended.stderr
    half = run(app, "approve", "release-m-1", "--image", "sha256:aa", **own)
    assert "Give --image and --evidence together" in half.stderr
    assert len(approvals(app)) == before


def test_a_script_names_the_image_and_the_evidence_that_a_person_read(
    app: Any, own: dict[str, str]
) -> None:
    words = ("--image", "sha256:cc", "--evidence", "ee")

    run(app, "approve", "release-m-1", *words, **own)

    assert approvals(app)[-1] == {"image_digest": "sha256:cc", "evidence_hash": "ee", "comment": ""}


@pytest.mark.parametrize(("answer", "sent"), [("y\n", 1), ("n\n", 0), ("\n", 0)])
def test_at_a_terminal_approve_shows_the_evidence_and_asks(
    app: Any, own: dict[str, str], answer: str, sent: int
) -> None:
    before = len(approvals(app))
    leader, follower = pty.openpty()
    os.write(leader, answer.encode())
    with os.fdopen(follower) as terminal:
        ended = run_apart(app, "approve", "release-m-1", terminal=terminal, **own)
    os.close(leader)

    assert ended.stdout.index("- mse 3") < ended.stdout.index("Approve this image")
    assert len(approvals(app)) - before == sent
    assert (ended.returncode == 0) is bool(sent)


def keep_tokens(app: Any, own: dict[str, str], *people: str) -> dict[str, str]:
    state = Path(own["MLOPS_STATE"])
    state.mkdir()
    copies = copies_of(state, own)
    for person in people:
        copies.keep(person, f"token-of-{person}")
    return {**own, "MLOPS_TOKEN": ""}


def test_without_a_name_the_only_token_of_the_user_is_sent_and_its_person_named(
    app: Any, own: dict[str, str]
) -> None:
    alone = keep_tokens(app, own, "grace")

    run(app, "show", "release-m-1", **alone)
    ended = run(app, "approve", "release-m-1", **alone)

    assert ended.returncode == 0, ended.stderr
    assert "Asking as grace, whose token is the only one you have." in ended.stderr
    assert TOKENS[-1] == "Bearer token-of-grace"


def test_with_several_tokens_no_person_is_picked(app: Any, own: dict[str, str]) -> None:
    several, before = keep_tokens(app, own, "ada", "grace"), len(approvals(app))

    shown = run(app, "show", "release-m-1", **several).stdout
    ended = run(app, "approve", "release-m-1", **several)
    started = run(app, "train", "m", **several)

    assert '  mlopsctl approve release-m-1 --comment "..." --as ada' in shown.splitlines()
    assert (ended.returncode, len(approvals(app))) == (1, before)
    assert "WHOSE_TOKEN: You have tokens of ada, grace" in ended.stderr
    assert (started.returncode, TOKENS[-1]) == (0, ""), "a training may be nobody's"
    assert "tokens of ada, grace" in started.stderr


def test_without_a_token_a_decision_says_how_to_get_one(app: Any, own: dict[str, str]) -> None:
    ended = run(app, "approve", "release-m-1", **keep_tokens(app, own))

    assert ended.returncode == 1
    assert "NO_TOKEN" in ended.stderr
    assert "mlopsctl token issue NAME" in ended.stderr


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
