"""The trail: a story shows its steps in the custom status. And the text of a fault."""

from typing import Unpack, cast

from function_app.domain.codec import dump
from function_app.domain.stories.views import BegunStep, StepFacts
from function_app.domain.text.failures import plain_reason
from function_app.domain.text.payload_limits import FACT_CHARACTERS, fit_status, shorten
from function_app.steps.context import StoryContext


def first_line(fault: Exception) -> str:
    """Return the reason in a fault's text for people, the same one after every replay.

    It is the first line after the words of the host; the host's log has the whole text. The type
    of a failed activity's error is unknown here, because the host hands over text only.
    """
    lines = plain_reason(str(fault)).strip().splitlines()
    return shorten(lines[0].strip(), FACT_CHARACTERS) if lines else "Unknown fault."


class Trail:
    """Shows each step in the custom status, with the steps before it and when each began.

    The status stays within the limit of Azure: long facts and long trails are shortened. Every
    step that begins after `add_facts` has these facts, too.
    """

    def __init__(self, ctx: StoryContext) -> None:
        self._ctx = ctx
        self._steps: list[BegunStep] = []
        self.facts = StepFacts()

    def add_facts(self, **facts: Unpack[StepFacts]) -> None:
        """Add facts that the status has from the next step on, until the story ends."""
        self.facts.update(facts)

    def wait(self, step: str, **facts: Unpack[StepFacts]) -> None:
        """Show new facts of the present step; begin the step when it is new."""
        if self._steps and self._steps[-1]["step"] == step:
            self._set(step, facts)
        else:
            self.show(step, **facts)

    def show(self, step: str, **facts: Unpack[StepFacts]) -> None:
        """Begin a step. Its own facts are visible until the next one begins; `runtime` stays."""
        begun: BegunStep = {"step": step, "at": dump(self._ctx.current_utc_datetime)}
        if "runtime" in facts:
            begun["runtime"] = facts["runtime"]
        self._steps.append(begun)
        self._set(step, cast(StepFacts, {name: fact for name, fact in facts.items() if fact}))

    def _set(self, step: str, facts: StepFacts) -> None:
        # The step's own facts come first, because a terminal cuts a long line at its end.
        shown = cast(dict[str, str], {**facts, **self.facts, **facts})
        status = fit_status(step, shown, self._steps)
        self._ctx.set_custom_status(status)
