"""Decisions of approvers, stored once for each release, image and evidence."""

from collections.abc import Iterable

from function_app.codec import dump, load
from function_app.domain.approval import Decision
from function_app.domain.authorization import is_approved, was_promoted
from function_app.domain.release import ReleaseRecord
from function_app.ports import Ledger, Rows
from function_app.ports.rows import Put, Row
from function_app.records.changing import until_unchanged

_DECISION = "decision/"


def partition_of(model: str) -> str:
    """Return the partition with the decisions over a model and the changes of its production."""
    return f"production/{model}"


class Decisions:
    """Stores decisions; one row holds all decisions over one release, image and evidence."""

    def __init__(self, rows: Rows, ledger: Ledger) -> None:
        """Take where decisions are stored, and the ledger, which has those of version 0.1.0."""
        self._rows, self._ledger = rows, ledger

    def decide(self, model: str, decision: Decision) -> Decision:
        """Store the first decision over what it names; return the stored one."""
        partition, key = partition_of(model), _key(decision)

        def attempt() -> Decision:
            row = self._rows.get(partition, key)
            stored = _read(row) if row else ()
            if stored:
                return stored[0]
            content = {"decisions": dump((decision,))}
            self._rows.write(partition, [Put(key=key, content=content)])
            return decision

        return until_unchanged("store a decision", attempt)

    def of_release(self, record: ReleaseRecord) -> tuple[Decision, ...]:
        """Return every decision over the release, also those over another image or evidence."""
        release = record.release
        found = self._rows.query(partition_of(release.model), f"{_DECISION}{release.release_id}/")
        stored = [decision for row in found for decision in _read(row)]
        of_this = [d for d in stored if d.release_id == release.release_id]
        return (*of_this, *self._earlier(release.release_id))

    def on(self, record: ReleaseRecord) -> Decision | None:
        """Return the first decision over the record's image and evidence; None without one."""
        return next((d for d in self.of_release(record) if d.names(record)), None)

    def on_each(self, records: Iterable[ReleaseRecord]) -> dict[str, Decision]:
        """Return the decisions over these records by release id, with one query per model."""
        given = list(records)
        stored: dict[str, list[Decision]] = {}
        for model in {record.release.model for record in given}:
            for row in self._rows.query(partition_of(model), _DECISION):
                for decision in _read(row):
                    stored.setdefault(decision.release_id, []).append(decision)
        decisions = {}
        for record in given:
            release_id = record.release.release_id
            known = stored.get(release_id) or self._earlier(release_id)
            if first := next((d for d in known if d.names(record)), None):
                decisions[release_id] = first
        return decisions

    def promoted(self, model: str, digest: str) -> ReleaseRecord | None:
        """Return the release by whose decision this image was promoted; None without one."""
        for record in self._records(model, digest):
            if was_promoted(record, self.of_release(record), digest):
                return record
        return None

    def explains(self, model: str, digest: str) -> bool:
        """Return whether a decision approved this image, also of a release under way."""
        if self.promoted(model, digest) is not None:
            return True
        under_way = [r for r in self._records(model, digest) if not r.status.ended]
        return any(is_approved(record, self.of_release(record), digest) for record in under_way)

    def _records(self, model: str, digest: str) -> list[ReleaseRecord]:
        return [
            record
            for record in self._ledger.list_releases()
            if record.release.model == model and record.image and record.image.digest == digest
        ]

    def _earlier(self, release_id: str) -> tuple[Decision, ...]:
        """Return the decision that version 0.1.0 stored by the release's id alone."""
        decision = self._ledger.get_decision(release_id)
        return (decision,) if decision else ()


def _key(decision: Decision) -> str:
    return f"{_DECISION}{decision.release_id}/{decision.image_digest}/{decision.evidence_hash}"


def _read(row: Row) -> tuple[Decision, ...]:
    return load(tuple[Decision, ...], row.content["decisions"])
