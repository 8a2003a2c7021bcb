"""Records that an earlier version stored in tables of its own become rows, once.

Adoption is idempotent: a record that is a row already stays as it is, so that a crash in between or
a second process does no harm.
"""

import json
import logging
from collections.abc import Iterable
from itertools import islice
from typing import Any

from function_app.ports import Rows
from function_app.ports.rows import LONGEST_WRITE, MOST_CHANGES, Put, RowsChangedError

# A release has the most rows: its record, its key by its id, and three names.
_MOST_ROWS = 5
LOG = logging.getLogger("mlops.records")


def adopt(rows: Rows, partition: str, records: Iterable[list[Put]]) -> int:
    """Store each record as its rows, unless it is stored already; return the number of new records.

    The rows of one record are written atomically.
    """
    count, waiting = 0, iter(records)
    while batch := list(islice(waiting, MOST_CHANGES // _MOST_ROWS)):
        puts = [put for record in batch for put in record]
        size = sum(len(json.dumps(put.content)) for put in puts)
        try:
            if len(puts) > MOST_CHANGES or size > LONGEST_WRITE:
                raise RowsChangedError("These records are too many for one write.")
            rows.write(partition, puts)
        except RowsChangedError:
            for record in batch:
                _adopt(rows, partition, record)
        count += len(batch)
    return count


def parsed(text: str) -> dict[str, Any]:
    """Return the JSON object of a text; an object with the field `damaged` for any other text."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    return content if isinstance(content, dict) else {"damaged": text[:100_000]}


def _adopt(rows: Rows, partition: str, record: list[Put]) -> None:
    try:
        rows.write(partition, record)
    except RowsChangedError:
        LOG.info("the record %r is stored already", record[0].key)
