"""Functions that end their own process, or their own task, and orchestrations that call them."""

import asyncio
import os
import sys
import time
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
FOLDER = Path(os.environ.get("EXITS_FOLDER", "."))


def log(line: str) -> None:
    with (FOLDER / "exits.log").open("a") as file:
        file.write(line + "\n")


def wait_for(file: str) -> None:
    while not (FOLDER / file).exists():
        time.sleep(0.01)


@app.route(route="exits", methods=["GET"])
def exits(req: func.HttpRequest) -> str:
    sys.exit(3)


@app.route(route="exits_async", methods=["GET"])
async def exits_async(req: func.HttpRequest) -> str:
    sys.exit(3)


@app.route(route="cancels_async", methods=["GET"])
async def cancels_async(req: func.HttpRequest) -> str:
    raise asyncio.CancelledError


@app.activity_trigger(input_name="code")
def quits(code: int) -> None:
    sys.exit(code)


@app.activity_trigger(input_name="code")
async def quits_async(code: int) -> None:
    sys.exit(code)


@app.activity_trigger(input_name="code")
def cancels(code: int) -> None:
    raise asyncio.CancelledError


@app.activity_trigger(input_name="code")
async def awaits_cancelled(code: int) -> None:
    task = asyncio.create_task(asyncio.sleep(3600))
    task.cancel()
    await task


@app.orchestration_trigger(context_name="context")
def calls(context: df.DurableOrchestrationContext):
    return (yield context.call_activity(context.get_input(), 4))


@app.orchestration_trigger(context_name="context")
def leaves(context: df.DurableOrchestrationContext):
    sys.exit(5)
    yield context.call_activity("quits", 4)


@app.entity_trigger(context_name="context")
def leaver(context: df.DurableEntityContext) -> None:
    sys.exit(6)


@app.orchestration_trigger(context_name="context")
def asks(context: df.DurableOrchestrationContext):
    return (yield context.call_entity(df.EntityId("leaver", "one"), "leave"))


@app.orchestration_trigger(context_name="context")
def holds(context: df.DurableOrchestrationContext):
    """Holds up every other orchestration until a file is there."""
    log("holds")
    wait_for("release")
    return "held"
    yield


@app.orchestration_trigger(context_name="context")
def works(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("work", None))


@app.activity_trigger(input_name="nothing")
def work(nothing: str) -> str:
    log("work")
    wait_for("go")
    return "worked"


@app.orchestration_trigger(context_name="context")
def both(context: df.DurableOrchestrationContext):
    """Fails when the first to end has failed, while the other activity still runs."""
    tasks = [context.call_activity("work", None), context.call_activity("fails_once", None)]
    first = yield context.task_any(tasks)
    if isinstance(first.result, Exception):
        raise first.result
    yield tasks[0]
    return "both"


@app.activity_trigger(input_name="nothing")
def fails_once(nothing: str) -> str:
    log("fails_once")
    if (FOLDER / "exits.log").read_text().count("fails_once") == 1:
        raise ValueError("the first time")
    return "done"


@app.orchestration_trigger(context_name="context")
def twice(context: df.DurableOrchestrationContext):
    """Continues as new once, then waits for an event."""
    if context.get_input() == "first":
        context.continue_as_new("second")
        return None
    return (yield context.wait_for_external_event("go"))
