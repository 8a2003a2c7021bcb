"""Stored rows that cannot be read: each is listed, and no row is taken for another one."""

from collections.abc import Iterator
from typing import Any, TypeVar

from function_app.domain.codec import find_damaged, load
from function_app.domain.release.approval import Decision
from function_app.domain.release.authorization import Change, Order
from function_app.errors import ContractError, PlatformError
from function_app.ports import Rows
from function_app.ports.rows import Row

T = TypeVar("T")
CHANGE, ORDER, DECISION = "change/", "order/", "decision/"
REMEDY = "Restore the records from a backup."


def partition_of(model: str) -> str:
    """Return the partition with the decisions over a model and the changes of its production."""
    return f"production/{model}"


def read_row(target: type[T], row: Row, name: str = "") -> T:
    """Return the record in a row, or in its field `name`; PlatformError when it cannot be read."""
    try:
        return load(target, row.content.get(name) if name else row.content)
    except ContractError as error:
        text = f"{error.message} {REMEDY}"
        raise PlatformError("records", f"read {row.key} of {row.partition}", text) from error


def damaged_rows(rows: Rows, model: str) -> Iterator[tuple[str, str]]:
    """Yield the key of each unreadable row about a model, and the consequence."""
    kinds: tuple[tuple[str, Any, str, str], ...] = (
        (DECISION, tuple[Decision, ...], "decisions", "Its decisions do not count."),
        (CHANGE, Change, "", "Production of the model does not change until it is restored."),
        (ORDER, Order, "", "The order is not carried out; give it again."),
    )
    for prefix, target, name, effect in kinds:
        stored = rows.query(partition_of(model), prefix)
        records = ((row.key, row.content.get(name) if name else row.content) for row in stored)
        for key, problem in find_damaged(target, records):
            yield f"{model}: {key}", f"{problem} {effect} {REMEDY}"
