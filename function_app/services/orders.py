"""Orders: roll-backs and shutdowns of production that a person requested."""

from dataclasses import replace
from functools import partial

from function_app.domain.release.approval import Refusal
from function_app.domain.release.authorization import (
    Change,
    ChangeState,
    Order,
    last_number,
    refuse_order,
)
from function_app.domain.release.release import ReleaseStatus
from function_app.domain.requests import RolledBack
from function_app.ports import Ports
from function_app.records.changes import Changes
from function_app.records.changing import until_unchanged
from function_app.records.decisions import Decisions
from function_app.services.production import (
    former_image,
    is_served,
    record_change,
    refused_change,
    roll_back_to,
    rules_of,
)


def carry_out(ports: Ports, model: str, order_id: str) -> RolledBack:
    """Carry out a stored order once; a repetition returns the image that production serves.

    NotAuthorisedError when the order is unknown or void, or when its person may not order it now.
    """
    if not order_id:
        text = f"No order to change production of {model[:60]}."
        raise refused_change("roll_back_production", Refusal(code="", message=text))
    changes = Changes(ports.rows)
    order = changes.order(model, order_id)
    if order is None:
        text = f"No person ordered {order_id[:100]!r} for {model[:60]}."
        raise refused_change("roll_back_production", Refusal(code="", message=text))
    number = until_unchanged("begin an order", partial(_begin_order, ports, order))
    if number is None:
        served = ports.production.champion(model)
        return RolledBack(done=True, image=served, restored=is_served(served, order.image))
    record_change(ports, model, order_id, ChangeState.BEGUN)
    answer = roll_back_to(ports, model, order.image)
    if answer.restored:
        _record_taken_back(ports, order)
        changes.advance(model, number, ChangeState.DONE)
        record_change(ports, model, order_id, ChangeState.DONE)
    return answer


def _begin_order(ports: Ports, order: Order) -> int | None:
    """Return the number of the order's change, which begins now or began before.

    None when the order was carried out already; NotAuthorisedError when it is not allowed.
    """
    changes = Changes(ports.rows)
    earlier = changes.since_order(order)
    own = [change for change in earlier if change.cause == order.order_id]
    if own and own[-1].state is ChangeState.DONE:
        return None
    decisions = Decisions(ports.rows, ports.ledger)
    image = order.image
    decided = image is not None and bool(decisions.promoted(order.model, image.digest))
    rules, now = rules_of(ports, order.model), ports.clock.now()
    refusal = refuse_order(order, earlier, rules, now, decided=decided)
    if refusal is not None:
        raise refused_change("roll_back_production", refusal)
    if own:
        return own[-1].number
    change = Change(
        number=last_number(earlier) + 1,
        kind=order.kind,
        cause=order.order_id,
        by=order.by,
        begun_at=now,
        image=image,
        former=former_image(ports, decisions, order.model, earlier),
    )
    changes.begin(order.model, change)
    return change.number


def _record_taken_back(ports: Ports, order: Order) -> None:
    """Record that the order took a promoted release back."""
    release = order.release
    record = ports.ledger.get_release(release.release_id) if release else None
    if record is None or record.status is not ReleaseStatus.PROMOTED:
        return
    ports.ledger.save_release(
        replace(
            record,
            status=ReleaseStatus.ROLLED_BACK,
            reasons=(order.reason,),
            rolled_back_by=order.by,
            updated_at=ports.clock.now(),
        )
    )
