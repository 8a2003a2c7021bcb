"""Orchestrations that show one behaviour each, and every method of the SDK's client over HTTP."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
LOG = Path(os.environ.get("CONTRACT_LOG", "contract.log"))


def note(line: str) -> int:
    with LOG.open("a") as log:
        log.write(line + "\n")
    return LOG.read_text().splitlines().count(line)


class Point:
    """A class of the app's own that crosses the border."""

    def __init__(self, x: int) -> None:
        self.x = x

    @staticmethod
    def to_json(point: "Point") -> str:
        return str(point.x)

    @staticmethod
    def from_json(text: str) -> "Point":
        return Point(int(text))


@app.route(route="client/{method}/{id}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def call_client(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    method, instance, body = req.route_params["method"], req.route_params["id"], req.get_json()
    try:
        if method == "start_new":
            answer = await client.start_new(instance_id=instance, **body)
        elif method == "get_status":
            answer = (await client.get_status(instance, **body)).to_json()
        elif method == "get_status_by":
            found = await client.get_status_by(
                created_time_from=datetime.fromisoformat(body["since"]),
                created_time_to=datetime.fromisoformat(body["until"]),
                runtime_status=[df.OrchestrationRuntimeStatus[s] for s in body["statuses"]],
            )
            answer = [one.instance_id for one in found]
        elif method == "purge_instance_history_by":
            purged = await client.purge_instance_history_by(
                created_time_from=datetime.fromisoformat(body["since"]),
                created_time_to=datetime.fromisoformat(body["until"]),
                runtime_status=[df.OrchestrationRuntimeStatus[s] for s in body["statuses"]],
            )
            answer = purged.instances_deleted
        elif method == "purge_instance_history":
            answer = (await client.purge_instance_history(instance)).instances_deleted
        else:
            answer = await getattr(client, method)(instance, **body)
    except Exception as error:
        return func.HttpResponse(str(error), status_code=418)
    return func.HttpResponse(json.dumps(answer, default=str), mimetype="application/json")


@app.orchestration_trigger(context_name="context")
def echoes(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("echo", context.get_input()))


@app.orchestration_trigger(context_name="context")
def borders(context: df.DurableOrchestrationContext):
    kinds = ["tuple", "keys", "nan", "big", "none", "one", "text"]
    found = {}
    for kind in kinds:
        found[kind] = yield context.call_activity("make", kind)
    point = yield context.call_activity("move", Point(1))
    found["point"] = point.x
    return found


@app.orchestration_trigger(context_name="context")
def refused(context: df.DurableOrchestrationContext):
    try:
        yield context.call_activity("make", "set")
    except Exception as error:
        return str(error).splitlines()[0]


@app.orchestration_trigger(context_name="context")
def gives_up(context: df.DurableOrchestrationContext):
    options = df.RetryOptions(5, 3)
    try:
        yield context.call_activity_with_retry("fail", options, context.instance_id)
    except Exception as error:
        return str(error).splitlines()[0].strip()


@app.orchestration_trigger(context_name="context")
def missing(context: df.DurableOrchestrationContext):
    yield context.call_activity("nobody", None)


@app.orchestration_trigger(context_name="context")
def children(context: df.DurableOrchestrationContext):
    options = df.RetryOptions(5, 2)
    named = yield context.call_sub_orchestrator("child", {"a": 1}, f"{context.instance_id}-named")
    first = yield context.call_sub_orchestrator("child", "text")
    second = yield context.call_sub_orchestrator("child", [1, 2])
    try:
        yield context.call_sub_orchestrator_with_retry("failing_child", options, None)
        failure = ""
    except Exception as error:
        failure = str(error)
    return [named, first, second, failure]


@app.orchestration_trigger(context_name="context")
def child(context: df.DurableOrchestrationContext):
    yield context.call_activity("echo", 0)
    return [context.get_input(), context.parent_instance_id, context.instance_id]


@app.orchestration_trigger(context_name="context")
def failing_child(context: df.DurableOrchestrationContext):
    note("failing child")
    yield context.call_activity("fail", context.instance_id)


@app.orchestration_trigger(context_name="context")
def events(context: df.DurableOrchestrationContext):
    yield context.call_activity("slowly", 2.0)
    taken = []
    for _ in range(3):
        taken.append((yield context.wait_for_external_event("number")))
    return taken


@app.orchestration_trigger(context_name="context")
def nested(context: df.DurableOrchestrationContext):
    never = context.wait_for_external_event("never")
    pair = context.task_all([context.call_activity("echo", 1), context.call_activity("echo", 2)])
    winner = yield context.task_any([never, pair])
    again = yield context.task_all(
        [context.call_activity("echo", 3), context.call_activity("echo", 4)]
    )
    try:
        yield context.task_all(
            [context.call_activity("fail", "x"), context.call_activity("echo", 5)]
        )
        failed = False
    except Exception:
        failed = True
    empty = yield context.task_all([])
    return [winner is pair, pair.result, again, failed, empty]


@app.orchestration_trigger(context_name="context")
def long_timer(context: df.DurableOrchestrationContext):
    timer = context.create_timer(context.current_utc_datetime + timedelta(days=10))
    event = context.wait_for_external_event("stop")
    yield context.task_any([timer, event])
    return "stopped"


@app.orchestration_trigger(context_name="context")
def past_timer(context: df.DurableOrchestrationContext):
    yield context.create_timer(context.current_utc_datetime - timedelta(days=1))
    return "at once"


@app.orchestration_trigger(context_name="context")
def keeps_events(context: df.DurableOrchestrationContext):
    taken = context.get_input() or []
    taken.append((yield context.wait_for_external_event("number")))
    if len(taken) == 3:
        return taken
    context.continue_as_new(taken)
    return None


@app.orchestration_trigger(context_name="context")
def same_again(context: df.DurableOrchestrationContext):
    first = [context.new_uuid(), context.new_guid().hex, context.current_utc_datetime.isoformat()]
    note(f"replaying {context.is_replaying}") if not context.is_replaying else None
    yield context.call_activity("remember", [context.instance_id, first])
    stored = yield context.call_activity("recall", context.instance_id)
    return stored == first


@app.orchestration_trigger(context_name="context")
def versions(context: df.DurableOrchestrationContext):
    inner = yield context.call_sub_orchestrator("own_version", None)
    named = yield context.call_sub_orchestrator("own_version", None, version="1.0")
    return [context.version, inner, named]


@app.orchestration_trigger(context_name="context")
def own_version(context: df.DurableOrchestrationContext):
    yield context.call_activity("echo", 0)
    return context.version


@app.orchestration_trigger(context_name="context")
def patient(context: df.DurableOrchestrationContext):
    return (yield context.wait_for_external_event("go"))


@app.orchestration_trigger(context_name="context")
def not_json(context: df.DurableOrchestrationContext):
    yield context.call_activity("echo", 0)
    return {1, 2}


@app.orchestration_trigger(context_name="context")
def blocking(context: df.DurableOrchestrationContext):
    import time

    while not LOG.with_suffix(f".{context.instance_id}").exists():
        time.sleep(0.05)
    return (yield context.call_activity("echo", "late"))


@app.activity_trigger(input_name="value")
def echo(value: object) -> object:
    return value


@app.activity_trigger(input_name="kind")
def make(kind: str) -> object:
    made = {
        "tuple": (1, 2),
        "keys": {1: "a"},
        "nan": [float("nan"), float("inf")],
        "big": 2**70,
        "none": None,
        "one": 1.0,
        "text": "ü🦊",
        "set": {1},
    }
    return made[kind]


@app.activity_trigger(input_name="point")
def move(point: Point) -> Point:
    return Point(point.x + 1)


@app.activity_trigger(input_name="who")
def fail(who: str) -> None:
    note(f"fail {who}")
    raise ValueError("it fails")


@app.activity_trigger(input_name="seconds")
async def slowly(seconds: float) -> float:
    import asyncio

    await asyncio.sleep(seconds)
    return seconds


@app.activity_trigger(input_name="pair")
def remember(pair: list) -> None:
    LOG.with_suffix(f".{pair[0]}").write_text(json.dumps(pair[1]))


@app.activity_trigger(input_name="who")
def recall(who: str) -> list:
    return json.loads(LOG.with_suffix(f".{who}").read_text())
