"""Releases by status: rows that name the record of each release under its status and model.

Views then read the releases that they show, and not every release that ever was. Each change of a
record moves its row in the same transaction. Records of earlier versions get their rows once, when
a status is first asked for. A row whose release has another status by now does not count: an
earlier version may run beside this one during an upgrade.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from function_app.domain.release.release import ReleaseRecord, ReleaseStatus
from function_app.ports import Rows
from function_app.ports.rows import Delete, Put, Row
from function_app.records.changing import until_unchanged
from function_app.records.readable import load_each

RELEASES, BY_TIME, BY_STATUS = "releases", "at/", "is/"
# The row that says that every record has its row.
COMPLETE = "statuses"
BATCH, AT_A_TIME = 50, 8


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
        self._complete_once()
        prefix = f"{BY_STATUS}{status}/{model}/" if model else f"{BY_STATUS}{status}/"
        pointers = self._rows.query(RELEASES, prefix, limit=limit)
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            found = pool.map(self._record, pointers)
        return tuple(record for each in found for record in each if record.status is status)

    def moves(self, row: Row, before: ReleaseRecord, after: ReleaseRecord) -> list[Put | Delete]:
        """Return the changes that move a release from one status to another."""
        old, new = _key(before, row.key), _key(after, row.key)
        if old == new:
            return []
        stored, target = self._rows.get(RELEASES, old), self._rows.get(RELEASES, new)
        deletes = [Delete(key=old, etag=stored.etag)] if stored else []
        etag = target.etag if target else None
        return [*deletes, Put(key=new, content={"key": row.key}, etag=etag)]

    def _record(self, pointer: Row) -> tuple[ReleaseRecord, ...]:
        key = pointer.content.get("key")
        row = self._rows.get(RELEASES, key) if isinstance(key, str) and key else None
        return load_each(ReleaseRecord, [(pointer.key, row.content)] if row else [])

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
    return Put(key=_key(record, key), content={"key": key})


def _key(record: ReleaseRecord, key: str) -> str:
    release = record.release
    return f"{BY_STATUS}{record.status}/{release.model}/{key.removeprefix(BY_TIME)}"


def newest(records: Iterable[ReleaseRecord]) -> tuple[ReleaseRecord, ...]:
    """Return the records by their last change, newest first."""
    return tuple(sorted(records, key=lambda record: record.updated_at, reverse=True))
