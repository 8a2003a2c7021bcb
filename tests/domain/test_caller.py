"""The build that requests a training: from its event to the tags of the run."""

import pytest

from function_app.domain.envelopes import read_envelope
from function_app.domain.event_types import TRAINING_REQUESTED, read_event
from function_app.domain.events.caller import Caller, caller_tags
from function_app.domain.events.events import TrainingRequested
from function_app.domain.routing import route
from function_app.domain.training import TrainingRequest
from tests.sample_project import sample_projects


def requested(**data: object) -> TrainingRequested:
    event = read_event(
        read_envelope(
            {
                "specversion": "1.0",
                "id": "e1",
                "source": "build-server",
                "type": TRAINING_REQUESTED,
                "data": {"model": "diabetes", "requestId": "r1", **data},
            }
        )
    )
    assert isinstance(event, TrainingRequested)
    return event


def test_the_build_and_the_callers_run_reach_the_training() -> None:
    event = requested(callerRunId="run-9", buildId=42, buildUri="https://build/42")

    [start] = route(event, sample_projects())  # type: ignore[misc]

    assert isinstance(start.argument, TrainingRequest)
    assert start.argument.caller.tags() == {
        "caller_run_id": "run-9",
        "build_id": "42",
        "build_uri": "https://build/42",
    }


def test_a_request_without_a_build_has_no_tags_and_the_same_cause() -> None:
    without, with_build = requested(), requested(buildId="42")

    assert without.caller.tags() == {}
    assert without.cause == with_build.cause


@pytest.mark.parametrize("content", [{"buildId": ["x"]}, {"callerRunId": {"a": 1}}])
def test_a_build_that_is_no_text_is_refused_with_its_field(content: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(content)).lower()):
        requested(**content)


def test_other_tags_of_a_run_name_no_caller() -> None:
    tags = {"instance_id": "i", "build_id": "1", "build_uri": ""}

    assert caller_tags(tags) == {"build_id": "1"}
    assert caller_tags({}) == Caller().tags() == {}
