"""Stored events and their outcomes."""

import hashlib
import hmac
import json
import os
import time
from pathlib import Path
from typing import Annotated

import typer

from mlopsctl import screens
from mlopsctl.reach.client import ApiError, read_pages, segment
from mlopsctl.reach.connection import STATE, Json, State, Url, connect, print_json

events = typer.Typer(
    help="List, show, replay, discard and send events, and list dead letters.", no_args_is_help=True
)


Source = Annotated[
    str,
    typer.Option(help="Send as this webhook source, signed with MLOPS_WEBHOOK_SECRET_<SOURCE>."),
]


@events.command("send")
def send(
    file: Path, source: Source = "", url: Url = "", state: State = STATE, as_json: Json = False
) -> None:
    """Send the event, or the list of events, in a JSON file."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ApiError("BAD_FILE", f"{file} holds no JSON: {error}") from error
    api = connect(url, state)
    if source:
        body = json.dumps(content).encode()
        headers = {"Content-Type": "application/json", **signed(_secret(source), body)}
        receipts = api.post_signed(f"/api/webhooks/{source}", body, headers)
    else:
        receipts = api.post("/api/events", content)
    if as_json:
        return print_json(receipts)
    for receipt in receipts["receipts"]:
        rest = receipt["instance_id"] or f"{receipt['code']} {receipt['reason']}"
        print(f"{receipt['event_id']}: {receipt['outcome']} {rest}")
    return None


def _secret(source: str) -> str:
    name = f"MLOPS_WEBHOOK_SECRET_{source.upper().replace('-', '_')}"
    secret = os.environ.get(name, "")
    if not secret:
        raise ApiError("NO_SECRET", f"{name} is not set. Set it to the secret of the source.")
    return secret


def signed(secret: str, body: bytes) -> dict[str, str]:
    """Return the headers that prove the sender of a body and the time (docs/how-to/webhooks.md)."""
    now = str(int(time.time()))
    digest = hmac.new(secret.encode(), now.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-Mlops-Timestamp": now, "X-Hub-Signature-256": f"sha256={digest}"}


Limit = Annotated[int, typer.Option(min=1, help="Number of newest events to list.")]
Everything = Annotated[bool, typer.Option("--all", help="List every event.")]
Outcome = Annotated[str, typer.Option(help="Only events with this outcome, such as refused.")]


@events.command("list")
def list_events(
    outcome: Outcome = "",
    limit: Limit = 500,
    everything: Everything = False,
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """List the newest events with their outcomes; refused events are dead letters."""
    query = {"outcome": outcome} if outcome else {}
    api, most = connect(url, state), None if everything else limit
    content = read_pages(api.get, "/api/events", "events", most, query)
    if as_json:
        return print_json(content)
    screens.console().print(screens.events_table(content["events"], "Events"))
    return print("More exist: --limit N or --all lists them.") if content["next"] else None


@events.command("show")
def show(event_key: str, url: Url = "", state: State = STATE) -> None:
    """Print one event as received, with its outcome."""
    print_json(connect(url, state).get(f"/api/events/{segment(event_key)}"))


@events.command("replay")
def replay(event_key: str, url: Url = "", state: State = STATE, as_json: Json = False) -> None:
    """Process a refused event again, after its cause was repaired."""
    receipt = connect(url, state).post(f"/api/events/{segment(event_key)}/replay")["receipt"]
    if as_json:
        print_json(receipt)
    else:
        print(f"{receipt['outcome']} {receipt['instance_id'] or receipt['reason']}")
    if receipt["outcome"] == "refused":
        raise typer.Exit(1)


@events.command("discard")
def discard(event_key: str, url: Url = "", state: State = STATE) -> None:
    """Forget an event for good; its claim stays."""
    print(
        f"discarded {connect(url, state).delete(f'/api/events/{segment(event_key)}')['discarded']}"
    )
