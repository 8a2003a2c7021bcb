"""A counter entity, durable HTTP, and an activity that can be repaired while its story has failed."""

import json
import os
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
REPAIRED = Path(os.environ.get("SMALL_LOG", "small.log")).with_suffix(".repaired")


@app.entity_trigger(context_name="context")
def counter(context):
    value = context.get_state(lambda: 0)
    operation = context.operation_name
    if operation == "add":
        value += context.get_input()
        context.set_state(value)
    elif operation == "break":
        raise ValueError("the counter is broken")
    elif operation == "destroy":
        context.destruct_on_exit()
        return
    context.set_result(value)


@app.route(route="start/{story}/{id}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    value = json.loads(req.get_body() or b"null")
    name, instance = req.route_params["story"], req.route_params["id"]
    return func.HttpResponse(await client.start_new(name, instance, value))


@app.route(route="counter/{key}", methods=["GET", "POST"])
@app.durable_client_input(client_name="client")
async def count(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    entity = df.EntityId("counter", req.route_params["key"])
    if req.method == "POST":
        await client.signal_entity(entity, "add", int(req.get_body()))
    state = await client.read_entity_state(entity)
    return func.HttpResponse(json.dumps([state.entity_exists, state.entity_state]))


@app.orchestration_trigger(context_name="context")
def counting(context: df.DurableOrchestrationContext):
    entity = df.EntityId("counter", context.get_input())
    context.signal_entity(entity, "add", 2)
    first = yield context.call_entity(entity, "add", 3)
    try:
        yield context.call_entity(entity, "break")
    except Exception as error:
        broken = str(error)
    second, third = yield context.task_all(
        [context.call_entity(entity, "add", 1), context.call_entity(entity, "get")]
    )
    context.signal_entity(entity, "add", 100)
    return [first, broken, second, third]


@app.orchestration_trigger(context_name="context")
def destroying(context: df.DurableOrchestrationContext):
    entity = df.EntityId("Counter", context.get_input())
    yield context.call_entity(entity, "add", 3)
    yield context.call_entity(entity, "destroy")
    return "gone"


@app.orchestration_trigger(context_name="context")
def lost(context: df.DurableOrchestrationContext):
    yield context.call_entity(df.EntityId("nobody", "x"), "add", 3)


@app.orchestration_trigger(context_name="context")
def calling(context: df.DurableOrchestrationContext):
    response = yield context.call_http("POST", context.get_input(), {"a": 1})
    return [response["statusCode"], response["content"]]


@app.orchestration_trigger(context_name="context")
def repairable(context: df.DurableOrchestrationContext):
    before = yield context.call_activity("note", "before")
    return [before, (yield context.call_activity("fragile", None))]


@app.orchestration_trigger(context_name="context")
def retried(context: df.DurableOrchestrationContext):
    yield context.call_activity("note", "retried")
    return (yield context.call_activity_with_retry("fragile", df.RetryOptions(10, 2), None))


@app.orchestration_trigger(context_name="context")
def above(context: df.DurableOrchestrationContext):
    return (yield context.call_sub_orchestrator("repairable", None, "below"))


@app.activity_trigger(input_name="line")
def note(line: str) -> str:
    with Path(os.environ["SMALL_LOG"]).open("a") as log:
        log.write(line + "\n")
    return line


@app.activity_trigger(input_name="nothing")
def fragile(nothing: str) -> str:
    if not REPAIRED.exists():
        raise ValueError("not repaired")
    return "repaired"
