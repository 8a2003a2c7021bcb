"""Maps the header of a file to the schema of mlops.toml where only one reading is possible."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from platform_jobs.tables.tables import Table

# Columns that a note names.
_SHOWN = 3
# Characters without a width, beside blanks: byte order marks, zero-width blanks, directions.
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u00ad"))


def map_columns(table: Table, schema: Sequence[str]) -> Table:
    """Return the table with the names and the order of the schema, and with a note on each change.

    A name is mapped when it differs from one name of the schema, and from no other, only by case,
    blanks or invisible characters. The order is changed when the file has all columns of the schema
    and no others. Every other difference stays, so that the data check refuses it.
    """
    if not schema or not table.columns:
        return table
    renamed = _renamed(table.columns, schema)
    names = tuple(renamed.get(name, name) for name in table.columns)
    notes = [_name_note(renamed)] if renamed else []
    rows = table.rows
    if names != tuple(schema) and Counter(names) == Counter(schema):
        indices = [names.index(name) for name in schema]
        names = tuple(schema)
        rows = tuple(tuple(row[index] for index in indices) for row in rows)
        notes.append("Its columns come in another order than in mlops.toml, whose order was used.")
    return replace(table, columns=names, rows=rows, notes=(*table.notes, *notes))


def _renamed(columns: Sequence[str], schema: Sequence[str]) -> dict[str, str]:
    """Return the schema's name by the file's name, for names that differ and have one reading."""
    in_schema = Counter(map(_key, schema))
    in_file = Counter(map(_key, columns))
    absent = {_key(name): name for name in schema if name not in columns}
    return {
        name: absent[key]
        for name in columns
        if (key := _key(name)) in absent and in_schema[key] == in_file[key] == 1
    }


def _key(name: str) -> str:
    return "".join(name.translate(_INVISIBLE).casefold().split())


def _name_note(renamed: dict[str, str]) -> str:
    pairs = [f"{given!r} as {name}" for given, name in renamed.items()]
    more = f" and {len(pairs) - _SHOWN} more" if len(pairs) > _SHOWN else ""
    return (
        f"Names of columns differ from mlops.toml by case or blanks and were read as its names: "
        f"{', '.join(pairs[:_SHOWN])}{more}."
    )
