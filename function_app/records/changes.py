"""Changes of production and the orders of people: which one was authorised last, and how it ended.

The changes of a model are rows with consecutive numbers. A new change must be the next number, so
that of two that begin at once one is refused by the rows and judged again by the rules. The row
LATEST names the last number, so that no rule reads every change that ever was. It may lag behind,
because earlier versions did not write it: changes after the named one are read, too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from function_app.domain.codec import checked, dump
from function_app.domain.release.approval import Decision
from function_app.domain.release.authorization import Change, ChangeKind, ChangeState, Order
from function_app.ports import Rows
from function_app.ports.rows import Put, Row
from function_app.records.accounts import mark
from function_app.records.changing import until_unchanged
from function_app.records.damage import CHANGE, ORDER, partition_of, read_row
from function_app.records.readable import load_each

LATEST = "latest-change"
# So many changes are read at once on the way back.
PAGE = 20


class Changes:
    """Stores the changes of production, and the orders that may begin one."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def of_model(self, model: str, after: int = 0) -> tuple[Change, ...]:
        """Return the changes of the model's production with greater numbers, oldest first."""
        start = _key(after) if after > 0 else ""
        rows = self._rows.query(partition_of(model), CHANGE, after=start)
        return tuple(_change(row) for row in rows)

    def latest(self, model: str) -> tuple[Change, ...]:
        """Return the last change alone, () when production never changed."""
        row = self._rows.get(partition_of(model), LATEST)
        number = row.content.get("number") if row else None
        named = number if isinstance(number, int) else 0
        changes = self.of_model(model, after=named - 1)
        # A row that names no change was damaged; then all changes are read.
        return (changes or self.of_model(model))[-1:]

    def since(self, model: str, decisions: Iterable[Decision]) -> tuple[Change, ...]:
        """Return the last change and those since the first of these decisions, oldest first.

        A promotion begins after each decision that it is based on, so that the promotions of the
        decisions' releases are among them. A decision of an earlier version has no number of a
        change; then every change is returned.
        """
        numbers = [decision.after or 0 for decision in decisions]
        return self._since(model, min(numbers, default=None))

    def since_order(self, order: Order) -> tuple[Change, ...]:
        """Return the last change of the model and those since this order, oldest first."""
        return self._since(order.model, order.after)

    def _since(self, model: str, number: int | None) -> tuple[Change, ...]:
        latest = self.latest(model)
        if not latest or number is None:
            return latest
        return self.of_model(model, after=min(number, latest[0].number - 1))

    def newest_of(self, model: str, cause: str) -> Change | None:
        """Return the newest change with this cause; None without one.

        Changes are read page by page, the newest first, up to this one. Stories ask after their
        change has begun, so that it is one of the newest; only a forged story makes all be read.
        """
        return next((each for each in self._newest_first(model) if each.cause == cause), None)

    def _newest_first(self, model: str) -> Iterator[Change]:
        latest = self.latest(model)
        yield from latest
        end = latest[0].number if latest else 0
        while end > 1:
            begin = max(end - PAGE, 1)
            rows = self._rows.query(
                partition_of(model), CHANGE, after=_key(begin - 1), limit=end - begin
            )
            yield from (_change(row) for row in reversed(rows) if row.key < _key(end))
            end = begin

    def readable(self, model: str) -> tuple[Change, ...]:
        """Return the changes that can be read, for views: no rule may decide by them.

        The check of the whole audit log reads all of them, because each must have its entry.
        """
        rows = self._rows.query(partition_of(model), CHANGE)
        return load_each(Change, ((row.key, row.content) for row in rows))

    def begin(self, model: str, change: Change, decided: Row | None = None) -> None:
        """Store a new change under its number; RowsChangedError when the number is taken.

        `decided` is the row of the decisions behind a promotion. It is written unchanged in the
        same transaction, so that RowsChangedError is raised when one was withdrawn meanwhile.
        """
        latest = self._rows.get(partition_of(model), LATEST)
        puts = [
            Put(key=_key(change.number), content=dump(checked(change))),
            Put(
                key=LATEST,
                content={"number": change.number},
                etag=latest.etag if latest else None,
            ),
        ]
        if decided is not None:
            puts.append(Put(key=decided.key, content=decided.content, etag=decided.etag))
        self._rows.write(partition_of(model), puts)

    def has_begun(self, model: str, release_id: str, decisions: Iterable[Decision]) -> bool:
        """Return whether a promotion of this release ever began.

        `decisions` are all decisions over the release.
        """
        return any(
            change.kind is ChangeKind.PROMOTION and change.cause == release_id
            for change in self.since(model, decisions)
        )

    def advance(self, model: str, number: int, state: ChangeState) -> None:
        """Store the progress of a change; nothing happens when there is no such change."""
        partition, key = partition_of(model), _key(number)

        def attempt() -> None:
            row = self._rows.get(partition, key)
            if row is None or (change := _change(row)).state is state:
                return
            content = dump(replace(change, state=state))
            self._rows.write(partition, [Put(key=key, content=content, etag=row.etag)])

        until_unchanged("store how far a change of production is", attempt)

    def order(self, model: str, order_id: str) -> Order | None:
        """Return the order of this id; None when there is none."""
        row = self._rows.get(partition_of(model), ORDER + order_id) if order_id else None
        return _order(row) if row else None

    def place(self, order: Order, replaced: Order | None = None) -> Order:
        """Store an order, instead of `replaced` when it is given; return the stored one.

        The first of two orders of one id stands.
        """
        partition, key = partition_of(order.model), ORDER + order.order_id

        def attempt() -> Order:
            row = self._rows.get(partition, key)
            if row is not None and (stored := _order(row)) != replaced:
                return stored
            put = Put(key=key, content=dump(checked(order)), etag=row.etag if row else None)
            self._rows.write(partition, [put, mark(self._rows, partition, key)])
            return order

        return until_unchanged("store an order", attempt)


def _key(number: int) -> str:
    return f"{CHANGE}{number:09}"


def _change(row: Row) -> Change:
    """Return a change; PlatformError when it cannot be read.

    It is never left out: without it the next change would get a number that is taken, or a
    promotion that was taken back would be allowed again.
    """
    return read_row(Change, row)


def _order(row: Row) -> Order:
    return read_row(Order, row)


def entry_name(model: str, number: int, state: ChangeState) -> str:
    """Return the name of the audit log's entry for this state of a change."""
    return f"{model}/{number}/{state}"


def expected_entries(model: str, changes: Iterable[Change]) -> dict[str, str]:
    """Return the entries that the audit log must have of these changes, with words for each.

    The entry about a change's begin is written before the change ends, so that a change that has
    just begun may still lack it.
    """
    ended = (ChangeState.DONE, ChangeState.TAKEN_BACK)
    return {
        entry_name(model, change.number, ChangeState.BEGUN): (
            f"Change {change.number} of the production of {model} ({change.cause})"
        )
        for change in changes
        if change.state in ended
    }
