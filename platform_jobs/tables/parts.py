"""A folder of parts in one file: the archive that the app makes of it (function_app/adapters)."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from platform_jobs.errors import ContractError

COMMENT = b"mlops parts 1"
MAGIC = b"PK\x03\x04"
_LONGEST = 100  # characters of a name


def is_parts(content: bytes) -> bool:
    """Return whether a file is an archive of parts; other ZIP archives are none."""
    return content.startswith(MAGIC) and content.endswith(COMMENT)


def read_parts(content: bytes | Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of each part, one after the other; ContractError for a damaged file.

    A file given by its path is not in memory as a whole.

    A name is for texts only: signs that a terminal obeys are escaped, and a long one is cut.
    """
    try:
        with zipfile.ZipFile(
            io.BytesIO(content) if isinstance(content, bytes) else content
        ) as archive:
            members = archive.infolist()
            # A member that unpacks to more than its own size was not written by the app.
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise _damaged()
            for member in members:
                yield _shown(member.filename), archive.read(member)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError):
        raise _damaged() from None


def _shown(name: str) -> str:
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _damaged() -> ContractError:
    return ContractError("The archive of the parts is damaged. Send the folder again.")
