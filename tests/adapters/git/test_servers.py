"""Reading repositories from servers: tokens, redirections, certificates, and hostile answers."""

import base64
import socket
from pathlib import Path

import pytest

from function_app.errors import ContractError, PlatformError
from function_app.settings.git import GitSettings, read_git_settings
from tests.adapters.git.packs import bomb, line, packfile
from tests.adapters.git.repositories import (
    TOKEN,
    GitServer,
    Repository,
    Shelf,
    push,
    serve,
    sources,
)
from tests.adapters.git.source_repositories import repository
from tests.azure_servers.tls import Tls

__all__ = ["repository"]


def test_a_token_goes_to_its_own_host_and_is_shown_nowhere(
    tmp_path: Path, repository: Repository, shelf: Shelf, server: GitServer
) -> None:
    server.token = TOKEN
    commit = repository.commit()
    address = f"{server.url}/code.git"
    key = server.host.replace(".", "_").replace(":", "_")
    settings = read_git_settings({f"MLOPS_GIT_TOKEN_{key}": TOKEN})

    assert sources(tmp_path, shelf, settings).fetch(push(address, commit)).commit == commit
    assert TOKEN not in repr(settings)

    wrong = read_git_settings({f"MLOPS_GIT_TOKEN_{key}": "another-token"})
    for given in (wrong, read_git_settings({"MLOPS_GIT_TOKEN_GITHUB_COM": TOKEN})):
        server.seen.clear()
        with pytest.raises(PlatformError, match="wants a valid token") as refused:
            sources(tmp_path, shelf, given).fetch(push(address, commit))
        assert "another-token" not in str(refused.value)
        basic = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
        assert all(basic not in header for _, header in server.seen)


def test_a_token_does_not_follow_a_redirection(
    tmp_path: Path, repository: Repository, shelf: Shelf, server: GitServer
) -> None:
    commit = repository.commit()
    with serve(repository.bare.parent) as elsewhere:
        server.redirect_to = elsewhere.url
        key = server.host.replace(".", "_").replace(":", "_")
        settings = read_git_settings({f"MLOPS_GIT_TOKEN_{key}": TOKEN})

        with pytest.raises(PlatformError, match="Git could not list the branches"):
            sources(tmp_path, shelf, settings).fetch(push(f"{server.url}/code.git", commit))
        assert elsewhere.seen == []


def test_a_look_without_a_token_follows_a_repository_that_moved(
    tmp_path: Path, repository: Repository, shelf: Shelf, server: GitServer
) -> None:
    commit = repository.commit()
    with serve(repository.bare.parent) as elsewhere:
        server.redirect_to = elsewhere.url

        bundle = sources(tmp_path, shelf).fetch(push(f"{server.url}/code.git", commit))

    assert bundle.commit == commit
    assert all("git-upload-pack" in path for path, _ in elsewhere.seen)


@pytest.mark.parametrize("to", ["http://example.org", "https://example.org", "file:///etc"])
def test_a_redirection_to_another_protocol_or_out_of_this_machine_is_refused(
    tmp_path: Path, repository: Repository, shelf: Shelf, server: GitServer, to: str
) -> None:
    server.redirect_to = to

    with pytest.raises(PlatformError, match=r"It redirects to .* give its new address"):
        sources(tmp_path, shelf).head(f"{server.url}/code.git", "main")


def test_a_certificate_is_checked_against_the_ca_file(
    tmp_path: Path, repository: Repository, shelf: Shelf, tls: Tls
) -> None:
    commit = repository.commit()
    with serve(repository.bare.parent, tls) as secure:
        address = f"{secure.url}/code.git"
        trusting = GitSettings(ca_file=str(tls.ca_file))

        assert sources(tmp_path, shelf, trusting).head(address, "main") == commit
        with pytest.raises(PlatformError, match="CERTIFICATE_VERIFY_FAILED"):
            sources(tmp_path, shelf).head(address, "main")


def test_a_server_that_sends_tips_only_is_read_by_its_branch(
    tmp_path: Path, repository: Repository, shelf: Shelf, server: GitServer
) -> None:
    server.old = True
    repository.write("wanted.py", "wanted")
    wanted = repository.commit("wanted")
    for number in range(60):
        repository.git("commit", "--quiet", "--allow-empty", "--message", str(number))
    repository.commit("newest")

    bundle = sources(tmp_path, shelf).fetch(push(f"{server.url}/code.git", wanted))

    assert "wanted.py" in shelf.files(bundle)
    # Azure DevOps refuses who does not offer it.
    assert all(b" multi_ack" in asked for asked in server.asked)


def test_a_history_is_read_only_as_far_as_needed(
    tmp_path: Path, repository: Repository, shelf: Shelf, server: GitServer
) -> None:
    repository.git("config", "uploadpack.allowFilter", "true", at=repository.bare)
    old, new = repository.commit("old"), repository.commit("new")
    adapter = sources(tmp_path, shelf)

    assert adapter.supersedes(push(f"{server.url}/code.git", old)) == new
    adapter.fetch(push(f"{server.url}/code.git", new))

    history, files = server.asked
    assert b"deepen 50\n" in history
    assert b"filter tree:0\n" in history
    assert b"deepen 1\n" in files
    assert f"want {new}".encode() in files


def test_a_server_that_speaks_no_git_is_reported_with_its_answer(
    tmp_path: Path, shelf: Shelf, server: GitServer
) -> None:
    with pytest.raises(PlatformError, match=r"HTTP 404 .*Check the address in mlops\.toml"):
        sources(tmp_path, shelf).head(f"{server.url}/nothing.git", "main")


def test_a_server_that_says_nothing_ends_with_the_time(tmp_path: Path, shelf: Shelf) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/code.git"

        with pytest.raises(PlatformError, match="longer than 1 seconds"):
            sources(tmp_path, shelf, GitSettings(timeout_seconds=1)).head(address, "main")
    assert not list((tmp_path / "fetched").iterdir())


def test_a_pack_that_unfolds_without_end_is_refused(
    tmp_path: Path, repository: Repository, shelf: Shelf, server: GitServer
) -> None:
    server.instead = packfile(bomb())
    assert len(server.instead) < 50_000
    adapter = sources(tmp_path, shelf, GitSettings(max_memory=200_000_000))

    with pytest.raises(ContractError, match="200 MB of memory"):
        adapter.fetch(push(f"{server.url}/code.git", repository.commit()))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"0000",
        line(b"packfile\n") + line(b"\1PACK, or so it says") + b"0000",
        line(b"packfile\n") + line(b"\3out of order"),
        line(b"ERR nothing for you"),
        b"<html>",
    ],
)
def test_an_answer_that_is_no_pack_is_a_fault_of_the_server(
    tmp_path: Path, repository: Repository, shelf: Shelf, server: GitServer, answer: bytes
) -> None:
    commit = repository.commit()
    server.instead = answer

    with pytest.raises(PlatformError):
        sources(tmp_path, shelf).fetch(push(f"{server.url}/code.git", commit))


def test_a_pack_under_another_address_is_not_fetched(
    tmp_path: Path, repository: Repository, shelf: Shelf, server: GitServer
) -> None:
    elsewhere = b"https://127.0.0.1:9/pack sha1 " + b"a" * 40
    server.instead = line(b"packfile-uris\n") + line(elsewhere) + line(b"packfile\n") + b"0000"

    with pytest.raises(PlatformError, match=r"sends us to 127\.0\.0\.1"):
        sources(tmp_path, shelf).fetch(push(f"{server.url}/code.git", repository.commit()))


def test_a_proxy_is_asked_for_the_way_and_sees_no_token(
    tmp_path: Path, shelf: Shelf, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:open@{server.host}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    settings = read_git_settings({"MLOPS_GIT_TOKEN_EXAMPLE_ORG": TOKEN})

    with pytest.raises(PlatformError, match="ProxyError") as refused:
        sources(tmp_path, shelf, settings).head("https://example.org/code", "main")

    basic = base64.b64encode(b"me:open").decode()
    # Other requests of this process may use the proxy, too.
    ways = [way for way in server.ways if way[0].startswith("example.org")]
    assert ways == [("example.org:443", f"Basic {basic}")]
    assert "open" not in str(refused.value)


def test_a_repository_with_other_names_of_commits_is_refused(
    tmp_path: Path, repository: Repository, shelf: Shelf, server: GitServer
) -> None:
    bare = tmp_path / "served" / "new.git"
    repository.git("init", "--quiet", "--bare", "--object-format=sha256", str(bare))
    tree = repository.git("mktree", at=bare)
    commit = repository.git("commit-tree", tree, "-m", "new", at=bare)
    repository.git("update-ref", "refs/heads/main", commit, at=bare)

    for address in (str(bare), f"{server.url}/new.git"):
        with pytest.raises(PlatformError, match="whose names are SHA-1"):
            sources(tmp_path, shelf).head(address, "main")
