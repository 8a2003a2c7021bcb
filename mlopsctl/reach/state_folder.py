"""The state folder as commands see it: its locks, its log and the processes that belong to it."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MIN_FREE = 64 * 1024**2  # bytes; an empty registry and the first training need about half
LOG_BYTES, OLD_LOGS = 10 * 1024**2, 5


class StateError(Exception):
    """The state folder cannot be used; the text has the reason and the remedy."""


def prepare(state: Path) -> None:
    """Make the state folder; StateError when it cannot be written or its disk is full."""
    advice = "Free the disk, or give --state another folder."
    os.umask(0o077)  # the log and the locks are for this user alone
    try:
        state.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=state) as probe:
            probe.write(b"0" * 4096)
        free = shutil.disk_usage(state).free
    except (FileExistsError, NotADirectoryError):
        text = f"{state} cannot be a folder, because a file is in its path."
        raise StateError(f"{text} Give --state a folder.") from None
    except OSError as error:
        text = f"The state folder {state} cannot be written: {error.strerror}."
        raise StateError(f"{text} {advice}") from None
    if free < MIN_FREE:
        text = f"The disk of the state folder {state} has {free // 1024**2} MiB left."
        raise StateError(f"{text} The app needs {MIN_FREE // 1024**2} MiB to start. {advice}")


def running_host(state: Path) -> dict[str, Any] | None:
    """Return the published facts of this state's host (url, pid, ...), None when none listens."""
    try:
        content: dict[str, Any] = json.loads((state / "funchost" / "host.json").read_text())
        os.kill(int(content["pid"]), 0)  # a killed host leaves its file
    except PermissionError:
        pass  # the process lives and belongs to another user
    except (OSError, ValueError, KeyError):
        return None
    return content if has_host(state) else None


def function_key(state: Path) -> str:
    """Return the key that the host of this state asks for, "" when it asks for none."""
    host = running_host(state)
    return str(host.get("functionKey") or "") if host else ""


def has_host(state: Path) -> bool:
    """Return whether a host uses this state: it runs, starts or stops."""
    return _is_held(state / "funchost" / "lock")


def in_use(state: Path) -> bool:
    """Return whether a host, or production or a run that a host left behind, uses this state."""
    return has_host(state) or any(_is_held(path) for path in (state / "processes").glob("*.lock"))


@contextlib.contextmanager
def start_lock(state: Path) -> Iterator[None]:
    """Lock the start of a host on this state; other commands wait until the host listens."""
    # A symbolic link is not followed, because opening it would empty the file that it names.
    path = state / "start.lock"
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def rotate(log: Path, limit: int = LOG_BYTES) -> None:
    """Keep a log below `limit` bytes and the last OLD_LOGS full ones beside it, `.1` the newest.

    The host goes on writing to the same file, opened for appending: its content is copied and cut.
    """
    if not log.exists() or log.stat().st_size < limit:
        return
    for number in range(OLD_LOGS - 1, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number + 1}"))
    shutil.copyfile(log, log.with_name(f"{log.name}.1"))
    os.truncate(log, 0)


def stop_processes(state: Path) -> int:
    """End the processes of this state's app; return how many were found.

    Nothing is ended while a host uses the state: the processes are that host's, and no host can
    start before this returns, because the host's lock is taken. A state on which only another host
    ran, such as Core Tools, has no such lock.
    """
    if not (state / "funchost").is_dir():
        return _end_groups(state / "processes")
    with (state / "funchost" / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return 0
        return _end_groups(state / "processes")


def _end_groups(folder: Path) -> int:
    """End each process group whose lock is held: a held lock tells that the group lives."""
    locks = [path for path in folder.glob("*.lock") if _is_held(path)]
    count = len(locks)
    # A killed process group ends only when the scheduler runs it.
    for number, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 60.0)):
        for path in locks:
            with contextlib.suppress(OSError, ValueError):
                os.killpg(int(path.with_suffix(".pid").read_text()), number)
        end = time.monotonic() + patience
        while locks and time.monotonic() < end:
            locks = [path for path in locks if _is_held(path)]
            time.sleep(0.05)
    return count


def _is_held(path: Path) -> bool:
    try:
        lock = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False
