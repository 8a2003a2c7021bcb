"""Rows of Azure Tables: encoded keys, long texts, and writes with optimistic concurrency."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from function_app.adapters.azure.reach.connection import Connection, error_code, translate
from function_app.errors import PlatformError
from function_app.late_imports import importing

if TYPE_CHECKING:
    from azure.data.tables import TableClient, TableEntity

# Azure's limits: a text property has at most 64 KiB in UTF-16, an entity 1 MiB, a key 1 KiB, and a
# transaction 100 entities.
PIECE = 32_000
LONGEST_TEXT = 480_000
LONGEST_KEY = 400
_CUT = LONGEST_KEY - 66  # a longer key is cut here, and its hash follows
MOST_OPERATIONS = 100
# The SDK repeats no POST whose answer was lost. Here each POST may be repeated, because the result
# is read back.
_REPEATABLE = {"retry_on_methods": ["GET", "PUT", "POST", "DELETE"]}
_ALLOWED = re.compile(r"[^A-Za-z0-9._-]")
_ENCODED = re.compile(r"(?:=[0-9A-F]{2})+")


class Changed(Exception):  # noqa: N818 - never leaves the adapters
    """Another writer changed a row between our read and our write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row: its keys, a JSON text, a few properties to ask by, and the version that was read."""

    partition: str
    key: str
    text: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    etag: str = ""

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.text)


def encode(text: str) -> str:
    """Return a text as a part of a key; different texts stay different."""
    encoded = _ALLOWED.sub(
        lambda match: "".join(f"={b:02X}" for b in match[0].encode("utf-8", "surrogatepass")), text
    )
    if len(encoded) <= LONGEST_KEY:
        return encoded
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{encoded[:_CUT]}=~{digest}"


def decode(encoded: str) -> str:
    """Return the text that `encode` encoded; a long text that was cut stays as it is."""
    return _ENCODED.sub(
        lambda match: bytes.fromhex(match[0].replace("=", "")).decode("utf-8", "surrogatepass"),
        encoded,
    )


def encoded_prefix(text: str) -> str:
    """Return the beginning that the encoded keys of all texts with this beginning share."""
    return encode(text[:_CUT])[:_CUT]


class Table:
    """A table, which is created when it is first used, unless `make` is False."""

    def __init__(self, connection: Connection, name: str, *, make: bool = True) -> None:
        self._connection, self._name, self._make = connection, name, make
        self._lock = threading.Lock()
        self._made: TableClient | None = None

    def ensure(self) -> None:
        """Make the table, or find it."""
        self._client()

    def get(self, partition: str, key: str) -> Row | None:
        """Return a row, or None when there is none."""
        with importing():
            from azure.core.exceptions import ResourceNotFoundError

        with self._translated("read a row"):
            try:
                return _row(self._client().get_entity(partition, key))
            except ResourceNotFoundError as error:
                if error_code(error) == "TableNotFound":
                    raise
                return None

    def put(self, row: Row) -> None:
        """Write a row, instead of an earlier one."""
        with importing():
            from azure.data.tables import UpdateMode

        with self._translated("write a row"):
            self._client().upsert_entity(_entity(row), mode=UpdateMode.REPLACE)

    def query(
        self,
        condition: str,
        *,
        limit: int | None = None,
        **values: str | datetime,
    ) -> Iterator[Row]:
        """Yield the rows that fulfil a condition, page by page, in the order of their keys.

        The condition's words stand apart by spaces: the SDK puts the values in word by word.
        """
        options: dict[str, Any] = {"parameters": values}
        if limit is not None:
            options["results_per_page"] = max(1, min(limit, 1000))
        with self._translated("read rows"):
            entities = self._client().query_entities(condition, **options)
            for entity in islice(entities, limit):
                yield _row(entity)

    def write(
        self, *, create: Sequence[Row] = (), replace: Sequence[Row] = (), delete: Sequence[Row] = ()
    ) -> None:
        """Write all changes in one transaction of one partition, or raise Changed.

        A row that has an etag must be unchanged since it was read.
        """
        with importing():
            from azure.core import MatchConditions
            from azure.data.tables import UpdateMode

        same = {"match_condition": MatchConditions.IfNotModified}
        mode = {"mode": UpdateMode.REPLACE}
        operations: list[Any] = [("create", _entity(row)) for row in create]
        for row in replace:
            if row.etag:
                operations.append(("update", _entity(row), {**mode, **same, "etag": row.etag}))
            else:
                operations.append(("upsert", _entity(row), mode))
        for row in delete:
            keys = {"PartitionKey": row.partition, "RowKey": row.key}
            operations.append(("delete", keys, {**same, "etag": row.etag} if row.etag else {}))
        if operations:
            with self._translated("write rows"), _changes():
                self._client().submit_transaction(operations, **_REPEATABLE)

    def _translated(self, operation: str) -> AbstractContextManager[None]:
        return translate(operation, f"table {self._name}")

    def _client(self) -> "TableClient":
        with self._lock:
            if self._made is None:
                with importing():
                    from azure.data.tables import TableServiceClient

                connection = self._connection
                service = TableServiceClient(
                    connection.settings.tables_endpoint,
                    credential=connection.credential,
                    # Otherwise the SDK guesses the account from the host name, wrongly for a
                    # private host.
                    audience="https://storage.azure.com",
                    **connection.options(),
                )
                if not self._make:
                    self._made = service.get_table_client(self._name)
                    return self._made
                with self._translated("make the table"):
                    self._made = service.create_table_if_not_exists(self._name)
            return self._made


def pack(text: str) -> dict[str, str]:
    """Return a text as properties, each within the length limit of Tables."""
    if len(text) > LONGEST_TEXT:
        raise PlatformError(
            "azure",
            "write a row",
            f"It has {len(text)} characters; {LONGEST_TEXT} are allowed. Store less in it.",
        )
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    return {f"text{number}": piece for number, piece in enumerate(pieces)}


@contextmanager
def _changes() -> Iterator[None]:
    with importing():
        from azure.core.exceptions import HttpResponseError

    try:
        yield
    except HttpResponseError as error:
        # A row is there that should not be, or is gone or another one than was read.
        if error.status_code in (409, 412) or error_code(error) in _OVERTAKEN:
            raise Changed from error
        raise


_OVERTAKEN = ("ResourceNotFound", "EntityNotFound", "EntityAlreadyExists", "ConditionNotMet")


def _entity(row: Row) -> dict[str, Any]:
    keys = {"PartitionKey": row.partition, "RowKey": row.key}
    return {**row.properties, **pack(row.text), **keys}


def _row(entity: "TableEntity") -> Row:
    properties = dict(entity)
    pieces: list[str] = []
    while (piece := properties.pop(f"text{len(pieces)}", None)) is not None:
        pieces.append(piece)
    return Row(
        partition=properties.pop("PartitionKey"),
        key=properties.pop("RowKey"),
        text="".join(pieces),
        properties=properties,
        etag=str(entity.metadata.get("etag") or ""),
    )
