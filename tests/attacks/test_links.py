"""Attacks by symbolic links in the places where the app writes keys, records and locks."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from configuration.people.tokens import IssuedTokens, copies_of
from funchost.keys import Keys, read_keys
from funchost.storage.store import Store, StoreError
from function_app.adapters.local.keys import LocalKeys
from function_app.adapters.local.reach.files import locked, write_json
from function_app.errors import PlatformError
from tests.attacks.attack import attack, no_equivalent

SECRET = "the file of somebody else"


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file that an attacker wants the app to read, to change or to empty."""
    path = tmp_path / "victim"
    path.write_text(SECRET)
    path.chmod(0o644)
    return path


def is_private(path: Path) -> bool:
    """Tell whether this is a regular file that only its owner reads."""
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and not status.st_mode & 0o077


@attack(
    point=9,
    does="plants symbolic links in the places of production's keys before they are rotated",
    answer="202: each link is replaced by a file with mode 0600; its target stays as it is",
    log="audit: order, rotate keys",
    before="absent",
    azure=no_equivalent("keys lie in Key Vault."),
)
def test_rotated_keys_are_written_through_no_link(tmp_path: Path, victim: Path) -> None:
    keys = LocalKeys(tmp_path / "state", tmp_path / "user")
    stored = keys.ensure("diabetes")
    written = [tmp_path / "user" / f"diabetes.{n}" for n in ("header", "secondary.header")]
    parts = [path.with_name(f".{path.name}.{os.getpid()}.new") for path in (*written, stored)]
    for path in (*written, *parts):
        path.unlink(missing_ok=True)
        path.symlink_to(victim)

    keys.rotate("diabetes")

    assert victim.read_text() == SECRET
    assert stat.S_IMODE(victim.stat().st_mode) == 0o644
    assert is_private(written[0])
    assert is_private(stored)
    assert SECRET not in written[0].read_text() + stored.read_text()
    # No program reads the remaining link as a key, because its content is no header of these keys.
    keys.rotate("diabetes")
    assert all(is_private(path) for path in (*written, stored))
    assert victim.read_text() == SECRET


def replace_keys_of_host(folder: Path, victim: Path) -> Path:
    (folder / "keys.new").symlink_to(victim)
    read_keys(folder, ["a"])
    return folder / "keys.json"


def replace_record(folder: Path, victim: Path) -> Path:
    path = folder / "record.json"
    path.symlink_to(victim)
    write_json(path, {"a": 1})
    return path


def replace_token(folder: Path, victim: Path) -> Path:
    issued = IssuedTokens(folder, copies_of(folder, {"MLOPS_CONFIG": str(folder / "user")}))
    issued.ensure("ada")
    [path] = folder.rglob("ada.sha256")
    path.unlink()
    for each in (path, path.with_name(f".{path.name}.new")):
        each.symlink_to(victim)
    issued.issue("ada")
    return path


@attack(
    point=5,
    does="plants symbolic links in the places of the host's keys, of records or of tokens",
    answer="each link is replaced by a file with mode 0600; its target stays as it is",
    log="none: nothing was refused",
    before="succeeded",
    azure=no_equivalent("records lie in tables and blobs; keys in Key Vault."),
    by="trial",
)
@pytest.mark.parametrize("replace", [replace_keys_of_host, replace_record, replace_token])
def test_state_files_are_written_through_no_link(
    tmp_path: Path, victim: Path, replace: Callable[[Path, Path], Path]
) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    umask = os.umask(0o077)  # as the host sets it at its start
    try:
        path = replace(folder, victim)
    finally:
        os.umask(umask)

    assert victim.read_text() == SECRET
    assert is_private(path)
    assert SECRET not in path.read_text()


def test_the_keys_of_a_host_are_read_again(tmp_path: Path) -> None:
    keys = read_keys(tmp_path, ["a"])

    assert isinstance(keys, Keys)
    assert read_keys(tmp_path, ["a"]) == keys


@attack(
    point=5,
    does="plants symbolic links in the places of lock files, which are opened for writing",
    answer="the lock is not taken; the message names the file and says to delete it",
    log="the error of the start or of the request",
    before="succeeded",
    azure=no_equivalent("locks are conditions on etags."),
    by="trial",
)
def test_a_lock_that_is_a_link_empties_no_file(tmp_path: Path, victim: Path) -> None:
    for name in ("lock", "records.lock"):
        (tmp_path / name).symlink_to(victim)

    with pytest.raises(StoreError, match=r"lock cannot be opened: .* symbolic link"):
        Store(tmp_path)
    with (
        pytest.raises(PlatformError, match=r"records\.lock cannot be opened: .* symbolic link"),
        locked(tmp_path / "records.lock"),
    ):
        pass
    tokens = IssuedTokens(tmp_path, copies_of(tmp_path, {"MLOPS_CONFIG": str(tmp_path / "u")}))
    (tmp_path / "approvers").mkdir()
    (tmp_path / "approvers" / "lock").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic link"):
        tokens.ensure("ada")

    assert victim.read_text() == SECRET
