"""A state keeps digests of tokens; a client keeps its copies in the user's own folder."""

import hashlib
import multiprocessing
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from configuration.people.tokens import ClientTokens, IssuedTokens, config_folder, copies_of
from function_app.adapters.local.approvers import LocalApprovers
from function_app.errors import PlatformError


@pytest.fixture(autouse=True)
def config(tmp_path: Path) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("MLOPS_CONFIG", str(tmp_path / "config"))
        yield tmp_path / "config"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


@pytest.fixture
def copies(state: Path, config: Path) -> ClientTokens:
    return copies_of(state, {"MLOPS_CONFIG": str(config)})


@pytest.fixture
def issued(state: Path, copies: ClientTokens) -> IssuedTokens:
    return IssuedTokens(state, copies)


def contents(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def modes(folder: Path) -> set[tuple[bool, int]]:
    paths = [folder, *folder.rglob("*")]
    return {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in paths}


def test_the_state_has_the_digest_and_the_client_the_token(
    state: Path, config: Path, issued: IssuedTokens, copies: ClientTokens
) -> None:
    assert issued.ensure("ada")
    token = copies.find("ada")
    assert not issued.ensure("ada")

    assert len(token) >= 43
    assert copies.find("ada") == token
    assert token.encode() not in contents(state)
    assert hashlib.sha256(token.encode()).hexdigest().encode() in contents(state)
    assert modes(config) <= {(True, 0o700), (False, 0o600)}
    assert modes(state / "approvers") <= {(True, 0o700), (False, 0o600)}
    assert issued.identify(token) == "ada"


@pytest.mark.parametrize("wrong", ["", "x", "revoked", "\ud800", "ä", "ada"])
def test_an_invalid_token_identifies_no_person(issued: IssuedTokens, wrong: str) -> None:
    issued.ensure("ada")
    issued.revoke("grace")

    assert issued.identify(wrong) is None


def test_the_digest_itself_is_no_token(state: Path, issued: IssuedTokens) -> None:
    issued.ensure("ada")

    assert issued.identify((state / "approvers" / "ada.sha256").read_text().strip()) is None


def test_a_rotated_token_counts_no_more(issued: IssuedTokens, copies: ClientTokens) -> None:
    first = issued.issue("ada")
    second = issued.issue("ada")

    assert issued.identify(first) is None
    assert issued.identify(second) == "ada"
    assert copies.find("ada") == second


def test_a_token_of_somebody_else_leaves_no_copy(
    issued: IssuedTokens, copies: ClientTokens
) -> None:
    token = issued.issue("grace", copy=False)

    assert issued.identify(token) == "grace"
    assert copies.find("grace") == ""


def test_a_revoked_token_is_not_issued_again_at_the_next_start(
    issued: IssuedTokens, copies: ClientTokens
) -> None:
    token = issued.issue("ada")
    issued.revoke("ada")

    assert not issued.ensure("ada")
    assert issued.identify(token) is None
    assert copies.find("ada") == ""
    assert issued.people() == {"ada": False}
    assert issued.identify(issued.issue("ada")) == "ada"


def test_the_plain_tokens_of_an_earlier_version_are_taken_over(
    state: Path, issued: IssuedTokens, copies: ClientTokens
) -> None:
    (state / "approvers").mkdir(mode=0o755)
    for name, token in (("ada", "an-earlier-token\n"), ("gone", "of-somebody-removed")):
        (state / "approvers" / f"{name}.token").write_text(token)

    assert not issued.ensure("ada")

    assert issued.identify("an-earlier-token") == "ada"
    assert issued.identify("of-somebody-removed") == "gone"
    assert copies.find("ada") == "an-earlier-token"
    assert b"an-earlier-token" not in contents(state)
    assert b"of-somebody-removed" not in contents(state)
    assert not list((state / "approvers").glob("*.token"))


def test_files_that_are_no_tokens_keep_no_approver_out(
    state: Path, issued: IssuedTokens, copies: ClientTokens
) -> None:
    folder = state / "approvers"
    folder.mkdir()
    (folder / "a.token").write_bytes(b"\xff\xfe")
    (folder / "b.token").mkdir()
    (folder / "c.sha256").write_bytes(b"\xff\xfe")
    (folder / "d.sha256").mkdir()
    (folder / "e.sha256").write_bytes(b"")

    issued.ensure("ada")

    assert issued.identify(copies.find("ada")) == "ada"
    assert issued.identify("") is None


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"  \n"])
def test_a_garbled_record_is_made_anew_at_the_next_start(
    state: Path, issued: IssuedTokens, copies: ClientTokens, content: bytes
) -> None:
    issued.ensure("ada")
    (state / "approvers" / "ada.sha256").write_bytes(content)

    assert issued.ensure("ada")
    assert issued.identify(copies.find("ada")) == "ada"


@pytest.mark.parametrize("name", ["../ada", "a/b", "..", "ada@example.org", "Ada Lovelace", "ä"])
def test_a_name_never_leads_out_of_the_folder(
    tmp_path: Path, state: Path, issued: IssuedTokens, copies: ClientTokens, name: str
) -> None:
    issued.ensure(name)

    assert issued.identify(copies.find(name)) == name
    assert {path.parent for path in state.rglob("*.sha256")} == {state / "approvers"}
    assert {path.parent for path in tmp_path.rglob("*.token")} == {copies.path("ada").parent}


def test_states_have_tokens_of_their_own(tmp_path: Path, config: Path) -> None:
    environ = {"MLOPS_CONFIG": str(config)}
    first, second = (IssuedTokens(tmp_path / x, copies_of(tmp_path / x, environ)) for x in "ab")
    first.ensure("ada")
    second.ensure("ada")

    assert second.identify(copies_of(tmp_path / "a", environ).find("ada")) is None
    assert second.identify(copies_of(tmp_path / "b", environ).find("ada")) == "ada"


def _ensure(state: Path, config: str) -> bool:
    return IssuedTokens(state, copies_of(state, {"MLOPS_CONFIG": config})).ensure("ada")


def test_only_one_of_several_starting_processes_issues_tokens(
    state: Path, config: Path, issued: IssuedTokens, copies: ClientTokens
) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        made = pool.starmap(_ensure, [(state, str(config))] * 8)

    assert sum(made) == 1
    assert issued.identify(copies.find("ada")) == "ada"


def test_a_folder_that_cannot_be_written_is_named(
    state: Path, config: Path, issued: IssuedTokens
) -> None:
    config.write_text("a file is in the way")

    with pytest.raises(PlatformError, match=r"config.*Set MLOPS_CONFIG to a folder"):
        LocalApprovers(state).ensure("ada")

    assert issued.people() == {}


def test_the_folder_follows_the_xdg_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")

    assert config_folder({}) == Path("/home/ada/.config/mlops")
    assert config_folder({"XDG_CONFIG_HOME": "/x"}) == Path("/x/mlops")
    assert config_folder({"XDG_CONFIG_HOME": "relative"}) == Path("/home/ada/.config/mlops")
    assert config_folder({"XDG_CONFIG_HOME": "/x", "MLOPS_CONFIG": "/y"}) == Path("/y")
