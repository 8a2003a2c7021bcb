"""Pages of GET /api/releases."""

import asyncio
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import pytest

from function_app.domain.codec import dump
from function_app.domain.project import Limits
from function_app.errors import ContractError
from function_app.ports import Stories
from function_app.triggers.http.releases_api import get_releases
from function_app.triggers.invocation import Invocation, Request
from tests.triggers.test_orders import FakeStories, Orders


@pytest.fixture
def orders(tmp_path: Path) -> Orders:
    return Orders(tmp_path)


def ask(orders: Orders, query: dict[str, str]) -> dict[str, Any]:
    invocation = Invocation(
        ports=orders.bench.ports,
        projects=orders.bench.projects,
        stories=cast(Stories, FakeStories()),
        limits=Limits(),
    )
    request = Request(route={}, headers={}, body=b"", query=query)
    content: dict[str, Any] = dump(asyncio.run(get_releases(invocation, request)).content)
    return content


def test_the_links_lead_through_all_releases_newest_first(orders: Orders) -> None:
    for version in range(1, 6):
        orders.bench.bring_up(str(version))
    pages, query = [], {"limit": "2"}
    while True:
        page = ask(orders, query)
        pages.append([release["version"] for release in page["releases"]])
        if page["next"] is None:
            break
        link = urlsplit(page["next"])
        assert link.path == "/api/releases"
        query = dict(parse_qsl(link.query))

    assert pages == [["5", "4"], ["3", "2"], ["1"]]


def test_a_release_of_a_page_shows_its_decision(orders: Orders) -> None:
    orders.bench.bring_up("1")
    orders.bench.bring_up("2")

    [release] = ask(orders, {"limit": "1"})["releases"]

    assert (release["version"], release["decided_by"]) == ("2", "ada")
    assert release["decision"]["verdict"] == "approve"


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "1e3", "\u0661", "9" * 40])
def test_a_limit_out_of_range_is_refused(orders: Orders, limit: str) -> None:
    with pytest.raises(ContractError, match="a number from 1 to 1000"):
        ask(orders, {"limit": limit})


@pytest.mark.parametrize("cursor", ["x", "../..", "\x00", "9" * 5000])
def test_a_cursor_that_is_none_is_refused(orders: Orders, cursor: str) -> None:
    with pytest.raises(ContractError, match="BAD_CURSOR"):
        ask(orders, {"after": cursor})


def test_a_key_in_the_query_is_not_repeated_in_the_link(orders: Orders) -> None:
    orders.bench.bring_up("1")
    orders.bench.bring_up("2")

    assert "secret" not in ask(orders, {"limit": "1", "code": "secret"})["next"]
