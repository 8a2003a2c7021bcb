"""Submitted runs and registered versions, as the app itself stored them.

A platform shows runs and versions with tags and properties. Code that is trained or judged can
write the tags of its own run, and can register versions; it never reaches these rows.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from function_app.domain.change.change import CodeVersion
from function_app.domain.codec import dump, load
from function_app.domain.text import identifiers as ids
from function_app.domain.training import ModelVersion
from function_app.ports import Rows
from function_app.ports.rows import Delete, Put, RowsChangedError
from function_app.records.changing import until_unchanged

_RUNS, _WEEK, _SPECS, _VERSIONS = "runs", "runs/", "run-specs", "versions/"
_UNTRACKED = "untracked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A run before its submission: its kind, its subject and its tags."""

    run_id: ids.RunId
    kind: str
    model: ids.ModelName
    dataset_version: ids.OrEmpty[ids.DataDigest]
    tags: dict[str, str] = field(default_factory=dict)
    code: CodeVersion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Untracked:
    """A change that the tracking does not have yet: tags of a run, or without tags its end.

    `key` names the entry; `since` is the moment at which it was stored.
    """

    key: str
    run_id: ids.RunId
    since: datetime
    tags: dict[str, str] = field(default_factory=dict)


class Submissions:
    """Stores submitted runs by their ids, and registered versions by their numbers."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def find(self, run_id: str) -> Submission | None:
        """Return the submission of this id; None when this app submitted nothing."""
        row = self._rows.get(_RUNS, run_id) if ids.RUN_ID.accepts(run_id) else None
        return load(Submission, row.content) if row else None

    def claim(self, submission: Submission, week: str) -> tuple[Submission, bool]:
        """Store a run before it is submitted; return the stored submission, and whether it is new.

        The first submission of an id counts: a later attempt uses the same code, even if a newer
        version was published in between. `week` names the list in which `of_weeks` finds the run.
        """
        # The list first: a run that is stored can then be found.
        self._rows_put(_WEEK + week, submission.run_id, {})
        is_new = self._rows_put(_RUNS, submission.run_id, dump(submission))
        return (submission, True) if is_new else (self.find(submission.run_id) or submission, False)

    def of_weeks(self, weeks: Iterable[str]) -> set[str]:
        """Return the ids of the runs that were submitted in these weeks."""
        return {row.key for week in weeks for row in self._rows.query(_WEEK + week)}

    def track(self, entry: Untracked) -> None:
        """Store an entry for the tracking, unless an entry with this key is stored."""
        self._rows_put(_UNTRACKED, entry.key, dump(entry))

    def untracked(self) -> tuple[Untracked, ...]:
        """Return the entries that the tracking does not have yet, in the order of keys."""
        return tuple(load(Untracked, row.content) for row in self._rows.query(_UNTRACKED))

    def tracked(self, key: str) -> None:
        """Remove an entry that the tracking has learned, or never will."""
        row = self._rows.get(_UNTRACKED, key)
        if row is not None:
            # Another process removed the entry when its row changed in between.
            with suppress(RowsChangedError):
                self._rows.write(_UNTRACKED, [Delete(key=key, etag=row.etag)])

    def store_spec(self, run_id: str, spec: dict[str, object]) -> None:
        """Store the specification of a run that is submitted once the runs before it have ended."""
        self._rows_put(_SPECS, run_id, spec)

    def spec(self, run_id: str) -> dict[str, object] | None:
        """Return the stored specification of a run; None when there is none."""
        row = self._rows.get(_SPECS, run_id) if ids.RUN_ID.accepts(run_id) else None
        return row.content if row else None

    def register(self, version: ModelVersion, types: Sequence[str]) -> None:
        """Store a version before it is registered, in place of an earlier attempt of its run.

        `types` are the classes that its evaluation found in the model and that the service will
        trust.
        """
        partition = _VERSIONS + version.model
        content = {"version": dump(version), "types": list(types)}

        def attempt() -> None:
            row = self._rows.get(partition, version.version)
            put = Put(key=version.version, content=content, etag=row.etag if row else None)
            self._rows.write(partition, [put])

        until_unchanged("store a version", attempt)

    def registered(self, model: str, version: str) -> ModelVersion | None:
        """Return a version as this app registered it; None when this app did not."""
        row = self._rows.get(_VERSIONS + model, version)
        return load(ModelVersion, row.content.get("version")) if row else None

    def types(self, model: str, version: str) -> list[str] | None:
        """Return the types that the service of a version may trust; None without a record."""
        row = self._rows.get(_VERSIONS + model, version)
        return load(list[str], row.content.get("types")) if row else None

    def _rows_put(self, partition: str, key: str, content: dict[str, object]) -> bool:
        """Store a row unless there is one; return whether it was stored."""

        def attempt() -> bool:
            if self._rows.get(partition, key) is not None:
                return False
            self._rows.write(partition, [Put(key=key, content=content)])
            return True

        return until_unchanged("store a run", attempt)
