"""Paths as addresses and back, for every name of a folder."""

import sqlite3
from pathlib import Path

import pytest

from function_app.adapters.local.jobs.mlflow_client import database_address
from function_app.addresses import file_address, file_path
from function_app.domain.events.events import repository_key
from function_app.errors import ContractError

NAMES = ["My Projects", "Müllers Übung", "100%", "a%20b", "#1", "what?", "a+b", "a&b=c;d", "日本"]


@pytest.mark.parametrize("name", NAMES)
def test_a_path_comes_back_from_its_address(name: str) -> None:
    path = Path("/srv") / name / "model.skops"

    assert file_path(file_address(path)) == path
    assert file_address(path).isascii()
    assert set(file_address(path)).isdisjoint(" #?")


@pytest.mark.parametrize("name", NAMES)
def test_a_database_is_where_its_address_says(tmp_path: Path, name: str) -> None:
    from sqlalchemy import create_engine, text

    path = tmp_path / name / "mlflow.db"
    path.parent.mkdir()
    engine = create_engine(database_address(path))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE here (x)"))
    engine.dispose()

    with sqlite3.connect(path) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("here",)]
    database.close()
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "address",
    [
        "/srv/a",
        "https://host/a",
        "file://host/a",
        "file:a",
        "file:///a%00",
        "file:///a#b",
        "file:///a?b",
        "file://[x/a",
        "",
    ],
)
def test_addresses_other_than_local_files_are_refused(address: str) -> None:
    with pytest.raises(ContractError):
        file_path(address)


@pytest.mark.parametrize("name", NAMES)
def test_a_repository_is_one_by_its_path_and_by_its_address(name: str) -> None:
    path = Path("/srv") / name / "repo.git"

    assert repository_key(str(path)) == repository_key(file_address(path))
