"""Releases by status: rows that name the record of each release under its status and model.

Views then read the releases that they show, and not every release that ever was. Each change of a
record moves its row in the same transaction. Records of earlier versions get their rows once, when
a status is first asked for. A row whose release has another status by now does not count: an
earlier version may run beside this one during an upgrade. `repair` heals the rows of the releases
that it wrote.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from function_app.domain.release.release import (
    Release,
    ReleaseRecord,
    ReleaseStatus,
    version_key,
)
from function_app.ports import Rows
from function_app.ports.rows import Delete, Put, Row, RowsChangedError
from function_app.records.changing import until_unchanged
from function_app.records.readable import load_each

RELEASES, BY_TIME, BY_STATUS = "releases", "at/", "is/"
# The row that says that every record has its row.
COMPLETE = "statuses"
BATCH, AT_A_TIME = 50, 8
# So many of the newest releases are read where no view needs all of them.
LATEST = 200


class Statuses:
    """Finds releases by status; keeps the rows by which they are found."""

    def __init__(self, rows: Rows) -> None:
        self._rows, self._complete = rows, False

    def find(
        self, status: ReleaseStatus, model: str = "", limit: int | None = None
    ) -> tuple[ReleaseRecord, ...]:
        """Return the releases of a status that can be read, those of one model when it is given.

        Those of each model come by their beginning, newest first. `limit` says how many are read.
        """
        pointers = self._pointers(status, model, limit)
        return tuple(record for _, record in self._read(pointers, status))

    def rows(self, status: ReleaseStatus, model: str) -> tuple[tuple[Row, ReleaseRecord], ...]:
        """Return the readable releases of a status and model, each with its row."""
        return self._read(self._pointers(status, model), status)

    def newer(self, release: Release, status: ReleaseStatus) -> tuple[ReleaseRecord, ...]:
        """Return the releases of a status that are of a newer version of this release's model.

        Of the promoted ones only the LATEST are searched. A version is promoted only while no newer
        one was, so that the newest promoted version is among those that began last.
        """
        limit = LATEST if status is ReleaseStatus.PROMOTED else None
        pointers = self._pointers(status, release.model, limit)
        newer = [pointer for pointer in pointers if _may_be_newer(pointer, release)]
        return tuple(record for _, record in self._read(newer, status))

    def counts(self) -> Counter[tuple[str, str]]:
        """Return the number of releases by model and status; only their keys are read."""
        self._complete_once()
        keys = (row.key.split("/") for row in self._rows.query(RELEASES, BY_STATUS))
        return Counter((key[2], key[1]) for key in keys if len(key) == 4)

    def repair(self) -> tuple[str, ...]:
        """Correct the rows of releases that an earlier version wrote; return the releases' ids.

        A process of it runs beside this one during an upgrade. It writes new releases and ends open
        ones, so that only the LATEST releases and the open ones are read.
        """
        self._complete_once()
        latest = self._rows.query(RELEASES, BY_TIME, limit=LATEST)
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            unnamed = pool.map(self._is_unnamed, latest)
            suspect = {row.key: row for row, is_one in zip(latest, unnamed, strict=True) if is_one}
        for status in ReleaseStatus:
            if not status.ended:
                rows = map(self._row, self._pointers(status))
                suspect |= {row.key: row for row in rows if row and _left(row, status)}
        return tuple(sorted(name for row in suspect.values() for name in self._correct(row)))

    def moves(self, row: Row, before: ReleaseRecord, after: ReleaseRecord) -> list[Put | Delete]:
        """Return the changes that move a release from one status to another."""
        old, new = _key(before, row.key), _key(after, row.key)
        if old == new:
            return []
        stored, target = self._rows.get(RELEASES, old), self._rows.get(RELEASES, new)
        deletes = [Delete(key=old, etag=stored.etag)] if stored else []
        etag = target.etag if target else None
        return [*deletes, Put(key=new, content=_content(after, row.key), etag=etag)]

    def _pointers(
        self, status: ReleaseStatus, model: str = "", limit: int | None = None
    ) -> tuple[Row, ...]:
        self._complete_once()
        prefix = f"{BY_STATUS}{status}/{model}/" if model else f"{BY_STATUS}{status}/"
        return self._rows.query(RELEASES, prefix, limit=limit)

    def _read(
        self, pointers: Iterable[Row], status: ReleaseStatus
    ) -> tuple[tuple[Row, ReleaseRecord], ...]:
        """Return the releases that the rows name, without those that left the status."""
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            rows = [row for row in pool.map(self._row, pointers) if row]
        pairs = ((row, record) for row in rows for record in _record(row))
        return tuple((row, record) for row, record in pairs if record.status is status)

    def _row(self, pointer: Row) -> Row | None:
        key = pointer.content.get("key")
        return self._rows.get(RELEASES, key) if isinstance(key, str) and key else None

    def _is_unnamed(self, row: Row) -> bool:
        """Return whether no row names this release under its status."""
        return any(self._rows.get(RELEASES, _key(r, row.key)) is None for r in _record(row))

    def _correct(self, row: Row) -> tuple[str, ...]:
        """Name a release under its status alone; return its id, () when it changed meanwhile."""
        for record in _record(row):
            keys = [_key(replace(record, status=status), row.key) for status in ReleaseStatus]
            stored = {key: self._rows.get(RELEASES, key) for key in keys}
            right = stored.pop(_key(record, row.key))
            # The release is written again as it is, so that the write fails when it has changed.
            puts = [Put(key=row.key, content=row.content, etag=row.etag)]
            puts += [] if right else [named(record, row.key)]
            stale = [Delete(key=old.key, etag=old.etag) for old in stored.values() if old]
            try:
                self._rows.write(RELEASES, [*puts, *stale])
            except RowsChangedError:
                return ()  # the next repair reads it again
            return (record.release.release_id,)
        return ()

    def _complete_once(self) -> None:
        if self._complete:
            return
        if self._rows.get(RELEASES, COMPLETE) is None:
            until_unchanged("sort the releases by status", self._sort)
        self._complete = True

    def _sort(self) -> None:
        stored = {row.key for row in self._rows.query(RELEASES, BY_STATUS)}
        missing = [put for put in self._all() if put.key not in stored]
        for at in range(0, len(missing), BATCH):
            self._rows.write(RELEASES, missing[at : at + BATCH])
        if self._rows.get(RELEASES, COMPLETE) is None:
            self._rows.write(RELEASES, [Put(key=COMPLETE, content={})])

    def _all(self) -> Iterator[Put]:
        for row in self._rows.query(RELEASES, BY_TIME):
            for record in load_each(ReleaseRecord, [(row.key, row.content)]):
                yield named(record, row.key)


def named(record: ReleaseRecord, key: str) -> Put:
    """Return the row that names the record under `key` by its status; it is new."""
    return Put(key=_key(record, key), content=_content(record, key))


def _content(record: ReleaseRecord, key: str) -> dict[str, str]:
    return {"key": key, "version": record.release.version}


def _key(record: ReleaseRecord, key: str) -> str:
    release = record.release
    return f"{BY_STATUS}{record.status}/{release.model}/{key.removeprefix(BY_TIME)}"


def _record(row: Row) -> tuple[ReleaseRecord, ...]:
    """Return the release in a row, () when it cannot be read."""
    return load_each(ReleaseRecord, [(row.key, row.content)])


def _left(row: Row, status: ReleaseStatus) -> bool:
    """Return whether the release in a row can be read and has another status."""
    return any(record.status is not status for record in _record(row))


def _may_be_newer(pointer: Row, release: Release) -> bool:
    """Return False when the row names a version that is not newer; earlier rows name none."""
    version = pointer.content.get("version")
    return not isinstance(version, str) or version_key(version) > version_key(release.version)


def newest(records: Iterable[ReleaseRecord]) -> tuple[ReleaseRecord, ...]:
    """Return the records by their last change, newest first."""
    return tuple(sorted(records, key=lambda record: record.updated_at, reverse=True))
