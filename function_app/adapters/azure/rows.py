"""Rows in Azure Tables: one entity for a row, one transaction for a write."""

import json
import threading
from collections.abc import Callable, Sequence

from function_app.adapters.azure.reach import tables
from function_app.adapters.azure.reach.connection import Connection
from function_app.adapters.azure.reach.tables import Changed, Table, encode, encoded_prefix
from function_app.ports.rows import (
    Delete,
    Put,
    Row,
    RowsChangedError,
    check_key,
    checked,
    read_content,
)

TABLE, INBOX_TABLE = "mlopsrecords", "mlopsinbox"
# `~` is the greatest character that an encoded key has, and no key has two of them in a row.
_LAST = "~~"


class AzureRows:
    """Rows of the storage account."""

    def __init__(
        self,
        connection: Connection,
        table: str = TABLE,
        before: Callable[["AzureRows"], None] | None = None,
    ) -> None:
        """Take the table's name, and a function that adopts earlier rows before the first use."""
        self._connection, self._name, self._before = connection, table, before
        self._table_of_rows, self._lock = Table(connection, table), threading.Lock()

    @property
    def _table(self) -> Table:
        with self._lock:
            if self._before is not None:
                self._before(AzureRows(self._connection, self._name))
                self._before = None
        return self._table_of_rows

    def ensure(self) -> str:
        """Make the table, or find it."""
        self._table.ensure()
        return f"table {self._name}"

    def get(self, partition: str, key: str) -> Row | None:
        check_key(partition)
        check_key(key)
        entity = self._table.get(encode(partition), encode(key))
        return _row(partition, entity) if entity else None

    def query(
        self, partition: str, prefix: str = "", *, after: str = "", limit: int | None = None
    ) -> tuple[Row, ...]:
        check_key(partition)
        first = encoded_prefix(prefix)
        condition = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last"
        if after:
            condition += " and RowKey gt @after"
        entities = self._table.query(
            condition,
            limit=limit,
            partition=encode(partition),
            first=first,
            last=first + _LAST,
            after=encode(after),
        )
        rows = (_row(partition, row) for row in entities)
        # An encoded prefix of a long key is cut.
        matching = tuple(row for row in rows if row.key.startswith(prefix))
        if after or limit is not None:
            return matching
        # Encoded keys sort in another order.
        return tuple(sorted(matching, key=lambda row: row.key))

    def write(self, partition: str, changes: Sequence[Put | Delete]) -> None:
        created, replaced, deleted = [], [], []
        for change, text in checked(partition, changes):
            row = tables.Row(
                partition=encode(partition),
                key=encode(change.key),
                text=text,
                properties={"key": json.dumps(change.key)} if text else {},
                etag=change.etag or "",
            )
            if isinstance(change, Delete):
                deleted.append(row)
            elif change.etag is None:
                created.append(row)
            else:
                replaced.append(row)
        try:
            self._table.write(create=created, replace=replaced, delete=deleted)
        except Changed as error:
            names = ", ".join(repr(change.key[:100]) for change in changes[:3])
            raise RowsChangedError(f"A row of {names} was changed in between.") from error


def _row(partition: str, row: tables.Row) -> Row:
    key = json.loads(row.properties["key"])
    return Row(partition=partition, key=key, content=read_content(row.text, key), etag=row.etag)
