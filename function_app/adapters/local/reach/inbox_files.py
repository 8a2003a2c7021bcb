"""Opens files in folders where others may have put anything: FIFOs, devices, links, huge files.

A FIFO without a writer would block its reader for ever, a device may never end, and a link may lead
to a secret. So a file is opened without blocking and without following its last link, and its kind
and size are read from the open file.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from function_app.adapters.local.reach.files import raise_fault
from function_app.domain.events.arrivals import FileLimit
from function_app.errors import ContractError, NotFoundError

CHUNK = 1024 * 1024
_KINDS = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISDIR, "a folder"),
)


@contextmanager
def open_file(folder: Path, path: Path, limit: FileLimit | None = None) -> Iterator[IO[bytes]]:
    """Yield a regular file that lies below `folder` and is within the limit, for reading.

    Raises NotFoundError when it is not there or cannot be read; ContractError, code NOT_A_FILE for
    anything but a regular file and for a link out of the folder, TOO_LARGE for a larger file;
    PlatformError when the machine itself fails, because the file may be whole.
    """
    with ExitStack() as stack:
        try:
            real = path.resolve(strict=True)
            if not real.is_relative_to(folder.resolve()):
                raise _no_file(path, "a link out of its folder")
            # A device may do something when it is opened.
            _check(path, os.lstat(real), limit)
            file = stack.enter_context(open(real, "rb", opener=_open_at_once))
        except ContractError:
            raise
        except (OSError, RuntimeError, ValueError) as error:
            if isinstance(error, OSError):
                raise_fault(error, path)
            raise NotFoundError(f"{path.name} cannot be read. Put it there again.") from error
        _check(path, os.fstat(file.fileno()), limit)
        yield file


def _open_at_once(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NONBLOCK | os.O_NOFOLLOW)


def copy_file(file: IO[bytes], out: IO[bytes] | None, limit: FileLimit | None = None) -> str:
    """Return the SHA-256 of a file as hex digits, writing it to `out` on the way.

    ContractError, code TOO_LARGE, when it grows over the limit meanwhile.
    """
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        size += len(chunk)
        if limit is not None:
            limit.check(Path(file.name).name, size)
        digest.update(chunk)
        if out is not None:
            out.write(chunk)
    return digest.hexdigest()


def why_unreadable(folder: Path, path: Path, limit: FileLimit) -> str:
    """Return why a file is never read, "" when it may be; a file that is gone may be."""
    try:
        with open_file(folder, path, limit):
            return ""
    except ContractError as error:
        return error.message
    except NotFoundError:
        return ""


def _check(path: Path, status: os.stat_result, limit: FileLimit | None) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(status.st_mode)), "no file")
        raise _no_file(path, kind)
    if limit is not None:
        limit.check(path.name, status.st_size)


def _no_file(path: Path, kind: str) -> ContractError:
    text = f"{path.name} is {kind}. Only regular files are read; put a copy of the file there."
    return ContractError(text, code="NOT_A_FILE")
