"""Attacks by number and size of requests: callers that send too much."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from function_app.domain.access.budgets import MOST_CALLERS, Budgets, Caller
from function_app.domain.project import Limits
from function_app.errors import MlopsError, ThrottledError
from function_app.triggers.answers import answer_error
from function_app.triggers.callers import address_of
from function_app.triggers.http.http_api import post_events, post_training
from function_app.triggers.invocation import Answer, Request
from tests.attacks.attack import attack, same_code
from tests.triggers.office import Office


def post(
    office: Office, count: int, address: str = "10.0.0.1", token: str = "", size: int = 0
) -> Answer[Any]:
    """Send events as the host hands them over."""
    kind = "Mlops.TrainingRequested"
    events = [{"id": str(n), "subject": "s", "eventType": f"{kind}.no"} for n in range(count)]
    body = json.dumps(events).encode()
    body += b" " * max(0, size - len(body))
    headers = {"x-forwarded-for": address}
    if token:
        headers["authorization"] = f"Bearer {token}"
    request = Request(route={}, headers=headers, body=body)
    return asyncio.run(post_events(office.invocation, request))


def train(
    office: Office, address: str = "10.0.0.1", token: str = "", number: int = 1
) -> Answer[Any]:
    """Ask for a training by hand."""
    headers = {"x-forwarded-for": address} | ({"authorization": f"Bearer {token}"} if token else {})
    body = json.dumps({"request_id": f"{address}-{token}-{number}"}).encode()
    request = Request(route={"model": "diabetes"}, headers=headers, body=body)
    return asyncio.run(post_training(office.invocation, request))


def exhaust(send: Callable[[], Any]) -> ThrottledError:
    """Send until it is refused; return the refusal."""
    for _ in range(1000):
        try:
            send()
        except ThrottledError as error:
            return error
    raise AssertionError("nothing was refused")


@attack(
    point=10,
    does="sends events until it gets 429, so that others get it too",
    answer="429 with Retry-After for this address; people and other addresses are served",
    log="none: each refused request would be a line",
    before="succeeded",
    azure=same_code("function_app/domain/access/budgets.py"),
    by="trial",
)
def test_a_noisy_caller_uses_up_its_own_budget_only(tmp_path: Path) -> None:
    office = Office(tmp_path)

    error = exhaust(lambda: post(office, 50))

    answer = answer_error(error)
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "10.0.0.1" in error.message
    assert post(office, 50, "10.0.0.2").status == 202
    assert post(office, 2, token="ada").status == 202, "a person's token, at the same address"
    assert train(office).status == 202, "a person without a token, at the same address"


@attack(
    point=10,
    does="asks for trainings by hand without end",
    answer="429 for this person or address; a person with a token is served",
    log="none: each refused request would be a line",
    before="succeeded",
    azure=same_code("function_app/domain/access/budgets.py"),
    by="trial",
)
def test_a_noisy_person_uses_up_its_own_budget_only(tmp_path: Path) -> None:
    office, number = Office(tmp_path), iter(range(10_000))

    exhaust(lambda: train(office, number=next(number)))

    assert train(office, token="ada").status == 202
    assert train(office, "10.0.0.2").status == 202
    assert post(office, 50).status == 202


def test_a_refusal_for_all_machines_together_blames_no_single_caller(tmp_path: Path) -> None:
    office, number = Office(tmp_path), iter(range(1, 250))

    error = exhaust(lambda: post(office, 50, f"10.0.0.{next(number)}"))

    assert error.message.startswith("All callers without a token together sent more than")


@attack(
    point=10,
    does="sends few events with megabytes each",
    answer="429 with Retry-After: bytes are counted, too",
    log="none: each refused request would be a line",
    before="succeeded",
    azure=same_code("function_app/domain/access/budgets.py"),
    by="trial",
)
def test_bytes_are_counted(tmp_path: Path) -> None:
    office = Office(tmp_path)
    limits = Limits(max_events_per_minute=1000, max_megabytes_per_minute=3)
    office.invocation = replace(office.invocation, limits=limits)

    for _ in range(3):
        post(office, 2, size=1_000_000)
    with pytest.raises(ThrottledError) as caught:
        post(office, 2, size=1_000_000)

    assert "3 MB a minute" in caught.value.message
    assert 0 < caught.value.retry_after <= 20


@attack(
    point=10,
    does="writes another address into X-Forwarded-For for each request",
    answer="only the entry that the host adds last counts",
    log="none: each refused request would be a line",
    before="refused",
    azure=same_code("function_app/triggers/callers.py"),
    by="trial",
)
def test_the_address_is_the_one_that_the_host_saw(tmp_path: Path) -> None:
    office, number = Office(tmp_path), iter(range(1000))

    exhaust(lambda: post(office, 10, f"192.0.2.{next(number) % 250}, 10.0.0.1:4711"))

    with pytest.raises(ThrottledError):
        post(office, 100, "10.0.0.1")


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("1.2.3.4, 10.0.0.1:80", "10.0.0.1"),
        ("[2001:db8::1]:80", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::1", "2001:db8::/64"),
        ("", "an unknown address"),
        ("x" * 5000, "an unknown address"),
        ("1.2.3.4, é", "an unknown address"),
    ],
)
def test_an_address_is_read_from_the_last_entry(header: str, address: str) -> None:
    request = Request(route={}, headers={"x-forwarded-for": header}, body=b"")

    assert address_of(request) == address


@attack(
    point=10,
    does="comes from ever new addresses, so that budgets fill the memory",
    answer="at most 10,000 budgets are kept; all machines together have a budget, people another",
    log="none: each refused request would be a line",
    before="absent",
    azure=same_code("function_app/domain/access/budgets.py"),
    by="trial",
)
def test_many_callers_share_a_budget_and_little_memory() -> None:
    budgets, limits, now = (
        Budgets(),
        Limits(max_events_per_minute=5),
        datetime(2026, 1, 1, tzinfo=UTC),
    )

    def spend(number: int, *, person: bool) -> None:
        budgets.spend(Caller(name=str(number), person=person), limits, now, 1, 10)

    for number in range(50):
        spend(number, person=False)
    with pytest.raises(ThrottledError):
        spend(50, person=False)
    for number in range(2 * MOST_CALLERS):
        with suppress(MlopsError):
            spend(number, person=True)

    assert budgets.count == MOST_CALLERS


def test_a_budget_fills_again() -> None:
    budgets, limits, now = (
        Budgets(),
        Limits(max_events_per_minute=60),
        datetime(2026, 1, 1, tzinfo=UTC),
    )
    caller = Caller(name="a")
    budgets.spend(caller, limits, now, 60, 0)
    with pytest.raises(ThrottledError) as caught:
        budgets.spend(caller, limits, now, 6, 0)
    assert caught.value.retry_after == 6

    budgets.spend(caller, limits, now.replace(second=6), 6, 0)
