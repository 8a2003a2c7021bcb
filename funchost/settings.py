"""Reads host.json and local.settings.json of an app."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class HostSettings:
    """What the host takes from host.json."""

    route_prefix: str
    task_hub: str
    overrides_any_state: bool = False


def read_host_settings(app: Path) -> HostSettings:
    """Read host.json, with Azure's defaults for what it leaves out."""
    path = app / "host.json"
    document = json.loads(path.read_text()) if path.exists() else {}
    extensions = document.get("extensions", {})
    durable = extensions.get("durableTask", {})
    overridable = str(durable.get("overridableExistingInstanceStates", "NonRunningStates"))
    if overridable.lower() not in ("nonrunningstates", "anystate"):
        raise ValueError(
            f"host.json: overridableExistingInstanceStates is {overridable!r}; "
            "use NonRunningStates or AnyState"
        )
    return HostSettings(
        str(extensions.get("http", {}).get("routePrefix", "api")).strip("/"),
        str(durable.get("hubName", "TestHubName")),
        overridable.lower() == "anystate",
    )


def export_local_settings(app: Path) -> None:
    """Put the Values of local.settings.json in the environment where unset."""
    path = app / "local.settings.json"
    if path.exists():
        for name, value in json.loads(path.read_text()).get("Values", {}).items():
            os.environ.setdefault(name, str(value))
