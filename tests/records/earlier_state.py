"""States that the adapters wrote before records were rows, as files beside this one.

ledger.sql and inbox.sql are dumps of SQLite; tables.json has the rows of Azure Tables and the blobs
of their long payloads. `(61000 x)` stands for so many letters.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.connection import Connection
from function_app.adapters.azure.reach.tables import Row, Table

_FOLDER = Path(__file__).parent / "earlier"


def fill_sqlite(file: Path) -> None:
    """Write the tables of an earlier version into a file, beside the tables that it has."""
    with closing(sqlite3.connect(file)) as database:
        database.executescript(_read(f"{file.stem}.sql"))


def fill_tables(connection: Connection, name: str) -> None:
    """Write the rows of an earlier version, and their blobs."""
    content: dict[str, Any] = json.loads(_read("tables.json"))
    table = Table(connection, name)
    for row in content["tables"][name]:
        table.put(Row(**row))
    blobs = Blobs(connection)
    blobs.ensure_container()
    for path, payload in content["blobs"].items():
        blobs.create_json(path, payload)


def _read(name: str) -> str:
    return (_FOLDER / name).read_text().replace("(61000 x)", "x" * 61_000)
