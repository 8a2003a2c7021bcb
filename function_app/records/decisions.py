"""Decisions of approvers, stored once for each release, image and evidence."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from function_app.domain.codec import dump
from function_app.domain.people.duties import ApprovalRules
from function_app.domain.people.people import People, canonical
from function_app.domain.release.approval import Decision, Verdict, effective, own_decision
from function_app.domain.release.authorization import is_approved, was_promoted
from function_app.domain.release.release import ReleaseRecord, ReleaseStatus
from function_app.errors import ConflictError
from function_app.ports import Ledger, Rows
from function_app.ports.rows import Put, Row
from function_app.records.accounts import mark
from function_app.records.changing import until_unchanged
from function_app.records.damage import DECISION, partition_of, read_row
from function_app.records.ledger.statuses import newest
from function_app.records.readable import load_each

# So many records are read concurrently.
AT_A_TIME = 8


class Decisions:
    """Stores decisions; one row holds all decisions over one release, image and evidence."""

    def __init__(self, rows: Rows, ledger: Ledger) -> None:
        """`rows` store the decisions; `ledger` has the decisions of version 0.1.0."""
        self._rows, self._ledger = rows, ledger

    def decide(self, record: ReleaseRecord, decision: Decision, rules: ApprovalRules) -> Decision:
        """Store a decision; return it, or the stored one that stands instead.

        That is the same person's, or the one that ended the wait before. Of decisions that arrive
        at once each is judged against the ones stored before it.
        """
        partition, key = partition_of(record.release.model), _key(decision)

        def attempt() -> Decision:
            row = self._rows.get(partition, key)
            stored = _read(row) if row else ()
            if (other := self.instead(record, decision, rules)) is not None:
                return other
            content = {"decisions": dump((*stored, decision))}
            put = Put(key=key, content=content, etag=row.etag if row else None)
            self._rows.write(partition, [put, mark(self._rows, partition, key)])
            return decision

        return until_unchanged("store a decision", attempt)

    def instead(
        self, record: ReleaseRecord, decision: Decision, rules: ApprovalRules | None
    ) -> Decision | None:
        """Return the stored decision that stands instead of this one; None when this one counts."""
        given, people = self.of_release(record), rules.people if rules else {}
        own = own_decision(given, record, decision.decided_by, people)
        return own or effective(given, record, rules)

    def withdraw(
        self,
        record: ReleaseRecord,
        person: str,
        people: People,
        comment: str,
        now: datetime,
        begun: Callable[[], bool],
    ) -> Decision:
        """Withdraw a person's approval of the record's image; return it, withdrawn.

        `begun` says whether the promotion began: it is asked after the row was read, and a
        promotion writes that row, so that of the two exactly one succeeds. ConflictError when the
        promotion began or the person has no approval to withdraw. A repetition changes nothing.
        """
        partition, name = partition_of(record.release.model), canonical(person, people)

        def is_own(decision: Decision) -> bool:
            approves = decision.verdict is Verdict.APPROVE and decision.names(record)
            return approves and canonical(decision.decided_by, people) == name

        def attempt() -> Decision:
            row = self.row_of(record)
            stored = _read(row) if row else ()
            own = [decision for decision in stored if is_own(decision)]
            if own and not own[-1].stands:
                return own[-1]
            release = record.release
            if begun():
                text = f"The promotion of {release.release_id} began. To undo it: "
                text += f"`mlopsctl roll-back {release.model}`."
                raise ConflictError(text, code="PROMOTION_BEGAN")
            if row is None or not own:
                text = f"{person} has no approval of {release.release_id} to withdraw."
                raise ConflictError(text, code="NOTHING_TO_WITHDRAW")
            gone = replace(own[-1], withdrawn_at=now, withdrawn_comment=comment)
            left = tuple(gone if decision == own[-1] else decision for decision in stored)
            put = Put(key=row.key, content={"decisions": dump(left)}, etag=row.etag)
            self._rows.write(partition, [put, mark(self._rows, partition, row.key)])
            return gone

        return until_unchanged("withdraw an approval", attempt)

    def row_of(self, record: ReleaseRecord) -> Row | None:
        """Return the row with the decisions over the record's image and evidence, None for none."""
        if record.image is None or record.evidence_hash is None:
            return None
        key = _key_of(record.release.release_id, record.image.digest, record.evidence_hash)
        return self._rows.get(partition_of(record.release.model), key)

    def of_release(self, record: ReleaseRecord) -> tuple[Decision, ...]:
        """Return every decision over the release, also over another image or evidence."""
        release = record.release
        rows = self._rows.query(partition_of(release.model), f"{DECISION}{release.release_id}/")
        of_this = [d for d in _readable(rows) if d.release_id == release.release_id]
        return (*of_this, *self._earlier(release.release_id))

    def on(self, record: ReleaseRecord, rules: ApprovalRules | None) -> Decision | None:
        """Return the decision over the record's image and evidence that counts now, None for none.

        It is a rejection, or as many approvals as `rules` require, as one decision.
        """
        return effective(self.of_release(record), record, rules)

    def on_each(self, records: Iterable[ReleaseRecord]) -> dict[str, tuple[Decision, ...]]:
        """Return the decisions over these records by release id.

        They are read record by record, AT_A_TIME concurrently, because a model may have thousands
        of other decisions.
        """

        def read(record: ReleaseRecord) -> tuple[Decision, ...]:
            row = self.row_of(record)
            stored = (
                *(_readable((row,)) if row else ()),
                *self._earlier(record.release.release_id),
            )
            return tuple(decision for decision in stored if decision.names(record))

        with ThreadPoolExecutor(AT_A_TIME) as pool:
            given = list(records)
            decided = zip(given, pool.map(read, given), strict=True)
            return {record.release.release_id: own for record, own in decided if own}

    def promoted(self, model: str, digest: str) -> ReleaseRecord | None:
        """Return the release whose decision promoted this image; None without one."""
        served = (ReleaseStatus.PROMOTED, ReleaseStatus.ROLLED_BACK)
        records = self._ledger.with_image(model, digest)
        own = (record for record in newest(records) if record.status in served)
        return next((r for r in own if was_promoted(r, self.of_release(r), digest)), None)

    def explains(self, model: str, digest: str) -> bool:
        """Return whether a decision approved this image, also of a release that goes on.

        A release that still waits has fewer approvals than it needs.
        """
        if self.promoted(model, digest) is not None:
            return True
        records = self._ledger.with_image(model, digest)
        under_way = (r for r in records if r.status is ReleaseStatus.IN_PROGRESS)
        return any(is_approved(r, self.of_release(r), digest) for r in under_way)

    def _earlier(self, release_id: str) -> tuple[Decision, ...]:
        """Return the decision that version 0.1.0 stored by the release's id alone."""
        decision = self._ledger.get_decision(release_id)
        return (decision,) if decision else ()


def _key(decision: Decision) -> str:
    return _key_of(decision.release_id, decision.image_digest, decision.evidence_hash)


def _key_of(release_id: str, image_digest: str, evidence_hash: str) -> str:
    return f"{DECISION}{release_id}/{image_digest}/{evidence_hash}"


def _read(row: Row) -> tuple[Decision, ...]:
    return read_row(tuple[Decision, ...], row, "decisions")


def _readable(rows: Iterable[Row]) -> tuple[Decision, ...]:
    """Return the decisions of the rows that can be read: a damaged one approves nothing."""
    named = ((row.key, row.content.get("decisions")) for row in rows)
    read = load_each(tuple[Decision, ...], named)
    return tuple(decision for decisions in read for decision in decisions)
