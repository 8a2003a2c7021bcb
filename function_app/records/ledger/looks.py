"""Looks: the comparisons of each model's challengers with its champions, counted once each.

A row for each comparison has its number. One more row for each model has the count; every new
comparison rewrites it, so that two comparisons never get the same number.
"""

from dataclasses import dataclass
from urllib.parse import quote

from function_app.domain.codec import dump
from function_app.ports import Rows
from function_app.ports.rows import Put
from function_app.records.changing import until_unchanged
from function_app.records.damage import read_row

LOOKS, BY_MODEL = "looks", "look/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The number of a comparison among all of a model's, or their count."""

    number: int


def count(rows: Rows, model: str, evaluation_id: str) -> int:
    """Count the comparison once, and return its number among all of the model's, from 1.

    A repeated call returns the same number. PlatformError when a row cannot be read, because a
    lower number would let the model be compared at a level that was spent already.
    """
    head = f"{BY_MODEL}{quote(model, safe='')}/"
    key = f"{head}{evaluation_id}"

    def attempt() -> int:
        if (own := rows.get(LOOKS, key)) is not None:
            return read_row(Look, own).number
        counted = rows.get(LOOKS, head)
        look = Look(number=read_row(Look, counted).number + 1 if counted else 1)
        etag = counted.etag if counted else None
        rows.write(
            LOOKS,
            [Put(key=head, content=dump(look), etag=etag), Put(key=key, content=dump(look))],
        )
        return look.number

    return until_unchanged("count a comparison", attempt)
