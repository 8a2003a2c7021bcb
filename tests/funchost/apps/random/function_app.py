"""Orchestrators that keep the rule of determinism, and some that break it."""

import itertools
import random
from datetime import UTC, datetime, timedelta

import azure.durable_functions as df

app = df.DFApp()
NAMES = itertools.cycle(["count", "also_count"])


@app.orchestration_trigger(context_name="context")
def steady(context: df.DurableOrchestrationContext):
    number = yield context.call_activity("count", context.get_input()["n"])
    pause = timedelta(milliseconds=1)
    yield context.create_timer(context.current_utc_datetime + pause)
    options = df.RetryOptions(1, 2)
    try:
        yield context.call_activity_with_retry("broken", options, str(context.new_uuid()))
    except Exception:
        number += 1
    context.set_custom_status("near")
    return number


@app.orchestration_trigger(context_name="context")
def random_input(context: df.DurableOrchestrationContext):
    yield context.call_activity("count", 1)
    yield context.call_activity("count", random.random())


@app.orchestration_trigger(context_name="context")
def random_output(context: df.DurableOrchestrationContext):
    yield context.call_activity("count", 1)
    return random.random()


@app.orchestration_trigger(context_name="context")
def random_task(context: df.DurableOrchestrationContext):
    yield context.call_activity("count", 1)
    yield context.call_activity(next(NAMES), 1)


@app.orchestration_trigger(context_name="context")
def real_time(context: df.DurableOrchestrationContext):
    yield context.create_timer(datetime.now(UTC) + timedelta(milliseconds=1))


@app.orchestration_trigger(context_name="context")
def failing(context: df.DurableOrchestrationContext):
    yield context.call_activity("broken", 1)


@app.orchestration_trigger(context_name="context")
def random_again(context: df.DurableOrchestrationContext):
    number = context.get_input()["n"]
    if number == 1:
        yield context.call_activity("count", 1)
        context.continue_as_new({"n": random.random()})


@app.orchestration_trigger(context_name="context")
def eternal(context: df.DurableOrchestrationContext):
    number = yield context.call_activity("count", context.get_input()["n"])
    yield context.wait_for_external_event("go")
    context.signal_entity(df.EntityId("nobody", "key"), "add", number)
    context.continue_as_new({"n": number})


@app.activity_trigger(input_name="value")
def count(value: float) -> float:
    with open("counted", "a") as log:
        log.write("count\n")
    return value + 1


@app.activity_trigger(input_name="value")
def also_count(value: float) -> float:
    return value + 1


@app.activity_trigger(input_name="value")
def broken(value: str) -> str:
    with open("counted", "a") as log:
        log.write("broken\n")
    raise ValueError("boom")
