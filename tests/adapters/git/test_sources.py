"""Reading repositories: real ones in folders and on servers of every kind, and hostile ones."""

import subprocess
import sys
from pathlib import Path

import pytest

from function_app.addresses import file_address
from function_app.errors import ContractError, NotFoundError, PlatformError
from function_app.git_settings import GitSettings
from tests.adapters.git.repositories import (
    PATH,
    GitServer,
    Repository,
    Shelf,
    make_repository,
    make_ssh,
    push,
    sources,
)

ROOT = Path(__file__).parents[3]
# What reads by ssh has to have a key; the program of these tests does not look at it.
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

    for address in (repository.url, f"{server.url}/code.git"):
        assert adapter.head(address, "main") == new
        assert adapter.supersedes(push(address, old)) == new
        assert "training/train.py" in shelf.files(adapter.fetch(push(address, old)))


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

    for address in (str(repository.work), str(repository.bare).removesuffix(".git")):
        assert "uncommitted.py" not in shelf.files(adapter.fetch(push(address, commit)))


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
