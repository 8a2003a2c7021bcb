"""Keys of production on this machine: a rotation that breaks off locks no caller out."""

import os
from pathlib import Path

import pytest

from function_app.adapters.local.keys import SCHEME, LocalKeys
from function_app.adapters.local.reach.files import read_object
from function_app.adapters.scoring_service.scoring_keys import digest_of
from function_app.errors import PlatformError


def digest(header: str) -> str:
    """Return the digest of the key in a header file as curl takes it, `@FILE`."""
    return digest_of(Path(header.removeprefix("@")).read_text().strip().removeprefix(SCHEME))


@pytest.mark.parametrize("broken", ["diabetes.secondary.header", "keys.json", "diabetes.header"])
def test_a_caller_s_header_counts_when_a_rotation_broke_off(tmp_path: Path, broken: str) -> None:
    keys = LocalKeys(tmp_path / "state", tmp_path / "user")
    stored = keys.ensure("diabetes")
    former = digest(keys.header("diabetes"))
    folder = stored.parent if broken == "keys.json" else tmp_path / "user"
    # A folder where the unfinished file belongs makes this one write fail.
    obstacle = folder / f".{broken}.{os.getpid()}.new"
    obstacle.mkdir()

    with pytest.raises(PlatformError):
        keys.rotate("diabetes")
    assert digest(keys.header("diabetes")) in read_object(stored)["keys"].values()

    obstacle.rmdir()
    new = digest(keys.rotate("diabetes"))
    assert set(read_object(stored)["keys"].values()) == {new, former}
