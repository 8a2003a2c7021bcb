"""The parts of a platform that must exist before the first event."""

from dataclasses import dataclass
from enum import StrEnum

from function_app.domain.text import identifiers as ids


class PartState(StrEnum):
    """The state of a part before any change."""

    PRESENT = "present"
    ABSENT = "absent"
    DIFFERENT = "different"
    # Another component owns it, and nothing was checked.
    ELSEWHERE = "kept elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPart:
    """A part, its state, and a short description of the changes that `ensure` would make."""

    part: str
    state: PartState
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsurePart:
    """Create this part unless it exists."""

    part: ids.PartName


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsuredPart:
    """A part with its state in a few words; it is being made while it is not `ready`.

    `failure` is why this attempt failed; another one is under way.
    """

    part: ids.PartName
    detail: str
    ready: bool = True
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRequest:
    """Create these parts unless they exist, in this order."""

    parts: tuple[ids.PartName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformReport:
    """The present state of the platform."""

    parts: tuple[EnsuredPart, ...]
