"""The parts of a platform that must stand before the first event."""

from dataclasses import dataclass
from enum import StrEnum


class PlatformPart(StrEnum):
    """In the order in which they are made."""

    STATE = "state"
    REGISTRY = "registry"
    BASELINE = "baseline dataset"
    APPROVERS = "approvers"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsurePart:
    """Make this part, or find that it stands."""

    part: PlatformPart


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsuredPart:
    """A part that stands, and in a few words what was found or made."""

    part: PlatformPart
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRequest:
    """Make sure that these parts stand."""

    parts: tuple[PlatformPart, ...] = tuple(PlatformPart)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformReport:
    """What stands now."""

    parts: tuple[EnsuredPart, ...]
