"""Apps written as the public samples are, unchanged, used as a stranger uses them: over HTTP.

Patterns: Durable Functions documentation, "Durable Functions overview", application patterns.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.funchost.conftest import APPS, Host, until

Begin = Callable[[str], Host]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    hosts: list[Host] = []

    def start(sample: str) -> Host:
        host = Host(tmp_path / "state", APPS / "samples" / sample)
        host.start()
        hosts.append(host)
        return host

    yield start
    for host in hosts:
        host.stop()


def follow(urls: dict[str, str]) -> dict[str, Any]:
    """Ask the status URL until the instance has ended, as its 202 answers tell."""
    answers: list[httpx.Response] = []

    def ended() -> bool:
        answers.append(httpx.get(urls["statusQueryGetUri"]))
        assert answers[-1].status_code in (200, 202)
        assert ("Location" in answers[-1].headers) == (answers[-1].status_code == 202)
        return answers[-1].status_code == 200

    until(ended, "the instance to end")
    return dict(answers[-1].json())


def test_function_chaining(begin: Begin) -> None:
    host = begin("chaining")
    accepted = httpx.get(f"{host.url}/api/orchestrators/hello_cities")

    assert accepted.status_code == 202
    assert accepted.headers["Location"] == accepted.json()["statusQueryGetUri"]
    status = follow(accepted.json())
    assert status["output"] == ["Hello Tokyo!", "Hello Seattle!", "Hello London!"]
    assert httpx.delete(accepted.json()["purgeHistoryDeleteUri"]).json() == {"instancesDeleted": 1}
    assert httpx.get(accepted.json()["statusQueryGetUri"]).status_code == 404


def test_fan_out_and_fan_in_waits_for_the_answer(begin: Begin) -> None:
    answer = httpx.post(f"{begin('fan_out').url}/api/count", json="ab")

    assert (answer.status_code, answer.json()) == (200, 2 * sum(range(20)))


def recorded(urls: dict[str, str], kind: str) -> bool:
    """Return whether an instance's history has an event of this kind."""
    answer = httpx.get(urls["statusQueryGetUri"] + "&showHistory=true")
    return kind in [event["EventType"] for event in answer.json()["historyEvents"]]


def test_human_interaction(begin: Begin) -> None:
    host = begin("human_interaction")
    right = httpx.get(f"{host.url}/api/verify/3600").json()
    late = httpx.get(f"{host.url}/api/verify/0.05").json()
    stopped = httpx.get(f"{host.url}/api/verify/3600").json()

    event = right["sendEventPostUri"].replace("{eventName}", "SmsResponse")
    # The SDK gives an event that comes before its wait to each later wait, too
    # (findings/durable-early-event-answers-later-waits.sh).
    until(lambda: recorded(right, "TaskCompleted"), "the wait for a code")
    assert httpx.post(event, json=1).status_code == 202
    until(lambda: recorded(right, "EventRaised"), "the wait for another code")
    assert httpx.post(event, json=4711).status_code == 202
    reason = stopped["terminatePostUri"].replace("{text}", "enough")
    assert httpx.post(reason).status_code == 202

    assert follow(right)["output"] is True
    assert follow(late)["output"] is False
    assert follow(stopped)["runtimeStatus"] == "Terminated"
    assert follow(stopped)["output"] == "enough"
    assert httpx.post(event, json=1).status_code == 410


def test_monitor_continues_as_new(begin: Begin) -> None:
    urls = httpx.get(f"{begin('monitor').url}/api/monitor/build").json()

    status = follow(urls)

    assert status["output"] == 4
    assert status["customStatus"] == {"status": "Completed", "looks": 4}


def test_counter_entity(begin: Begin) -> None:
    url = f"{begin('counter').url}/api/counters/one"
    assert httpx.get(url).status_code == 404

    for amount in (2, 3):
        assert httpx.post(f"{url}/add", json=amount).status_code == 202

    until(lambda: httpx.get(url).text == "5", "both additions")
    httpx.post(f"{url}/reset")
    until(lambda: httpx.get(url).text == "0", "the reset")


def test_asynchronous_api_with_children(begin: Begin) -> None:
    host = begin("async_api")
    good = httpx.post(f"{host.url}/api/jobs", json=["a", "b"]).json()
    bad = httpx.post(f"{host.url}/api/jobs", json=["a", "bad"]).json()

    expected = {name: {"result": name.upper(), "parent": True} for name in "ab"}
    assert follow(good)["output"] == expected
    failed = follow(bad)
    assert failed["runtimeStatus"] == "Failed"
    assert "ValueError: this part is bad" in failed["output"]
    asked = bad["statusQueryGetUri"] + "&returnInternalServerErrorOnFailure=true"
    assert httpx.get(asked).status_code == 500
