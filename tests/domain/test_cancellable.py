"""The steps of the stories that a person may cancel."""

import pytest

from function_app.domain.stories.cancellation import can_be_cancelled


@pytest.mark.parametrize(
    ("story", "step", "ended", "expected"),
    [
        ("train_model", None, False, True),
        ("train_model", "training", False, True),
        ("train_model", "registering", False, False),
        ("train_model", "registered", True, False),
        ("release_model", "waiting for approval", False, True),
        ("release_model", "promoting", False, False),
        ("release_model", "verifying production", False, False),
        ("release_model", "rolling back", False, False),
        ("release_model", "removing staging", False, False),
        ("roll_back", "rolling back", False, False),
        ("reconcile", None, False, False),
    ],
)
def test_a_story_can_be_cancelled_until_it_changes_production(
    story: str, step: str | None, ended: bool, expected: bool
) -> None:
    assert can_be_cancelled(story, step, ended=ended) is expected
