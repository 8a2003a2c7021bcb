"""Requests that the local host refused, as events of the audit log.

funchost appends each to a file of JSON lines (`FUNCHOST_REFUSALS`). Azure's host has no such file:
there its refusals are in Application Insights.
"""

import fcntl
import json
import logging
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from function_app.domain.access.audit import AuditEvent, Kind

LOG = logging.getLogger("mlops.audit")
_CODES = {401: "WRONG_KEY", 403: "FOREIGN_REQUEST"}


class HostRefusals:
    """The file of one host, and beside it the refusals that are taken and not yet recorded."""

    def __init__(self, file: Path | None) -> None:
        """Take the file of refusals; None for a host that writes none."""
        self._file = file

    def pass_to(self, record: Callable[[AuditEvent], None]) -> None:
        """Record the refusals since the last call.

        A refusal leaves the files after it is recorded. A process that dies in between, or a
        `record` that raises, leaves it for the next call, so that it may be recorded twice.
        """
        if self._file is None:
            return
        try:
            with _locked(self._file.with_name(f"{self._file.name}.taken")) as taken:
                if self._file.exists():
                    _take_over(self._file, taken)
                _record(taken, record)
        except OSError as error:
            LOG.error("refusals of the host are not in the audit log: %s", error)


@contextmanager
def _locked(file: Path) -> Iterator[TextIO]:
    """Open a file for reading and writing, and lock other readers and writers out."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace") as lines:
        fcntl.flock(lines, fcntl.LOCK_EX)
        yield lines


def _take_over(file: Path, taken: TextIO) -> None:
    # The host appends under the same lock, so that no line is lost between read and truncate.
    with _locked(file) as lines:
        content = lines.read()
        taken.seek(0, os.SEEK_END)
        taken.write(content)
        taken.flush()
        os.fsync(taken.fileno())
        lines.truncate(0)


def _record(taken: TextIO, record: Callable[[AuditEvent], None]) -> None:
    taken.seek(0)
    rest = deque(taken.read().splitlines())
    try:
        while rest:
            if (event := _event(rest[0])) is not None:
                record(event)
            rest.popleft()
    finally:
        taken.seek(0)
        taken.truncate()
        taken.writelines(f"{line}\n" for line in rest)


def _event(line: str) -> AuditEvent | None:
    """Return the refusal of a line, None for any other line.

    The caller is "": a host that refuses a key does not know whose key it is.
    """
    try:
        entry = json.loads(line)
        return AuditEvent(
            kind=Kind.REFUSAL,
            action=f"{entry['method']} {entry['path']}".strip(),
            at=datetime.fromisoformat(entry["at"]).astimezone(UTC),
            address=str(entry["address"]),
            code=_CODES.get(entry["status"], "MANY_REFUSED"),
            reason=f"The host refused it: {entry['problem']}",
            count=int(entry["count"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        LOG.error("a line of the host's refusals cannot be read: %s", error)
        return None
