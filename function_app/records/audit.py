"""The audit log: appends entries to the hash chain, lists them, checks them.

Entries and the head are rows of one partition, so that one atomic write stores an entry together
with the head that names it. A crash leaves both or neither; of two writers one is overtaken, reads
the new head and writes again. Each append reads and writes one head, however long the log is.
"""

import contextlib
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from function_app.domain.access.audit import (
    AuditEvent,
    Fault,
    Head,
    check_anchor,
    check_end,
    check_entries,
    read_event,
    written,
)
from function_app.domain.codec import find_damaged, load
from function_app.errors import ContractError, PlatformError
from function_app.ports import Rows
from function_app.ports.rows import Put, Row, RowsChangedError
from function_app.records.changing import until_unchanged
from function_app.records.order import check_cursor

LOG = logging.getLogger("mlops.audit")
PARTITION, HEAD, ENTRY, ONCE = "audit", "head", "entry/", "once/"
# Entries whose numbers differ in the last DIGITS only are read with one query.
DIGITS = 3
BLOCK = 10**DIGITS
MOST_FAULTS = 20
# So many blocks are read for one page, however rare the entries are that it asks for.
BLOCKS = 10
_CURSOR = re.compile(r"[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The result of a check: the head, the number that was checked last, and the first faults."""

    head: Head
    checked: int
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Some entries, newest first; `next` is the cursor of the next page, None after the last.

    A page before the last may have few entries or none, because one page reads BLOCKS at most.
    """

    entries: tuple[Mapping[str, object], ...]
    next: str | None = None


class AuditLog:
    """The one audit log of an app."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def head(self) -> Head:
        """Return the number and the hash of the last entry."""
        return _head(self._rows.get(PARTITION, HEAD))

    def readable_head(self) -> Head | None:
        """Return the head, None when its row is damaged: views of other things still work."""
        try:
            return self.head()
        except PlatformError as error:
            LOG.error("%s", error)
            return None

    def append(self, event: AuditEvent, once: str = "") -> Head:
        """Append an entry; return the head that names it, or the present one.

        `once` is a name that may be recorded only once: an entry with the same name is not
        repeated. PlatformError when an entry lies beyond the head, which only tampering can cause.
        """

        def attempt() -> Head:
            row = self._rows.get(PARTITION, HEAD)
            if once and self.has(once):
                return _head(row)
            content, head = written(event, _head(row))
            etag = row.etag if row else None
            changes = [
                Put(key=_key(head.number), content=content),
                Put(key=HEAD, content={"number": head.number, "hash": head.hash}, etag=etag),
            ]
            if once:
                changes.append(Put(key=ONCE + once, content={"number": head.number}))
            try:
                self._rows.write(PARTITION, changes)
            except RowsChangedError:
                self._check_free(head.number, row)
                raise
            return head

        return until_unchanged("append to the audit log", attempt)

    def has(self, once: str) -> bool:
        """Return whether an entry of this name was appended, or the name was marked."""
        return self._rows.get(PARTITION, ONCE + once) is not None

    def mark(self, once: str) -> None:
        """Mark a name as recorded, because an entry without a name records it."""
        with contextlib.suppress(RowsChangedError):
            self._rows.write(PARTITION, [Put(key=ONCE + once, content={"number": 0})])

    def newest(
        self, matches: Callable[[AuditEvent], bool], limit: int
    ) -> tuple[Mapping[str, object], ...]:
        """Return the newest entries whose event matches, newest first, damaged ones included."""
        return self.page(matches, limit).entries

    def page(
        self, matches: Callable[[AuditEvent], bool], limit: int, after: str | None = None
    ) -> AuditPage:
        """Return up to `limit` entries whose event matches, newest first, damaged ones included.

        `after` is the cursor of the page before, None for the first page. Entries that are appended
        meanwhile change no later page. ContractError (BAD_CURSOR) when the cursor is none.
        """
        check_cursor(after, _CURSOR)
        end = self.head().number + 1
        end = min(int(after), end) if after else end
        begin = max((end - 1) // BLOCK - BLOCKS + 1, 0) * BLOCK
        found = list(islice(self._matching(matches, end, begin), limit + 1))
        shown = found[:limit]
        following = shown[-1][0] if len(found) > limit and shown else begin
        return AuditPage(
            entries=tuple(content for _, content in shown),
            next=str(following) if following else None,
        )

    def damaged(self) -> tuple[tuple[str, str], ...]:
        """Return the key and the problem of entries that cannot be read, among the newest ones.

        Only the last two blocks are read; `check` reads every entry.
        """
        last = self.head().number // BLOCK
        entries = [
            (f"entry {number}", content)
            for block in range(max(last - 1, 0), last + 1)
            for number, content in self._block(block)
        ]
        return find_damaged(AuditEvent, entries)

    def contains(self, matches: Callable[[AuditEvent], bool]) -> bool:
        """Return whether an entry that can be read matches."""
        matching = self._matching(matches, self.head().number + 1)
        return any(_is_readable(content) for _, content in matching)

    def check(
        self,
        after: int = 0,
        anchors: tuple[Head, ...] = (),
        expected: Callable[[], Mapping[str, str]] = dict,
    ) -> Check:
        """Check the block of entries after this number; repeat until `checked` is the head's.

        `anchors` are heads that were stored outside of the log, compared in the first block.
        `expected` returns names that were given as `once`, each with words for the recorded fact: a
        log that was deleted as a whole lacks them, although its chain is in order. It is called
        with the last block alone, because it reads every change of production.
        """
        head, block = self.head(), (after + 1) // BLOCK
        last = min(head.number, (block + 1) * BLOCK - 1)
        before = Head(number=after, hash=self._hash(after) or "") if after else Head()
        entries = [entry for entry in self._block(block) if entry[0] > after]
        if last == head.number:
            # A row beyond the head shows that the head was set back.
            entries += self._block(block + 1)
        faults = list(check_entries(before, last, entries))
        if last == head.number > 0:
            faults += check_end(head, self._hash(last) or "")
        if last == head.number:
            faults += self._missing(expected())
        for anchor in anchors if after == 0 else ():
            faults += check_anchor(anchor, head, self._hash(anchor.number))
        return Check(head=head, checked=last, faults=tuple(faults[:MOST_FAULTS]))

    def _missing(self, expected: Mapping[str, str]) -> Iterator[Fault]:
        recorded = {row.key: row.content for row in self._rows.query(PARTITION, ONCE)}
        for name, words in expected.items():
            number = recorded.get(ONCE + name, {}).get("number")
            if not isinstance(number, int) or self._hash(number) is None:
                problem = f"{words} has no entry, so entries were removed."
                yield Fault(number=number if isinstance(number, int) else 0, problem=problem)

    def _matching(
        self, matches: Callable[[AuditEvent], bool], end: int, begin: int = 0
    ) -> Iterator[tuple[int, Mapping[str, object]]]:
        """Yield matching entries and their numbers, newest first: those below `end`.

        `begin` is the number at which the last block begins that is read.
        """
        for block in range(max(end - 1, 0) // BLOCK, begin // BLOCK - 1, -1):
            for number, content in reversed(self._block(block)):
                if number < end and _matches(content, matches):
                    yield number, content

    def _block(self, block: int) -> list[tuple[int, Mapping[str, object]]]:
        """Return the entries of a block with their numbers."""
        prefix = _key(block * BLOCK)[:-DIGITS]
        rows = self._rows.query(PARTITION, prefix)
        numbers = range(block * BLOCK, (block + 1) * BLOCK)
        stored = {row.key: row.content for row in rows}
        return [(number, stored[_key(number)]) for number in numbers if _key(number) in stored]

    def _hash(self, number: int) -> str | None:
        row = self._rows.get(PARTITION, _key(number)) if number else None
        return str(row.content.get("hash")) if row else None

    def _check_free(self, number: int, head: Row | None) -> None:
        """Raise PlatformError when the next entry exists although no process appended meanwhile."""
        if self._rows.get(PARTITION, _key(number)) is None:
            return
        now = self._rows.get(PARTITION, HEAD)
        if (now and now.etag) == (head and head.etag):
            raise PlatformError(
                "audit",
                "append an entry",
                f"Entry {number} lies beyond the head: the log was tampered with. "
                "`mlopsctl audit verify` shows the faults; restore the records from a backup.",
            )


def _key(number: int) -> str:
    return f"{ENTRY}{number:015d}"


def _head(row: Row | None) -> Head:
    """Return the head of a row; PlatformError when the row is damaged."""
    try:
        return load(Head, row.content) if row else Head()
    except ContractError as error:
        text = f"The head is damaged: {error.message} Restore the records from a backup."
        raise PlatformError("audit", "read its head", text) from error


def _is_readable(content: Mapping[str, object]) -> bool:
    try:
        read_event(content)
    except ContractError:
        return False
    return True


def _matches(content: Mapping[str, object], matches: Callable[[AuditEvent], bool]) -> bool:
    try:
        return matches(read_event(content))
    except ContractError:
        return True
