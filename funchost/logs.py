"""The log of the host: one thread writes lines to the standard error in groups.

With a plain handler each thread waits for the one that writes, once for each invocation.

Like every handler of the standard library, this one never raises: a full disk would otherwise end
the activity that logs without a result, and the thread that writes.
"""

from __future__ import annotations

import atexit
import logging
import sys
import threading
from collections import deque

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
PAUSE = 0.05  # seconds that a line below WARNING may wait


class GroupingHandler(logging.Handler):
    """Writes warnings, and all lines before them, at once, other lines within PAUSE."""

    def __init__(self) -> None:
        """Start the thread that writes."""
        super().__init__()
        self._lines: deque[logging.LogRecord] = deque()
        self._lost = 0  # lines that a full disk refused since the last line that was written
        self._writing, self._filled = threading.Lock(), threading.Event()
        atexit.register(self.flush)
        threading.Thread(target=self._run, name="log", daemon=True).start()

    def createLock(self) -> None:  # noqa: N802 (the name is that of the base class)
        """Make no lock, because `emit` only appends to a deque."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record; its text is made now, because its arguments may change."""
        try:
            record.msg, record.args = record.getMessage(), None
        except Exception:  # the arguments do not fit the message
            self.handleError(record)
            return
        self._lines.append(record)
        if record.levelno >= logging.WARNING:
            self.flush()
        elif not self._filled.is_set():
            self._filled.set()

    def flush(self) -> None:
        """Write all lines that were taken; count them as lost when the disk is full."""
        with self._writing:
            texts = list[str]()
            while self._lines:
                texts.append(self.format(self._lines.popleft()) + "\n")
            lost = f"Up to {self._lost} lines of this log were lost.\n" if self._lost else ""
            try:
                sys.stderr.write(lost + "".join(texts))
                sys.stderr.flush()
            except OSError:
                self._lost += len(texts)
            else:
                self._lost = 0

    def _run(self) -> None:
        pause = threading.Event()
        while self._filled.wait():
            pause.wait(PAUSE)
            self._filled.clear()
            self.flush()
