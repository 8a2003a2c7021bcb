"""Waking a release: its present wait, and a wait that it begins in the same moment."""

import asyncio
from typing import Any, cast

import pytest

from function_app.ports import Stories
from function_app.triggers.events.wakes import wake_release


class OneStory:
    def __init__(self, view: dict[str, Any] | None) -> None:
        self.view, self.woken = view, list[tuple[str, str]]()

    async def find(self, instance_id: str) -> dict[str, Any] | None:
        return self.view

    async def wake(self, instance_id: str, event: str) -> None:
        self.woken.append((instance_id, event))


@pytest.mark.parametrize(
    ("view", "events"),
    [
        ({"step": {"step": "awaiting approval", "wait": "3"}}, ["-3", "-4"]),
        ({"step": {"step": "awaiting approval", "wait": "0"}}, ["", "-1"]),
        ({"step": {"step": "building image"}}, ["", "-1"]),
        ({"step": "odd"}, ["", "-1"]),
        (None, ["", "-1"]),
    ],
)
def test_a_release_is_woken_in_its_present_wait(
    view: dict[str, Any] | None, events: list[str]
) -> None:
    stories = OneStory(view)

    asyncio.run(wake_release(cast(Stories, stories), "release-m-1"))

    assert stories.woken == [("release-m-1", f"Decision-release-m-1{end}") for end in events]
