"""A store that cannot be opened, and a disk that takes no more."""

import asyncio
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from funchost import commands
from funchost.app.settings import SettingsError
from funchost.durable.retention import purge_older
from funchost.keys import read_keys
from funchost.storage import entities
from funchost.storage.connection import Connection
from funchost.storage.migrations import MIGRATIONS
from funchost.storage.store import Store, StoreError
from tests.patience import PATIENCE

SMALL_DISK = """
import sys
from pathlib import Path
from funchost.durable import instances
from funchost.storage.store import Store
store = Store(Path(sys.argv[1]))
print(store.commit(lambda db: instances.create(db, instances.new("one", "chain", None))).result(60))
"""


def test_a_file_that_is_no_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"this is not a database" * 100)

    with pytest.raises(StoreError, match=r"store\.db cannot be opened: file is not a database"):
        Store(tmp_path)
    (tmp_path / "store.db").unlink()
    Store(tmp_path).close()  # the lock was given back


def test_commands_read_the_store_of_an_earlier_version(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "store.db")) as db:
        db.execute("CREATE TABLE migrations(version INTEGER PRIMARY KEY, applied TEXT)")
        for number, script in enumerate(MIGRATIONS[:3], start=1):
            db.executescript(script)
            db.execute("INSERT INTO migrations VALUES(?, '')", (number,))
        db.commit()

    assert list(commands.instances(tmp_path, None)) == []
    assert list(commands.export(tmp_path, None)) == []


def test_a_full_disk_says_that_it_is_full(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def fill(db: Connection) -> None:
        db.execute("PRAGMA max_page_count=1")
        db.execute("CREATE TABLE big AS SELECT zeroblob(10000000)")

    assert "full" in str(store.commit(fill).exception(PATIENCE))
    store.close()


def test_a_disk_without_room_for_the_whole_log_takes_small_commits(tmp_path: Path) -> None:
    """The host asks for 4 MB at its start; without them it is only slower."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    command = [sys.executable, "-c", SMALL_DISK, str(tmp_path)]
    answer = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, preexec_fn=limit
    )

    assert answer.stdout == "True\n", answer.stderr


@pytest.mark.parametrize("text", ["{", "[]", '{"colour": "red"}', '{"host": 1}'])
def test_a_file_of_keys_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)

    with pytest.raises(SettingsError, match=r"keys\.json .* Delete it"):
        read_keys(tmp_path)


def test_keys_that_an_earlier_version_had_not_are_made_once(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('{"host": "kept"}')

    first, second = read_keys(tmp_path), read_keys(tmp_path, ["f"])

    assert (first.host, first.topic) == (second.host, second.topic) == ("kept", first.topic)
    assert read_keys(tmp_path).functions == second.functions


@pytest.mark.parametrize("age", ["9999999d", "99999999999999d"])
def test_an_age_before_all_dates_purges_nothing(tmp_path: Path, age: str) -> None:
    store = Store(tmp_path)

    assert purge_older(store, commands.parse_age(age)) == 0
    store.close()


def test_a_unit_that_raises_is_undone_alone_and_the_others_of_its_group_are_stored(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    begun, go_on = threading.Event(), threading.Event()

    def first(db: Connection) -> None:
        begun.set()
        go_on.wait()

    def letter(entity: str) -> Callable[[Connection], str]:
        def work(db: Connection) -> str:
            entities.add_operation(db, entity, "add", None)
            if entity == "raises":
                raise ValueError("boom")
            return entity

        return work

    blocked = store.commit(first)
    begun.wait()  # the next ones are one group
    units = {name: store.commit(letter(name)) for name in ("one", "raises", "two")}
    go_on.set()

    assert blocked.result() is None
    assert (units["one"].result(), units["two"].result()) == ("one", "two")
    assert str(units["raises"].exception()) == "boom"
    counts = [len(entities.operations(store, name, 9)) for name in units]
    assert counts == [1, 0, 1]
    store.close()


def test_a_cancelled_wait_for_a_commit_does_not_stop_the_writer(tmp_path: Path) -> None:
    store, done = Store(tmp_path), list[int]()

    async def cancel() -> None:
        with store.transaction():  # no other commit ends meanwhile
            waiting = asyncio.create_task(store.committed(lambda db: done.append(1)))
            await asyncio.sleep(0)
            waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(cancel())
    store.commit(lambda db: done.append(2)).result(PATIENCE)
    store.close()

    assert done == [1, 2]
