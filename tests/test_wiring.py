"""Registered functions run through the SDK's own replay, as the worker would run them."""

import inspect
import json
import traceback
from typing import Any, cast

import azure.durable_functions as df
import pytest
from azure.durable_functions import Orchestrator

from function_app.domain.gates import GateResult
from function_app.domain.requests import RunId
from function_app.errors import PlatformError
from function_app.ports import Ports
from function_app.steps.context import Story, StoryContext
from function_app.steps.step import StepTable
from function_app.wiring import add_activity, add_story

NO_PORTS = cast(Ports, None)
TABLE = StepTable()
judge_run_step = TABLE.step(RunId, GateResult)
repeat_step = TABLE.step(GateResult, GateResult)
fail_step = TABLE.step(GateResult, GateResult)
TABLE.name({"judge_run": judge_run_step, "repeat": repeat_step, "fail_with_its_text": fail_step})


@judge_run_step.activity
def judge_run(ports: Ports, run: RunId) -> GateResult:
    return GateResult(passed=run.run_id == "good", reasons=(run.run_id,))


def tell_story(ctx: StoryContext, run: RunId) -> Story[GateResult]:
    yield from ()
    return GateResult(passed=True, reasons=(run.run_id,))


def test_an_activity_takes_and_returns_plain_json() -> None:
    activity = add_activity(df.DFApp(), judge_run_step, NO_PORTS)

    found = activity({"run_id": "good"}, None)

    assert json.loads(json.dumps(found)) == found
    assert found["passed"] is True


def test_the_worker_sees_the_name_and_arguments_without_types() -> None:
    activity = add_activity(df.DFApp(), judge_run_step, NO_PORTS)

    assert activity.__name__ == "judge_run"
    assert list(inspect.signature(activity).parameters) == ["payload", "context"]
    assert activity.__annotations__ == {}


def test_a_story_runs_in_the_sdks_replay() -> None:
    story = add_story(df.DFApp(), tell_story)
    moment = "2026-01-01T00:00:00.000000Z"
    start: list[dict[str, Any]] = [
        {"EventType": 12, "EventId": -1, "IsPlayed": False, "Timestamp": moment},
        {
            "EventType": 0,
            "EventId": -1,
            "IsPlayed": False,
            "Timestamp": moment,
            "Name": "tell_story",
            "Version": "",
            "Input": None,
        },
    ]
    context = {
        "history": start,
        "input": json.dumps({"run_id": "r1"}),
        "instanceId": "i",
        "isReplaying": False,
        "parentInstanceId": None,
        "upperSchemaVersion": 1,
        "upperSchemaVersionNew": 2,
    }

    answer = json.loads(Orchestrator.create(story)(json.dumps(context)))

    assert answer["isDone"]
    assert answer["output"]["reasons"] == ["r1"]


TOKEN = "ghp_" + "a1B2" * 9


@repeat_step.activity
def repeat(ports: Ports, given: GateResult) -> GateResult:
    return given


@fail_step.activity
def fail_with_its_text(ports: Ports, given: GateResult) -> GateResult:
    [text] = given.reasons
    try:
        raise OSError(f"https://user:{TOKEN}@host is not there")
    except OSError as error:
        raise (PlatformError("local", "look", text) if text else error) from error


@pytest.mark.parametrize("text", [f"Bearer {TOKEN}", "plain", ""])
def test_no_credential_leaves_an_activity_by_a_fault(text: str) -> None:
    activity = add_activity(df.DFApp(), fail_step, NO_PORTS)

    with pytest.raises((PlatformError, RuntimeError)) as fault:
        activity({"passed": False, "reasons": [text]}, None)

    assert TOKEN not in "".join(traceback.format_exception(fault.value))
    assert "This machine could not look" in str(fault.value) or "OSError: https://***@host" in str(
        fault.value
    )


def test_no_credential_leaves_an_activity_by_a_result() -> None:
    activity = add_activity(df.DFApp(), repeat_step, NO_PORTS)

    result = activity({"passed": False, "reasons": [f"It printed {TOKEN}."]}, None)

    assert result["reasons"] == ["It printed ***."]
