"""Releases by status, by image and by the number of their version, found by their names."""

from collections import Counter
from collections.abc import Iterable

from function_app.domain.release.release import (
    Release,
    ReleaseRecord,
    ReleaseStatus,
    plausible,
    version_key,
)
from function_app.ports.rows import Row
from function_app.records.ledger.index import BY_STATUS, LATEST, Index, by_image, by_number
from function_app.records.order import falling, number_of


class Statuses:
    """Finds releases without reading all of them."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def find(
        self, status: ReleaseStatus, model: str = "", limit: int | None = None
    ) -> tuple[ReleaseRecord, ...]:
        """Return the releases of a status that can be read, those of one model when it is given.

        Those of each model come by their beginning, newest first. `limit` says how many are read.
        """
        names = self._names(status, model, limit)
        return tuple(record for _, record in self._read(names, status))

    def rows(self, status: ReleaseStatus, model: str) -> tuple[tuple[Row, ReleaseRecord], ...]:
        """Return the readable releases of a status and model, each with its row."""
        return self._read(self._names(status, model), status)

    def newer(self, release: Release, status: ReleaseStatus) -> tuple[ReleaseRecord, ...]:
        """Return the releases of a status that are of a newer version of this release's model.

        Of the promoted ones only the LATEST are searched. A version is promoted only while no newer
        one was, so that the newest promoted version is among those that began last.
        """
        limit = LATEST if status is ReleaseStatus.PROMOTED else None
        names = self._names(status, release.model, limit)
        newer = [name for name in names if _may_be_newer(name, release)]
        return tuple(record for _, record in self._read(newer, status))

    def counts(self) -> Counter[tuple[str, str]]:
        """Return the number of releases by model and status; only their keys are read."""
        keys = (row.key.split("/") for row in self._index.find(BY_STATUS))
        return Counter((key[2], key[1]) for key in keys if len(key) == 4)

    def with_image(self, model: str, digest: str) -> tuple[ReleaseRecord, ...]:
        """Return the releases of a model with the image of this digest that can be read.

        They come by their beginning, newest first.
        """
        named = self._index.records(self._index.find(by_image(model, digest)))
        return tuple(
            record for _, record in named if record.image and record.image.digest == digest
        )

    def newest_version(self, model: str) -> int:
        """Return the highest version number of a model that was ever released, 0 when none was."""
        built = self._highest(by_number(model, built=True))
        return max(built, self._highest(by_number(model, built=False), plausible(built)))

    def _highest(self, prefix: str, most: int | None = None) -> int:
        """Return the greatest number of the names with a prefix, of those up to `most`; or 0."""
        after = "" if most is None else f"{prefix}{falling(most)}"
        names = self._index.find(prefix, after=after, limit=1)
        return number_of(names[0].key.removeprefix(prefix)) if names else 0

    def _names(
        self, status: ReleaseStatus, model: str = "", limit: int | None = None
    ) -> tuple[Row, ...]:
        prefix = f"{BY_STATUS}{status}/{model}/" if model else f"{BY_STATUS}{status}/"
        return self._index.find(prefix, limit=limit)

    def _read(
        self, names: Iterable[Row], status: ReleaseStatus
    ) -> tuple[tuple[Row, ReleaseRecord], ...]:
        """Return the named releases, without those that left the status."""
        read = self._index.records(names)
        return tuple((row, record) for row, record in read if record.status is status)


def _may_be_newer(name: Row, release: Release) -> bool:
    """Return False when the row names a version that is not newer; earlier rows name none."""
    version = name.content.get("version")
    return not isinstance(version, str) or version_key(version) > version_key(release.version)


def newest(records: Iterable[ReleaseRecord]) -> tuple[ReleaseRecord, ...]:
    """Return the records by their last change, newest first."""
    return tuple(sorted(records, key=lambda record: record.updated_at, reverse=True))
