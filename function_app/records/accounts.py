"""The entries of the audit log that stored decisions and orders must have.

A decision is stored first and recorded in the audit log then, because the two are rows of different
partitions. When the app dies in between, the entry is written later from the stored record.
The transaction that stores the record marks it, and the mark is deleted once the entry is in the
log. The search for missing entries reads the marks, and not every decision that ever was.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from function_app.domain.access.audit import AuditEvent, Kind
from function_app.domain.codec import dump, load
from function_app.domain.release.approval import Decision, Verdict
from function_app.domain.release.authorization import ChangeKind, Order
from function_app.errors import ContractError
from function_app.ports import Rows
from function_app.ports.rows import Delete, Put, Row, RowsChangedError
from function_app.records.audit import AuditLog
from function_app.records.damage import DECISION, ORDER, partition_of, read_page

# A request records its decision this long after it stored it, at most.
GRACE = timedelta(minutes=1)
LATE = "The app ended before it recorded this; the entry was written later from the stored record."
# A mark has this before the key of its row. MOST of them are read at once.
UNRECORDED = "unrecorded/"
MOST = 1_000
# So many decisions and orders are searched at once; each needs a read of the log, too.
SEARCHED = 100
# The row with the key after which the next search begins.
_SEARCH = "accounted"
_ACTIONS = {ChangeKind.ROLL_BACK: "roll back", ChangeKind.SHUTDOWN: "shut down"}


def name_of_decision(decision: Decision) -> str:
    """Return the name of a decision, or of its withdrawal, that the audit log records once."""
    names = (decision.release_id, decision.decided_by, dump(decision.decided_at))
    withdrawn = "" if decision.stands else f"/withdrawn/{dump(decision.withdrawn_at)}"
    return f"{DECISION}{'/'.join(names)}{withdrawn}"


def name_of_order(order: Order) -> str:
    """Return the name of an order that the audit log records once."""
    return f"{ORDER}{order.order_id}/{order.by}/{dump(order.ordered_at)}"


def mark(rows: Rows, partition: str, key: str) -> Put:
    """Return the write of the mark of the row with this key, also when it is marked already."""
    stored = rows.get(partition, UNRECORDED + key)
    return Put(key=UNRECORDED + key, content={}, etag=stored.etag if stored else None)


def _marked(rows: Rows, partition: str) -> Iterator[tuple[Row, Row | None]]:
    """Yield marks, in the order of their keys, each with its row; None for a row that is gone."""
    for one in rows.query(partition, UNRECORDED, limit=MOST):
        yield one, rows.get(partition, one.key.removeprefix(UNRECORDED))


def _unmark(rows: Rows, one: Row) -> None:
    """Delete a mark, unless its row was written again after the mark was read."""
    with suppress(RowsChangedError):
        rows.write(one.partition, [Delete(key=one.key, etag=one.etag)])


def record_missing(rows: Rows, model: str, now: datetime) -> list[str]:
    """Record the marked decisions and orders about a model that have no entry; return their names.

    The request of a record younger than GRACE may still write its entry, so that its mark stays. So
    does the mark of a record that cannot be read.
    """
    names: list[str] = []
    for one, row in _marked(rows, partition_of(model)):
        with suppress(ContractError):
            missing = _missing(rows, _events(model, row)) if row else []
            late = [(name, event) for name, event in missing if event.at <= now - GRACE]
            names += _record(rows, late)
            if late == missing:
                _unmark(rows, one)
    return names


def record_missing_of_page(rows: Rows, model: str, now: datetime) -> list[str]:
    """Record the next decisions and orders about a model that have no entry; return their names.

    Earlier versions stored decisions and orders without a mark. One call reads SEARCHED of them;
    the next call goes on with the next ones.
    """
    partition, names = partition_of(model), list[str]()
    state = rows.get(partition, _SEARCH)
    after = state.content.get("after") if state else None
    page, following = read_page(
        rows, partition, (DECISION, ORDER), after if isinstance(after, str) else "", SEARCHED
    )
    for row in page:
        with suppress(ContractError):
            missing = _missing(rows, _events(model, row))
            names += _record(rows, [each for each in missing if each[1].at <= now - GRACE])
    if following != (after or ""):
        etag = state.etag if state else None
        with suppress(RowsChangedError):  # another comparison runs at the same time
            put = Put(key=_SEARCH, content={"after": following}, etag=etag)
            rows.write(partition, [put])
    return names


def _missing(rows: Rows, events: Iterable[tuple[str, AuditEvent]]) -> list[tuple[str, AuditEvent]]:
    log = AuditLog(rows)
    return [(name, event) for name, event in events if not log.has(name)]


def _record(rows: Rows, missing: Iterable[tuple[str, AuditEvent]]) -> Iterator[str]:
    """Record these facts late; yield the names of those that had no entry.

    Entries of earlier versions have no name; an entry with the same caller, action and subject
    counts for the record. The log is searched for it once for each fact.
    """
    log = AuditLog(rows)
    for name, event in missing:
        if log.contains(partial(_is_of, event)):
            log.mark(name)
            continue
        log.append(replace(event, reason=LATE), once=name)
        yield name


def _events(model: str, row: Row) -> list[tuple[str, AuditEvent]]:
    """Return the entries that the log must have of a row; ContractError when it is damaged."""
    if row.key.startswith(ORDER):
        return [_of_order(model, load(Order, row.content))]
    decisions = load(tuple[Decision, ...], row.content.get("decisions"))
    return [entry for decision in decisions for entry in _of_decision(model, decision)]


def _of_decision(model: str, decision: Decision) -> Iterator[tuple[str, AuditEvent]]:
    event = AuditEvent(
        kind=Kind.DECISION,
        action="approve" if decision.verdict is Verdict.APPROVE else "reject",
        at=decision.decided_at,
        who=decision.decided_by,
        model=model,
        subject=decision.release_id,
        why=decision.comment,
    )
    yield name_of_decision(replace(decision, withdrawn_at=None)), event
    if decision.withdrawn_at is not None:
        why = decision.withdrawn_comment
        yield (
            name_of_decision(decision),
            replace(event, action="withdraw", at=decision.withdrawn_at, why=why),
        )


def _of_order(model: str, order: Order) -> tuple[str, AuditEvent]:
    event = AuditEvent(
        kind=Kind.ORDER,
        action=_ACTIONS.get(order.kind, order.kind.value),
        at=order.ordered_at,
        who=order.by,
        model=model,
        subject=order.order_id,
        why=order.comment,
    )
    return name_of_order(order), event


def _is_of(event: AuditEvent, entry: AuditEvent) -> bool:
    return (entry.kind, entry.action, entry.who, entry.subject) == (
        event.kind,
        event.action,
        event.who,
        event.subject,
    ) and entry.at >= event.at
