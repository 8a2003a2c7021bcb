"""Commands against the app as `mlopsctl up` starts it: the audit log, events, the isolation."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.probe import find_level
from tests.funchost.conftest import until
from tests.made_once import prepare
from tests.mlopsctl import invocation
from tests.mlopsctl.conftest import ROOT, Up

SECRET = "the secret of a build server"
VARIABLE = "MLOPS_WEBHOOK_SECRET_BUILD_SERVER"
EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "test",
    "type": "Mlops.TrainingRequested",
    "subject": "models/nothing",
    "data": {"model": "nothing", "requestId": "r-1"},
}


@dataclass(frozen=True)
class App:
    """A running app, and the output of its start."""

    state: Path
    printed: str

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        environ = {"MLOPS_STATE": str(self.state), "MLOPS_URL": "", **environment}
        return invocation.run(*arguments, environ=environ)

    def read(self, *arguments: str) -> Any:
        """Return the JSON that a command prints."""
        ended = self.run(*arguments, "--json")
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """Start `mlopsctl up` as a person does, and stop it at the end."""
    state = tmp_path_factory.mktemp("running")
    prepare(state)
    environ = {**os.environ, "MLOPS_STATE": str(state), "MLOPS_URL": "", "MLOPS_ENGINE": ""}
    with subprocess.Popen(
        [sys.executable, "-m", "mlopsctl", "up", "--port", "0"],
        cwd=ROOT,
        env={**environ, VARIABLE: SECRET},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Ctrl-C stops everything"):
                break
        yield App(state, "".join(lines))
        process.terminate()
        process.communicate()


def file_of(folder: Path, content: Any) -> str:
    file = folder / "event.json"
    file.write_text(json.dumps(content))
    return str(file)


def test_up_status_and_doctor_show_the_level_of_isolation(app: App) -> None:
    level = str(find_level())

    assert f"  {'isolation':<18}{level}\n" in app.printed
    assert f"Isolation  {level}\n" in app.run("status").stdout
    assert app.read("status")["isolation"] == level
    assert f"ok   isolation: {level}" in app.run("doctor").stdout
    findings = {finding["what"]: finding for finding in app.read("doctor")}
    assert findings["isolation"]["detail"].startswith(level)


def test_up_prints_the_level_of_isolation_for_scripts(
    tmp_path: Path, start_up: Callable[..., Up]
) -> None:
    prepare(tmp_path / "state")
    announced = start_up(tmp_path / "state", "--port", "0").announced()

    assert announced["isolation"] == str(find_level())


def test_events_send_prints_the_receipt_of_each_event(app: App, tmp_path: Path) -> None:
    sent = app.run("events", "send", file_of(tmp_path, [EVENT]))

    assert sent.returncode == 1
    assert sent.stderr.startswith("mlopsctl: UNKNOWN_MODEL: ")
    known = {
        **EVENT,
        "subject": "models/diabetes",
        "data": {"model": "diabetes", "requestId": "r-2", "dataUri": "file:///nowhere.csv"},
    }
    given = app.run("events", "send", file_of(tmp_path, known), "--json")
    assert given.returncode in (0, 1)
    listed = app.read("events", "list", "--outcome", "refused")["events"]
    assert any(event["code"] == "UNKNOWN_MODEL" for event in listed)


def test_events_send_signs_as_a_webhook_source(app: App, tmp_path: Path) -> None:
    file = file_of(tmp_path, {**EVENT, "id": "signed"})

    unset = app.run("events", "send", file, "--source", "build-server")
    wrong = app.run("events", "send", file, "--source", "build-server", **{VARIABLE: "x" * 20})
    signed = app.run("events", "send", file, "--source", "build-server", **{VARIABLE: SECRET})

    assert (unset.returncode, unset.stderr.split(":")[1].strip()) == (1, "NO_SECRET")
    assert (wrong.returncode, wrong.stderr.split(":")[1].strip()) == (1, "UNAUTHENTICATED")
    # The signature is right, so that the event itself is judged.
    assert (signed.returncode, signed.stderr.split(":")[1].strip()) == (1, "UNKNOWN_MODEL")


def test_audit_lists_entries_and_selects_them(app: App) -> None:
    refused = app.run("roll-back", "diabetes", "--comment", "it is slow", "--as", "ada")
    assert refused.returncode == 1
    assert "has no promoted release" in refused.stderr

    entries = app.read("audit", "--model", "diabetes", "--person", "ada", "--as", "ada")["entries"]

    assert entries[0]["action"] == "roll back"
    assert (entries[0]["kind"], entries[0]["why"]) == ("refusal", "it is slow")
    assert all(entry["model"] == "diabetes" for entry in entries)
    assert app.read("audit", "--since", "2999-01-01T00:00:00Z", "--as", "ada")["entries"] == []
    assert "Audit log" in app.run("audit", "--as", "ada").stdout
    bad = app.run("audit", "--since", "yesterday", "--as", "ada")
    assert (bad.returncode, "expected an ISO 8601 time" in bad.stderr) == (1, True)


def test_audit_verify_prints_a_head_that_a_later_check_compares(app: App) -> None:
    first = app.run("audit", "verify", "--as", "ada")
    assert first.returncode == 0, first.stderr
    head = first.stdout.split("head ")[1].strip()
    app.run("roll-back", "diabetes", "--as", "ada")

    later = app.run("audit", "verify", "--anchor", head, "--as", "ada")
    forged = app.run("audit", "verify", "--anchor", head[:-64] + "0" * 64, "--as", "ada")
    nonsense = app.run("audit", "verify", "--anchor", "nonsense", "--as", "ada")

    assert later.returncode == 0
    assert forged.returncode == 1
    assert "the log was rewritten as a whole" in forged.stdout
    assert (nonsense.returncode, "is not a head" in nonsense.stderr) == (1, True)
    content = app.read("audit", "verify", "--as", "ada")
    assert (content["faults"], content["checked"]) == ([], content["head"]["number"])


@pytest.mark.parametrize("command", [["audit"], ["audit", "verify"]])
def test_the_audit_log_needs_a_person(app: App, command: list[str]) -> None:
    ended = app.run(*command, "--as", "nobody")

    assert (ended.returncode, ended.stderr.split(":")[1].strip()) == (1, "NO_TOKEN")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("diabetes:99", "diabetes has no version 99"),
        ("nothing:1", "names no model 'nothing'"),
        ("diabetes", "MODEL:VERSION"),
    ],
)
def test_an_unknown_version_is_not_reproduced(app: App, name: str, reason: str) -> None:
    ended = app.run("reproduce", name)

    assert (ended.returncode, reason in ended.stdout + ended.stderr) == (2, True)


def test_status_and_doctor_show_the_warnings_of_the_host(app: App) -> None:
    """The last test: a failed story, and not the warning, makes the doctor fail from here on."""
    host = json.loads((app.state / "funchost" / "host.json").read_text())
    path, key = "runtime/webhooks/durabletask/orchestrators", {"code": host["systemKey"]}
    httpx.post(f"{host['url']}/{path}/nobody/lacks", params=key).raise_for_status()
    until(lambda: app.read("status")["warnings"] != [], "the warning")

    [warning] = app.read("status")["warnings"]
    shown, examined = app.run("status").stdout, app.run("doctor").stdout

    assert (warning["kind"], warning["instance"]) == ("UNKNOWN_ORCHESTRATOR", "lacks")
    line = "lacks: the app has no orchestrator function 'nobody'"
    assert f"Warning    {line}" in shown
    assert warning["remedy"] in shown
    assert f"ok   warning: {line}" in examined
    assert warning["remedy"] in examined
