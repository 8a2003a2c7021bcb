"""Repositories at four kinds of address, to read commits from."""

from pathlib import Path

import pytest

from function_app.settings.git import GitSettings
from tests.adapters.git.repositories import (
    PATH,
    GitServer,
    Repository,
    make_repository,
    make_ssh,
)

# The reader by ssh requires a key; the program of these tests does not use it.
KEY = GitSettings(ssh_key="/home/nobody/key")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = make_repository(tmp_path / "served")
    made.write("training/train.py", "print('first')\n")
    made.commit("first")
    return made


@pytest.fixture(params=["folder", "http", "old http", "ssh"])
def address(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    repository: Repository,
    server: GitServer,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Return the repository's address, by each way that leads to it."""
    server.old = request.param == "old http"
    monkeypatch.setenv("PATH", f"{make_ssh(tmp_path / 'bin')}:{PATH}")
    ways = {"folder": repository.url, "ssh": f"ssh://git@example.org{repository.bare}"}
    return ways.get(request.param, f"{server.url}/code.git")
