"""A person's order to end a story early, as the ledger keeps it.

The ledger decides, an event only wakes the story: raising the event with Durable's key cancels
nothing.
"""

from dataclasses import dataclass
from datetime import datetime

from function_app import names
from function_app.domain.text import identifiers as ids

CANCELLABLE = (names.TRAIN_MODEL, names.RELEASE_MODEL)
# From here on production changes; a roll-back undoes it, a cancellation would race with it.
_TOO_LATE = ("promoting", "verifying production", "rolling back", "removing staging", "registering")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """The cancellation of a story by a person; `comment` may be empty."""

    instance_id: ids.InstanceId
    by: ids.Person
    comment: str
    at: datetime

    @property
    def reason(self) -> str:
        """Return the sentence that becomes the reason of the outcome."""
        return (
            f"{self.by} cancelled it: {self.comment}"
            if self.comment
            else f"{self.by} cancelled it."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryId:
    """Names a story."""

    instance_id: ids.InstanceId


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledCancellation:
    """The stored cancellation of a story; None when no person cancelled it."""

    cancellation: Cancellation | None = None


# The code of a refusal because a person cancelled the story.
STORY_CANCELLED = "STORY_CANCELLED"


def is_too_late(step: str | None) -> bool:
    """Return whether a story at this step must not be interrupted; None is before the first."""
    return step in _TOO_LATE


def can_be_cancelled(story: str, step: str | None, *, ended: bool) -> bool:
    """Return whether a person may cancel a story at this step, None before the first."""
    return story in CANCELLABLE and not ended and not is_too_late(step)


def cancellation_name(instance_id: str) -> str:
    """Return the name of the ledger's record with the cancellation of a story."""
    return f"cancelled/{instance_id}"
