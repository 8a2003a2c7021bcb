"""Pages of GET /api/events."""

import asyncio
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import pytest

from function_app.adapters.local.rows import LocalRows
from function_app.domain.codec import dump
from function_app.domain.events.inbox import InboxEvent
from function_app.domain.project import Limits
from function_app.errors import ContractError
from function_app.ports import Ports, Stories
from function_app.records.inbox.inbox import StoredInbox
from function_app.triggers.events.stored_events import get_events
from function_app.triggers.invocation import Invocation, Request
from tests.activities.law_bench import NOW
from tests.triggers.test_orders import FakeStories


class Kept:
    """The ports that the route asks."""

    def __init__(self, folder: Path) -> None:
        self.inbox = StoredInbox(LocalRows(folder / "inbox.db"))


def ask(kept: Kept, query: dict[str, str]) -> dict[str, Any]:
    invocation = Invocation(
        ports=cast(Ports, cast(object, kept)),
        projects={},
        stories=cast(Stories, FakeStories()),
        limits=Limits(),
    )
    request = Request(route={}, headers={}, body=b"", query=query)
    content: dict[str, Any] = dump(asyncio.run(get_events(invocation, request)).content)
    return content


def test_the_links_lead_through_all_events(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    keys = [f"{number:064x}" for number in range(5)]
    kept.inbox.accept(
        [InboxEvent(event_key=key, channel="api", payload={}, received_at=NOW) for key in keys]
    )
    shown: list[str] = []
    query = {"limit": "2"}
    while True:
        page = ask(kept, query)
        assert len(page["events"]) <= 2
        shown += [event["event_key"] for event in page["events"]]
        if page["next"] is None:
            break
        link = urlsplit(page["next"])
        assert link.path == "/api/events"
        query = dict(parse_qsl(link.query))

    assert sorted(shown) == keys


@pytest.mark.parametrize("query", [{"after": "x"}, {"limit": "0"}, {"limit": "1001"}])
def test_a_bad_cursor_or_limit_is_refused(tmp_path: Path, query: dict[str, str]) -> None:
    with pytest.raises(ContractError):
        ask(Kept(tmp_path), query)
