"""The models: production, the last training, waiting releases."""

import sys
from typing import Any

from rich.table import Table

from mlopsctl import screens
from mlopsctl.reach.client import ApiError, segment
from mlopsctl.reach.connection import STATE, Json, State, Url, connect, print_json


def models(url: Url = "", state: State = STATE, as_json: Json = False) -> None:
    """List every model: its version in production, its last training, its waiting releases."""
    content = connect(url, state).get("/api/models")
    if as_json:
        return print_json(content)
    out = screens.console()
    out.print(models_table(content["models"]))
    for model in content["models"]:
        if model["error"]:
            out.print(f"{model['model']}: {model['error']}", soft_wrap=True, markup=False)
    return None


def models_table(models: list[dict[str, Any]]) -> Table:
    """Return a table with a row for each model."""
    table = Table("model", "serves", "since", "endpoint", "last training", "waits")
    for model in models:
        training = model["last_training"] or {}
        color = screens.TONES.get(training.get("tone") or "", "white")
        trained = f"[{color}]{training.get('outcome', 'never')}[/{color}]"
        waits = [*model["awaiting_approval"], *model["waiting_for_their_turn"]]
        served = "unknown" if model["error"] else "nothing"
        table.add_row(
            model["model"],
            f"version {model['version']}" if model["version"] else served,
            screens.moment(model["serves_since"]),
            model["endpoint"] or "",
            f"{trained} {screens.moment(training.get('at'))}".strip(),
            " ".join(waits),
        )
    return table


def endpoint(model: str, url: Url = "", state: State = STATE) -> None:
    """Print the address of a model's production; stderr gets a command that calls it."""
    content = connect(url, state).get(f"/api/models/{segment(model)}")
    if content["error"]:
        raise ApiError("PLATFORM", content["error"])
    if not content["endpoint"] or not content["version"]:
        text = f"Production serves no version of {model}. `mlopsctl models` lists waiting releases."
        raise ApiError("NOT_SERVED", text)
    print(content["endpoint"], flush=True)
    # The hint goes to stderr, because scripts read the address from stdout.
    print(f"Call it with a key of the model:\n{content['call']}", file=sys.stderr)
