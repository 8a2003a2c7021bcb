"""Commits and branches: which exist, supersede each other, and name their people."""

from pathlib import Path

import pytest

from function_app.errors import NotFoundError
from tests.adapters.git.repositories import (
    Repository,
    Shelf,
    push,
    sources,
)
from tests.adapters.git.source_repositories import KEY, address, repository

__all__ = ["address", "repository"]


def test_a_commit_that_is_not_there_is_not_found(
    tmp_path: Path, repository: Repository, address: str, shelf: Shelf
) -> None:
    adapter = sources(tmp_path, shelf, KEY)

    with pytest.raises(NotFoundError, match="is not on branch 'main'"):
        adapter.fetch(push(address, "a" * 40))
    with pytest.raises(NotFoundError, match="Was it pushed"):
        adapter.fetch(push(address, "a" * 40, proposal="7"))
    with pytest.raises(NotFoundError, match="has no branch 'gone'"):
        adapter.fetch(push(address, repository.commit(), branch="gone"))


@pytest.mark.parametrize("address", ["folder", "http"], indirect=True)
def test_a_push_of_a_commit_that_only_another_branch_has_is_refused(
    tmp_path: Path, repository: Repository, address: str, shelf: Shelf
) -> None:
    repository.write("evil.py", "evil")
    foreign = repository.commit("of a fork", branch="fork")
    adapter = sources(tmp_path, shelf, KEY)

    with pytest.raises(NotFoundError, match="is not on branch 'main'"):
        adapter.fetch(push(address, foreign))
    assert adapter.fetch(push(address, foreign, branch="fork")).commit == foreign


def test_a_commit_is_superseded_only_by_one_that_contains_it(
    tmp_path: Path, repository: Repository, address: str, shelf: Shelf
) -> None:
    adapter = sources(tmp_path, shelf, KEY)
    old = repository.commit("old")
    new = repository.commit("new")
    repository.git("reset", "--quiet", "--hard", f"{old}~1")
    other = repository.commit("instead of both")

    assert adapter.supersedes(push(address, other)) is None
    assert adapter.supersedes(push(address, old)) is None, "it was pushed away"
    repository.git("push", "--quiet", "--force", "origin", f"{new}:refs/heads/main")
    assert adapter.supersedes(push(address, old)) == new
    assert adapter.fetch(push(address, old)).commit == old


@pytest.mark.parametrize("address", ["folder", "http"], indirect=True)
def test_a_proposal_is_superseded_by_its_newer_commit(
    tmp_path: Path, repository: Repository, address: str, shelf: Shelf
) -> None:
    old, new = repository.commit("old"), repository.commit("new")
    repository.git("update-ref", "refs/pull/7/head", new, at=repository.bare)
    adapter = sources(tmp_path, shelf, KEY)

    assert adapter.supersedes(push(address, old, proposal="7")) == new
    assert adapter.supersedes(push(address, new, proposal="7")) is None
    assert adapter.supersedes(push(address, old, proposal="8")) is None


@pytest.mark.parametrize("address", ["folder", "http"], indirect=True)
def test_the_head_of_a_branch_is_what_the_repository_says_now(
    tmp_path: Path, repository: Repository, address: str, shelf: Shelf
) -> None:
    adapter = sources(tmp_path, shelf, KEY)
    commit = repository.commit()
    nested = repository.commit("another", branch="release/main")

    assert adapter.head(address, "main") == commit
    assert adapter.head(address, "release/main") == nested
    with pytest.raises(NotFoundError):
        adapter.head(address, "nothing")


def test_a_bundle_names_the_people_of_its_commit(
    tmp_path: Path, repository: Repository, address: str, shelf: Shelf
) -> None:
    message = "more\n\nCo-authored-by: Eve <eve@example.com>\nCO-AUTHORED-BY: x <a@example.org>"
    commit = repository.commit(message)

    bundle = sources(tmp_path, shelf, KEY).fetch(push(address, commit))

    named = [(author.role.value, author.identity) for author in bundle.authors]
    assert named == [
        ("wrote", "a@example.org"),
        ("committed", "a@example.org"),
        ("wrote", "eve@example.com"),
    ]


@pytest.mark.parametrize("line", ["author <", "author x", "author a <> 1 +0000", "author a <b"])
def test_a_commit_with_garbled_people_names_nobody(
    tmp_path: Path, repository: Repository, shelf: Shelf, line: str
) -> None:
    tree = repository.git("rev-parse", "HEAD^{tree}")
    text = f"tree {tree}\n{line}\ncommitter c <c@example.org> 1 +0000\n\nodd\n"
    commit = repository.git(
        "hash-object", "-t", "commit", "-w", "--literally", "--stdin", feed=text
    )
    repository.git("push", "--quiet", "--force", "origin", f"{commit}:refs/heads/main")

    bundle = sources(tmp_path, shelf).fetch(push(str(repository.bare), commit))

    assert [author.identity for author in bundle.authors] == ["c@example.org"]
