"""Event Grid functions that record their events: /api/seen lists, /api/reset deletes them."""

import asyncio
import json
import threading
import time
from typing import Any

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
SEEN: list[dict[str, Any]] = []
LOCK = threading.Lock()
RUNNING = MOST = 0
NAMES = (
    *("id", "topic", "subject", "event_type", "data_version"),
    *("source", "type", "specversion", "datacontenttype", "dataschema", "extensions"),
)


def shown(event: Any) -> dict[str, Any]:
    """Return all that the SDK shows of an event."""
    document = {name: getattr(event, name) for name in NAMES if hasattr(event, name)}
    for name in ("event_time", "time"):
        moment = getattr(event, name, None)
        document[name] = moment.isoformat() if moment is not None else None
    return {"class": type(event).__name__, **document, "data": event.get_json()}


def record(name: str, event: Any) -> None:
    """Record an event; ValueError where its data asks for it."""
    document = shown(event)
    with LOCK:
        SEEN.append({"function": name, **document})
    data = document["data"]
    if isinstance(data, dict) and data.get("fail"):
        raise ValueError(f"asked to fail: {data['fail']}")


@app.event_grid_trigger(arg_name="event")
def one(event: func.EventGridEvent) -> None:
    record("one", event)


@app.event_grid_trigger(arg_name="event")
async def one_async(event: func.EventGridEvent) -> None:
    record("one_async", event)


@app.event_grid_trigger(arg_name="event")
def bare(event) -> None:  # type: ignore[no-untyped-def]
    record("bare", event)


@app.event_grid_trigger(arg_name="event")
def cloud(event: func.CloudEvent) -> None:
    record("cloud", event)


@app.event_grid_trigger(arg_name="event")
def with_context(event: func.EventGridEvent, context: func.Context) -> None:
    record("with_context:" + context.function_name, event)


@app.event_grid_trigger(arg_name="event")
def Mixed_Case(event: func.EventGridEvent) -> None:  # noqa: N802
    record("Mixed_Case", event)


@app.function_name(name="renamed")
@app.event_grid_trigger(arg_name="event")
def its_python_name(event: func.EventGridEvent) -> None:
    record("renamed", event)


@app.event_grid_trigger(arg_name="event")
async def returns_text(event: func.EventGridEvent):  # type: ignore[no-untyped-def]
    record("returns_text", event)
    return "a text that no binding takes"


def _count(change: int) -> None:
    global RUNNING, MOST
    with LOCK:
        RUNNING += change
        MOST = max(MOST, RUNNING)


@app.event_grid_trigger(arg_name="event")
def slow(event: func.EventGridEvent) -> None:
    _count(1)
    time.sleep(0.3)
    _count(-1)
    record("slow", event)


@app.event_grid_trigger(arg_name="event")
async def slow_async(event: func.EventGridEvent) -> None:
    _count(1)
    await asyncio.sleep(0.3)
    _count(-1)
    record("slow_async", event)


@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:01")
@app.event_grid_trigger(arg_name="event")
def retried(event: func.EventGridEvent, context: func.Context) -> None:
    count = context.retry_context.retry_count if context.retry_context is not None else None
    record(f"retried:{count}", event)


@app.event_grid_trigger(arg_name="events", cardinality="many")
def many(events) -> None:  # type: ignore[no-untyped-def]
    record("many", events)


@app.route(route="reset", methods=["POST"])
def reset(req: func.HttpRequest) -> func.HttpResponse:
    global MOST
    with LOCK:
        SEEN.clear()
        MOST = 0
    return func.HttpResponse("{}", mimetype="application/json")


@app.route(route="seen", methods=["GET"])
def seen(req: func.HttpRequest) -> func.HttpResponse:
    with LOCK:
        text = json.dumps({"seen": SEEN, "most": MOST})
    return func.HttpResponse(text, mimetype="application/json")


@app.route(route="not_an_event_function", methods=["GET"])
def not_an_event_function(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("{}", mimetype="application/json")
