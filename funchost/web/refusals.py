"""Refused requests: lines of the log, and a file that the app may read.

The app never sees a request that the host refuses. So that the app can still record it, the host
appends each refusal to the file FUNCHOST_REFUSALS as a line of JSON, and the app takes lines out.
Both hold a lock on the file while they change it.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

LOG = logging.getLogger("funchost.borders")
# An app that takes no lines out must not fill the disk.
MOST_BYTES = 1_000_000
LONGEST_TEXT = 500


class Rate:
    """Counts events in the running minute and refuses those over the limit."""

    def __init__(self, most: int, now: Callable[[], float] = time.monotonic) -> None:
        """Take the number of admitted events per minute, and a clock in seconds."""
        self._most, self._now = most, now
        self._begun, self._count = now(), 0

    def admits(self, count: int) -> bool:
        """Count these events and return True, unless the minute's limit would be exceeded."""
        now = self._now()
        if now - self._begun >= 60:
            self._begun, self._count = now, 0
        if self._count + count > self._most:
            return False
        self._count += count
        return True


class Refusals:
    """Reports refused requests; those over the minute's limit are counted in one line."""

    def __init__(
        self,
        most: int = 60,
        now: Callable[[], float] = time.monotonic,
        file: Path | None = None,
    ) -> None:
        """Take how many lines a minute are reported, a clock in seconds, and the app's file."""
        self._rate, self._skipped, self._file = Rate(most, now), 0, file

    def add(self, request: web.Request, status: int, problem: str) -> None:
        """Report a refusal with its caller and reason, without the query, which may hold a key."""
        if not self._rate.admits(1):
            self._skipped += 1
            return
        # The raw path is encoded, so that a line break in it forges no line of the log.
        path = request.raw_path.partition("?")[0]
        if self._skipped:
            LOG.warning("refused %d more requests", self._skipped)
            self._append(0, "", "", "", "More requests were refused.", self._skipped)
            self._skipped = 0
        LOG.warning("refused %s %s from %s: %s", request.method, path, request.remote, problem)
        self._append(status, request.method, path, request.remote or "", problem, 1)

    def _append(
        self, status: int, method: str, path: str, address: str, problem: str, count: int
    ) -> None:
        if self._file is None:
            return
        line = json.dumps(
            {
                "at": datetime.now(UTC).isoformat(),
                "status": status,
                "method": method[:LONGEST_TEXT],
                "path": path[:LONGEST_TEXT],
                "address": address,
                "problem": problem[:LONGEST_TEXT],
                "count": count,
            }
        )
        try:
            append_line(self._file, line)
        except OSError as error:
            LOG.error("a refusal is not in %s: %s", self._file, error)


def append_line(file: Path, line: str) -> None:
    """Append a line, unless the file has MOST_BYTES; OSError when it cannot be written."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_size < MOST_BYTES:
            os.write(descriptor, f"{line}\n".encode())
    finally:
        os.close(descriptor)
