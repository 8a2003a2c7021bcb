"""An app that uses the host's promises; each function uses one promise."""

import json
import os
import time
from datetime import timedelta
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
LOG = Path(os.environ.get("SMALL_LOG", "small.log"))


def note(line: str) -> None:
    with LOG.open("a") as log:
        log.write(line + "\n")


@app.route(route="echo/{name:alpha}/{rest?}", methods=["GET", "POST"])
def echo(req: func.HttpRequest) -> func.HttpResponse:
    content = {
        "params": dict(req.route_params),
        "query": dict(req.params),
        "body": req.get_body().decode(),
    }
    return func.HttpResponse(json.dumps(content), mimetype="application/json", status_code=201)


@app.route(route="none")
def none(req: func.HttpRequest) -> func.HttpResponse:
    return None


@app.route(route="start/{story}/{id}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    body = req.get_body()
    value = json.loads(body) if body else None
    name, instance = req.route_params["story"], req.route_params["id"]
    return func.HttpResponse(await client.start_new(name, instance, value))


@app.route(route="rpc")
@app.durable_client_input(client_name="client")
async def rpc(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Tell the tests the secret address of the worker's calls."""
    return func.HttpResponse(client._orchestration_bindings.rpc_base_url)


@app.route(route="raise/{id}/{event}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def wake(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    await client.raise_event(
        req.route_params["id"], req.route_params["event"], json.loads(req.get_body())
    )
    return func.HttpResponse("ok")


@app.event_grid_trigger(arg_name="event")
def on_event(event: func.EventGridEvent) -> None:
    content = event.get_json()
    note(f"event {event.id} {content.get('n')}")
    attempts = LOG.read_text().count(f"event {event.id} ")
    if content.get("fail_first") and attempts == 1:
        raise ValueError("the first delivery fails")


@app.timer_trigger(schedule="0 0 0 1 1 *", arg_name="timer", run_on_startup=True)
def on_start(timer: func.TimerRequest) -> None:
    note("timer")


@app.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext):
    value = context.get_input()
    for _ in range(3):
        value = yield context.call_activity("add_one", value)
    context.set_custom_status({"step": "chained"})
    return value


@app.orchestration_trigger(context_name="context")
def fan(context: df.DurableOrchestrationContext):
    tasks = [context.call_activity("add_one", n) for n in range(10)]
    return (yield context.task_all(tasks))


@app.orchestration_trigger(context_name="context")
def waiting(context: df.DurableOrchestrationContext):
    yield context.call_activity("slow", context.instance_id)
    event = context.wait_for_external_event("go")
    timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    winner = yield context.task_any([event, timer])
    if winner is event:
        timer.cancel()
        return event.result
    return "late"


@app.orchestration_trigger(context_name="context")
def ticking(context: df.DurableOrchestrationContext):
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=200))
    return "ticked"


@app.orchestration_trigger(context_name="context")
def retrying(context: df.DurableOrchestrationContext):
    options = df.RetryOptions(10, 3)
    return (yield context.call_activity_with_retry("flaky", options, context.instance_id))


@app.orchestration_trigger(context_name="context")
def parent(context: df.DurableOrchestrationContext):
    return (yield context.call_sub_orchestrator("chain", 10))


@app.orchestration_trigger(context_name="context")
def counting(context: df.DurableOrchestrationContext):
    n = context.get_input()
    if n < 3:
        context.continue_as_new(n + 1)
        return None
    return n


@app.orchestration_trigger(context_name="context")
def catching(context: df.DurableOrchestrationContext):
    try:
        yield context.call_activity("broken", None)
    except Exception as error:
        return str(error).splitlines()[0].strip()
    return "no error"


@app.orchestration_trigger(context_name="context")
def failing(context: df.DurableOrchestrationContext):
    yield context.call_activity("broken", None)


@app.activity_trigger(input_name="n")
def add_one(n: int) -> int:
    return n + 1


@app.activity_trigger(input_name="who")
def slow(who: str) -> str:
    note(f"slow {who}")
    time.sleep(float(os.environ.get("SMALL_SLOW", "0")))
    return who


@app.activity_trigger(input_name="who")
def flaky(who: str) -> int:
    note(f"flaky {who}")
    attempts = LOG.read_text().count(f"flaky {who}\n")
    if attempts < 3:
        raise RuntimeError("not yet")
    return attempts


@app.activity_trigger(input_name="nothing")
def broken(nothing: str) -> str:
    raise ValueError("boom")


@app.orchestration_trigger(context_name="context")
def shown(context: df.DurableOrchestrationContext) -> str:
    """Shows a custom status of so many characters after an activity."""
    given = context.get_input()
    yield context.call_activity("add_one", 1)
    context.set_custom_status(given["sign"] * given["count"])
    return "shown"
