"""Requests that the local host refused, as events of the audit log.

funchost appends each to a file of JSON lines (`FUNCHOST_REFUSALS`). Azure's host has no such file:
there its refusals are in Application Insights.
"""

import fcntl
import json
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from function_app.domain.access.audit import AuditEvent, Kind

LOG = logging.getLogger("mlops.audit")
_CODES = {401: "WRONG_KEY", 403: "FOREIGN_REQUEST"}


class HostRefusals:
    """The file of one host."""

    def __init__(self, file: Path | None) -> None:
        """Take the file; None where the host writes none."""
        self._file = file

    def take(self) -> tuple[AuditEvent, ...]:
        """Return the refusals since the last call, and take them out of the file."""
        if self._file is None or not self._file.exists():
            return ()
        try:
            lines = _taken(self._file)
        except OSError as error:
            LOG.error("refusals of the host are not in the audit log: %s", error)
            return ()
        return tuple(event for line in lines if (event := _event(line)) is not None)


def _taken(file: Path) -> list[str]:
    descriptor = os.open(file, os.O_RDWR)
    with os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace") as lines:
        # The host appends under the same lock, so that no line is lost between read and truncate.
        fcntl.flock(lines, fcntl.LOCK_EX)
        content = lines.read()
        lines.truncate(0)
    return content.splitlines()


def _event(line: str) -> AuditEvent | None:
    """Return the refusal of a line, None for a line that is none.

    The caller is "": a host that refuses a key does not know whose it is.
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
