"""Events that come in, and those that nothing took."""

import json
from pathlib import Path

import typer

from mlopsctl import screens
from mlopsctl.client import ApiError
from mlopsctl.connection import STATE, Json, State, Url, connect, print_json

events = typer.Typer(help="Events that come in, and dead letters.", no_args_is_help=True)


@events.command("send")
def send(file: Path, url: Url = "", state: State = STATE, as_json: Json = False) -> None:
    """Send the event, or the list of events, in a JSON file."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ApiError("BAD_FILE", f"{file} holds no JSON: {error}") from error
    receipts = connect(url, state).post("/api/events", content)
    if as_json:
        return print_json(receipts)
    for receipt in receipts["receipts"]:
        rest = receipt["instance_id"] or f"{receipt['code']} {receipt['reason']}"
        print(f"{receipt['event_id']}: {receipt['outcome']} {rest}")
    return None


@events.command("list")
def list_letters(url: Url = "", state: State = STATE, as_json: Json = False) -> None:
    """List the events that nothing took, with the reason."""
    content = connect(url, state).get("/api/dead-letters")
    if as_json:
        return print_json(content)
    return screens.console().print(screens.letters_table(content["dead_letters"]))


@events.command("show")
def show(letter_id: str, url: Url = "", state: State = STATE) -> None:
    """Print one dead letter with its event as it came."""
    print_json(connect(url, state).get(f"/api/dead-letters/{letter_id}"))


@events.command("replay")
def replay(letter_id: str, url: Url = "", state: State = STATE, as_json: Json = False) -> None:
    """Take a dead letter in again, after what refused it was mended."""
    receipt = connect(url, state).post(f"/api/dead-letters/{letter_id}/replay")["receipt"]
    if as_json:
        print_json(receipt)
    else:
        print(f"{receipt['outcome']} {receipt['instance_id'] or receipt['reason']}")
    if receipt["outcome"] == "refused":
        raise typer.Exit(1)


@events.command("discard")
def discard(letter_id: str, url: Url = "", state: State = STATE) -> None:
    """Forget a dead letter for good."""
    print(f"discarded {connect(url, state).delete(f'/api/dead-letters/{letter_id}')['discarded']}")
