"""Reads host.json and local.settings.json of an app, and reports their faults."""

from __future__ import annotations

import json
import logging
import math
import os
import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from funchost.app.host_json import comments
from funchost.app.host_json.document import HostJson
from funchost.app.host_json.names import with_settings
from funchost.app.versions import Failure, Match, Versions

LOG = logging.getLogger("funchost.settings")
_HOST = re.compile(r"[a-z0-9.-]+|[0-9a-f:]+")
# The documented form of a task hub's name, and a token of RFC 9110.
_HUB = re.compile(r"[A-Za-z][A-Za-z0-9]{2,44}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
W = TypeVar("W", bound=str)
DEFAULT_PORT = 7071
OVERRIDABLE = ("NonRunningStates", "AnyState")
MATCHES: tuple[Match, ...] = ("None", "Strict", "CurrentOrOlder")
FAILURES: tuple[Failure, ...] = ("Reject", "Fail")


class SettingsError(Exception):
    """A setting is wrong; the text names the file, the setting and the remedy."""


@dataclass(frozen=True, kw_only=True)
class HostSettings:
    """The settings that the host reads from host.json."""

    route_prefix: str = "api"
    task_hub: str = "TestHubName"
    overrides_any_state: bool = False
    versions: Versions = field(default_factory=Versions)
    function_timeout: timedelta | None = None
    activities: int | None = None  # at once
    functions: tuple[str, ...] | None = None  # the only ones to load
    requests: int | None = None  # HTTP functions at once
    outstanding: int | None = None  # HTTP functions that run or wait
    headers: tuple[tuple[str, str], ...] = ()
    said: tuple[str, ...] = ()  # messages about host.json that the start logs


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The settings that the host reads from FUNCHOST_ environment variables."""

    replays: bool
    check: str = "sample"
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
        check=_word("FUNCHOST_CHECK", ("sample", "all", "off")),
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


def _word(name: str, choices: tuple[str, ...]) -> str:
    """Return the value of a variable in lower case, the first choice when it is not set."""
    text = os.environ.get(name, "").lower() or choices[0]
    if text not in choices:
        raise SettingsError(f"{name} is {text!r}: use {', '.join(choices[:-1])} or {choices[-1]}")
    return text


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
    for name in ("durableTask", "http"):
        _part(extensions, name, "host.json: extensions")
    file = HostJson(document, os.environ)
    refused, said = file.problems()
    if refused:
        raise SettingsError("\n".join(refused))
    durable, http = "extensions.durableTask.", "extensions.http."
    overridable = _choice(
        file, f"{durable}overridableExistingInstanceStates", OVERRIDABLE, "NonRunningStates"
    )
    prefix = file.get(f"{http}routePrefix")
    try:
        file.count(f"{durable}maxConcurrentOrchestratorFunctions")  # one runs at a time
        return HostSettings(
            route_prefix="api" if prefix is None else str(prefix).strip("/"),
            task_hub=_hub(file.get(f"{durable}hubName"), f"{durable}hubName"),
            overrides_any_state=overridable == "AnyState",
            versions=Versions(
                default=str(file.get(f"{durable}defaultVersion") or ""),
                match=_choice(file, f"{durable}versionMatchStrategy", MATCHES, "CurrentOrOlder"),
                failure=_choice(file, f"{durable}versionFailureStrategy", FAILURES, "Reject"),
            ),
            function_timeout=file.span("functionTimeout"),
            activities=file.count(f"{durable}maxConcurrentActivityFunctions"),
            functions=file.texts("functions"),
            requests=file.limit(f"{http}maxConcurrentRequests"),
            outstanding=file.limit(f"{http}maxOutstandingRequests"),
            headers=_headers(file, f"{http}customHeaders."),
            said=tuple(said),
        )
    except ValueError as error:
        raise SettingsError(str(error)) from error


def _hub(value: object, name: str) -> str:
    """Return the name of the task hub; ValueError when Azure Storage takes no such name."""
    if value is None or value == "":
        return "TestHubName"
    hub = with_settings(str(value), os.environ, f"host.json: {name}")
    if not _HUB.fullmatch(hub):
        raise ValueError(
            f"host.json: {name} is {hub!r}; a task hub's name begins with a letter and has 3 to 45 "
            "letters and digits"
        )
    return hub


def _headers(file: HostJson, section: str) -> tuple[tuple[str, str], ...]:
    """Return the headers of a section; ValueError when HTTP has no such header."""
    headers = file.section(section)
    for name, text in headers:
        if not _HEADER.fullmatch(name) or any(sign in text for sign in "\r\n\0"):
            raise ValueError(
                f"host.json: {section}{name} is {text!r}; a header has a name of letters, digits "
                "and -, and a text of one line"
            )
    return headers


def _choice(file: HostJson, name: str, words: tuple[W, ...], default: W) -> W:
    """Return the word of a setting, which may be written in any case."""
    value = file.get(name)
    text = default if value is None else str(value)
    for word in words:
        if word.lower() == text.lower():
            return word
    raise SettingsError(f"host.json: {name} is {text!r}; use {' or '.join(words)}")


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
        if name in ("TZ", "WEBSITE_TIME_ZONE") and str(value).upper() not in ("UTC", "ETC/UTC"):
            LOG.warning("local.settings.json: Values.%s has no effect: the host runs in UTC", name)
        os.environ.setdefault(name, value if isinstance(value, str) else json.dumps(value))


def read_origins(app: Path) -> tuple[str, ...]:
    """Return the origins in `Host.CORS` of local.settings.json: their pages may send requests."""
    host = _part(_read(app / "local.settings.json"), "Host", "local.settings.json")
    return tuple(
        origin.strip() for origin in str(host.get("CORS", "")).split(",") if origin.strip()
    )


def read_port(app: Path) -> int:
    """Return `Host.LocalHttpPort` of local.settings.json, the port of a start that names none."""
    host = _part(_read(app / "local.settings.json"), "Host", "local.settings.json")
    port = host.get("LocalHttpPort", DEFAULT_PORT)
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port < 65536:
        raise SettingsError(f"local.settings.json: Host.LocalHttpPort is {port!r}; use a port")
    return port


def unread_settings(app: Path) -> list[str]:
    """Return a text for each setting of local.settings.json that this host does not read."""
    document = _read(app / "local.settings.json")
    host = _part(document, "Host", "local.settings.json")
    unread = [name for name in document if name not in ("IsEncrypted", "Values", "Host")]
    unread += [f"Host.{name}" for name in host if name not in ("LocalHttpPort", "CORS")]
    return [f"local.settings.json: {name} has no effect here" for name in unread]


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        document = comments.loads(path.read_text(encoding="utf-8-sig"))
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
