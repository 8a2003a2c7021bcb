"""A story as the API shows it."""

from typing import Any, TypedDict

from function_app.domain.stories.outcomes import Tone


class StoryView(TypedDict):
    """The state of a story: its outcome in the domain's words beside its Durable status.

    `step` has the present step with its facts and the trail of steps before it; None before the
    first step. `output` is the result of an ended story, or the text of its error. Both times are
    in UTC.
    """

    instance_id: str
    story: str
    status: str
    ended: bool
    outcome: str
    tone: Tone
    reasons: list[str]
    facts: dict[str, str]
    step: dict[str, Any] | None
    output: Any
    created_at: str | None
    updated_at: str | None
