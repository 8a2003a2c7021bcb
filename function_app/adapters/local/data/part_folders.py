"""A folder of parts below the inbox, which a marker beside the parts commits."""

import os
from pathlib import Path
from typing import IO

from function_app.adapters.local.reach.inbox_files import copy_file, open_file
from function_app.adapters.parts import Part, pack
from function_app.domain.events.arrivals import FileLimit, is_part
from function_app.domain.training import folder_digest
from function_app.errors import ContractError, NotFoundError


class PartFolder:
    """The parts beside a marker, at the moment of its creation; it may be empty."""

    def __init__(self, inbox: Path, marker: Path, limit: FileLimit) -> None:
        self._inbox, self._limit, self._name = inbox, limit, marker.parent.name
        self._folder = marker.parent
        try:
            with os.scandir(self._folder) as entries:
                names = sorted(
                    entry.name
                    for entry in entries
                    if is_part(entry.name) and not entry.is_dir(follow_symlinks=False)
                )
        except OSError:
            names = []
        self.parts = tuple(self._folder / name for name in names)

    def state(self, marker: os.stat_result) -> list[int]:
        """Return the last change in ns, the size of all parts in bytes, and their number.

        The change of the folder counts, because a deleted part leaves no other trace.
        NotFoundError when a part is gone meanwhile.
        """
        try:
            parts = [path.lstat() for path in self.parts]
            states = [marker, self._folder.stat(), *parts]
        except FileNotFoundError as error:
            raise NotFoundError(f"A part of {self._name} is gone.") from error
        changed = max(one.st_ctime_ns for one in states)
        return [changed, sum(one.st_size for one in parts), len(parts)]

    def digest(self) -> str:
        """Return the digest of the folder: of the digests of its parts, in order of their names.

        ContractError, code TOO_LARGE, when all parts together are too large, code NOT_A_FILE when a
        name is not UTF-8, and as `open_file`.
        """
        return self._read(None)

    def pack(self, out: IO[bytes]) -> str:
        """Write the archive of the parts; return the digest of the folder."""
        return self._read(out)

    def size(self) -> int:
        """Return the size of all parts, in bytes."""
        return sum(path.lstat().st_size for path in self.parts)

    def _read(self, out: IO[bytes] | None) -> str:
        digests: dict[str, str] = {}
        total = 0

        def read(path: Path, copy: IO[bytes] | None) -> None:
            nonlocal total
            with open_file(self._inbox, path, self._limit) as file:
                total += os.fstat(file.fileno()).st_size
                self._limit.check(self._name, total)
                digests[path.name] = copy_file(file, copy, self._limit)

        def part(path: Path) -> Part:
            return path.name, lambda copy: read(path, copy)

        for path in self.parts:
            _check_name(path.name)
        if out is None:
            for path in self.parts:
                read(path, None)
        else:
            pack(map(part, self.parts), out)
        return folder_digest(digests)


def _check_name(name: str) -> None:
    """Raise ContractError for a name that neither an archive nor an event can hold."""
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(name).decode(errors="backslashreplace")
        text = f"The name of the part {shown} is not UTF-8. Rename the file."
        raise ContractError(text, code="NOT_A_FILE") from None
