"""A credential goes to the app that issued it, by https or within this machine, and nowhere else."""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from configuration.people.tokens import ClientTokens, copies_of
from mlopsctl.reach.client import Api, ApiError
from mlopsctl.reach.connection import connect
from mlopsctl.reach.credentials import Credentials, is_loopback
from tests.listening import Listening

ROOT = Path(__file__).parents[2]
REMOTE = "https://mlops.example.org"


class Listener:
    """An app that keeps the headers of each request, and answers with a status."""

    def __init__(self, status: int = 200, location: str = "") -> None:
        self.seen: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.seen.append({name.lower(): text for name, text in self.headers.items()})
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *arguments: object) -> None: ...

        self._server = Listening(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    one = Listener()
    yield one
    one.close()


@pytest.fixture(autouse=True)
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MLOPS_URL", "MLOPS_TOKEN", "MLOPS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLOPS_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    copies_of(folder, os.environ).keep("ada", "the-local-token")
    return folder


@contextlib.contextmanager
def running(state: Path, url: str) -> Iterator[None]:
    """Let a host of this state listen at the address, as far as its state folder says."""
    (state / "funchost").mkdir()
    content = {"url": url, "pid": os.getpid()}
    (state / "funchost" / "host.json").write_text(json.dumps(content))
    with (state / "funchost" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_the_app_of_a_state_gets_the_token_of_the_state(state: Path, listener: Listener) -> None:
    with running(state, listener.url):
        connect("", state).cancel("train-diabetes-1", "ada")

    assert listener.seen[0]["authorization"] == "Bearer the-local-token"


def test_a_person_without_a_token_learns_how_to_get_one(state: Path, listener: Listener) -> None:
    with running(state, listener.url), pytest.raises(ApiError, match="mlopsctl token issue grace"):
        connect("", state).cancel("train-diabetes-1", "grace")

    assert listener.seen == []


def test_another_app_of_this_machine_gets_no_token_of_the_state(
    state: Path, listener: Listener
) -> None:
    with running(state, "http://127.0.0.1:1"), pytest.raises(ApiError) as refusal:
        connect(listener.url, state).cancel("train-diabetes-1", "ada")

    assert refusal.value.code == "OTHER_HOST"
    assert listener.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "http://mlops.example.org",
        "http://10.0.0.7:7071",
        "http://127.0.0.1.example.org",
        "http://127.0.0.1@example.org",
        "http://localhost.example.org:7071",
        "http://[2001:db8::1]:7071",
    ],
)
@pytest.mark.parametrize("variable", ["MLOPS_TOKEN", "MLOPS_KEY", ""])
def test_no_credential_is_sent_in_clear_over_a_network(
    state: Path, monkeypatch: pytest.MonkeyPatch, url: str, variable: str
) -> None:
    monkeypatch.setenv("MLOPS_URL", url)
    if variable:
        monkeypatch.setenv(variable, "a-credential")

    with pytest.raises(ApiError) as refusal:
        connect(url, state).cancel("train-diabetes-1", "ada")

    assert refusal.value.code == "INSECURE"
    assert "Nothing was sent" in refusal.value.message


@pytest.mark.parametrize("variable", ["MLOPS_TOKEN", "MLOPS_KEY"])
@pytest.mark.parametrize("named", [REMOTE, ""])
def test_a_credential_of_the_environment_goes_to_the_app_of_mlops_url_only(
    state: Path,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    named: str,
) -> None:
    monkeypatch.setenv("MLOPS_URL", named)
    monkeypatch.setenv(variable, "a-credential")

    with pytest.raises(ApiError) as refusal:
        connect(listener.url, state).cancel("train-diabetes-1", "ada")

    assert refusal.value.code == "OTHER_HOST"
    assert listener.seen == []


def test_credentials_of_the_environment_go_to_the_app_that_they_are_for(
    state: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLOPS_URL", f"{listener.url}/")
    monkeypatch.setenv("MLOPS_TOKEN", "a-token")
    monkeypatch.setenv("MLOPS_KEY", "a-key")

    connect(listener.url, state).cancel("train-diabetes-1", "ada")

    assert listener.seen[0]["authorization"] == "Bearer a-token"
    assert listener.seen[0]["x-functions-key"] == "a-key"


def test_a_kept_token_goes_to_its_own_origin_only(state: Path, environ: Path) -> None:
    ClientTokens(environ, "https://mlops.example.org:443").keep("ada", "the-remote-token")

    assert Credentials(REMOTE, state).token("ada") == "the-remote-token"
    assert Credentials(f"{REMOTE}:443/x", state).token("ada") == "the-remote-token"
    for other in ("https://example.org", "https://mlops.example.org:8443", "https://evil.example"):
        with pytest.raises(ApiError, match="You have no token of ada"):
            Credentials(other, state).token("ada")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirection_is_not_followed(state: Path, listener: Listener, status: int) -> None:
    leading = Listener(status, f"{listener.url}/elsewhere")
    try:
        with running(state, leading.url), pytest.raises(ApiError) as refusal:
            connect("", state).cancel("train-diabetes-1", "ada")
    finally:
        leading.close()

    assert refusal.value.code == "REDIRECTED"
    assert len(leading.seen) == 1
    assert listener.seen == []


def test_a_proxy_learns_no_token_of_this_machine(
    state: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Listener()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    try:
        with running(state, listener.url):
            connect("", state).cancel("train-diabetes-1", "ada")
    finally:
        proxy.close()

    assert proxy.seen == []
    assert len(listener.seen) == 1


def test_a_key_given_to_the_client_is_not_sent_in_clear(tmp_path: Path) -> None:
    with pytest.raises(ApiError, match="neither https nor on this machine"):
        Api("http://mlops.example.org", tmp_path, "a-key")


def test_loopback_is_known_in_every_spelling() -> None:
    for url in ("http://127.0.0.1", "http://127.9.9.9:1", "http://[::1]:7071", "http://LOCALHOST"):
        assert is_loopback(url)


def mlopsctl(state: Path, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mlopsctl", "token", *words],
        cwd=ROOT,
        env={**os.environ, "MLOPS_STATE": str(state)},
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_the_owner_of_a_state_issues_shows_rotates_and_revokes(state: Path) -> None:
    assert "has issued no token yet" in mlopsctl(state, "issue", "ada").stderr
    (state / "approvers").mkdir()

    first = mlopsctl(state, "issue", "grace")
    assert first.stdout.startswith("mlopsat_")
    assert "it is not printed again" in first.stderr
    assert mlopsctl(state, "show", "grace").stdout == first.stdout
    second = mlopsctl(state, "rotate", "grace", "--no-copy")
    assert second.stdout != first.stdout
    assert "holds none" in mlopsctl(state, "show", "grace").stderr
    assert "NOT_AN_APPROVER" in mlopsctl(state, "issue", "mallory").stderr
    misspelt = mlopsctl(state, "revoke", "graze")
    assert (misspelt.returncode, "'graze' has no token" in misspelt.stderr) == (1, True)
    mlopsctl(state, "revoke", "grace")
    assert (
        mlopsctl(state, "list", "--json").stdout.split()
        == json.dumps([{"name": "grace", "counts": False, "copy": False}], indent=2).split()
    )


def test_a_token_of_another_machine_is_kept_for_its_address(state: Path) -> None:
    kept = mlopsctl(state, "store", "ada", "--url", REMOTE, given="the-remote-token\n")

    assert kept.returncode == 0, kept.stderr
    assert mlopsctl(state, "show", "ada", "--url", REMOTE).stdout == "the-remote-token\n"
    refused = mlopsctl(state, "store", "ada", "--url", "http://example.org", given="x\n")
    assert (refused.returncode, "INSECURE" in refused.stderr) == (1, True)
