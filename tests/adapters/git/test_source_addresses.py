"""Addresses of repositories: which are fetched from, and how their faults are reported."""

from pathlib import Path

import pytest

from function_app.addresses import file_address
from function_app.errors import ContractError, PlatformError
from function_app.settings.git import GitSettings
from tests.adapters.git.repositories import (
    PATH,
    Repository,
    Shelf,
    make_repository,
    make_ssh,
    push,
    sources,
)
from tests.adapters.git.source_repositories import KEY, address, repository

__all__ = ["address", "repository"]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "--upload-pack=touch /tmp/x",
        "ext::sh -c touch% /tmp/x",
        "../relative",
        "ftp://host/x",
        "http://example.org/x",
        "https://user:secret@example.org/x",
        "file://host/x",
        "git@example.org:x y",
        "ssh://git@example.org/x.git",
    ],
)
def test_an_address_that_may_not_be_fetched_from_is_refused(
    tmp_path: Path, shelf: Shelf, address: str
) -> None:
    with pytest.raises(ContractError) as refused:
        sources(tmp_path, shelf).fetch(push(address, "a" * 40))
    assert "secret" not in str(refused.value)


def test_a_repository_that_is_not_there_is_a_fault_that_says_which(
    tmp_path: Path, shelf: Shelf
) -> None:
    with pytest.raises(PlatformError, match="nowhere"):
        sources(tmp_path, shelf).head(file_address(tmp_path / "nowhere"), "main")


def test_an_address_by_ssh_without_ssh_says_what_to_do(
    tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(PlatformError, match=r"no ssh program .* Give an https:// address"):
        sources(tmp_path, shelf, KEY).head("git@example.org:org/code.git", "main")


def test_ssh_gets_our_key_and_nothing_of_the_app(
    tmp_path: Path, repository: Repository, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{make_ssh(tmp_path / 'bin')}:{PATH}")
    monkeypatch.setenv("MLOPS_SLACK_URL", "https://hooks.example.org/secret")
    settings = GitSettings(ssh_key="/srv/the key", ssh_known_hosts="/srv/hosts")

    sources(tmp_path, shelf, settings).head(f"me@example.org:{repository.bare}", "main")

    words = (tmp_path / "bin" / "words").read_text().splitlines()
    assert words[:4] == ["-F", "/dev/null", "-i", "/srv/the key"]
    assert {"StrictHostKeyChecking=yes", "UserKnownHostsFile=/srv/hosts"} <= set(words)
    assert words[-3:] == ["--", "me@example.org", f"git-upload-pack '{repository.bare}'"]
    assert "secret" not in (tmp_path / "bin" / "environ").read_text()


def test_a_working_folder_is_read_as_its_repository(
    tmp_path: Path, repository: Repository, shelf: Shelf
) -> None:
    repository.write("uncommitted.py", "x")
    adapter = sources(tmp_path, shelf)
    commit = repository.git("rev-parse", "HEAD")

    for url in (str(repository.work), str(repository.bare).removesuffix(".git")):
        assert "uncommitted.py" not in shelf.files(adapter.fetch(push(url, commit)))


@pytest.mark.parametrize("as_address", [False, True], ids=["path", "address"])
def test_a_repository_may_be_in_a_folder_of_any_name(
    tmp_path: Path, shelf: Shelf, *, as_address: bool
) -> None:
    made = make_repository(tmp_path / "Mein Übungs Ordner 100% a%20b #1")
    made.write("training/train.py", "print('first')\n")
    commit = made.commit("first")
    address = made.url if as_address else str(made.bare)

    assert sources(tmp_path, shelf).head(address, "main") == commit
    bundle = sources(tmp_path, shelf).fetch(push(address, commit))
    assert shelf.files(bundle) == {"training/train.py": b"print('first')\n"}
