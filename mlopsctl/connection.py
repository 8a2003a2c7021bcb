"""Where the commands find the app, and the options that all of them have."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from mlopsctl.client import Api
from mlopsctl.local_host import running_url

ROOT = Path(__file__).resolve().parents[1]
STATE = ROOT / ".mlops"
PORT = 7071

State = Annotated[Path, typer.Option(envvar="MLOPS_STATE", help="State folder of this machine.")]
Url = Annotated[str, typer.Option(envvar="MLOPS_URL", help="The app; found by itself here.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def connect(url: str, state: Path) -> Api:
    """Return the app at this URL, else the one that runs on this state, else the usual port."""
    found = url or running_url(state) or f"http://127.0.0.1:{PORT}"
    return Api(found, state, key=os.environ.get("MLOPS_KEY", ""))


def print_json(content: Any) -> None:
    """Print for scripts."""
    print(json.dumps(content, indent=2))
