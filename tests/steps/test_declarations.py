"""Steps and activities that do not fit together fail when the app starts, with a clear message."""

from typing import Any, cast

import pytest

from function_app import composition, steps
from function_app.domain.gates import GateResult
from function_app.domain.requests import RunId
from function_app.ports import Ports
from function_app.steps.step import DeclarationError, Step, StepTable, check_bound


def declare(name: str) -> Step[RunId, GateResult]:
    """Return the one step of a table."""
    table = StepTable()
    step = table.step(RunId, GateResult)
    table.name({name: step})
    return step


def read_run(ports: Ports, run: RunId) -> GateResult:
    return GateResult(passed=True, reasons=(run.run_id,))


def test_the_variable_of_a_step_is_its_name() -> None:
    assert declare("read_run").name == "read_run"
    assert steps.build_image.name == "build_image"


def test_every_step_of_the_app_has_an_activity_of_its_name_in_a_module_that_is_composed() -> None:
    homes = {module.__name__ for module in composition.ACTIVITIES}

    for step in steps.STEPS:
        activity = cast(Any, step.run)
        assert (activity.__name__, activity.__module__ in homes) == (step.name, True)


def test_a_step_without_an_activity_stops_the_app() -> None:
    with pytest.raises(
        DeclarationError, match=r"Step read_run has no activity\. Write `@steps\.read"
    ):
        check_bound((declare("read_run"),))


def test_an_activity_without_a_step_stops_its_import() -> None:
    step = StepTable().step(RunId, GateResult)

    with pytest.raises(DeclarationError, match=r"Activity tests\..*read_run has no step"):
        step.activity(read_run)


def test_two_steps_with_one_name_stop_the_import() -> None:
    table = StepTable()
    read = table.step(RunId, GateResult)
    read = table.step(RunId, GateResult)

    with pytest.raises(DeclarationError, match="Two steps have one name"):
        table.name({"read_run": read})


def test_two_names_for_one_step_stop_the_import() -> None:
    table = StepTable()
    read = table.step(RunId, GateResult)

    with pytest.raises(DeclarationError, match="One step has the names read_run and ask_run"):
        table.name({"read_run": read, "ask_run": read})


def test_two_activities_for_one_step_stop_the_import() -> None:
    step = declare("read_run")
    step.activity(read_run)

    with pytest.raises(DeclarationError, match="Step read_run has two activities"):
        step.activity(read_run)


def test_an_activity_with_another_name_than_its_step_stops_the_import() -> None:
    with pytest.raises(DeclarationError, match=r"read_run is bound to step get_run\."):
        declare("get_run").activity(read_run)


def test_a_step_that_is_named_like_a_story_stops_the_app() -> None:
    step = declare("read_run")
    step.activity(read_run)

    with pytest.raises(DeclarationError, match="read_run names a story and a step"):
        check_bound((step,), ("read_run",))
