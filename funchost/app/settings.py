"""Reads host.json and local.settings.json of an app, and reports their faults."""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

_HOST = re.compile(r"[a-z0-9.-]+|[0-9a-f:]+")
OVERRIDABLE = ("NonRunningStates", "AnyState")


class SettingsError(Exception):
    """A setting is wrong; the text names the file, the setting and the remedy."""


@dataclass(frozen=True, kw_only=True)
class HostSettings:
    """The settings that the host reads from host.json."""

    route_prefix: str = "api"
    task_hub: str = "TestHubName"
    overrides_any_state: bool = False
    default_version: str = ""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The settings that the host reads from FUNCHOST_ environment variables."""

    replays: bool
    retry_scale: float
    activity_scale: float = 1.0
    retention: timedelta | None
    topic_key: str | None
    allowed_hosts: tuple[str, ...] = ()
    body_bytes: int = 100 * 1024 * 1024
    connections: int = 1000
    request_seconds: float = 75.0
    webhook_key: bool = False
    webhook_rate: int = 6000
    threads: int = 32
    refusals: Path | None = None


def read_environment() -> Environment:
    """Read the FUNCHOST_ variables."""
    days = _number("FUNCHOST_RETENTION_DAYS", 0)
    return Environment(
        replays=os.environ.get("FUNCHOST_REPLAY", "") == "always",
        retry_scale=_number("FUNCHOST_EVENTGRID_RETRY_SCALE", 1),
        activity_scale=_number("FUNCHOST_ACTIVITY_RETRY_SCALE", 1),
        retention=timedelta(days=days) if days else None,
        topic_key=os.environ.get("FUNCHOST_TOPIC_KEY"),
        allowed_hosts=_hosts("FUNCHOST_ALLOWED_HOSTS"),
        # The app setting of the real host, with its default.
        body_bytes=_count("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", 100 * 1024 * 1024),
        connections=_count("FUNCHOST_MAX_CONNECTIONS", 1000),
        request_seconds=_number("FUNCHOST_REQUEST_SECONDS", 75.0),
        webhook_key=_flag("FUNCHOST_EVENTGRID_KEY"),
        # The setting of the real worker, with its default.
        threads=_count("PYTHON_THREADPOOL_THREAD_COUNT", min(32, (os.cpu_count() or 1) + 4)),
        webhook_rate=_count("FUNCHOST_EVENTGRID_PER_MINUTE", 6000),
        refusals=Path(text) if (text := os.environ.get("FUNCHOST_REFUSALS", "")) else None,
    )


def _hosts(name: str) -> tuple[str, ...]:
    hosts = tuple(host.lower() for host in os.environ.get(name, "").replace(",", " ").split())
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise SettingsError(f"{name} has {host!r}: use host names without scheme and port")
    return hosts


def _flag(name: str) -> bool:
    text = os.environ.get(name, "").lower()
    if text not in ("", "0", "1", "false", "true"):
        raise SettingsError(f"{name} is {text!r}: use true or false")
    return text in ("1", "true")


def _count(name: str, default: int) -> int:
    value = _number(name, default)
    if value < 1 or value != int(value):
        raise SettingsError(f"{name} is {os.environ[name]!r}: use a whole number of at least 1")
    return int(value)


def _number(name: str, default: float) -> float:
    text = os.environ.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1
    if not 0 <= value < math.inf:
        raise SettingsError(f"{name} is {text!r}: use a number that is not negative")
    return value


def read_host_settings(app: Path) -> HostSettings:
    """Read host.json, with Azure's defaults for missing keys."""
    document = _read(app / "host.json")
    extensions = _part(document, "extensions", "host.json")
    durable = _part(extensions, "durableTask", "host.json: extensions")
    http = _part(extensions, "http", "host.json: extensions")
    overridable = str(durable.get("overridableExistingInstanceStates", OVERRIDABLE[0]))
    if overridable.lower() not in [state.lower() for state in OVERRIDABLE]:
        raise SettingsError(
            f"host.json: overridableExistingInstanceStates is {overridable!r}; "
            f"use {' or '.join(OVERRIDABLE)}"
        )
    return HostSettings(
        route_prefix=str(http.get("routePrefix", "api")).strip("/"),
        task_hub=str(durable.get("hubName", "TestHubName")),
        overrides_any_state=overridable.lower() == "anystate",
        default_version=str(durable.get("defaultVersion", "")),
    )


def export_local_settings(app: Path) -> None:
    """Put each of the Values of local.settings.json in the environment, unless it is set there."""
    document = _read(app / "local.settings.json")
    if document.get("IsEncrypted"):
        raise SettingsError(
            "local.settings.json is encrypted; run `func settings decrypt` or write its Values "
            "in the clear"
        )
    for name, value in _part(document, "Values", "local.settings.json").items():
        if isinstance(value, dict | list) or value is None:
            raise SettingsError(f"local.settings.json: Values.{name} must be a string")
        os.environ.setdefault(name, value if isinstance(value, str) else json.dumps(value))


def read_origins(app: Path) -> tuple[str, ...]:
    """Return the origins in `Host.CORS` of local.settings.json: their pages may send requests."""
    host = _part(_read(app / "local.settings.json"), "Host", "local.settings.json")
    return tuple(
        origin.strip() for origin in str(host.get("CORS", "")).split(",") if origin.strip()
    )


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise SettingsError(f"{path.name} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise SettingsError(f"{path.name} must hold a JSON object")
    return document


def _part(document: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    part = document.get(name)
    if part is None:
        return {}
    if not isinstance(part, dict):
        raise SettingsError(f"{where}: {name} must be an object")
    return part
