"""The port to the infrastructure of a platform, which must stand before the first event."""

from typing import Protocol

from function_app.domain.platform import EnsuredPart, PlannedPart


class Platform(Protocol):
    """Makes and removes the parts of the infrastructure, such as storage and a registry."""

    def parts(self) -> tuple[str, ...]:
        """Return the names of the parts, in the order in which they are created."""

    def plan(self, part: str) -> PlannedPart:
        """Return the effect that `ensure` would have on a part; change nothing."""

    def ensure(self, part: str) -> EnsuredPart:
        """Create or get a part; the caller polls while it is not ready."""

    def remove(self, part: str) -> str:
        """Remove a part; return a description of the removed resources."""

    def isolation(self) -> str:
        """Return a sentence that describes the isolation of runs from the app and each other."""
