"""What must stand before the first event."""

from typing import Protocol

from function_app.domain.platform import EnsuredPart, PlannedPart


class Platform(Protocol):
    """What must stand before the first event."""

    def parts(self) -> tuple[str, ...]:
        """Return the names of the parts, in the order in which they are made."""

    def plan(self, part: str) -> PlannedPart:
        """Look at a part and say what making it would do; changes nothing."""

    def ensure(self, part: str) -> EnsuredPart:
        """Make a part or find it; ask again while it is not ready."""

    def remove(self, part: str) -> str:
        """Remove a part; return in a few words what was removed."""

    def isolation(self) -> str:
        """Return in a sentence how far apart runs are from the app and from each other."""
