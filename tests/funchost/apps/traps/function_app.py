"""Orchestrations that meet rules of the real extension by which an app waits, fails or loses data."""

import json
import os
import time
from datetime import timedelta
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
LOG = Path(os.environ.get("SMALL_LOG", "traps.log"))
REPAIRED = LOG.with_suffix(".repaired")


def nested(levels):
    value = "leaf"
    for _ in range(levels):
        value = {"a": value}
    return value


@app.route(route="start/{story}/{id?}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    value = json.loads(req.get_body() or b"null")
    name, instance = req.route_params["story"], req.route_params.get("id") or ""
    return func.HttpResponse(await client.start_new(name, instance, value))


@app.route(route="accepts", methods=["POST"])
def accepts(req: func.HttpRequest) -> func.HttpResponse:
    with LOG.open("a") as log:
        log.write("asked\n")
    return func.HttpResponse("later", status_code=202, headers={"Location": "/api/accepts"})


@app.orchestration_trigger(context_name="context")
def leaves_a_timer(context: df.DurableOrchestrationContext):
    options = context.get_input()
    timer = context.create_timer(context.current_utc_datetime + timedelta(**options["after"]))
    event = context.wait_for_external_event("go")
    yield context.task_any([timer, event])
    if options["cancels"]:
        timer.cancel()
    return "returned"


@app.orchestration_trigger(context_name="context")
def leaves_a_task(context: df.DurableOrchestrationContext):
    kind = context.get_input()
    if kind == "second":
        return "second"
    if kind == "child":
        slow = context.call_sub_orchestrator("waits", None, f"{context.instance_id}-child")
    else:
        slow = context.call_activity("held", context.instance_id)
    yield context.task_any([slow, context.call_activity("count", "quick")])
    if kind == "raises":
        raise ValueError("gives up")
    if kind == "again":
        context.continue_as_new("second")
        return None
    return "returned"


@app.orchestration_trigger(context_name="context")
def takes_one_in_each_round(context: df.DurableOrchestrationContext):
    taken = context.get_input() or []
    if not taken:
        yield context.wait_for_external_event("open")
    taken.append((yield context.wait_for_external_event("item")))
    context.continue_as_new(taken)


@app.orchestration_trigger(context_name="context")
def shows(context: df.DurableOrchestrationContext):
    for value in context.get_input():
        context.set_custom_status(value)
        yield context.wait_for_external_event("next")
    return "shown"


@app.orchestration_trigger(context_name="context")
def nests(context: df.DurableOrchestrationContext):
    kind, levels = context.get_input()
    if kind == "status":
        context.set_custom_status(nested(levels))
        yield context.wait_for_external_event("go")
    if kind == "result":
        try:
            yield context.call_activity("nest", levels)
        except Exception as error:
            return str(error).splitlines()[0].strip()
    yield context.call_activity("count", "nests")
    return nested(levels) if kind == "output" else "no error"


@app.orchestration_trigger(context_name="context")
def reads(context: df.DurableOrchestrationContext):
    return {"input": context.get_input(), "version": context.version}
    yield


@app.orchestration_trigger(context_name="context")
def raises_its_input(context: df.DurableOrchestrationContext):
    yield context.call_activity("count", "before the failure")
    raise ValueError(context.get_input()["text"])


@app.orchestration_trigger(context_name="context")
def has_a_child_of_version(context: df.DurableOrchestrationContext):
    return (
        yield context.call_sub_orchestrator(
            "reads", None, f"{context.instance_id}-child", version=context.get_input()
        )
    )


@app.orchestration_trigger(context_name="context")
def has_a_child(context: df.DurableOrchestrationContext):
    try:
        return (yield context.call_sub_orchestrator("waits", None, f"{context.instance_id}-child"))
    except Exception as error:
        return str(error)


@app.orchestration_trigger(context_name="context")
def has_an_unnamed_child(context: df.DurableOrchestrationContext):
    return (yield context.call_sub_orchestrator("waits", None))


@app.orchestration_trigger(context_name="context")
def waits(context: df.DurableOrchestrationContext):
    if (yield context.wait_for_external_event("go")) == "fail":
        raise ValueError("the child gives up")
    return "went"


@app.orchestration_trigger(context_name="context")
def names_its_child(context: df.DurableOrchestrationContext):
    yield context.call_activity("count", "before")
    return (yield context.call_sub_orchestrator("own_id", None))


@app.orchestration_trigger(context_name="context")
def own_id(context: df.DurableOrchestrationContext):
    return context.instance_id
    yield


@app.orchestration_trigger(context_name="context")
def returns_no_numbers(context: df.DurableOrchestrationContext):
    return {"loss": float("nan"), "bounds": [float("inf"), -float("inf")]}
    yield


@app.orchestration_trigger(context_name="context")
def reads_its_history(context: df.DurableOrchestrationContext):
    for number in range(2):
        yield context.call_activity("count", f"step {number}")
    return [[int(e.event_type), e.is_played] for e in context.histories]


@app.orchestration_trigger(context_name="context")
def calls_http(context: df.DurableOrchestrationContext):
    answer = yield context.call_http("POST", context.get_input())
    return [answer["statusCode"], answer["headers"].get("Location")]


@app.orchestration_trigger(context_name="context")
def counts_once(context: df.DurableOrchestrationContext):
    yield context.call_activity("count", context.instance_id)
    return (yield context.wait_for_external_event("go"))


@app.orchestration_trigger(context_name="context")
def fans_out(context: df.DurableOrchestrationContext):
    yield context.task_all(
        [context.call_activity("fragile" if n % 2 else "count", f"fan {n}") for n in range(4)]
    )
    return (yield context.call_activity("count", "after the fan"))


@app.orchestration_trigger(context_name="context")
def catches_then_fails(context: df.DurableOrchestrationContext):
    try:
        yield context.call_activity("fragile", "first")
    except Exception:
        context.set_custom_status("caught")
    context.signal_entity(df.EntityId("tally", context.instance_id), "add", 1)
    yield context.call_activity("count", "second")
    yield context.call_sub_orchestrator("counts_twice", None)
    told = yield context.call_entity(df.EntityId("tally", context.instance_id), "add", 1)
    yield context.call_activity("fragile", "last")
    return told


@app.orchestration_trigger(context_name="context")
def catches_then_has_a_failed_child(context: df.DurableOrchestrationContext):
    try:
        yield context.call_activity("fragile", "caught")
    except Exception:
        context.set_custom_status("caught")
    return (yield context.call_sub_orchestrator("counts_then_fails", None))


@app.orchestration_trigger(context_name="context")
def has_a_failed_child(context: df.DurableOrchestrationContext):
    name = f"{context.instance_id}-child"
    return (yield context.call_sub_orchestrator("counts_then_fails", None, name))


@app.orchestration_trigger(context_name="context")
def counts_then_fails(context: df.DurableOrchestrationContext):
    yield context.call_activity("count", "before the child's failure")
    return (yield context.call_activity("fragile", "in the child"))


@app.orchestration_trigger(context_name="context")
def counts_twice(context: df.DurableOrchestrationContext):
    for number in range(2):
        yield context.call_activity("count", f"child {number}")


def retries_and_catches(context):
    try:
        yield context.call_activity_with_retry("fragile", df.RetryOptions(1, 2), "caught")
    except Exception:
        context.set_custom_status("caught")


@app.orchestration_trigger(context_name="context")
def retries_then_has_children(context: df.DurableOrchestrationContext):
    """After a rewind its tasks have other numbers, because the first attempt succeeds."""
    yield from retries_and_catches(context)
    names = ("counts_then_fails", "counts_twice")
    yield context.task_all([context.call_sub_orchestrator(name, None) for name in names])
    more = [context.call_sub_orchestrator("counts_twice", number) for number in range(6)]
    yield context.task_all(more)
    return "done"


@app.orchestration_trigger(context_name="context")
def names_its_children(context: df.DurableOrchestrationContext):
    yield from retries_and_catches(context)
    names = [f"{context.instance_id}-{number}" for number in range(3)]
    return (
        yield context.task_all(
            [context.call_sub_orchestrator("counts_its_id", None, name) for name in names]
        )
    )


@app.orchestration_trigger(context_name="context")
def counts_its_id(context: df.DurableOrchestrationContext):
    name = "fragile" if context.instance_id.endswith("-0") else "count"
    return (yield context.call_activity(name, context.instance_id))


@app.orchestration_trigger(context_name="context")
def leaves_running_tasks(context: df.DurableOrchestrationContext):
    """The host fails it at once, while an activity and a child run."""
    yield from retries_and_catches(context)
    child = context.call_sub_orchestrator("waits", None)
    slow = context.call_activity("slow_once", "slow")
    yield context.task_any([child, slow, context.call_activity("count", "quick")])
    if not REPAIRED.exists():
        context.set_custom_status("x" * 20_000)
    lines = []
    for number in range(4):
        lines.append((yield context.call_activity("count", f"later {number}")))
    lines.append((yield child))
    return lines


@app.entity_trigger(context_name="context")
def tally(context):
    value = context.get_state(lambda: 0)
    if context.operation_name == "add":
        context.set_state(value + context.get_input())
        context.set_result(value + context.get_input())
    elif context.operation_name == "delete":
        context.destruct_on_exit()
    elif context.operation_name == "lose":
        context.set_state([float("nan"), float("-inf")])
    else:
        raise KeyError(context.operation_name)


def note(line: str) -> None:
    with LOG.open("a") as log:
        log.write(f"{line}\n")


@app.activity_trigger(input_name="line")
def count(line: str) -> str:
    note(line)
    return line


@app.activity_trigger(input_name="line")
def fragile(line: str) -> str:
    note(line)
    if not REPAIRED.exists():
        raise ValueError(f"{line} is not repaired")
    return line


@app.activity_trigger(input_name="line")
def slow_once(line: str) -> str:
    begun = LOG.exists() and line in LOG.read_text().splitlines()
    note(line)
    while not begun and not LOG.with_suffix(".open").exists():
        time.sleep(0.01)
    return line


@app.activity_trigger(input_name="name")
def held(name: str) -> None:
    while not LOG.with_suffix(f".{name}").exists():
        time.sleep(0.01)


@app.activity_trigger(input_name="levels")
def nest(levels: int) -> dict:
    return nested(levels)
