"""Executions that continued as new: the table `formers` has the last one of each instance.

The history of an instance is replaced when it continues as new. This one is kept so that a replay
can compare it with the code.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from funchost.storage import turns
from funchost.storage.connection import Connection, Reader

MOST_TURNS = 1000  # a longer execution is not kept
MOST = 1_000_000  # characters of its history; a larger one is not kept


class FormerExecution(NamedTuple):
    """An execution that continued as new.

    `input` and `following`, the input of the next execution, are JSON texts; so is `events`, its
    whole history.
    """

    instance: str
    execution: str
    input: str | None
    following: str | None
    events: str


_COLUMNS = ", ".join(FormerExecution._fields)


def keep(db: Connection, former: FormerExecution, number: int) -> None:
    """Store an execution with the events of its last turn, whose number is given.

    The events of its other turns are read from the store. It replaces an earlier execution, also
    when it is too long to be kept.
    """
    db.execute("DELETE FROM formers WHERE instance=?", (former.instance,))
    if number >= MOST_TURNS:
        return
    lists = [turn.events for turn in turns.read(db, former.instance)]
    if sum(map(len, lists)) + len(former.events) > MOST:
        return
    events = [event for text in (*lists, former.events) for event in json.loads(text)]
    whole = former._replace(events=json.dumps(events))
    db.execute(f"INSERT INTO formers({_COLUMNS}) VALUES(?,?,?,?,?)", whole)


def get(reader: Reader, instance: str) -> FormerExecution | None:
    """Return the last execution of an instance that continued as new, None without one."""
    row = reader.row(f"SELECT {_COLUMNS} FROM formers WHERE instance=?", instance)
    return FormerExecution(*row) if row else None
