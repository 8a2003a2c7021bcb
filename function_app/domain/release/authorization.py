"""The law of production: the stored decision or order that authorises a change, or its refusal.

Activities ask these rules right before they change production. The rules see only the records of
the ledger and the present rules of mlops.toml, so that no start, restart or rewind of a story, with
any input, changes production without the decision of a person.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from function_app.domain.people.duties import ApprovalRules, Separation, UnknownAuthor, of_approvals
from function_app.domain.people.people import People, canonical, distinct
from function_app.domain.release.approval import Decision, Refusal, Verdict, counting, effective
from function_app.domain.release.release import (
    AUTOMATIC,
    Release,
    ReleaseRecord,
    ReleaseStatus,
    is_release_of,
    version_key,
)
from function_app.domain.release.serving import Image
from function_app.domain.text import identifiers as ids

NOT_AUTHORISED, APPROVAL_LOST = "NOT_AUTHORISED", "APPROVAL_LOST"
# The code of a version whose verdict is not about the present champion.
STALE_VERDICT = "STALE_VERDICT"
# An order that no story carried out by then is void; its story may wait hours for its lane.
ORDER_LIFE = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductionRules:
    """The people who may change a model's production, and its replicas, by mlops.toml now."""

    approvers: tuple[str, ...]
    operators: tuple[str, ...]
    replicas: int
    required: int = 1
    separation: Separation = Separation.AUTO
    unknown_author: UnknownAuthor = UnknownAuthor.RECORD
    people: People = field(default_factory=dict)

    @property
    def approval(self) -> ApprovalRules:
        """The rules for approvals."""
        return ApprovalRules(
            approvers=self.approvers,
            required=self.required,
            separation=self.separation,
            unknown_author=self.unknown_author,
            people=self.people,
        )

    def may_order(self, kind: "ChangeKind", person: str) -> bool:
        """Return whether this person may order a change of this kind now."""
        may = self.operators
        if kind is not ChangeKind.SHUTDOWN:
            may = (*self.approvers, *self.operators)
        return canonical(person, self.people) in distinct(may, self.people)


class ChangeKind(StrEnum):
    """The kind of a change of production."""

    PROMOTION = "promotion"
    ROLL_BACK = "roll_back"
    SHUTDOWN = "shutdown"


class ChangeState(StrEnum):
    """The state of a change; after `taken_back` production serves the former image."""

    BEGUN = "begun"
    TAKING_BACK = "taking_back"
    DONE = "done"
    TAKEN_BACK = "taken_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An authorised change of production; the changes of a model are numbered from 1.

    `cause` is the id of the release or of the order, `by` the person who decided it. Production
    serves `image` after the change, None for nothing. `former` is the image that an automatic
    roll-back returns to: the last one that a decision explains, None when there is none.
    """

    number: int
    kind: ChangeKind
    cause: ids.InstanceId
    by: ids.Person
    begun_at: datetime
    image: Image | None = None
    former: Image | None = None
    state: ChangeState = ChangeState.BEGUN

    def digests(self) -> tuple[str | None, ...]:
        """Return the digests that production may serve in this state, None for no image."""
        after = self.image.digest if self.image else None
        before = self.former.digest if self.former else None
        if self.state is ChangeState.DONE:
            return (after,)
        return (before,) if self.state is ChangeState.TAKEN_BACK else (after, before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A person's order to change production: to roll back to `image`, or to take it down.

    `after` is the number of the last change when the person ordered, 0 for none: the order is void
    once production changed again. `release` is the release that the order takes back.
    """

    order_id: ids.InstanceId
    kind: ChangeKind
    model: ids.ModelName
    by: ids.Person
    comment: str
    ordered_at: datetime
    after: int
    image: Image | None = None
    release: Release | None = None

    @property
    def reason(self) -> str:
        """Return a sentence with the person, the change and the reason."""
        to = f"rolled back to version {self.image.version}" if self.image else "took it down"
        return f"{self.by} {to}: {self.comment}" if self.comment else f"{self.by} {to}."


def last_number(changes: Sequence[Change]) -> int:
    """Return the number of the last of a model's changes in order, 0 for none."""
    return changes[-1].number if changes else 0


def refuse_promotion(
    release: Release,
    image: Image,
    record: ReleaseRecord | None,
    decisions: Sequence[Decision],
    changes: Sequence[Change],
    rules: ProductionRules | None,
) -> Refusal | None:
    """Return the reason that production may not serve this image; None if a decision allows it.

    `record` is the ledger's record of the release, `decisions` are all stored decisions over it,
    `changes` the model's changes of production in order, `rules` those of mlops.toml now, None when
    it does not name the model.
    """
    release_id = release.release_id
    if rules is None:
        return _refusal(f"mlops.toml names no model {release.model[:60]!r} now.")
    named = (image.model, image.version) == (release.model, release.version)
    if not named or not is_release_of(release_id, release.model, release.version):
        text = f"{release_id[:100]!r} is not a release of {image.model[:60]} {image.version[:60]}."
        return _refusal(text)
    if record is None or record.status is not ReleaseStatus.IN_PROGRESS:
        status = record.status.value if record else "unknown to the ledger"
        return _refusal(f"{release_id} is {status}; only an approved release goes on.")
    if record.image is None or record.image.digest != image.digest:
        return _refusal(f"The ledger has another image of {release_id} than {image.digest[:90]}.")
    if own := [c for c in changes if c.kind is ChangeKind.PROMOTION and c.cause == release_id]:
        if own[-1] is changes[-1] and own[-1].state is ChangeState.BEGUN:
            return None
        return _refusal(f"The approval of {release_id} was used already. Release it again.")
    approving = counting(decisions, record, rules.approval)
    final = effective(decisions, record, rules.approval)
    if final is not None and final.verdict is Verdict.REJECT:
        # A rejection ends the wait, but a restarted story makes the record "in progress" again, and
        # the approvals of other people are still stored beside it.
        text = f"{final.decided_by} rejected {release_id}, which ends it."
        return _refusal(f"{text} `mlopsctl retry {release_id}` asks for an approval again.")
    if final is None or not approving:
        progress = of_approvals(len(approving), rules.approval.required_of(record.authors))
        return _not_approved(record, image, decisions, progress)
    newer = [c for c in changes if c.kind is ChangeKind.PROMOTION and _is_newer(c, image)]
    if newer and _is_later(newer[-1], approving):
        return _refusal(f"{newer[-1].cause} was promoted after {release_id} was approved.")
    return None


def _not_approved(
    record: ReleaseRecord, image: Image, decisions: Iterable[Decision], given: str
) -> Refusal:
    release = record.release
    approved = [d for d in decisions if d.verdict is Verdict.APPROVE and d.names(record)]
    if not approved:
        return _refusal(
            f"No stored approval of a present approver of {release.model} names "
            f"{release.release_id}, {image.digest[:90]} and its evidence."
        )
    withdrawn = [d.decided_by for d in approved if not d.stands]
    why = (
        f"{', '.join(withdrawn)} withdrew it" if withdrawn else "its people may not approve it now"
    )
    return Refusal(
        code=APPROVAL_LOST,
        message=f"{release.release_id} has {given} that count now: {why}. Production did not "
        f"change. `mlopsctl retry {release.release_id}` asks for an approval again.",
    )


def change_to_take_back(release_id: str, changes: Sequence[Change]) -> Change | None:
    """Return the change that this release may undo: its own promotion, while it is the last one.

    None when there is nothing to undo: the promotion never began, has ended, or production was
    changed again by another decision.
    """
    last = changes[-1] if changes else None
    if last is None or (last.kind, last.cause) != (ChangeKind.PROMOTION, release_id):
        return None
    return None if last.state is ChangeState.DONE else last


def refuse_order(
    order: Order,
    changes: Sequence[Change],
    rules: ProductionRules | None,
    now: datetime,
    *,
    decided: bool,
) -> Refusal | None:
    """Return why the order may not be carried out now, None when it may.

    `decided` says whether a stored decision promoted the image that the order names.
    """
    if rules is None:
        return _refusal(f"mlops.toml names no model {order.model[:60]!r} now.")
    last = changes[-1] if changes else None
    if last is not None and last.cause == order.order_id and last.state is ChangeState.BEGUN:
        return None
    if order.after != last_number(changes):
        return _refusal(f"Production changed since {order.order_id} was ordered. Order it again.")
    if now - order.ordered_at > ORDER_LIFE:
        hours = ORDER_LIFE.total_seconds() / 3600
        return _refusal(f"{order.order_id} was ordered over {hours:g} hours ago. Order it again.")
    if not rules.may_order(order.kind, order.by):
        return _refusal(f"{order.by} may not order a {order.kind.value} of {order.model} now.")
    if (order.image is None) is not (order.kind is ChangeKind.SHUTDOWN):
        return _refusal(f"{order.order_id} names no image to roll back to.")
    if order.image is not None and not decided:
        return _refusal(f"No stored decision promoted {order.image.digest[:90]}.")
    return None


def was_promoted(record: ReleaseRecord, decisions: Iterable[Decision], digest: str) -> bool:
    """Return whether a decision promoted the image of this digest by this release.

    A release that a person rolled back later was promoted; one that failed its check was not.
    """
    by_person = record.rolled_back_by not in (None, AUTOMATIC)
    promoted = record.status is ReleaseStatus.PROMOTED or (
        record.status is ReleaseStatus.ROLLED_BACK and by_person
    )
    return promoted and is_approved(record, decisions, digest)


def is_approved(record: ReleaseRecord, decisions: Iterable[Decision], digest: str) -> bool:
    """Return whether a stored decision approved the image of this digest for this release."""
    return (
        record.image is not None
        and record.image.digest == digest
        and any(d.verdict is Verdict.APPROVE and d.stands and d.names(record) for d in decisions)
    )


def _is_later(change: Change, approving: Sequence[Decision]) -> bool:
    """Return whether a change began after the last of these approvals.

    Numbers decide, because a clock may go back; decisions of earlier versions have times only.
    """
    numbers = [decision.after for decision in approving if decision.after is not None]
    if len(numbers) == len(approving):
        return change.number > max(numbers)
    return change.begun_at >= max(decision.decided_at for decision in approving)


def _is_newer(change: Change, image: Image) -> bool:
    return change.image is not None and (
        version_key(change.image.version) > version_key(image.version)
    )


def _refusal(message: str) -> Refusal:
    return Refusal(code=NOT_AUTHORISED, message=message)
