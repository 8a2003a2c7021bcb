"""The id of a new child costs no read, except in an execution that was rewound."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from funchost.durable import history as h
from funchost.durable import instances as clients
from funchost.durable.rewind import free_id
from funchost.storage import instances
from funchost.storage.connection import Connection
from funchost.storage.store import Store

OLD = Path(__file__).parent / "states" / "stories_of_schema_5.sql"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    store = Store(tmp_path)
    with store.transaction() as db:
        clients.create(db, clients.new("parent", "o", None))
        yield db
    store.close()


def ids_of_children(db: Connection, number: int) -> tuple[list[str], int]:
    """Return the ids of a fan-out's children, and how many statements SQLite runs for them."""
    row = instances.get(db, "parent")
    assert row is not None
    statements: list[str] = []
    db.set_trace_callback(statements.append)
    ids = [free_id(db, row, child(row.execution, task)) for task in range(number)]
    db.set_trace_callback(None)
    return ids, len(statements)


def child(execution: str, task: int) -> h.Event:
    automatic = f"{execution}:{task:04x}"
    return h.event(h.SUB_CREATED, task, InstanceId=automatic, Name="o", Input=None)


def begin(db: Connection, ids: list[str]) -> None:
    for name in ids:
        clients.create(db, clients.new(name, "o", None))


def test_a_fan_out_reads_no_instance_for_the_ids_of_its_children(db: Connection) -> None:
    ids, statements = ids_of_children(db, 100)

    assert (len(set(ids)), statements) == (100, 0)


def test_a_rewound_execution_gives_no_id_of_an_earlier_child_again(db: Connection) -> None:
    earlier, _ = ids_of_children(db, 3)
    begin(db, earlier)
    instances.set_rewound(db, "parent", "2026-01-01T00:00:00.0000000Z")

    later, statements = ids_of_children(db, 4)

    assert later[:3] == [f"{name}:1" for name in earlier]
    assert not {*later} & {*earlier}
    assert statements == 7


def test_the_next_execution_of_a_rewound_instance_reads_none_again(db: Connection) -> None:
    instances.set_rewound(db, "parent", "2026-01-01T00:00:00.0000000Z")
    instances.start_execution(db, "parent", "another", None)

    assert ids_of_children(db, 3) == ([f"another:{task:04x}" for task in range(3)], 0)


def test_instances_of_an_earlier_version_may_have_been_rewound(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "store.db")) as old:
        old.executescript(OLD.read_text())
    store = Store(tmp_path)

    rows = instances.select(store, instances.Filters())
    store.close()

    assert rows
    assert {row.rewound for row in rows} == {1}
