"""An orchestration that uses every durable feature; tests kill it at each of its commits."""

import os
from datetime import timedelta
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
COUNTER = df.EntityId("counter", "c")


@app.orchestration_trigger(context_name="context")
def everything(context: df.DurableOrchestrationContext):
    seen = context.get_input() or []
    if not seen:
        seen.append((yield context.call_activity("note", "first")))
        seen.append((yield context.task_all([context.call_activity("note", n) for n in "abc"])))
        context.set_custom_status({"step": "fanned out"})
        context.continue_as_new(seen)
        return None
    options = df.RetryOptions(5, 3)
    seen.append((yield context.call_activity_with_retry("third_time", options, "retried")))
    seen.append((yield context.call_sub_orchestrator("child", "from the parent")))
    yield context.call_entity(COUNTER, "add", 2)
    context.signal_entity(COUNTER, "add", 3)
    seen.append((yield context.call_entity(COUNTER, "get")))
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=5))
    late = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    event = context.wait_for_external_event("go")
    winner = yield context.task_any([event, late])
    late.cancel()
    seen.append(winner is event)
    seen.append(context.new_uuid() == context.new_uuid())
    return seen


@app.orchestration_trigger(context_name="context")
def child(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("note", context.get_input()))


@app.entity_trigger(context_name="context")
def counter(context: df.DurableEntityContext):
    value = context.get_state(lambda: 0)
    if context.operation_name == "add":
        value += context.get_input()
        context.set_state(value)
    context.set_result(value)


@app.activity_trigger(input_name="what")
def note(what: str) -> str:
    _log(what)
    return what.upper()


@app.activity_trigger(input_name="what")
def third_time(what: str) -> str:
    if _log(what) < 3:
        raise RuntimeError("not yet")
    return what.upper()


def _log(line: str) -> int:
    path = Path(os.environ["EVERYTHING_LOG"])
    with path.open("a") as log:
        log.write(line + "\n")
    return path.read_text().splitlines().count(line)
