"""Repeated events of the audit log within a time window become one entry with a count.

A flood of requests therefore costs a few entries a minute: the first event of a caller is written
at once, its repetitions are counted. The number of different callers is limited too, because a
flood may come from many addresses: those over the limit share one entry.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from function_app.domain.access.audit import AuditEvent, Kind

WINDOW = timedelta(minutes=1)
# A monitor that reads the figures all day must not fill the log with uses of its key.
KEY_WINDOW = timedelta(hours=1)
# Different entries of one person, key or anonymous group in a window.
MOST_DIFFERENT = 30
MANY = "many callers"
# The prefix of a caller that is known by its key only.
KEY = "key "
# Decisions and orders that the app carries out leave other records, too, so they are not limited.
_LIMITED = (Kind.REFUSAL, Kind.KEY_USE)

Cause = tuple[str, ...]


@dataclass(slots=True)
class _Counted:
    """The newest event of a cause, how many are not written yet, and when the window ends."""

    event: AuditEvent
    unwritten: int
    ends_at: datetime


class Coalescer:
    """Decides which events are written now; counts the others."""

    def __init__(self) -> None:
        self._counted: dict[Cause, _Counted] = {}

    def add(self, event: AuditEvent) -> tuple[tuple[AuditEvent, ...], AuditEvent | None]:
        """Return the counts of ended windows, and the event to write: None for a repetition."""
        ended = tuple(self.ended(event.at))
        cause = _cause(event)
        if cause not in self._counted and self._is_full(event):
            group = _group(event)
            event = replace(event, who=group, address=MANY, subject="", model="", action="", why="")
            cause = _cause(event)
        counted = self._counted.get(cause)
        if counted is not None:
            counted.event, counted.unwritten = event, counted.unwritten + event.count
            return ended, None
        window = KEY_WINDOW if event.kind is Kind.KEY_USE else WINDOW
        self._counted[cause] = _Counted(event, 0, event.at + window)
        return ended, event

    def ended(self, now: datetime) -> Iterator[AuditEvent]:
        """Yield one event with a count for each window that has ended with repetitions."""
        for cause, counted in list(self._counted.items()):
            if counted.ends_at <= now:
                del self._counted[cause]
                yield from _repeated(counted)

    def counted(self) -> Iterator[AuditEvent]:
        """Yield one event with a count for each window with repetitions, also open ones."""
        for counted in self._counted.values():
            yield from _repeated(counted)
            counted.unwritten = 0

    def open(self) -> list[AuditEvent]:
        """Return one event with a count for each window with repetitions; nothing changes."""
        return [event for counted in self._counted.values() for event in _repeated(counted)]

    def settle(self, written: Iterable[AuditEvent]) -> None:
        """Subtract the counts of these events, because another process has written them."""
        for event in written:
            counted = self._counted.get(_cause(event))
            if counted is not None:
                counted.unwritten = max(counted.unwritten - event.count, 0)

    def forget(self, event: AuditEvent) -> None:
        """Count nothing more for this event: it could not be written, so the next one must be."""
        self._counted.pop(_cause(event), None)

    def _is_full(self, event: AuditEvent) -> bool:
        """Return whether this event's group has used up its different entries of the window."""
        if event.kind not in _LIMITED:
            return False
        group = (event.kind, _group(event))
        events = (counted.event for counted in self._counted.values())
        return sum((e.kind, _group(e)) == group for e in events) >= MOST_DIFFERENT


def _group(event: AuditEvent) -> str:
    """Return the caller, "" for a key: a host that checks no keys takes any invented one."""
    return "" if event.who.startswith(KEY) else event.who


def _cause(event: AuditEvent) -> Cause:
    """Return the fields that repetitions share.

    A caller that is no known person chooses action and subject, so these count for people only.
    """
    cause = (event.kind.value, event.code, event.who, event.address)
    named = _group(event) and event.kind is Kind.REFUSAL
    if named or event.kind not in _LIMITED:
        return (*cause, event.action, event.model, event.subject, event.refers_to)
    return cause


def _repeated(counted: _Counted) -> Iterator[AuditEvent]:
    if counted.unwritten:
        yield replace(counted.event, count=counted.unwritten)
