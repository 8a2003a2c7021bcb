"""The settings of the app: read once, where the app is created, and passed down."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from configuration.people.user_folder import user_folder
from configuration.project_file import ProjectFileError, read_project_file
from configuration.values import RESERVED_SOURCES
from configuration.variables import find_misspelt
from function_app.domain.access.proxies import NO_PROXIES, TrustedProxies, read_proxies
from function_app.domain.change.isolation import Isolation
from function_app.domain.codec import load
from function_app.domain.people.duties import Separation
from function_app.domain.people.people import People, Person
from function_app.domain.project import Limits, ModelProject
from function_app.domain.webhooks.webhook_sources import WebhookSource
from function_app.errors import ConfigError
from function_app.settings.azure import UNRESOLVED, AzureSettings, read_azure_settings
from function_app.settings.git import GitSettings, read_git_settings
from function_app.settings.notify import NotifySettings, read_notify_settings
from function_app.telemetry import OTLP_ENDPOINT

LOG = logging.getLogger("mlops.settings")
ROOT = Path(__file__).resolve().parents[2]
PLATFORMS = ("local", "azure")
WEBHOOK_SECRET, SHORTEST_SECRET = "MLOPS_WEBHOOK_SECRET_", 16
BASE_IMAGE = "localhost/mlops-scoring-base:latest"
READY_SECONDS = 60.0
PROXIES = "MLOPS_TRUSTED_PROXIES"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All values that the app reads from its environment.

    `state` is the folder of the local platform; the topic is where the app publishes; `topics` are
    those that may subscribe `POST /api/events`, by resource id or origin. `proxies` are the trusted
    ones before the app. `host_refusals` is the file in which the local host writes the requests it
    refused, None below another host. `collector` is the address for spans and figures, which are
    sent as those of `service`. `ready_seconds` is the time limit for the start of a replica of the
    local platform. `user_folder` is the folder of this person's keys on the local platform.
    `engine` is the command of a container engine: None means the installed one, "" means none.
    """

    platform: str
    root: Path
    state: Path
    user_folder: Path
    topic_endpoint: str
    topic_key: str = field(repr=False)
    projects: Mapping[str, ModelProject]
    webhook_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    sources: Mapping[str, WebhookSource] = field(default_factory=dict)
    topics: tuple[str, ...] = ()
    proxies: TrustedProxies = NO_PROXIES
    host_refusals: Path | None = None
    engine: str | None = None
    base_image: str = BASE_IMAGE
    ready_seconds: float = READY_SECONDS
    notify: NotifySettings = field(default_factory=NotifySettings)
    azure: AzureSettings | None = None
    git: GitSettings = field(default_factory=GitSettings)
    isolation: Isolation = field(default_factory=Isolation)
    collector: str = ""
    service: str = "mlops"


def read_limits(projects: Mapping[str, ModelProject]) -> Limits:
    """Return the limits that all models share."""
    return next(iter(projects.values())).limits


def read_people(projects: Mapping[str, ModelProject]) -> People:
    """Return the people of mlops.toml, whom all models share."""
    return next(iter(projects.values())).people


def read_settings(environ: Mapping[str, str], root: Path) -> Settings:
    """Return the settings of the app in folder `root`, or raise ConfigError naming the bad key."""
    platform = environ.get("MLOPS_PLATFORM", "local")
    if platform not in PLATFORMS:
        raise ConfigError(f"MLOPS_PLATFORM is {platform!r}. Use one of {', '.join(PLATFORMS)}.")
    notify = read_notify_settings(environ)
    if notify.azure_mail_endpoint and platform != "azure":
        key = "MLOPS_NOTIFY_AZURE_MAIL_ENDPOINT"
        raise ConfigError(f"{key} needs MLOPS_PLATFORM=azure. Use MLOPS_NOTIFY_SMTP_URL.")
    file = Path(environ.get("MLOPS_PROJECTS") or root / "mlops.toml")
    state = Path(environ.get("MLOPS_STATE", root / ".mlops")).resolve()
    return Settings(
        platform=platform,
        root=root,
        state=state,
        user_folder=user_folder(state, environ),
        topic_endpoint=environ.get("MLOPS_TOPIC_ENDPOINT")
        or environ.get("FUNCHOST_TOPIC_ENDPOINT", ""),
        topic_key=environ.get("MLOPS_TOPIC_KEY") or environ.get("FUNCHOST_TOPIC_KEY", ""),
        projects=read_projects(file, root),
        isolation=read_isolation(file, root),
        webhook_secrets=_webhook_secrets(environ),
        sources=read_sources(file, root),
        topics=tuple(filter(None, environ.get("MLOPS_TOPICS", "").replace(",", " ").split())),
        proxies=read_proxies(environ.get(PROXIES, ""), PROXIES),
        host_refusals=Path(text) if (text := environ.get("FUNCHOST_REFUSALS", "")) else None,
        engine=environ.get("MLOPS_ENGINE"),
        base_image=environ.get("MLOPS_BASE_IMAGE", BASE_IMAGE),
        ready_seconds=_seconds(environ, "MLOPS_READY_SECONDS", READY_SECONDS),
        notify=notify,
        azure=read_azure_settings(environ) if platform == "azure" else None,
        git=read_git_settings(environ),
        # The OpenTelemetry specification's own variables; its exporter reads them, too.
        collector=environ.get(OTLP_ENDPOINT, ""),
        service=environ.get("OTEL_SERVICE_NAME") or environ.get("WEBSITE_SITE_NAME") or "mlops",
    )


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    """Return a time limit in seconds, or raise ConfigError when it is no positive number."""
    text = environ.get(name) or str(default)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ConfigError(f"{name} is {text!r}. Give a positive number of seconds.")
    return seconds


def _webhook_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the secret of each webhook source: MLOPS_WEBHOOK_SECRET_JENKINS is `jenkins`'s."""
    secrets = {}
    for name, secret in environ.items():
        if name.startswith(WEBHOOK_SECRET):
            if secret.startswith(UNRESOLVED):
                raise ConfigError(f"{name} is a Key Vault reference that was not resolved.")
            if len(secret) < SHORTEST_SECRET:
                raise ConfigError(f"{name} is shorter than {SHORTEST_SECRET} characters.")
            source = name.removeprefix(WEBHOOK_SECRET).lower().replace("_", "-")
            if source in RESERVED_SOURCES:
                raise ConfigError(f"{name}: the app itself uses {source!r}. Choose another name.")
            secrets[source] = secret
    return secrets


def current_settings() -> Settings:
    """Return the settings of this process; the app's folder is the one above this package.

    A variable whose name is nearly that of a setting has no effect; it is logged as a warning.
    """
    for warning in find_misspelt(os.environ):
        LOG.warning(warning)
    return read_settings(os.environ, ROOT)


def read_projects(path: Path, root: Path = ROOT) -> dict[str, ModelProject]:
    """Return the models of a mlops.toml, by name, or raise ConfigError with all its problems.

    `root` is the folder of the app, in which the modules of the models must exist.
    """
    content = _read_file(path, root)
    limits = load(Limits, content.get("limits", {}))
    people = load(dict[str, Person], content.get("people", {}))
    return {
        name: replace(load(ModelProject, _in_words(entry)), limits=limits, people=people)
        for name, entry in content["models"].items()
    }


def read_sources(path: Path, root: Path = ROOT) -> dict[str, WebhookSource]:
    """Return the scopes of webhook sources of a mlops.toml, by name; ConfigError as above."""
    content = _read_file(path, root)
    return {name: load(WebhookSource, entry) for name, entry in content.get("webhooks", {}).items()}


def read_isolation(path: Path, root: Path = ROOT) -> Isolation:
    """Return the isolation that a mlops.toml asks for, or raise ConfigError."""
    content = _read_file(path, root)
    return load(Isolation, {name: content.get(name, {}) for name in ("checks", "runs")})


def _read_file(path: Path, root: Path) -> Mapping[str, Any]:
    try:
        return read_project_file(path, root)
    except ProjectFileError as error:
        raise ConfigError(str(error)) from error


def _in_words(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model's tables with `separation_of_duties` as a word instead of true or false."""
    release = dict(model["release"])
    words = {True: Separation.ON, False: Separation.OFF}
    key = "separation_of_duties"
    if isinstance(flag := release.get(key), bool):
        release[key] = words[flag].value
    return {**model, "release": release}
