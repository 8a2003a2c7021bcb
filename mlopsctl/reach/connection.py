"""Finds the app for the commands, and declares the options that all of them have."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from mlopsctl.reach.client import Api, ApiError
from mlopsctl.reach.credentials import Credentials
from mlopsctl.reach.local_host import running_url

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".mlops"
PORT = 7071

State = Annotated[Path, typer.Option(envvar="MLOPS_STATE", help="State folder of this machine.")]
Url = Annotated[
    str,
    typer.Option(
        envvar="MLOPS_URL", help="Address of the app; by default the app of this machine."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def connect(url: str, state: Path) -> Api:
    """Return the app at this URL, else the one that runs on this state.

    ApiError when none does: another app must not answer for it.
    """
    address = url or running_url(state)
    if not address:
        raise ApiError(
            "NOT_RUNNING",
            f"No app runs on the state {state}. Start it with `make up`, or name a running app "
            f"by --url (of `func start`: http://127.0.0.1:{PORT}) or another state by --state.",
        )
    # A function key of the app in Azure; on one machine `up --auth` asks for one, too.
    return Api(address, state, key=Credentials(address, state).key())


def print_json(content: Any) -> None:
    """Print a value as JSON, for scripts."""
    print(json.dumps(content, indent=2))
