"""HTTP functions of every level and route, Event Grid functions with filters, timers."""

import json
import os
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
LOG = Path(os.environ.get("SURFACE_LOG", "surface.log"))


def note(line: str) -> None:
    with LOG.open("a") as log:
        log.write(line + "\n")


def values(req: func.HttpRequest) -> str:
    return json.dumps(dict(req.route_params))


@app.route(route="open", auth_level=func.AuthLevel.ANONYMOUS)
def open_to_all(req: func.HttpRequest) -> str:
    return "open"


@app.route(route="keyed")
def keyed(req: func.HttpRequest) -> str:
    return "keyed"


@app.route(route="admin-only", auth_level=func.AuthLevel.ADMIN)
def admin(req: func.HttpRequest) -> str:
    return "admin"


@app.route(route="items/{id:int:range(1,9)}/{rest?}", auth_level=func.AuthLevel.ANONYMOUS)
def item(req: func.HttpRequest) -> str:
    return values(req)


@app.route(route="items/special", auth_level=func.AuthLevel.ANONYMOUS)
def special(req: func.HttpRequest) -> str:
    return "special"


@app.route(route="files/{*path}", auth_level=func.AuthLevel.ANONYMOUS)
def files(req: func.HttpRequest) -> str:
    return values(req)


@app.route(route="days/{day:datetime}/{size=5}", auth_level=func.AuthLevel.ANONYMOUS)
def day(req: func.HttpRequest) -> str:
    return values(req)


@app.route(route="codes/{code:regex(^[a-z]{{2}}$)}", auth_level=func.AuthLevel.ANONYMOUS)
def code(req: func.HttpRequest) -> str:
    return values(req)


@app.route(route="returns/{what}", auth_level=func.AuthLevel.ANONYMOUS)
def returns(req: func.HttpRequest) -> func.HttpResponse:
    what = req.route_params["what"]
    if what == "bytes":
        return func.HttpResponse(bytes(range(256)), mimetype="application/octet-stream")
    if what == "size":
        return func.HttpResponse(str(len(req.get_body())))
    if what == "object":
        return '{"body": {"a": 1}, "status": 418, "headers": {"x-a": "b"}}'
    if what == "json":
        return "[1, 2]"
    if what == "error":
        raise ValueError("secret")
    return what


@app.event_grid_trigger(arg_name="event")
def on_csv(event: func.EventGridEvent) -> None:
    note(f"csv {event.id}")


@app.event_grid_trigger(arg_name="event")
def on_any(event: func.EventGridEvent) -> None:
    note(f"any {event.id} {type(event).__name__}")


@app.event_grid_trigger(arg_name="event")
def never(event: func.EventGridEvent) -> None:
    note(f"never {event.id}")
    if not Path(os.environ["SURFACE_LOG"] + ".mended").exists():
        raise ValueError("broken for good")


@app.timer_trigger(schedule="%SURFACE_SCHEDULE%", arg_name="timer")
def tick(timer: func.TimerRequest) -> None:
    note(f"tick past_due={timer.past_due}")
