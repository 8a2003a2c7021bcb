"""The ledger of both platforms: releases newest first, lanes, named records, decisions of 0.1.0.

All releases are in one partition, so that a change of several is atomic. A release has two rows:
its record under a key that sorts by its beginning, newest first, and the name of that key under its
id. The first of the two never moves, so that a page of releases has a stable end. More rows name
the key by the release's status, image and version (index.py).
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from function_app.domain.codec import dump
from function_app.domain.release.approval import Decision, Settlement, settle
from function_app.domain.release.release import (
    Release,
    ReleasePage,
    ReleaseRecord,
    ReleaseStatus,
    forbidden_change,
    may_become,
)
from function_app.domain.release.superseding import (
    TAKES_OVER,
    successor,
    superseded,
    takes_over,
    was_taken_over,
)
from function_app.domain.stories.lane import LaneHolder, LanePosition, LaneRequest
from function_app.domain.text.identifiers import RELEASE_ID
from function_app.errors import ConflictError
from function_app.ports import Rows
from function_app.ports.rows import MOST_CHANGES, Delete, Put, Row
from function_app.records.changing import until_unchanged
from function_app.records.damage import DamageCheck, Kind, read_row
from function_app.records.ledger.index import BY_TIME, LATEST, RELEASES, Index, names_of
from function_app.records.ledger.lanes import Lanes
from function_app.records.ledger.looks import BY_MODEL, LOOKS, Look
from function_app.records.ledger.statuses import Statuses, newest
from function_app.records.order import check_cursor, downwards
from function_app.records.readable import load_each

DECISIONS, NOTES = "decisions", "notes"
BY_ID = "id/"
# A release that is superseded has three changes of rows: its record, and two names by status.
_MOST_RELEASES = MOST_CHANGES // 3
_CURSOR = re.compile(r"[0-9]{19}-[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}", re.ASCII)


class StoredLedger:
    """Stores releases, lanes and named records; every method is idempotent."""

    def __init__(self, rows: Rows) -> None:
        self._rows, self._lanes, self._index = rows, Lanes(rows), Index(rows)
        self._statuses = Statuses(self._index)

    def save_release(self, record: ReleaseRecord) -> None:
        release_id = RELEASE_ID.check(record.release.release_id, "release_id")

        def attempt() -> None:
            row = self._row(release_id)
            if row is None:
                puts = new_release(release_id, record.begun_at or record.updated_at, dump(record))
                self._rows.write(RELEASES, [*puts, *names_of(record, puts[1].key)])
                return
            before = read_row(ReleaseRecord, row)
            if not may_become(before.status, record.status):
                raise ConflictError(forbidden_change(release_id, before.status, record.status))
            self._rows.write(RELEASES, self._changes(row, before, record))

        until_unchanged("save a release", attempt)

    def get_release(self, release_id: str) -> ReleaseRecord | None:
        row = self._row(release_id)
        return read_row(ReleaseRecord, row) if row else None

    def list_releases(self) -> tuple[ReleaseRecord, ...]:
        return newest(_readable(self._rows.query(RELEASES, BY_TIME)))

    def with_status(
        self, status: ReleaseStatus, model: str = "", limit: int | None = None
    ) -> tuple[ReleaseRecord, ...]:
        return self._statuses.find(status, model, limit)

    def with_image(self, model: str, digest: str) -> tuple[ReleaseRecord, ...]:
        return self._statuses.with_image(model, digest)

    def newest_version(self, model: str) -> int:
        return self._statuses.newest_version(model)

    def count_releases(self) -> Counter[tuple[str, str]]:
        return self._statuses.counts()

    def repair_statuses(self) -> tuple[str, ...]:
        return self._index.repair()

    def releases(self, limit: int, after: str | None = None) -> ReleasePage:
        check_cursor(after, _CURSOR)
        start = f"{BY_TIME}{after}" if after else ""
        rows = self._rows.query(RELEASES, BY_TIME, after=start, limit=limit + 1)
        shown = rows[:limit]
        more = len(rows) > limit and bool(shown)
        following = shown[-1].key.removeprefix(BY_TIME) if more else None
        return ReleasePage(releases=_readable(shown), next=following)

    def list_damaged(self) -> tuple[tuple[str, str], ...]:
        lanes = self._lanes.find_damaged()
        return (
            *DamageCheck(self._rows, RELEASES, _CHECKED).find(),
            *DamageCheck(self._rows, LOOKS, _COUNTED).find(),
            *((name, f"{problem} Nothing enters its lane.") for name, problem in lanes),
        )

    def supersede(self, newer: Release, now: datetime) -> tuple[str, ...]:
        def attempt() -> tuple[str, ...]:
            waiting = self._statuses.rows(ReleaseStatus.AWAITING_APPROVAL, newer.model)
            older = [(row, record) for row, record in waiting if takes_over(newer, record)]
            # An earlier attempt superseded these lately, so that they are among the latest.
            before = self._statuses.find(ReleaseStatus.SUPERSEDED, newer.model, LATEST)
            taken = [record for record in before if was_taken_over(record, newer)]
            taken += [record for _, record in older]
            moved = [
                self._changes(row, record, superseded(record, newer, now)) for row, record in older
            ]
            for at in range(0, len(moved), _MOST_RELEASES):
                together = [change for each in moved[at : at + _MOST_RELEASES] for change in each]
                self._rows.write(RELEASES, together)
            return tuple(sorted(record.release.release_id for record in taken))

        return until_unchanged("supersede releases", attempt)

    def settle(
        self, release_id: str, now: datetime, decision: Decision | None = None, stale: str = ""
    ) -> Settlement:
        def attempt() -> Settlement:
            row = self._row(release_id)
            record = before = read_row(ReleaseRecord, row) if row else None
            if record is not None and record.status is ReleaseStatus.AWAITING_APPROVAL:
                newer = successor(record, self._newer(record.release))
                record = superseded(record, newer, now) if newer else record
            settlement, changed = settle(record, decision, now, stale)
            after = changed or record
            if row is not None and before is not None and after is not None and after != before:
                self._rows.write(RELEASES, self._changes(row, before, after))
            return settlement

        return until_unchanged("settle a release", attempt)

    def successor(self, release_id: str) -> Release | None:
        record = self.get_release(release_id)
        if record is None:
            return None
        waiting = replace(record, status=ReleaseStatus.AWAITING_APPROVAL)
        return successor(waiting, self._newer(record.release))

    def take_lane(self, request: LaneRequest, now: datetime) -> LaneHolder:
        return self._lanes.take(request, now)

    def leave_lane(self, lane: str, owner: str) -> None:
        self._lanes.leave(lane, owner)

    def list_lanes(self) -> tuple[LanePosition, ...]:
        return self._lanes.list()

    def save_record(self, name: str, content: dict[str, str]) -> None:
        def attempt() -> None:
            row = self._rows.get(NOTES, name)
            etag = row.etag if row else None
            self._rows.write(NOTES, [Put(key=name, content=dict(content), etag=etag)])

        until_unchanged("store a note", attempt)

    def create_record(self, name: str, content: dict[str, str]) -> dict[str, str]:
        def attempt() -> dict[str, str]:
            row = self._rows.get(NOTES, name)
            if row is not None:
                return read_row(dict[str, str], row)
            self._rows.write(NOTES, [Put(key=name, content=dict(content))])
            return content

        return until_unchanged("store a note", attempt)

    def get_record(self, name: str) -> dict[str, str] | None:
        row = self._rows.get(NOTES, name)
        return read_row(dict[str, str], row) if row else None

    def get_decision(self, release_id: str) -> Decision | None:
        row = self._rows.get(DECISIONS, release_id) if RELEASE_ID.fits(release_id) else None
        return read_row(Decision, row) if row else None

    def _newer(self, release: Release) -> tuple[ReleaseRecord, ...]:
        """Return the releases of newer versions that may supersede this one, newest first."""
        of_each = (self._statuses.newer(release, status) for status in TAKES_OVER)
        return newest(record for records in of_each for record in records)

    def _changes(self, row: Row, before: ReleaseRecord, after: ReleaseRecord) -> list[Put | Delete]:
        """Return the changes that store a record instead of the one in its row."""
        put = Put(key=row.key, content=dump(after), etag=row.etag)
        return [put, *self._index.moves(row, before, after)]

    def _row(self, release_id: str) -> Row | None:
        """Return the row with the record of a release, None when there is no such release."""
        row = self._rows.get(RELEASES, BY_ID + release_id) if RELEASE_ID.fits(release_id) else None
        return self._rows.get(RELEASES, read_row(str, row, "key")) if row else None


def new_release(release_id: str, begun_at: datetime, content: dict[str, Any]) -> list[Put]:
    """Return the two rows of a release that is not stored yet."""
    key = f"{BY_TIME}{downwards(begun_at)}-{release_id}"
    return [
        Put(key=BY_ID + release_id, content={"key": key}),
        Put(key=key, content=content),
    ]


def _readable(rows: Iterable[Row]) -> tuple[ReleaseRecord, ...]:
    return load_each(ReleaseRecord, _named(rows))


def _named(rows: Iterable[Row]) -> Iterable[tuple[str, object]]:
    """Yield the id of each release, from the end of its key, with its record."""
    return ((_id_of(row.key), row.content) for row in rows)


def _id_of(key: str) -> str:
    """Return the id of the release whose record has this key."""
    return key.removeprefix(BY_TIME)[20:]


_CHECKED = (
    Kind(prefix=BY_TIME, target=ReleaseRecord, effect="The release is in no list.", label=_id_of),
    Kind(prefix=BY_ID, target=str, field="key", effect="Its release cannot be found."),
)
_COUNTED = (
    Kind(
        prefix=BY_MODEL,
        target=Look,
        effect="Trainings of the model fail until it is restored.",
        label="comparisons {}".format,
    ),
)
