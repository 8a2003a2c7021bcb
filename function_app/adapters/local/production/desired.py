"""The desired state of one model's production, in a file that the server can restore."""

from pathlib import Path
from typing import Any

from function_app.adapters.local.reach.files import read_json, read_object, write_json

STATE = "state.json"
# Locked by the server alone, not by its replicas; it contains the id of their process group.
SERVER_LOCK = "server.lock"
# The number of the attempt whose failure was reported, in the file with the desired state.
REPORTED = "reported"


def read_desired(path: Path) -> dict[str, Any] | None:
    """Return the desired state, None when nothing was ever promoted.

    A missing or garbled file is restored from the server's state: the image that got the traffic
    last remains desired. PlatformError when it is garbled and the server's state does not help.
    """
    stored = read_object(path)
    if "wish" in stored and "port" in stored:
        return stored
    state = read_object(path.with_name(STATE))
    serving = state.get("serving") or {}
    if "port" not in serving:
        content: dict[str, Any] | None = read_json(path)
        return content or None
    stored = {**serving, "wish": state["handled"], REPORTED: 0}
    write_json(path, stored)
    return stored
