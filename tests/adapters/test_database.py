import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from function_app.adapters.local.reach.database import Database
from function_app.errors import PlatformError


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let tests mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(database: Database) -> None:
    for _ in range(100):
        with database.transaction() as connection:
            connection.execute("INSERT INTO t VALUES (?)", ("x" * 20_000,))


def test_a_full_disk_is_named_and_what_was_written_before_is_kept(small_disk: Path) -> None:
    database = Database(small_disk / "ledger.db", "CREATE TABLE IF NOT EXISTS t (x);")
    with database.transaction() as connection:
        connection.execute("INSERT INTO t VALUES ('kept')")

    with pytest.raises(PlatformError, match=r"ledger\.db.*full.*Free space or .*try again"):
        fill(database)

    with database.reading() as connection:
        assert connection.execute("SELECT x FROM t WHERE x = 'kept'").fetchone() == ("kept",)


def test_a_file_that_was_deleted_or_damaged_is_named_with_a_way_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    database = Database(path, "CREATE TABLE IF NOT EXISTS t (x);")
    for end in (lambda: path.unlink(), lambda: path.write_bytes(b"garbled " * 1000)):
        end()
        for name in ("ledger.db-wal", "ledger.db-shm"):
            (tmp_path / name).unlink(missing_ok=True)
        with pytest.raises(PlatformError, match=r"ledger\.db.*damaged.*backup"):
            fill(database)

    with pytest.raises(PlatformError, match=r"ledger\.db.*damaged.*backup"):
        Database(path, "CREATE TABLE IF NOT EXISTS t (x);")


def test_a_thread_that_read_a_file_sees_the_file_that_replaced_it(tmp_path: Path) -> None:
    schema, path = "CREATE TABLE IF NOT EXISTS t (x);", tmp_path / "ledger.db"
    database = Database(path, schema)

    def read() -> list[tuple[str]]:
        with database.reading() as connection:
            return connection.execute("SELECT x FROM t").fetchall()

    assert read() == []
    with database.transaction() as connection:
        connection.execute("INSERT INTO t VALUES ('first')")
    assert read() == [("first",)]

    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    with pytest.raises(PlatformError, match=r"ledger\.db.*damaged.*backup"):
        read()
    other = Database(path, schema)
    with other.transaction() as connection:
        connection.execute("INSERT INTO t VALUES ('second')")

    assert read() == [("second",)]


def test_a_reader_that_failed_reads_again(tmp_path: Path) -> None:
    database = Database(tmp_path / "ledger.db", "CREATE TABLE IF NOT EXISTS t (x);")
    with pytest.raises(ZeroDivisionError), database.reading():
        raise ZeroDivisionError
    with pytest.raises(PlatformError), database.reading() as connection:
        connection.execute("SELECT x FROM gone")

    with database.reading() as connection:
        assert connection.execute("SELECT x FROM t").fetchall() == []
