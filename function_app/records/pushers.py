"""The people whom a code host names for a commit, stored apart from the story that integrates it.

A commit is claimed once, by the event that arrives first. That may be the app's own poll of the
branch or an event of any sender, neither of which proves a person. The hook of the code host may
arrive later; the people that it names must still count as authors.
"""

from dataclasses import replace

from function_app.domain.change.change import Change
from function_app.domain.codec import dump, load
from function_app.domain.people.authorship import Authors, Role, join_authors, make_authors
from function_app.domain.release.release import ReleaseRecord
from function_app.domain.training import ModelVersion
from function_app.errors import NotFoundError
from function_app.ports import Ports, Rows
from function_app.ports.rows import Put
from function_app.records.changing import until_unchanged

_PARTITION = "pushers"


class Pushers:
    """Stores the people of commits by the commit's id."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, change: Change) -> None:
        """Add the people whom the code host named for this commit to the stored ones."""
        people = [(Role.PUSHED, change.author)]
        named = make_authors([*people, *((Role.WROTE, name) for name in change.contributors)])

        def attempt() -> None:
            row = self._rows.get(_PARTITION, change.commit)
            stored = load(Authors, row.content.get("authors", [])) if row else ()
            authors = join_authors(stored, named)
            if authors != stored:
                put = Put(
                    key=change.commit,
                    content={"authors": dump(authors)},
                    etag=row.etag if row else None,
                )
                self._rows.write(_PARTITION, [put])

        until_unchanged("store the people of a commit", attempt)

    def of(self, commit: str) -> Authors:
        """Return the people whom the code host named for a commit, () for none."""
        row = self._rows.get(_PARTITION, commit)
        return load(Authors, row.content.get("authors", [])) if row else ()


def authors_of(ports: Ports, version: ModelVersion) -> Authors:
    """Return the authors of a version: its registered authors and the people of its commit."""
    commit = version.code.commit if version.code else ""
    return join_authors(version.authors, Pushers(ports.rows).of(commit) if commit else ())


def with_late_authors(ports: Ports, record: ReleaseRecord) -> ReleaseRecord:
    """Return the record with the authors whom the code host named after it was stored."""
    release = record.release
    try:
        version = ports.registry.get(release.model, release.version)
    except NotFoundError:
        return record  # the record was deleted by hand; the image was built before
    return replace(record, authors=join_authors(record.authors, authors_of(ports, version)))
