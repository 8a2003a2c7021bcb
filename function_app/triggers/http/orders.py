"""Orders of people about production: the ledger stores each before its story starts."""

from dataclasses import dataclass
from typing import TypedDict

from function_app import names
from function_app.domain.codec import dump
from function_app.domain.release.approval import Decision
from function_app.domain.release.authorization import (
    ChangeKind,
    Order,
    last_number,
    refuse_order,
    was_promoted,
)
from function_app.domain.release.release import ReleaseRecord, ReleaseStatus
from function_app.domain.release.roll_back import release_before
from function_app.domain.release.serving import Image
from function_app.domain.requests import RollBack
from function_app.errors import ConflictError
from function_app.records.accounts import name_of_order
from function_app.records.changes import Changes
from function_app.records.decisions import Decisions
from function_app.triggers.bodies import Comment, read_body
from function_app.triggers.http.watches import StoryStarted
from function_app.triggers.invocation import Accepted, Invocation, Request
from function_app.triggers.people import check_operator, identify

# So many promotions are considered.
NEWEST = 200


class RollBackOrder(TypedDict):
    """The story of a roll-back, and the version to which production returns."""

    instance_id: str
    to_version: str


async def post_roll_back(invocation: Invocation, request: Request) -> Accepted[RollBackOrder]:
    """Roll production back to the release that was promoted before the present one."""
    checked = _check_order(invocation, request, ChangeKind.ROLL_BACK)
    served = checked.champion.version if checked.champion else ""
    changes = Changes(invocation.ports.rows).since(checked.model, checked.decisions)
    release = release_before(checked.champion, checked.promoted, changes)
    if release is None or release.image is None:
        raise ConflictError(f"{checked.model} has no promoted release before the present one.")
    former = release.image
    story = await _order(
        invocation,
        checked,
        f"roll-back-{checked.model}-{served or 'nothing'}-to-{former.version}",
        former,
    )
    return Accepted(content={"instance_id": story, "to_version": former.version})


async def post_shutdown(invocation: Invocation, request: Request) -> Accepted[StoryStarted]:
    """Take production of a model down; it answers no request until the next promotion."""
    checked = _check_order(invocation, request, ChangeKind.SHUTDOWN)
    if checked.champion is None:
        text = f"Production of {checked.model} serves nothing already."
        raise ConflictError(text, code="NOT_SERVED")
    name = f"shutdown-{checked.model}-{checked.champion.version}"
    return Accepted(content={"instance_id": await _order(invocation, checked, name, None)})


@dataclass(frozen=True, slots=True, kw_only=True)
class _CheckedOrder:
    """An order of a person, with its subject; `decisions` are those over the promoted releases."""

    kind: ChangeKind
    model: str
    person: str
    comment: str
    champion: Image | None
    promoted: tuple[ReleaseRecord, ...]
    decisions: tuple[Decision, ...]


def _check_order(invocation: Invocation, request: Request, kind: ChangeKind) -> _CheckedOrder:
    """Return the checked request with the champion and the releases that decisions promoted."""
    person, model = identify(invocation, request), request.route["model"]
    comment = read_body(request, Comment).comment
    check_operator(invocation, person, model, kind)
    ports = invocation.ports
    records = ports.ledger.with_status(ReleaseStatus.PROMOTED, model, NEWEST)
    decisions = Decisions(ports.rows, ports.ledger).on_each(records)
    promoted = tuple(
        record
        for record in records
        if not record.rolled_back_by
        and record.image
        and (given := decisions.get(record.release.release_id))
        and was_promoted(record, given, record.image.digest)
    )
    return _CheckedOrder(
        kind=kind,
        model=model,
        person=person,
        comment=comment,
        champion=ports.production.champion(model),
        promoted=promoted,
        decisions=tuple(d for r in promoted for d in decisions[r.release.release_id]),
    )


async def _order(
    invocation: Invocation, checked: _CheckedOrder, name: str, image: Image | None
) -> str:
    """Store the order, start its story, and return the story's id; a repetition starts nothing."""
    changes, now = Changes(invocation.ports.rows), invocation.ports.clock.now()
    earlier = changes.latest(checked.model)
    after = last_number(earlier)
    taken_back = next(
        (r.release for r in checked.promoted if r.image and r.image.is_same(checked.champion)), None
    )
    order = Order(
        order_id=f"{name}-{after + 1}",
        kind=checked.kind,
        model=checked.model,
        by=checked.person,
        comment=checked.comment,
        ordered_at=now,
        after=after,
        image=image,
        release=taken_back,
    )
    stored = changes.place(order)
    rules = invocation.projects[checked.model].production_rules()
    if refuse_order(stored, earlier, rules, now, decided=True) is not None:
        # It is too old, or its person may not order it any more: this order replaces it.
        stored = changes.place(order, replaced=stored)
    if stored.by == checked.person:
        invocation.attempt.once = name_of_order(stored)
    story = await invocation.stories.find(stored.order_id)
    if story is None or story["ended"]:
        argument = RollBack(
            model=checked.model,
            former=stored.image,
            by=stored.by,
            comment=stored.comment,
            order=stored.order_id,
        )
        await invocation.stories.start(names.ROLL_BACK, stored.order_id, dump(argument))
    return stored.order_id
