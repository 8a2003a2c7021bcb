"""Stored rows that cannot be read: each is listed, and no row is taken for another one."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from function_app.domain.codec import find_damaged, load
from function_app.domain.release.approval import Decision
from function_app.domain.release.authorization import Change, Order
from function_app.errors import ContractError, PlatformError
from function_app.ports import Rows
from function_app.ports.rows import Put, Row, RowsChangedError

T = TypeVar("T")
CHANGE, ORDER, DECISION = "change/", "order/", "decision/"
REMEDY = "Restore the records from a backup."
PAGE = 1_000
# So many damaged rows are remembered; a partition with more needs its backup anyway.
REMEMBERED = 500
_OWN_KEY = "checked"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Rows with one prefix.

    A row is damaged when it, or its field `field`, cannot be read as `target`. `effect` is the
    consequence of the damage, and `label` returns the name of a row with a key for people.
    """

    prefix: str
    target: type
    effect: str
    field: str = ""
    label: Callable[[str], str] = str


def damaged_rows(rows: Rows, model: str) -> Iterator[tuple[str, str]]:
    """Yield the key of each unreadable row about a model that is known by now, and the consequence.

    One call checks up to PAGE rows, and those that were found damaged; the next call goes on.
    """
    for key, problem in DamageCheck(rows, partition_of(model), _OF_MODELS).find():
        yield f"{model}: {key}", f"{problem} {REMEDY}"


def read_page(
    rows: Rows, partition: str, prefixes: Sequence[str], after: str, limit: int
) -> tuple[list[Row], str]:
    """Return up to `limit` rows with these prefixes, and the key after which the next page begins.

    The page begins behind the key `after`. Both keys are empty for the first row.
    """
    begin = next((n for n, prefix in enumerate(prefixes) if after.startswith(prefix)), None)
    page: list[Row] = []
    for prefix in prefixes[begin or 0 :]:
        start = after if after.startswith(prefix) else ""
        page += rows.query(partition, prefix, after=start, limit=limit - len(page))
        if len(page) == limit:
            return page, page[-1].key
    return page, ""


class DamageCheck:
    """Finds rows of a partition that cannot be read, a page of rows in each call.

    A comparison runs every ten minutes and must not read every release and event that ever was. It
    therefore goes on after the last row of the comparison before.
    """

    def __init__(self, rows: Rows, partition: str, kinds: tuple[Kind, ...]) -> None:
        """`kinds` are the kinds of rows to check, in the order in which they are checked."""
        self._rows, self._partition, self._kinds = rows, partition, kinds

    def find(self) -> tuple[tuple[str, str], ...]:
        """Return the name of each damaged row that is known by now, the problem and its effect."""
        state = self._rows.get(self._partition, _OWN_KEY)
        after, known = _read(state)
        prefixes = [kind.prefix for kind in self._kinds]
        page, following = read_page(self._rows, self._partition, prefixes, after, PAGE)
        again = [self._rows.get(self._partition, key) for key in known]
        rows = {row.key: row for row in (*page, *again) if row}
        damaged = {key: problem for kind in self._kinds for key, problem in _damaged(kind, rows)}
        self._save(state, following, list(damaged)[:REMEMBERED])
        return tuple(
            (kind.label(key), f"{problem} {kind.effect}")
            for kind in self._kinds
            for key, problem in damaged.items()
            if key.startswith(kind.prefix)
        )

    def _save(self, state: Row | None, after: str, damaged: list[str]) -> None:
        content = {"after": after, "damaged": json.dumps(damaged)}
        if _read(state) == (after, damaged):
            return
        etag = state.etag if state else None
        try:
            self._rows.write(self._partition, [Put(key=_OWN_KEY, content=content, etag=etag)])
        except RowsChangedError:
            return  # another comparison runs at the same time, and stored where it is


def _damaged(kind: Kind, rows: dict[str, Row]) -> tuple[tuple[str, str], ...]:
    """Return the key of each damaged row of a kind, and the problem."""
    own = (row for key, row in rows.items() if key.startswith(kind.prefix))
    contents = ((r.key, r.content.get(kind.field) if kind.field else r.content) for r in own)
    return find_damaged(kind.target, contents)


def _read(state: Row | None) -> tuple[str, list[str]]:
    """Return the key after which the next check begins, and the keys of damaged rows."""
    content = state.content if state else {}
    after, damaged = content.get("after"), content.get("damaged")
    try:
        keys = json.loads(damaged) if isinstance(damaged, str) else []
    except ValueError:
        keys = []
    known = [key for key in keys if isinstance(key, str) and key] if isinstance(keys, list) else []
    return after if isinstance(after, str) else "", known


_OF_MODELS = (
    Kind(
        prefix=DECISION,
        target=tuple[Decision, ...],
        field="decisions",
        effect="Its decisions do not count.",
    ),
    Kind(
        prefix=CHANGE,
        target=Change,
        effect="Production of the model does not change until it is restored. (An older change "
        "than the latest ones stops nothing.)",
    ),
    Kind(prefix=ORDER, target=Order, effect="The order is not carried out; give it again."),
)
