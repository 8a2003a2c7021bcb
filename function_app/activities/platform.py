"""The activity of the platform's set-up."""

from function_app import steps
from function_app.domain.platform import EnsuredPart, EnsurePart
from function_app.errors import AttemptError
from function_app.ports import Ports


@steps.ensure_part.activity
def ensure_part(ports: Ports, request: EnsurePart) -> EnsuredPart:
    """Create or get one part of the platform."""
    try:
        return ports.platform.ensure(request.part)
    except AttemptError as error:
        failure = str(error)
        return EnsuredPart(part=request.part, detail=failure, ready=False, failure=failure)
