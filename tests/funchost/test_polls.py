"""A client that polls without a pause gets few answers, and the last one at once."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

from funchost.web.management.status_api import HOLD, REMEMBERED, Polls
from tests.funchost.conftest import Host
from tests.patience import PATIENCE


@contextmanager
def asking(host: Host, instance: str) -> Iterator[Callable[[], tuple[int, str]]]:
    """Yield a function that asks for the status of an instance on a kept-alive connection."""
    query = {"code": host.keys()["systemKey"]}
    url = f"{host.url}/runtime/webhooks/durabletask/instances/{instance}"
    with httpx.Client(timeout=PATIENCE) as client:

        def ask() -> tuple[int, str]:
            answer = client.get(url, params=query)
            return answer.status_code, answer.json()["runtimeStatus"]

        yield ask


def test_an_instance_that_waits_is_answered_though_nothing_changes(host: Host) -> None:
    host.begin("waiting", "polled-waits")

    with asking(host, "polled-waits") as ask:
        answers = {ask() for _ in range(5)}

    assert answers <= {(202, "Pending"), (202, "Running")}


def test_the_end_is_answered_and_few_answers_come_before_it(host: Host) -> None:
    host.begin("ticking", "polled-ticks")  # a timer of 0.2 s
    begun, asked = time.monotonic(), 1

    with asking(host, "polled-ticks") as ask:
        while ask() != (200, "Completed"):
            asked += 1

    # Each answer but the first takes at least HOLD, however slow the machine is.
    assert asked <= 2 + (time.monotonic() - begun) / HOLD


def test_the_second_request_in_a_row_is_held() -> None:
    polls = Polls()

    assert [polls.hold(one) for one in ("one", "other", "one")] == [False, False, True]


def test_only_the_latest_instances_are_remembered() -> None:
    polls = Polls()
    polls.hold("one")
    for number in range(REMEMBERED):
        polls.hold(f"other-{number}")

    assert not polls.hold("one")
