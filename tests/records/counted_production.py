"""Rows with many changes of production, decisions and orders of one model."""

from dataclasses import replace

from function_app.domain.codec import dump
from function_app.domain.release.authorization import Change, ChangeKind, ChangeState, Order
from function_app.ports.rows import Put
from function_app.records.accounts import name_of_decision, name_of_order
from function_app.records.audit import ONCE, PARTITION
from function_app.records.changes import Changes
from function_app.records.damage import DECISION as DECISION_KEY
from function_app.records.damage import ORDER, partition_of
from function_app.records.ledger.index import BATCH
from tests.contracts.ledger_samples import DECISION, NOW
from tests.records.counted_rows import MODEL, CountedRows, image, release


def fill_production(rows: CountedRows, number: int) -> None:
    """Store so many changes of production, decisions and orders, with their names in the log."""
    changes, names = Changes(rows), list[Put]()
    stored: list[Put] = []
    for each in range(1, number + 1):
        cause = release(each).release_id
        shutdown = Change(
            number=each, kind=ChangeKind.SHUTDOWN, cause=cause, by="ada", begun_at=NOW
        )
        changes.begin(MODEL, replace(shutdown, state=ChangeState.DONE))
        digest = image(each).digest
        decision = replace(DECISION, release_id=cause, image_digest=digest, after=each - 1)
        key = f"{DECISION_KEY}{cause}/{digest}/{decision.evidence_hash}"
        stored.append(Put(key=key, content={"decisions": dump((decision,))}))
        order = order_of(each)
        stored.append(Put(key=f"{ORDER}{order.order_id}", content=dump(order)))
        for name in (name_of_decision(decision), name_of_order(order)):
            names.append(Put(key=f"{ONCE}{name}", content={"number": 1}))
    for begin in range(0, len(stored), BATCH):
        rows.write(partition_of(MODEL), stored[begin : begin + BATCH])
        rows.write(PARTITION, names[begin : begin + BATCH])
    rows.read = 0


def order_of(number: int) -> Order:
    return Order(
        order_id=f"shutdown-{MODEL}-{number}",
        kind=ChangeKind.SHUTDOWN,
        model=MODEL,
        by="ada",
        comment="",
        ordered_at=NOW,
        after=number - 1,
    )
