"""The prediction log: requests and answers as JSON lines, written outside of the requests' path.

A request only puts a line into a bounded queue; one thread writes. When the queue is full or the
disk is, lines are dropped and counted, and the service serves on. Each process writes into a folder
of its own, in segments: `00000001.part` is renamed to `00000001.jsonl` when it is finished. A
reader may read both; only the last line of a `.part` can be half a line.
"""

import json
import logging
import os
import queue
import random
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MIB = 1024 * 1024
# Bytes: the largest single write, while more lines wait.
_CHUNK = 256 * 1024
# Seconds until the next attempt after a disk refused a write.
_PAUSE = 10.0
# Time, id, inputs, outputs and caller of a request.
_Entry = tuple[float, str, Any, Any, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRules:
    """The rules of the log: its folder, the logged columns and the bounds of its size.

    `columns` are the inputs that are kept: None means all, () none. `max_total_bytes` bounds the
    finished segments of all processes that share the folder.
    """

    folder: Path
    sample: float = 1.0
    columns: tuple[str, ...] | None = None
    max_segment_bytes: int = 4 * MIB
    max_segment_seconds: float = 60.0
    max_total_bytes: int = 64 * MIB
    max_queued_rows: int = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The identity of the service: the digest of its image and the version of the model in it."""

    image: str
    version: str = ""


def read_rules(environ: Mapping[str, str], features: Sequence[str]) -> LogRules | None:
    """Return the rules that the environment asks for, or None; ValueError when they are wrong."""
    folder = environ.get("PREDICTION_LOG", "")
    if not folder:
        return None
    sample = float(environ.get("PREDICTION_LOG_SAMPLE", "1"))
    if not 0 <= sample <= 1:
        raise ValueError(f"PREDICTION_LOG_SAMPLE is {sample}; it is a share from 0 to 1.")
    inputs = environ.get("PREDICTION_LOG_INPUTS", "all").strip()
    columns: tuple[str, ...] | None = None
    if inputs != "all":
        names = () if inputs == "none" else tuple(name.strip() for name in inputs.split(","))
        unknown = [name for name in names if name not in features]
        if unknown:
            # A misspelled name would log the wrong columns.
            raise ValueError(
                f"PREDICTION_LOG_INPUTS names {', '.join(unknown)}, no input of the model."
            )
        columns = names
    return LogRules(
        folder=Path(folder),
        sample=sample,
        columns=columns,
        max_segment_seconds=float(environ.get("PREDICTION_LOG_SEGMENT_SECONDS", "60")),
        max_total_bytes=int(environ.get("PREDICTION_LOG_MAX_BYTES", str(64 * MIB))),
    )


class PredictionLog:
    """Takes predictions without ever waiting; `close` writes the lines that are still queued."""

    def __init__(self, rules: LogRules, features: Sequence[str], served: Served) -> None:
        self._rules, self._served = rules, served
        logged_columns = features if rules.columns is None else rules.columns
        self._kept = [list(features).index(name) for name in logged_columns]
        self._names = list(logged_columns)
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._queued_rows = 0
        self._logged = self._dropped = 0
        self._closed = False
        self._segments = _Segments(rules)
        self._thread = threading.Thread(target=self._write, name="prediction-log", daemon=True)
        self._thread.start()

    @property
    def logged(self) -> int:
        """Predictions (requests) that are in the log."""
        return self._logged

    @property
    def dropped(self) -> int:
        """Predictions that were to be logged and are not."""
        return self._dropped

    def record(self, prediction_id: str, inputs: Any, outputs: Any, caller: str = "") -> None:
        """Take one request's rows and predictions; never waits, never raises.

        `caller` is the name of the caller's key or application, never the key.
        """
        if self._rules.sample < 1 and random.random() >= self._rules.sample:
            return
        rows = len(outputs)
        with self._lock:
            if self._closed or self._queued_rows + rows > self._rules.max_queued_rows:
                self._dropped += 1
                return
            self._queued_rows += rows
            # Within the lock, because no line may follow the mark that ends the log.
            self._queue.put((time.time(), prediction_id, inputs, outputs, caller))

    def close(self, seconds: float = 5.0) -> None:
        """Write the queued lines and finish the segment, for at most so many seconds."""
        with self._lock:
            self._closed = True
            self._queue.put(None)
        self._thread.join(seconds)

    def _write(self) -> None:
        end = False
        while not end:
            lines: list[bytes] = []
            size = 0
            wait: float | None = self._segments.seconds_left()
            while size < _CHUNK:
                try:
                    entry = self._queue.get(timeout=wait)
                except queue.Empty:
                    break
                if entry is None:
                    end = True
                    break
                lines.append(self._line(*entry))
                size += len(lines[-1])
                wait = 0.0
            if not lines:
                self._segments.finish_when_due()
                continue
            written = self._segments.append(b"".join(lines))
            with self._lock:
                if written:
                    self._logged += len(lines)
                else:
                    self._dropped += len(lines)
        self._segments.finish()

    def _line(self, at: float, prediction_id: str, inputs: Any, outputs: Any, caller: str) -> bytes:
        with self._lock:
            self._queued_rows -= len(outputs)
        content: dict[str, Any] = {
            "at": round(at, 3),
            "id": prediction_id,
            "image": self._served.image,
            "outputs": outputs,
        }
        if caller:
            content["caller"] = caller
        if self._served.version:
            content["version"] = self._served.version
        if self._kept:
            content["columns"] = self._names
            content["inputs"] = [[row[place] for place in self._kept] for row in inputs]
        return json.dumps(content, separators=(",", ":")).encode() + b"\n"


class _Segments:
    """The files of one process; only the writing thread uses it."""

    def __init__(self, rules: LogRules) -> None:
        self._rules = rules
        # One folder per process: replicas share a volume, and a container's process id is 1.
        name = f"{time.time_ns():019d}-{socket.gethostname()[:40]}-{os.getpid()}"
        self._folder = rules.folder / name
        self._number = 0
        self._file: Any = None
        self._size = 0
        self._end = 0.0
        self._rest_until = 0.0
        self._warned = False

    def seconds_left(self) -> float | None:
        """Return the seconds until the open segment must be finished; None when none is open."""
        return None if self._file is None else max(0.0, self._end - time.monotonic())

    def append(self, content: bytes) -> bool:
        """Write whole lines; False when they could not be written."""
        if time.monotonic() < self._rest_until:
            return False
        try:
            if self._file is None:
                self._open()
            rest = memoryview(content)
            while rest:
                rest = rest[self._file.write(rest) :]
            self._size += len(content)
        except OSError as error:
            self._warn(error)
            self._rest_until = time.monotonic() + _PAUSE
            # The file may end in half a line, so the next line goes into another file.
            self.finish()
            return False
        if self._size >= self._rules.max_segment_bytes:
            self.finish()
        self.finish_when_due()
        return True

    def finish_when_due(self) -> None:
        """Finish the open segment when its time is over."""
        if self._file is not None and time.monotonic() >= self._end:
            self.finish()

    def finish(self) -> None:
        """Close and rename the open segment, and keep the whole log within its bound."""
        if self._file is None:
            return
        part = Path(self._file.name)
        try:
            self._file.close()
            part.rename(part.with_suffix(".jsonl"))
            self._bound()
        except OSError as error:
            self._warn(error)
        self._file = None

    def _open(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._number += 1
        # Unbuffered, because a buffer would repeat a failed write with the next one.
        self._file = (self._folder / f"{self._number:08d}.part").open("ab", buffering=0)
        self._size, self._end = 0, time.monotonic() + self._rules.max_segment_seconds

    def _bound(self) -> None:
        """Delete the oldest finished segments, also those of processes that are gone."""
        segments = []
        for path in self._rules.folder.glob("*/*"):
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            # A killed process leaves an open segment, which no process finishes.
            old = time.time() - stat.st_mtime > 2 * self._rules.max_segment_seconds + 60
            if path.suffix == ".jsonl" or old:
                segments.append((stat.st_mtime_ns, path.as_posix(), stat.st_size, path))
        total = sum(size for _, _, size, _ in segments)
        for _, _, size, path in sorted(segments):
            if total <= self._rules.max_total_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size
            if path.parent != self._folder and not any(path.parent.iterdir()):
                path.parent.rmdir()

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            logging.getLogger(__name__).warning(
                "The prediction log cannot be written (%s); predictions go on without it.",
                os.strerror(error.errno) if error.errno else type(error).__name__,
            )
