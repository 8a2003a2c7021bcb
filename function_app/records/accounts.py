"""The entries of the audit log that stored decisions and orders must have.

A decision is stored first and recorded in the audit log then, because the two are rows of different
partitions. When the app dies in between, the entry is written later from the stored record.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from function_app.domain.access.audit import AuditEvent, Kind
from function_app.domain.codec import dump
from function_app.domain.release.approval import Decision, Verdict
from function_app.domain.release.authorization import ChangeKind, Order
from function_app.ports import Ledger, Rows
from function_app.records.audit import AuditLog
from function_app.records.changes import Changes
from function_app.records.decisions import Decisions

# A request records its decision this long after it stored it, at most.
GRACE = timedelta(minutes=1)
LATE = "The app ended before it recorded this; the entry was written later from the stored record."
_DECISION, _ORDER = "decision/", "order/"
_ACTIONS = {ChangeKind.ROLL_BACK: "roll back", ChangeKind.SHUTDOWN: "shut down"}


def name_of_decision(decision: Decision) -> str:
    """Return the name of a decision, or of its withdrawal, that the audit log records once."""
    names = (decision.release_id, decision.decided_by, dump(decision.decided_at))
    withdrawn = "" if decision.stands else f"/withdrawn/{dump(decision.withdrawn_at)}"
    return f"{_DECISION}{'/'.join(names)}{withdrawn}"


def name_of_order(order: Order) -> str:
    """Return the name of an order that the audit log records once."""
    return f"{_ORDER}{order.order_id}/{order.by}/{dump(order.ordered_at)}"


def record_missing(rows: Rows, ledger: Ledger, model: str, now: datetime) -> list[str]:
    """Record the stored decisions and orders about a model that have no entry; return their names.

    Entries of earlier versions have no name; an entry with the same caller, action and subject
    counts for the record. The request of a record younger than GRACE may still write its entry.
    """
    log, missing = AuditLog(rows), []
    recorded = log.names(_DECISION) | log.names(_ORDER)
    for name, event in _expected(rows, ledger, model):
        if name in recorded:
            continue
        if event.at > now - GRACE:
            continue
        if log.contains(partial(_is_of, event)):
            log.mark(name)
            continue
        log.append(replace(event, reason=LATE), once=name)
        missing.append(name)
    return missing


def _expected(rows: Rows, ledger: Ledger, model: str) -> Iterator[tuple[str, AuditEvent]]:
    for decision in Decisions(rows, ledger).of_model(model):
        given = replace(decision, withdrawn_at=None)
        event = AuditEvent(
            kind=Kind.DECISION,
            action="approve" if decision.verdict is Verdict.APPROVE else "reject",
            at=decision.decided_at,
            who=decision.decided_by,
            model=model,
            subject=decision.release_id,
            why=decision.comment,
        )
        yield name_of_decision(given), event
        if decision.withdrawn_at is not None:
            why = decision.withdrawn_comment
            withdrawal = replace(event, action="withdraw", at=decision.withdrawn_at, why=why)
            yield name_of_decision(decision), withdrawal
    for order in Changes(rows).orders(model):
        event = AuditEvent(
            kind=Kind.ORDER,
            action=_ACTIONS.get(order.kind, order.kind.value),
            at=order.ordered_at,
            who=order.by,
            model=model,
            subject=order.order_id,
            why=order.comment,
        )
        yield name_of_order(order), event


def _is_of(event: AuditEvent, entry: AuditEvent) -> bool:
    return (entry.kind, entry.action, entry.who, entry.subject) == (
        event.kind,
        event.action,
        event.who,
        event.subject,
    ) and entry.at >= event.at
