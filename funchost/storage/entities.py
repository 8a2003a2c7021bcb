"""Entities and their queued operations: the tables `entities` and `operations`."""

from __future__ import annotations

from sqlite3 import Row
from typing import NamedTuple

from funchost.storage.connection import Connection, Reader
from funchost.storage.instances import Filters, are_few, conditions


class EntityRecord(NamedTuple):
    """An entity: its id `@name@key`, its state as JSON text, when it changed last and was made.

    `present` is 0 after the entity deleted itself, and before its first operation succeeded.
    """

    id: str
    name: str
    state: str
    updated: str
    present: int
    created: str


class Operation(NamedTuple):
    """An operation to run; a call, unlike a signal, has the instance that waits for `request`."""

    seq: int
    entity: str
    name: str
    input: str | None
    instance: str | None
    execution: str | None
    request: str | None


_SELECT = f"SELECT {', '.join(EntityRecord._fields)} FROM entities"


def get(reader: Reader, entity: str) -> EntityRecord | None:
    """Return an entity, None when it never had an operation."""
    row = reader.row(f"{_SELECT} WHERE id=?", entity)
    return EntityRecord(*row) if row else None


def put(db: Connection, record: EntityRecord) -> None:
    """Store an entity in place of its former state."""
    marks = ",".join("?" * len(record))
    db.execute(
        f"INSERT OR REPLACE INTO entities({', '.join(record._fields)}) VALUES({marks})", record
    )


def purge(db: Connection, entity: str) -> int:
    """Delete an entity and its queued operations; return how many entities there were."""
    db.execute("DELETE FROM operations WHERE entity=?", (entity,))
    return db.execute("DELETE FROM entities WHERE id=?", (entity,)).rowcount


def select(
    reader: Reader,
    name: str | None,
    updated_from: str | None,
    updated_to: str | None,
    *,
    after: str = "",
    most: int = -1,
) -> list[EntityRecord]:
    """List the present entities by name and time of the last change, in the order of ids.

    At most so many (-1: all) behind the id `after`.
    """
    prefix = "" if name is None else f"@{name}@"
    filters = Filters(prefix=prefix, created_from=updated_from, created_to=updated_to)
    columns = ", ".join(EntityRecord._fields)
    rows = _rows(reader, columns, "updated", filters, after, most, "present=1")
    return [EntityRecord(*row) for row in rows]


def ids(reader: Reader, filters: Filters, after: str = "", most: int = -1) -> list[str]:
    """Return at most so many ids (-1: all) behind `after`, in order; every entity is Running."""
    if filters.statuses and "Running" not in filters.statuses:
        return []
    return [row["id"] for row in _rows(reader, "id", "created", filters, after, most)]


def _rows(
    reader: Reader, columns: str, moment: str, filters: Filters, after: str, most: int, *more: str
) -> list[Row]:
    """Return the rows of a page in the order of ids; `moment` is the column of the filter's times.

    An index by time leads to the page when few entities are in the range, else one by id.
    """
    if are_few(reader, "entities", moment, filters):
        index, column = f"INDEXED BY entities_{moment}", moment
    else:
        index, column = "", f"+{moment}"  # SQLite uses no index for an expression
    where, values = conditions(filters, after, column)
    query = (
        f"SELECT {columns} FROM entities {index} WHERE {' AND '.join([*more, *where])} "
        "ORDER BY id LIMIT ?"
    )
    return reader.rows(query, *values, most)


def add_operation(
    db: Connection,
    entity: str,
    name: str,
    text: str | None,
    reply: tuple[str, str, str] | None = None,
) -> None:
    """Queue an operation; `reply` is the instance, execution and request id that wait for it."""
    db.execute(
        "INSERT INTO operations(entity, name, input, instance, execution, request) "
        "VALUES(?,?,?,?,?,?)",
        (entity, name, text, *(reply or (None, None, None))),
    )


def operations(reader: Reader, entity: str, most: int) -> list[Operation]:
    """Return at most so many operations of an entity, the oldest first."""
    query = (
        "SELECT seq, entity, name, input, instance, execution, request FROM operations "
        "WHERE entity=? ORDER BY seq LIMIT ?"
    )
    return [Operation(*row) for row in reader.rows(query, entity, most)]


def has_operations(reader: Reader, entity: str) -> bool:
    """Tell whether an entity has operations to run."""
    return reader.row("SELECT 1 FROM operations WHERE entity=?", entity) is not None


def with_operations(reader: Reader) -> list[str]:
    """Return the entities that have operations to run."""
    return [row["entity"] for row in reader.rows("SELECT DISTINCT entity FROM operations")]


def delete_operation(db: Connection, seq: int) -> None:
    """Delete an operation that ran."""
    db.execute("DELETE FROM operations WHERE seq=?", (seq,))
