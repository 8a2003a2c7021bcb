"""Sends finished segments of the prediction log to Azure Blob storage, where they outlive the pod.

Each process has an append blob a day, `<model>/<process>/<yyyymmdd>.jsonl`. A segment is appended
at a known place, and found again when its answer was lost, so that each line is there once. While
the storage cannot be reached the segments stay on the disk, within the log's own bound.
Source: "Append Block", Azure Storage REST API (its condition x-ms-blob-condition-appendpos).
"""

import logging
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scoring.identity import own_credential
from scoring.prediction_log import LogRules

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A container's address, the folder in it, and how much a process sends in a day at most."""

    container: str
    folder: str
    max_blob_bytes: int = 256 * MIB


def read_destination(environ: Mapping[str, str]) -> Destination | None:
    """Return the destination that the environment names, or None; ValueError when it is wrong."""
    address = environ.get("PREDICTION_LOG_BLOBS", "").rstrip("/")
    if not address:
        return None
    container, _, folder = address.rpartition("/")
    if not environ.get("PREDICTION_LOG"):
        raise ValueError("PREDICTION_LOG_BLOBS is set and PREDICTION_LOG, a folder, is not.")
    if not container.startswith("https://") or container.count("/") < 3:
        raise ValueError("PREDICTION_LOG_BLOBS must be https://<account>/<container>/<folder>.")
    size = int(environ.get("PREDICTION_LOG_BLOB_BYTES", str(256 * MIB)))
    return Destination(container=container, folder=folder, max_blob_bytes=size)


def open_shipper(rules: LogRules, destination: Destination) -> "Shipper | None":
    """Return the sender of this log; None, with the reason on stderr, without its libraries."""
    try:
        from azure.storage.blob import ContainerClient
    except ImportError as error:
        print(f"scoring: no log is sent: {error}. Build the base image again.", file=sys.stderr)
        return None
    client = ContainerClient.from_container_url(
        destination.container,
        credential=own_credential(),
        retry_total=3,
        initial_backoff=1,
        increment_base=2,
        connection_timeout=10,
        read_timeout=30,
    )
    return Shipper(rules, destination, client)


class Shipper:
    """A thread that sends the finished segments of the log's folder; requests never wait for it."""

    def __init__(
        self, rules: LogRules, destination: Destination, client: Any, pause: float = 30.0
    ) -> None:
        """Take the container's client, and the seconds until the next attempt after a failure.

        Nothing is sent before `start`.
        """
        self._rules, self._destination, self._client = rules, destination, client
        self._pause = pause
        self._sent = self._lost = 0
        self._places: dict[str, int] = {}
        self._warned = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-shipping", daemon=True)

    @property
    def sent(self) -> int:
        """The number of predictions in the storage."""
        return self._sent

    @property
    def lost(self) -> int:
        """The number of predictions that were not sent because the day's blob is full."""
        return self._lost

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def close(self, seconds: float = 10.0) -> None:
        """Send the finished segments within so many seconds; call it after the log's close."""
        self._ended.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        pause = min(5.0, self._rules.max_segment_seconds)
        whole = True
        while not self._ended.wait(pause if whole else self._pause):
            whole = self._ship()
        self._ship()

    def _ship(self) -> bool:
        """Send every finished segment; False when the storage refused one."""
        try:
            for path in self._finished():
                self._send(path)
                path.unlink(missing_ok=True)
        # Without this, any unexpected error would end the thread and the log would stay unsent.
        except Exception as error:
            self._warn(error)
            return False
        return True

    def _finished(self) -> list[Path]:
        """Return the segments to send, oldest first, including segments of ended processes."""
        segments = []
        for path in self._rules.folder.glob("*/*"):
            try:
                age = time.time() - path.stat().st_mtime
            except FileNotFoundError:
                continue
            # A killed process leaves an open segment, which no process finishes.
            is_left = path.suffix == ".part" and age > 2 * self._rules.max_segment_seconds + 60
            if path.suffix == ".jsonl" or is_left:
                segments.append((path.parent.name, path.name, path))
        return [path for _, _, path in sorted(segments)]

    def _send(self, path: Path) -> None:
        try:
            content = path.read_bytes()
            day = time.strftime("%Y%m%d", time.gmtime(path.stat().st_mtime))
        except FileNotFoundError:
            return  # the log deleted it to keep its bound
        content = content[: content.rfind(b"\n") + 1]
        if not content:
            return  # a failed write left it
        name = f"{self._destination.folder}/{path.parent.name}/{day}.jsonl"
        lines = content.count(b"\n")
        if self._append(name, content):
            self._sent += lines
        else:
            self._lost += lines

    def _append(self, name: str, content: bytes) -> bool:
        """Append the content unless it is the blob's end already; False when the blob is full."""
        from azure.core.exceptions import HttpResponseError

        blob = self._client.get_blob_client(name)
        place = self._places.pop(name, None)
        if place is None:
            place = self._find(blob, content)
            if place is None:
                return True
        if place + len(content) > self._destination.max_blob_bytes:
            self._places[name] = place
            return False
        try:
            # In one block (at most 100 MiB), so that no half of a segment can be stored.
            blob.append_block(content, length=len(content), appendpos_condition=place)
        except HttpResponseError as error:
            # After a lost answer, the client's own retry finds the bytes that it already appended.
            if error.status_code != 412 or not _ends_with(blob, content, place + len(content)):
                raise
        # Set only after success, so that the next attempt after a failure looks up the position
        # again.
        self._places[name] = place + len(content)
        return True

    def _find(self, blob: Any, content: bytes) -> int | None:
        """Return the position to append at; None when the blob ends with the content."""
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceExistsError, ResourceModifiedError

        try:
            blob.create_append_blob(match_condition=MatchConditions.IfMissing)
        except (ResourceExistsError, ResourceModifiedError):
            size = int(blob.get_blob_properties().size)
            return None if content and _ends_with(blob, content, size) else size
        return 0

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            seen = getattr(error, "error_code", None) or type(error).__name__
            logging.getLogger(__name__).warning(
                "The prediction log cannot be sent (%s); it is tried again. "
                "See docs/how-to/drift.md.",
                getattr(seen, "value", seen),
            )


def _ends_with(blob: Any, content: bytes, size: int) -> bool:
    """Return whether the blob has this size and this end."""
    if size < len(content) or int(blob.get_blob_properties().size) != size:
        return False
    end: bytes = blob.download_blob(offset=size - len(content), length=len(content)).readall()
    return end == content
