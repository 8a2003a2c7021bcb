"""The status of a reconciliation names its cause: the timer, or a request by hand."""

import asyncio
from pathlib import Path

from function_app.triggers.invocation import Request
from function_app.triggers.timers import post_reconciliation, start_reconciliation
from tests.triggers.office import Office


def test_a_reconciliation_by_the_timer_names_the_timer(tmp_path: Path) -> None:
    office = Office(tmp_path)
    asyncio.run(start_reconciliation(office.invocation))
    assert office.stories.arguments[0]["reason"] == "every ten minutes, by the timer"


def test_a_reconciliation_that_a_person_starts_is_not_said_to_be_the_timer_s(
    tmp_path: Path,
) -> None:
    office = Office(tmp_path)
    request = Request(route={}, headers={}, body=b"")
    answer = asyncio.run(post_reconciliation(office.invocation, request))
    assert answer.status == 202
    assert office.stories.arguments[0]["reason"] == "requested by hand"
