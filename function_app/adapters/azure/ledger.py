"""The ledger in Azure Tables: one partition per model, one row per lane, one per note.

Whatever reads, decides and writes does it in one transaction of a partition that fails when
somebody came in between, and begins again.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from function_app.adapters.azure.lane_places import Place, take, turn
from function_app.adapters.azure.reach.connection import Connection
from function_app.adapters.azure.reach.tables import (
    MOST_OPERATIONS,
    Row,
    Table,
    encode,
    until_unchanged,
)
from function_app.domain.codec import dump, find_damaged, load
from function_app.domain.release.approval import Decision, Settlement, settle
from function_app.domain.release.release import (
    Release,
    ReleaseRecord,
    ReleaseStatus,
    forbidden_change,
    may_become,
    version_key,
)
from function_app.domain.stories.lane import LaneHolder, LanePlace, LaneRequest
from function_app.errors import ConflictError, ContractError
from function_app.ports.rows import read_content
from function_app.records.readable import load_each

TABLE = "mlopsledger"
# `-` and then `.` are neighbours: between them lie all partitions with the prefix.
_MODEL, _LANE, _NOTES, _PLACES = "model-", "lane-", "notes", "places"
_RELEASE, _DECISION = "release", "decision"
_LONGEST_MODEL = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the ledger has about one release, and where."""

    partition: str
    release: Row | None = None
    decision: Row | None = None

    @property
    def record(self) -> ReleaseRecord | None:
        return load(ReleaseRecord, self.release.json()) if self.release else None

    @property
    def verdict(self) -> Decision | None:
        return load(Decision, self.decision.json()) if self.decision else None


class AzureLedger:
    """Releases, lanes and notes; every method may be called again."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, TABLE)

    def ensure(self) -> str:
        """Make the table, or find it."""
        self._table.ensure()
        return f"table {TABLE}"

    def save_release(self, record: ReleaseRecord) -> None:
        release_id, model = record.release.release_id, record.release.model
        if model not in _models(release_id):
            raise ContractError(f"{release_id} is no id of a release of {model}.")

        def attempt() -> None:
            stored = self._table.get(_MODEL + encode(model), _release_key(release_id))
            if stored is None:
                self._table.write(create=[_release_row(record)])
                return
            before = load(ReleaseRecord, stored.json())
            if not may_become(before.status, record.status):
                raise ConflictError(forbidden_change(release_id, before.status, record.status))
            self._table.write(replace=[replace(_release_row(record), etag=stored.etag)])

        until_unchanged("save a release", attempt)

    def get_release(self, release_id: str) -> ReleaseRecord | None:
        return self._find(release_id).record

    def list_releases(self) -> tuple[ReleaseRecord, ...]:
        records = load_each(ReleaseRecord, self._stored(_RELEASE))
        return tuple(sorted(records, key=lambda record: record.updated_at, reverse=True))

    def list_damaged(self) -> tuple[tuple[str, str], ...]:
        return find_damaged(ReleaseRecord, self._stored(_RELEASE))

    def _stored(self, kind: str) -> Iterator[tuple[str, Any]]:
        rows = self._table.query(
            "PartitionKey ge @first and PartitionKey lt @last and kind eq @kind",
            first=_MODEL,
            last="model.",
            kind=kind,
        )
        return ((row.key, read_content(row.text, row.key)) for row in rows)

    def supersede(self, newer: Release, now: datetime) -> tuple[str, ...]:
        reasons = (f"{newer.release_id} superseded it.",)

        def attempt() -> tuple[str, ...]:
            taken, rows = [], []
            for row, record in self._open_or_superseded(newer.model):
                release = record.release
                if release.release_id == newer.release_id:
                    continue
                if record.status is ReleaseStatus.SUPERSEDED:
                    if record.reasons == reasons:
                        taken.append(release.release_id)
                elif version_key(release.version) < version_key(newer.version):
                    superseded = replace(
                        record, status=ReleaseStatus.SUPERSEDED, reasons=reasons, updated_at=now
                    )
                    rows.append(replace(_release_row(superseded), etag=row.etag))
                    taken.append(release.release_id)
            for at in range(0, len(rows), MOST_OPERATIONS):
                self._table.write(replace=rows[at : at + MOST_OPERATIONS])
            return tuple(sorted(taken))

        return until_unchanged("supersede releases", attempt)

    def settle(
        self, release_id: str, now: datetime, decision: Decision | None = None
    ) -> Settlement:
        def attempt() -> Settlement:
            found = self._find(release_id)
            settlement, approved = settle(found.record, decision, now)
            if approved is not None:
                assert found.release is not None  # its record was approved
                row = replace(_release_row(approved), etag=found.release.etag)
                self._table.write(replace=[row])
            return settlement

        return until_unchanged("settle a release", attempt)

    def get_decision(self, release_id: str) -> Decision | None:
        return self._find(release_id).verdict

    def list_decisions(self) -> tuple[Decision, ...]:
        return load_each(Decision, self._stored(_DECISION))

    def take_lane(self, request: LaneRequest, now: datetime) -> LaneHolder:
        partition = _LANE + encode(request.lane)

        def attempt() -> LaneHolder:
            stored = self._table.get(partition, _PLACES)
            places, holder = take(_places(stored), request, now)
            row = _lane_row(partition, request.lane, places)
            if stored is None:
                self._table.write(create=[row])
            else:
                self._table.write(replace=[replace(row, etag=stored.etag)])
            return holder

        return until_unchanged("take a lane", attempt)

    def leave_lane(self, lane: str, owner: str) -> None:
        partition = _LANE + encode(lane)

        def attempt() -> None:
            stored = self._table.get(partition, _PLACES)
            places = _places(stored)
            left = tuple(place for place in places if place.owner != owner)
            if stored is None or left == places:
                return
            row = replace(_lane_row(partition, lane, left), etag=stored.etag)
            if left:
                self._table.write(replace=[row])
            else:
                self._table.write(delete=[row])

        until_unchanged("leave a lane", attempt)

    def list_lanes(self) -> tuple[LanePlace, ...]:
        rows = self._table.query(
            "PartitionKey ge @first and PartitionKey lt @last", first=_LANE, last="lane."
        )
        return tuple(
            LanePlace(lane=lane, owner=place.owner, since=place.since, inside=place.inside)
            for lane, row in sorted((str(row.properties["lane"]), row) for row in rows)
            for place in sorted(_places(row), key=turn)
        )

    def keep_note(self, name: str, content: dict[str, str]) -> None:
        self._table.put(Row(partition=_NOTES, key=encode(name), text=json.dumps(content)))

    def read_note(self, name: str) -> dict[str, str] | None:
        row = self._table.get(_NOTES, encode(name))
        return load(dict[str, str], row.json()) if row else None

    def _open_or_superseded(self, model: str) -> Iterator[tuple[Row, ReleaseRecord]]:
        rows = self._table.query(
            "PartitionKey eq @model and kind eq @kind and ( status eq @waits or status eq @past )",
            model=_MODEL + encode(model),
            kind=_RELEASE,
            waits=ReleaseStatus.AWAITING_APPROVAL.value,
            past=ReleaseStatus.SUPERSEDED.value,
        )
        for row in rows:
            for record in load_each(ReleaseRecord, [(row.key, read_content(row.text, row.key))]):
                yield row, record

    def _find(self, release_id: str) -> _Found:
        """Return the release and the decision over it, read at once.

        An id does not tell where the model ends and the version begins, so likely splits come
        first; a decision over an unknown release lies at the likeliest.
        """
        partitions = [_MODEL + encode(model) for model in _models(release_id)]
        for partition in partitions:
            key, last = _release_key(release_id), _decision_key(release_id)
            rows = self._table.query(
                "PartitionKey eq @partition and RowKey ge @key and RowKey le @last",
                partition=partition,
                key=key,
                last=last,
            )
            kinds = {str(row.properties.get("kind")): row for row in rows}
            if kinds:
                release, decision = kinds.get(_RELEASE), kinds.get(_DECISION)
                return _Found(partition=partition, release=release, decision=decision)
        return _Found(partition=partitions[0])


def _models(release_id: str) -> list[str]:
    """Return the models of which this may be a release: release-<model>-<version>."""
    words = release_id.removeprefix("release-").split("-")
    names = ["-".join(words[:count]) for count in range(len(words) - 1, 0, -1)]
    return [name for name in names if len(name) <= _LONGEST_MODEL] or ["unknown"]


def _release_key(release_id: str) -> str:
    return f"{encode(release_id)}!"


def _decision_key(release_id: str) -> str:
    # `!` is less than anything that `encode` leaves: no other id lies between the two.
    return f"{encode(release_id)}!{_DECISION}"


def _release_row(record: ReleaseRecord) -> Row:
    release = record.release
    return Row(
        partition=_MODEL + encode(release.model),
        key=_release_key(release.release_id),
        text=json.dumps(dump(record)),
        properties={"kind": _RELEASE, "status": record.status.value},
    )


def _places(row: Row | None) -> tuple[Place, ...]:
    return load(tuple[Place, ...], row.json()) if row else ()


def _lane_row(partition: str, lane: str, places: tuple[Place, ...]) -> Row:
    text = json.dumps(dump(places))
    return Row(partition=partition, key=_PLACES, text=text, properties={"lane": lane})
