"""A live orchestration's context, which is copied, has all that the SDK's constructor makes."""

from typing import Any

import pytest
from azure.durable_functions.models import DurableOrchestrationContext

from funchost.durable import history as h
from funchost.durable.execution import Instance, _context, _sdk_event

INPUTS = (None, "null", '{"n": 1}', '"text"', "[1, 2]", "3")


def made(one: Instance, started: h.Event) -> Any:
    """Return the context that the SDK's own constructor makes."""
    document = h.context_document([started], one.input, one.id, one.parent)
    return DurableOrchestrationContext(**document)


def facts(context: Any) -> dict[str, object]:
    """Return the attributes of a context, but for the objects of events."""
    attributes = dict(vars(context))
    events = [attributes.pop("decision_started_event"), *attributes.pop("_histories")]
    attributes["_function_context"] = vars(attributes["_function_context"])
    assert {event.event_type for event in events} == {h.ORCHESTRATOR_STARTED}
    moments = [events[0].timestamp, attributes.pop("_current_utc_datetime")]
    return {**attributes, "moments": [(moment, repr(moment.tzinfo)) for moment in moments]}


@pytest.mark.parametrize("text", INPUTS)
@pytest.mark.parametrize("parent", [None, "parent-1"])
def test_a_copied_context_equals_a_constructed_one(text: str | None, parent: str | None) -> None:
    one = Instance(id="a/b ü", name="chain", execution="e", input=text, parent=parent)
    started = h.event(h.ORCHESTRATOR_STARTED)

    assert facts(_context(one, _sdk_event(started))) == facts(made(one, started))


def test_two_contexts_share_nothing_that_an_instance_changes() -> None:
    one = Instance(id="a", name="chain", execution="e", input=None, parent=None)
    started = _sdk_event(h.event(h.ORCHESTRATOR_STARTED))
    first, second = _context(one, started), _context(one, started)

    first._action_payload_v1.append([])
    first._action_payload_v2.append(None)
    first.open_tasks[1].append(None)
    first.deferred_tasks[1] = None
    first._function_context.seen = True

    changed = ("_action_payload_v1", "_action_payload_v2", "open_tasks", "deferred_tasks")
    assert all(not getattr(second, name) for name in changed)
    assert not hasattr(second._function_context, "seen")
