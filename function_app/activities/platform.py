"""Activity of the one-time set-up."""

from function_app.domain.platform import EnsuredPart, EnsurePart
from function_app.ports import Ports


def ensure_part(ports: Ports, request: EnsurePart) -> EnsuredPart:
    """Make one part of the platform, or find that it stands."""
    return ports.platform.ensure(request.part)
