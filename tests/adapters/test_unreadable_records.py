"""A record that the machine cannot read now does not count as absent: its reader would replace it."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from configuration.people.tokens import IssuedTokens, copies_of
from function_app.adapters.local.approvers import LocalApprovers
from function_app.adapters.local.keys import LocalKeys
from function_app.adapters.local.reach.files import read_object, write_json
from function_app.adapters.local.reach.inbox_files import open_file
from function_app.errors import PlatformError


@contextmanager
def no_files_left() -> Iterator[None]:
    """Let this process open no file.

    The standard streams use the three numbers below the limit. A limit of zero would also make
    `poll` fail in the threads of other tests' servers: it takes no more files than the limit.
    """
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_record_is_not_empty_while_no_file_can_be_opened(tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    write_json(record, {"version": "1"})

    with no_files_left(), pytest.raises(PlatformError, match="cannot be read now"):
        read_object(record)

    assert read_object(record) == {"version": "1"}
    assert read_object(tmp_path / "absent.json") == {}


def test_the_platform_s_secret_stays_while_no_file_can_be_opened(tmp_path: Path) -> None:
    keys = LocalKeys(tmp_path / "state", tmp_path / "user")
    before = keys.production_secret("diabetes")

    with no_files_left(), pytest.raises(PlatformError, match="cannot be read now"):
        keys.production_secret("diabetes")

    assert keys.production_secret("diabetes") == before


def test_a_person_is_not_unknown_while_no_file_can_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLOPS_CONFIG", str(tmp_path / "user"))
    token = IssuedTokens(tmp_path, copies_of(tmp_path, os.environ)).issue("ada")
    approvers = LocalApprovers(tmp_path)

    with no_files_left(), pytest.raises(PlatformError, match="cannot be read now"):
        approvers.identify(token)

    assert approvers.identify(token) == "ada"


def test_a_file_of_the_inbox_is_not_gone_while_no_file_can_be_opened(tmp_path: Path) -> None:
    arrived = tmp_path / "rows.csv"
    arrived.write_text("a,Y\n")

    with no_files_left(), pytest.raises(PlatformError), open_file(tmp_path, arrived):
        pass
    with open_file(tmp_path, arrived) as file:
        assert file.read() == b"a,Y\n"
