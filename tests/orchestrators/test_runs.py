"""Waiting for a run: the event that ends the wait, whenever it arrives."""

import json
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import pytest

from function_app import names, steps
from function_app.domain.codec import dump
from function_app.domain.training import Run, RunStatus, unknown_run
from function_app.orchestrators.shared.runs import wait_for_run
from tests.orchestrators.player import Player

HOUR = timedelta(hours=1)
RUNNING = Run(
    run_id="r", model="m", status=RunStatus.RUNNING, dataset_version="", output_uri="", detail=""
)
ENDED = unknown_run("r", "gone")
# The SDK makes an activity with retries a group of its own.
ASK, RACE = 12, 11
STARTED, COMPLETED, SCHEDULED, DONE, RAISED = 12, 13, 4, 5, 15


def test_an_event_that_comes_before_the_status_is_followed_by_short_pauses() -> None:
    player = Player({steps.get_run.name: [RUNNING, RUNNING, RUNNING, RUNNING, ENDED]})
    start = player.current_utc_datetime

    run = player.play(wait_for_run(player, "r", 9 * HOUR, HOUR))

    assert run == ENDED
    assert [timer.cancelled for timer in player.timers] == [True, False, False, False]
    assert player.current_utc_datetime - start == timedelta(seconds=1 + 2 + 4)


def test_without_an_event_the_run_is_polled() -> None:
    player = Player({steps.get_run.name: [RUNNING, RUNNING, ENDED]}, event_arrives=False)
    start = player.current_utc_datetime

    player.play(wait_for_run(player, "r", 9 * HOUR, HOUR))

    assert player.current_utc_datetime - start == 2 * HOUR


def entry(kind: int, second: int, number: int = -1, **fields: Any) -> dict[str, Any]:
    stamp = f"2026-01-01T00:00:0{second}Z"
    return {"EventId": number, "EventType": kind, "IsPlayed": False, "Timestamp": stamp, **fields}


BEGUN = [
    entry(STARTED, 0),
    entry(0, 0, Name="o", Input="null", Version="", OrchestrationInstance={"InstanceId": "i"}),
    entry(SCHEDULED, 0, 0, Name=steps.get_run.name, Version="", Input="[1]"),
    entry(COMPLETED, 0),
    entry(STARTED, 1),
]
EVENT = entry(RAISED, 1, Name=names.run_completed_event("r"), Input="null")
ANSWER = entry(DONE, 1, TaskScheduledId=0, Result=json.dumps(dump(RUNNING)))


# The SDK warns of every event that arrives before a task of its name is yielded.
@pytest.mark.filterwarnings("ignore:Potential duplicate Task completion")
@pytest.mark.parametrize(
    "rest",
    [
        pytest.param([EVENT, ANSWER], id="before the answer of the activity"),
        pytest.param([ANSWER, EVENT], id="after the answer of the activity"),
        pytest.param([EVENT, entry(COMPLETED, 1), entry(STARTED, 2), ANSWER], id="a turn before"),
    ],
)
def test_the_sdk_hands_over_an_event_that_arrived_during_an_activity(rest: list[Any]) -> None:
    def orchestrate(ctx: Any) -> Any:
        return dump((yield from wait_for_run(ctx, "r", 9 * HOUR, HOUR)))

    context = {
        "history": [*BEGUN, *rest],
        "instanceId": "i",
        "isReplaying": False,
        "parentInstanceId": None,
        "input": "null",
        "upperSchemaVersion": 2,
        "longRunningTimerIntervalDuration": "3.00:00:00",
        "maximumShortTimerDuration": "6.00:00:00",
    }
    state = json.loads(df.Orchestrator.create(orchestrate)(json.dumps(context)))

    # The run is asked for again after the race of event and timer: nothing waits for the poll.
    actions = [action["actionType"] for turn in state["actions"] for action in turn]
    assert not state["isDone"]
    assert actions == [ASK, RACE, ASK]
