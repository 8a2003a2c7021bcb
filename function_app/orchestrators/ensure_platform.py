"""Make sure that the platform stands, one part after the other; doing it again changes nothing."""

from function_app.domain.platform import EnsuredPart, EnsurePart, PlatformReport, PlatformRequest
from function_app.orchestrators import steps
from function_app.orchestrators.steps import Story, StoryContext, Trail


def ensure_platform(ctx: StoryContext, request: PlatformRequest) -> Story[PlatformReport]:
    trail = Trail(ctx)
    done: list[EnsuredPart] = []
    for part in request.parts:
        trail.show(f"ensuring {part}")
        done.append((yield from steps.ensure_part(ctx, EnsurePart(part=part))))
    trail.show("ready")
    return PlatformReport(parts=tuple(done))
