"""A story as the API shows it."""

from typing import NotRequired, TypedDict

from function_app.domain.stories.outcomes import Tone
from function_app.domain.stories.results import StoryResult


class StepFacts(TypedDict, total=False):
    """The facts that a story shows with a step; it leaves out empty facts."""

    ahead: str
    attempt: str
    behind: str
    code: str
    commit: str
    data: str
    data_version: str
    endpoint: str
    evidence: str
    image: str
    lane: str
    model: str
    reason: str
    report_id: str
    repository: str
    run_id: str
    runtime: str
    version: str
    wait: str
    why: str


class BegunStep(TypedDict):
    """A step and its beginning in UTC; the runtime of a deployment where the step shows it."""

    step: str
    at: str
    runtime: NotRequired[str]


class StepView(StepFacts):
    """The present step with its facts; `trail` ends with it and begins with the first step."""

    step: str
    trail: list[BegunStep]


class StoryView(TypedDict):
    """The state of a story: its outcome in the domain's words beside its Durable status.

    `step` is None before the first step, and `can_be_cancelled` is whether a person may end the
    story now. `output` is the result of an ended story, or the text of its error; None before the
    end. Both times are in UTC.
    """

    instance_id: str
    story: str
    status: str
    ended: bool
    can_be_cancelled: bool
    outcome: str
    tone: Tone
    reasons: list[str]
    facts: dict[str, str]
    step: StepView | None
    output: StoryResult | str | None
    created_at: str | None
    updated_at: str | None
