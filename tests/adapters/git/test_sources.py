"""The files of a commit become a bundle; nothing of a repository runs here."""

import subprocess
import sys
from pathlib import Path

import pytest

from function_app.errors import ContractError
from function_app.settings.git import GitSettings
from tests.adapters.git.repositories import (
    GitServer,
    Repository,
    Shelf,
    make_repository,
    push,
    sources,
)
from tests.adapters.git.source_repositories import KEY, address, repository

__all__ = ["address", "repository"]


ROOT = Path(__file__).parents[3]


def test_a_commit_becomes_a_bundle_of_its_files(
    tmp_path: Path, repository: Repository, address: str, shelf: Shelf
) -> None:
    repository.write("run.sh", "#!/bin/sh\n")
    (repository.work / "run.sh").chmod(0o755)
    (repository.work / "alias").symlink_to("training/train.py")
    commit = repository.commit()

    bundle = sources(tmp_path, shelf, KEY).fetch(push(address, commit))

    assert bundle.commit == commit
    assert shelf.files(bundle) == {
        "alias": b"training/train.py",
        "run.sh": b"#!/bin/sh\n",
        "training/train.py": b"print('first')\n",
    }
    assert not list((tmp_path / "fetched").iterdir()), "what was fetched is thrown away"


def test_the_same_files_are_one_bundle_whatever_the_commit(
    tmp_path: Path, repository: Repository, shelf: Shelf
) -> None:
    adapter = sources(tmp_path, shelf)
    first = adapter.fetch(push(str(repository.bare), repository.commit("one")))
    second = adapter.fetch(push(repository.url, repository.commit("two, with no change")))

    assert first.digest == second.digest
    assert first.commit != second.commit


def test_attributes_filters_and_hooks_of_a_repository_do_nothing(
    tmp_path: Path, repository: Repository, shelf: Shelf
) -> None:
    trace = tmp_path / "ran"
    attributes = (
        "* text eol=crlf ident filter=evil working-tree-encoding=UTF-16\n"
        "hidden.py export-ignore\nversion.py export-subst\n"
    )
    listing = "".join(
        f"100644 blob {repository.blob(content)}\t{name}\n"
        for name, content in {
            ".gitattributes": attributes,
            "hidden.py": "hidden\n",
            "version.py": "$Format:%H$ $Id$\n",
        }.items()
    )
    commit = repository.commit_tree(listing)
    repository.git("config", "filter.evil.smudge", f"touch {trace}", at=repository.bare)
    repository.git("config", "uploadpack.packObjectsHook", f"touch {trace}", at=repository.bare)
    for name in ("post-checkout", "reference-transaction", "pre-receive", "post-update"):
        hook = repository.bare / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {trace}\n")
        hook.chmod(0o755)

    bundle = sources(tmp_path, shelf).fetch(push(repository.url, commit))

    files = shelf.files(bundle)
    assert files["hidden.py"] == b"hidden\n"
    assert files["version.py"] == b"$Format:%H$ $Id$\n"
    assert not trace.exists()


def test_a_submodule_is_not_fetched(tmp_path: Path, repository: Repository, shelf: Shelf) -> None:
    other = make_repository(tmp_path / "other")
    other.write("secret.txt", "secret")
    commit = repository.commit_tree(
        f"100644 blob {repository.blob('x')}\ttrain.py\n160000 commit {other.commit()}\tmodule\n"
    )

    assert list(shelf.files(sources(tmp_path, shelf).fetch(push(repository.url, commit)))) == [
        "train.py"
    ]


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("link", "/etc/passwd"),
        ("link", "../outside"),
        ("a/link", "../../outside"),
        ("link", "a/../../outside"),
        ("link", ".git/config"),
    ],
)
def test_a_link_out_of_the_tree_is_refused(
    tmp_path: Path, repository: Repository, shelf: Shelf, path: str, target: str
) -> None:
    link = repository.work / path
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(target)
    commit = repository.commit()

    with pytest.raises(ContractError, match="out of the repository"):
        sources(tmp_path, shelf).fetch(push(repository.url, commit))


def test_a_link_that_climbs_inside_the_tree_is_kept(
    tmp_path: Path, repository: Repository, shelf: Shelf
) -> None:
    (repository.work / "a").mkdir()
    (repository.work / "a" / "link").symlink_to("../training/train.py")
    bundle = sources(tmp_path, shelf).fetch(push(repository.url, repository.commit()))

    assert shelf.files(bundle)["a/link"] == b"../training/train.py"


@pytest.mark.parametrize("name", ["..", ".git", ".GIT", "a\\b"])
def test_a_path_that_git_would_never_write_is_refused(
    tmp_path: Path, repository: Repository, shelf: Shelf, name: str
) -> None:
    commit = repository.commit_tree(f"100644 blob {repository.blob('x')}\t{name}\n")

    with pytest.raises(ContractError, match="is not accepted"):
        sources(tmp_path, shelf).fetch(push(repository.url, commit))


def test_a_commit_with_too_much_in_it_is_refused(
    tmp_path: Path, repository: Repository, shelf: Shelf
) -> None:
    repository.write("data.bin", b"\0" * 2_000_000)
    large = repository.commit()
    for number in range(30):
        repository.write(f"many/{number}", str(number))
    (repository.work / "data.bin").unlink()
    many = repository.commit()
    adapter = sources(tmp_path, shelf, GitSettings(max_bytes=1_000_000, max_files=20))

    with pytest.raises(ContractError, match=r"more than 1 MB; at b?'data.bin'"):
        adapter.fetch(push(repository.url, large, proposal="1"))
    with pytest.raises(ContractError, match="more than 20 files"):
        adapter.fetch(push(repository.url, many))


def test_code_is_read_where_there_is_no_program_but_python(
    tmp_path: Path,
    repository: Repository,
    shelf: Shelf,
    server: GitServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, new = repository.commit("old"), repository.commit("new")
    monkeypatch.setenv("PATH", str(tmp_path))
    adapter = sources(tmp_path, shelf)

    for url in (repository.url, f"{server.url}/code.git"):
        assert adapter.head(url, "main") == new
        assert adapter.supersedes(push(url, old)) == new
        assert "training/train.py" in shelf.files(adapter.fetch(push(url, old)))


def test_folders_that_hold_each_other_are_counted(
    tmp_path: Path, repository: Repository, shelf: Shelf
) -> None:
    tree = repository.git("mktree", feed=f"100644 blob {repository.blob('x')}\tx\n")
    for _ in range(20):
        listing = "".join(f"040000 tree {tree}\t{name}\n" for name in "abcdefgh")
        tree = repository.git("mktree", feed=listing)
    commit = repository.commit_tree(f"040000 tree {tree}\tall\n")

    with pytest.raises(ContractError, match="more than 20000 files"):
        sources(tmp_path, shelf).fetch(push(repository.url, commit))


def test_a_file_that_takes_too_much_memory_ends_the_reading_and_not_the_app(
    tmp_path: Path, repository: Repository, shelf: Shelf
) -> None:
    repository.write("zeros", b"\0" * 60_000_000)
    commit = repository.commit()

    with pytest.raises(ContractError, match="more than 60 MB of memory"):
        sources(tmp_path, shelf, GitSettings(max_memory=60_000_000)).fetch(
            push(repository.url, commit)
        )


def test_the_app_starts_without_what_reads_repositories() -> None:
    code = "import sys, function_app.adapters.git.sources; print('dulwich' in sys.modules)"

    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == "False"
