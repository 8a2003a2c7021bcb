"""Commit statuses are posted to a real server over HTTP, in the words of each host."""

import base64
import logging
from pathlib import Path

import pytest

from function_app.settings.git import GitSettings, read_git_settings
from tests.adapters.git.repositories import (
    TOKEN,
    GitServer,
    Shelf,
    push,
    sources,
)


def settings_for(server: GitServer, **more: str) -> GitSettings:
    key = server.host.replace(".", "_").replace(":", "_")
    return read_git_settings(
        {f"MLOPS_GIT_TOKEN_{key}": TOKEN, f"MLOPS_GIT_API_{key}": server.url, **more}
    )


def test_a_status_is_posted_in_the_words_of_github(
    tmp_path: Path, shelf: Shelf, server: GitServer
) -> None:
    adapter = sources(tmp_path, shelf, settings_for(server, MLOPS_PUBLIC_URL="https://app.example"))
    change = push(f"{server.url}/org/code.git", "b" * 40)

    assert adapter.post_status(change, "diabetes", "failure", "x" * 500, "/api/status/1")

    path, body, authorization = server.posted[0]
    assert path == f"/repos/org/code/statuses/{'b' * 40}"
    assert (body["state"], body["context"]) == ("failure", "mlops/diabetes")
    assert len(body["description"]) == 140
    assert body["target_url"] == "https://app.example/api/status/1"
    assert authorization == f"Bearer {TOKEN}"


def test_a_status_is_posted_in_the_words_of_azure_devops(
    tmp_path: Path, shelf: Shelf, server: GitServer
) -> None:
    adapter = sources(tmp_path, shelf, settings_for(server))
    change = push(f"{server.url}/org/my%20project/_git/code", "b" * 40)

    assert adapter.post_status(change, "diabetes", "success", "fine", "/api/status/1")

    path, body, authorization = server.posted[0]
    assert path == (
        f"/org/my%20project/_apis/git/repositories/code/commits/{'b' * 40}/statuses?api-version=7.1"
    )
    assert body == {
        "state": "succeeded",
        "description": "fine",
        "context": {"name": "diabetes", "genre": "mlops"},
    }
    assert base64.b64decode(authorization.removeprefix("Basic ")).decode() == f":{TOKEN}"


def test_a_host_that_is_down_for_a_moment_gets_its_status(
    tmp_path: Path, shelf: Shelf, server: GitServer
) -> None:
    server.answers = [503, 201]

    assert sources(tmp_path, shelf, settings_for(server)).post_status(
        push(f"{server.url}/o/c", "b" * 40), "diabetes", "pending", "", ""
    )


def test_a_status_that_is_refused_fails_nothing_and_shows_no_token(
    tmp_path: Path, shelf: Shelf, server: GitServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers = [422]
    adapter = sources(tmp_path, shelf, settings_for(server))

    with caplog.at_level(logging.DEBUG):
        told = adapter.post_status(
            push(f"{server.url}/o/c", "b" * 40), "diabetes", "pending", "", ""
        )

    assert told is False
    assert "HTTP 422" in caplog.text
    assert TOKEN not in caplog.text


def test_without_a_token_nothing_is_posted(tmp_path: Path, shelf: Shelf, server: GitServer) -> None:
    adapter = sources(tmp_path, shelf)

    assert not adapter.post_status(
        push(f"{server.url}/o/c", "b" * 40), "diabetes", "pending", "", ""
    )
    assert not adapter.post_status(push("/srv/code.git", "b" * 40), "diabetes", "pending", "", "")
    assert server.seen == []
