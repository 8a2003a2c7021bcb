"""A folder of parts as one file: a ZIP archive of its parts by name, without compression.

The same names and bytes make the same archive, so that its digest identifies the data version.
`platform_jobs/tables/parts.py` reads it.
"""

import zipfile
from collections.abc import Callable, Iterable
from typing import IO

COMMENT = b"mlops parts 1"
_UNIX = 3
Part = tuple[str, Callable[[IO[bytes]], None]]


def pack(parts: Iterable[Part], out: IO[bytes]) -> None:
    """Write the archive of the parts, each a name and the function that writes its bytes."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.comment = COMMENT
        for name, write in parts:
            member = zipfile.ZipInfo(name)
            member.create_system, member.external_attr = _UNIX, 0o600 << 16
            with archive.open(member, "w", force_zip64=True) as file:
                write(file)
