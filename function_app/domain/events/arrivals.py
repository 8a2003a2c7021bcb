"""Files that arrive: data, folders of parts, and what is neither.

Hadoop and Spark write a table as files `part-...` of one folder and commit it by an empty file
`_SUCCESS`: then the parts together are data. They leave out other names that begin with `_`, and
write checksums beside files (`.crc`). Tools that upload under a temporary name
rename the file when it is complete. A name that begins with `.` may be data: the watcher of the
inbox leaves such a file alone, so that an event of its own can announce it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from function_app.domain.events.events import ArrivedFile
from function_app.domain.text import identifiers as ids
from function_app.errors import ContractError

MOST_FILES = 1000
MIB = 1 << 20  # bytes

MARKER = "_SUCCESS"
_PART = "part-"
_TEMPORARY = re.compile(r"\.(?:_COPYING_|crc|crdownload|filepart|part|partial|temp|tmp)$", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLimit:
    """The greatest size of a file, in bytes; `setting` is the line of mlops.toml that sets it."""

    most: int
    setting: str = ""

    def check(self, name: str, size: int) -> None:
        """Raise ContractError, code TOO_LARGE, when a file of this size in bytes is too large."""
        if size > self.most:
            raise self.refusal(name, size)

    def refusal(self, name: str, size: int) -> ContractError:
        """Return the refusal of a file of this size in bytes."""
        allows = f"`{self.setting}` in mlops.toml allows" if self.setting else "the limit is"
        remedy = "Split the file, or raise this value." if self.setting else "Split the file."
        text = f"{name} has {size} bytes; {allows} {self.most}. {remedy}"
        return ContractError(text, code="TOO_LARGE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The time and the file of a claim on data: `order` sorts the writes of one `uri` as text."""

    claimed_at: datetime
    uri: ids.OrEmpty[ids.Address] = ""
    order: ids.OrEmpty[ids.Opaque] = ""


def is_older(arrival: Arrival, accepted: Arrival) -> bool:
    """Return whether newer data than this arrival was accepted before.

    The storage's own order decides between writes of one file, because clocks may differ.
    """
    if arrival.uri == accepted.uri and arrival.order and accepted.order:
        return arrival.order < accepted.order
    return arrival.claimed_at < accepted.claimed_at


def is_marker(path: str) -> bool:
    """Return whether a file commits the parts that lie beside it."""
    return path.rpartition("/")[2] == MARKER


def is_part(path: str) -> bool:
    """Return whether a file is a part of its folder, by its name."""
    name = path.rpartition("/")[2]
    return name.startswith(_PART) and not _TEMPORARY.search(name)


def parts_beside(marker: str, paths: Iterable[str]) -> list[str]:
    """Return the paths of the parts in the folder of a marker, sorted."""
    folder = marker.removesuffix(MARKER)
    return sorted(
        path
        for path in paths
        if is_part(path) and path.startswith(folder) and "/" not in path[len(folder) :]
    )


def why_no_data(path: str, size: int | None) -> str:
    """Return why a file is no data, "" when it may be.

    `path` is relative to the model's folder; `size` is in bytes, None when it is unknown.
    """
    *_, name = steps = path.split("/")
    if not name:
        return "It is a folder; each file in it has an event of its own."
    shown = steps[:-1] if name == MARKER else steps
    hidden = next((step for step in shown if step.startswith("_")), None)
    if hidden is not None:
        return f"Names that begin with `_` are markers or temporary files: {hidden[:80]}."
    if _TEMPORARY.search(name):
        return f"{name[:80]} is not a data file by its extension; a renamed file starts a training."
    if is_part(name):
        return f"{name[:80]} is a part; {MARKER} in its folder starts a training on all parts."
    if size == 0 and "." not in name and name != MARKER:
        return f"{name[:80]} is empty and has no extension: it marks a folder."
    return ""


def limited(files: Iterable[ArrivedFile]) -> tuple[ArrivedFile, ...]:
    """Return the files of a folder, of the parts beside each other only the first one.

    ContractError when there are more than MOST_FILES.
    """
    accepted: list[ArrivedFile] = []
    folders: set[str] = set()
    for file in files:
        if is_part(file.path):
            folder = file.path.rpartition("/")[0]
            if folder in folders:
                continue
            folders.add(folder)
        accepted.append(file)
        if len(accepted) > MOST_FILES:
            raise ContractError(
                f"The folder holds more than {MOST_FILES} files. Move them in smaller folders.",
                code="TOO_LARGE",
            )
    return tuple(accepted)
