"""Writing files so that a crash leaves the old one or the new one, never half of either."""

import errno
import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from typing import Any

from function_app.errors import PlatformError

MOST_RECORD_BYTES = 64 * 1024 * 1024
_MACHINE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO)


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file at once; a symbolic link is replaced, never written through."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}.tmp")
    unfinished.unlink(missing_ok=True)
    with unfinished.open("xb") as file:  # O_EXCL: it opens no link that appears meanwhile
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def write_json(path: Path, content: object) -> None:
    """Replace a JSON file at once."""
    write_whole(path, (json.dumps(content, sort_keys=True) + "\n").encode())


def read_json(path: Path) -> Any:
    """Return the content of a JSON file, None when there is none.

    PlatformError when the file holds anything else.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        text = f"{path} is not readable JSON. Restore it from a backup, or delete it."
        raise PlatformError("local", "read a record", text) from error


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file; an empty one when it holds none.

    For records without which the app can go on: a file that is gone, empty or garbled is passed
    over.
    """
    content = _read_plain(path)
    return content if isinstance(content, dict) else {}


def read_list(path: Path) -> list[Any]:
    """Return the JSON list of a file that a run wrote; an empty one when it holds none."""
    content = _read_plain(path)
    return content if isinstance(content, list) else []


def _read_plain(path: Path) -> Any:
    """Return the JSON of a regular file, None for anything else, as `read_regular` does."""
    content = read_regular(path, MOST_RECORD_BYTES)
    try:
        return None if content is None else json.loads(content)
    except (ValueError, RecursionError):
        return None


def read_regular(path: Path, most: int) -> bytes | None:
    """Return a regular file of at most `most` bytes, None for anything else.

    A run may leave a link to a foreign file, a pipe without a writer, or a file that fills the
    memory. PlatformError when the machine itself fails: the record must not count as absent then,
    because its reader would replace it.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(file, "rb") as content:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode) or status.st_size > most:
                return None
            return content.read(most)
    except OSError as error:
        raise_fault(error, path)
        return None


def raise_fault(error: OSError, path: Path) -> None:
    """Raise PlatformError when the machine is at fault, such as for too many open files.

    Nothing happens for an error that says something of the file itself.
    """
    if error.errno in _MACHINE:
        text = f"{path} cannot be read now: {error.strerror}. Try again."
        raise PlatformError("local", "read a record", text) from error


def read_tail(path: Path, most: int) -> bytes:
    """Return at most the last `most` bytes of a file, none when there is no file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - most))
            return file.read(most)
    except FileNotFoundError:
        return b""


def sha256(content: bytes) -> str:
    """Return the digest as hex digits."""
    return hashlib.sha256(content).hexdigest()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between threads and processes; a crash releases it.

    PlatformError when the file is a symbolic link: opening it would empty the file that it names.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        text = f"{path} cannot be opened: {error.strerror}. Delete it when it is a symbolic link."
        raise PlatformError("local", "take a lock", text) from error
    with os.fdopen(lock, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def find_irregular(folder: Path) -> str | None:
    """Return the first path below a folder that is neither a file nor a folder; None without one.

    Such a path is a link, a named pipe, a socket or a device, which readers must not follow.
    """
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            return path.relative_to(folder).as_posix()
    return None
