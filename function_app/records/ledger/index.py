"""Rows that name the record of each release by its status, its image and its version's number.

Views and rules then read the releases that they need, and not every release that ever was. Each
change of a record changes its names in the same transaction. Records of earlier versions get their
names once, when one is first asked for. A name that its release left does not count: an earlier
version may run beside this one during an upgrade. `repair` heals the names of the releases that it
wrote.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from function_app.domain.release.release import ReleaseRecord, ReleaseStatus, version_key
from function_app.ports import Rows
from function_app.ports.rows import Delete, Put, Row, RowsChangedError
from function_app.records.changing import until_unchanged
from function_app.records.order import falling
from function_app.records.readable import load_each

RELEASES, BY_TIME = "releases", "at/"
BY_STATUS, BY_IMAGE, BY_NUMBER = "is/", "image/", "number/"
# The row that says that every record has its names.
COMPLETE = "named"
BATCH, AT_A_TIME = 50, 8
# So many of the newest releases are read where no view needs all of them.
LATEST = 200


class Index:
    """Finds releases by their names; writes these names."""

    def __init__(self, rows: Rows) -> None:
        self._rows, self._complete = rows, False

    def find(self, prefix: str, *, after: str = "", limit: int | None = None) -> tuple[Row, ...]:
        """Return the rows of names with this prefix; `after` and `limit` are those of a query."""
        self._complete_once()
        return self._rows.query(RELEASES, prefix, after=after, limit=limit)

    def records(self, names: Iterable[Row]) -> tuple[tuple[Row, ReleaseRecord], ...]:
        """Return the named releases that can be read, each with its row."""
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            rows = [row for row in pool.map(self._row, names) if row]
        return tuple((row, record) for row in rows for record in _record(row))

    def moves(self, row: Row, before: ReleaseRecord, after: ReleaseRecord) -> list[Put | Delete]:
        """Return the changes of names when the record in a row becomes another one."""
        old, new = _names(before, row.key), _names(after, row.key)
        left = [self._rows.get(RELEASES, key) for key in old if key not in new]
        deletes = [Delete(key=stored.key, etag=stored.etag) for stored in left if stored]
        puts = [
            _instead(put, self._rows.get(RELEASES, key))
            for key, put in new.items()
            if key not in old
        ]
        return [*deletes, *puts]

    def repair(self) -> tuple[str, ...]:
        """Correct the names of releases that an earlier version wrote; return the releases' ids.

        A process of it runs beside this one during an upgrade. It writes new releases and changes
        open ones, so that only the LATEST releases and the open ones are read.
        """
        rows = {row.key: row for row in self.find(BY_TIME, limit=LATEST)}
        suspects: dict[str, Row] = {}
        for status in ReleaseStatus:
            if not status.ended:
                named = self.records(self.find(f"{BY_STATUS}{status}/"))
                rows |= {row.key: row for row, _ in named}
                suspects |= {row.key: row for row, record in named if record.status is not status}
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            unnamed = pool.map(self._is_unnamed, rows.values())
            for row, is_one in zip(list(rows.values()), unnamed, strict=True):
                suspects |= {row.key: row} if is_one else {}
        return tuple(sorted(name for row in suspects.values() for name in self._correct(row)))

    def _row(self, name: Row) -> Row | None:
        key = name.content.get("key")
        return self._rows.get(RELEASES, key) if isinstance(key, str) and key else None

    def _is_unnamed(self, row: Row) -> bool:
        """Return whether the release in a row lacks one of its names."""
        return any(
            not _is_right(self._rows.get(RELEASES, name), row.key)
            for record in _record(row)
            for name in _names(record, row.key)
        )

    def _correct(self, row: Row) -> tuple[str, ...]:
        """Give a release its names alone; return its id, () when it changed meanwhile.

        Names of other images are not searched, because a name that its release left does not count.
        """
        for record in _record(row):
            names = _names(record, row.key)
            stale = {_status_key(record, status, row.key) for status in ReleaseStatus} - {*names}
            stored = {key: self._rows.get(RELEASES, key) for key in (*names, *stale)}
            wrong = [put for put in names.values() if not _is_right(stored[put.key], row.key)]
            left = [old for key in sorted(stale) if (old := stored[key])]
            puts = [_instead(put, stored[put.key]) for put in wrong]
            deletes = [Delete(key=old.key, etag=old.etag) for old in left]
            # The release is written again as it is, so that the write fails when it has changed.
            same = Put(key=row.key, content=row.content, etag=row.etag)
            try:
                self._rows.write(RELEASES, [same, *puts, *deletes])
            except RowsChangedError:
                return ()  # the next repair reads it again
            return (record.release.release_id,)
        return ()

    def _complete_once(self) -> None:
        if self._complete:
            return
        if self._rows.get(RELEASES, COMPLETE) is None:
            until_unchanged("name the releases", self._name_all)
        self._complete = True

    def _name_all(self) -> None:
        prefixes = (BY_STATUS, BY_IMAGE, BY_NUMBER)
        stored = {row.key for prefix in prefixes for row in self._rows.query(RELEASES, prefix)}
        missing = [put for put in self._all() if put.key not in stored]
        for at in range(0, len(missing), BATCH):
            self._rows.write(RELEASES, missing[at : at + BATCH])
        if self._rows.get(RELEASES, COMPLETE) is None:
            self._rows.write(RELEASES, [Put(key=COMPLETE, content={})])

    def _all(self) -> Iterator[Put]:
        for row in self._rows.query(RELEASES, BY_TIME):
            for record in _record(row):
                yield from names_of(record, row.key)


def names_of(record: ReleaseRecord, key: str) -> list[Put]:
    """Return the rows that name the record under `key`; they are new."""
    return list(_names(record, key).values())


def by_image(model: str, digest: str) -> str:
    """Return the prefix of the names of a model's releases with this image."""
    return f"{BY_IMAGE}{model}/{digest}/"


def by_number(model: str, *, built: bool) -> str:
    """Return the prefix of the names of a model's releases with an image, or of those without.

    The names come by the number of the version, the greatest first.
    """
    return f"{BY_NUMBER}{model}/{'built' if built else 'unbuilt'}/"


def _names(record: ReleaseRecord, key: str) -> dict[str, Put]:
    release, image = record.release, record.image
    number = falling(version_key(release.version)[0])
    keys = [
        _status_key(record, record.status, key),
        f"{by_number(release.model, built=image is not None)}{number}-{_end(key)}",
    ]
    keys += [f"{by_image(release.model, image.digest)}{_end(key)}"] if image else []
    content = {"key": key, "version": release.version}
    return {name: Put(key=name, content=content) for name in keys}


def _status_key(record: ReleaseRecord, status: ReleaseStatus, key: str) -> str:
    return f"{BY_STATUS}{status}/{record.release.model}/{_end(key)}"


def _end(key: str) -> str:
    return key.removeprefix(BY_TIME)


def _instead(put: Put, stored: Row | None) -> Put:
    """Return the write of a name instead of the row that has its key already, if there is one."""
    return replace(put, etag=stored.etag) if stored else put


def _is_right(name: Row | None, key: str) -> bool:
    return name is not None and name.content.get("key") == key


def _record(row: Row) -> tuple[ReleaseRecord, ...]:
    """Return the release in a row, () when it cannot be read."""
    return load_each(ReleaseRecord, [(row.key, row.content)])
