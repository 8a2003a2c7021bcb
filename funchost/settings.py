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


def read_host_settings(app: Path) -> HostSettings:
    """Read host.json, with Azure's defaults for what it leaves out."""
    path = app / "host.json"
    document = json.loads(path.read_text()) if path.exists() else {}
    extensions = document.get("extensions", {})
    return HostSettings(
        str(extensions.get("http", {}).get("routePrefix", "api")).strip("/"),
        str(extensions.get("durableTask", {}).get("hubName", "TestHubName")),
    )


def export_local_settings(app: Path) -> None:
    """Put the Values of local.settings.json in the environment where unset."""
    path = app / "local.settings.json"
    if path.exists():
        for name, value in json.loads(path.read_text()).get("Values", {}).items():
            os.environ.setdefault(name, str(value))
