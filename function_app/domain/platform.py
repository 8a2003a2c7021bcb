"""The parts of a platform that must stand before the first event."""

from dataclasses import dataclass
from enum import StrEnum

from function_app.domain.text import identifiers as ids


class PartState(StrEnum):
    """What was found of a part, before anything was done."""

    PRESENT = "present"
    ABSENT = "absent"
    DIFFERENT = "different"
    # Others keep it, and nobody looked.
    ELSEWHERE = "kept elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPart:
    """A part, what was found of it, and in a few words what making it would do."""

    part: str
    state: PartState
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsurePart:
    """Make this part, or find that it stands."""

    part: ids.PartName


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsuredPart:
    """A part and in a few words what was found or made; not `ready` means it is being made.

    `failure` is why this attempt failed; another one is under way.
    """

    part: ids.PartName
    detail: str
    ready: bool = True
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRequest:
    """Make sure that these parts stand, in this order."""

    parts: tuple[ids.PartName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformReport:
    """What stands now."""

    parts: tuple[EnsuredPart, ...]
