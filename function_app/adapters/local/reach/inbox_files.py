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
def open_file(folder: Path, path: Path, most: int) -> Iterator[IO[bytes]]:
    """Yield a regular file that lies below `folder` and has at most `most` bytes, for reading.

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
            _check(path, os.lstat(real), most)
            file = stack.enter_context(open(real, "rb", opener=_open_at_once))
        except ContractError:
            raise
        except (OSError, RuntimeError, ValueError) as error:
            if isinstance(error, OSError):
                raise_fault(error, path)
            raise NotFoundError(f"{path.name} cannot be read. Put it there again.") from error
        _check(path, os.fstat(file.fileno()), most)
        yield file


def _open_at_once(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NONBLOCK | os.O_NOFOLLOW)


def copy_file(file: IO[bytes], out: IO[bytes] | None, most: int) -> str:
    """Return the SHA-256 of a file as hex digits, writing it to `out` on the way.

    ContractError, code TOO_LARGE, when it grows over `most` bytes meanwhile.
    """
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        size += len(chunk)
        if size > most:
            raise _too_large(file.name, size, most)
        digest.update(chunk)
        if out is not None:
            out.write(chunk)
    return digest.hexdigest()


def why_unreadable(folder: Path, path: Path, most: int) -> str:
    """Return why a file is never read, "" when it may be; a file that is gone may be."""
    try:
        with open_file(folder, path, most):
            return ""
    except ContractError as error:
        return error.message
    except NotFoundError:
        return ""


def _check(path: Path, status: os.stat_result, most: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(status.st_mode)), "no file")
        raise _no_file(path, kind)
    if status.st_size > most:
        raise _too_large(path.name, status.st_size, most)


def _no_file(path: Path, kind: str) -> ContractError:
    text = f"{path.name} is {kind}. Only regular files are read; put a copy of the file there."
    return ContractError(text, code="NOT_A_FILE")


def _too_large(name: str, size: int, most: int) -> ContractError:
    text = f"{Path(name).name} has {size} bytes; {most} are allowed. Split the file."
    return ContractError(text, code="TOO_LARGE")
