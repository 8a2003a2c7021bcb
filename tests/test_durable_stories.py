"""The Durable client as triggers use it, on a real host: all pages, and deleted instances."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from azure.durable_functions import DurableOrchestrationClient

from funchost.web.management.bindings import binding_json
from function_app.durable_stories import DurableStories
from tests.funchost.conftest import Host, until

ENDED = 130  # more than the hundred of the extension's first page
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    made = Host(tmp_path_factory.mktemp("stories"), SMALL_SLOW="0")
    made.start()
    for number in range(ENDED):
        made.begin("chain", f"ended-{number}", 1)
    made.begin("waiting", "under-way")
    until(lambda: _count(made, "Completed") == ENDED, "the stories to end", 100)
    yield made
    made.stop()


def _count(host: Host, status: str) -> int:
    found = _ask(host, lambda stories: stories.list(datetime.now(UTC) - DAY))
    return sum(view["status"] == status for view in found)


def _ask(host: Host, question: Any) -> Any:
    async def ask() -> Any:
        base = httpx.get(f"{host.url}/api/rpc").text.removeprefix(host.url).rstrip("/")
        binding = binding_json(host.url, "TestHub", "key", base)
        return await question(DurableStories(DurableOrchestrationClient(binding)))

    return asyncio.run(ask())


def test_every_story_is_listed_once_however_many_there_are(host: Host) -> None:
    found = _ask(host, lambda stories: stories.list(datetime.now(UTC) - DAY))

    ids = [view["instance_id"] for view in found]
    assert len(ids) == len(set(ids)) == ENDED + 1
    times = [view["created_at"] for view in found]
    assert times == sorted(times, reverse=True)


def test_only_running_stories_are_listed_of_older_ones(host: Host) -> None:
    found = _ask(host, lambda stories: stories.list(datetime.now(UTC) + DAY))

    assert [view["instance_id"] for view in found] == ["under-way"]


def test_only_what_ended_within_the_time_is_forgotten(host: Host) -> None:
    now = datetime.now(UTC)

    async def forget(stories: DurableStories) -> tuple[int, int]:
        # The SDK's session belongs to one loop.
        before = await stories.forget(now - 9 * DAY, now - 8 * DAY)
        return before, await stories.forget(now - DAY, now + DAY)

    assert _ask(host, forget) == (0, ENDED)
    left = _ask(host, lambda stories: stories.list(now - DAY))
    assert [view["instance_id"] for view in left] == ["under-way"]
