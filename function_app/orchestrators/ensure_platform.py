"""Create the parts of the platform, one after the other; idempotent.

The story polls a part until it is ready, so that it resumes at that part after a restart of the
host.
"""

from datetime import timedelta

from function_app import steps
from function_app.domain.platform import EnsuredPart, EnsurePart, PlatformReport, PlatformRequest
from function_app.orchestrators.shared.runs import ask_until
from function_app.orchestrators.shared.trail import Trail
from function_app.steps.context import Story, StoryContext

PROVISIONING = timedelta(hours=2)
ATTEMPTS = 3


def ensure_platform(ctx: StoryContext, request: PlatformRequest) -> Story[PlatformReport]:
    trail = Trail(ctx)
    done: list[EnsuredPart] = []
    for part in request.parts:
        trail.show(f"ensuring {part}")
        done.append((yield from _ensure(ctx, EnsurePart(part=part))))
    trail.show("ready")
    return PlatformReport(parts=tuple(done))


def _ensure(ctx: StoryContext, part: EnsurePart) -> Story[EnsuredPart]:
    return (
        yield from ask_until(
            ctx,
            part.part,
            lambda: steps.ensure_part(ctx, part),
            lambda answer: answer.ready,
            PROVISIONING,
            failure=lambda answer: answer.failure,
            attempts=ATTEMPTS,
        )
    )
