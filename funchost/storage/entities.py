"""Entities and their queued operations: the tables `entities` and `operations`."""

from __future__ import annotations

from typing import NamedTuple

from funchost.storage.connection import Connection, Reader


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


def delete(db: Connection, entity: str) -> bool:
    """Delete an entity; False when there is none of this id."""
    return bool(db.execute("DELETE FROM entities WHERE id=?", (entity,)).rowcount)


def select(
    reader: Reader, name: str | None, updated_from: str | None, updated_to: str | None
) -> list[EntityRecord]:
    """List the present entities by name and time of the last change, ordered by id."""
    where, values = ["present=1"], list[str]()
    for condition, value in (
        ("name=?", name),
        ("updated >= ?", updated_from),
        ("updated <= ?", updated_to),
    ):
        if value is not None:
            where.append(condition)
            values.append(value)
    query = f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY id"
    return [EntityRecord(*row) for row in reader.rows(query, *values)]


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
