"""Compares the app's settings and host.json in Azure with those that it reads; and its events."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

from function_app.domain.event_types import READERS
from function_app.errors import ConfigError
from function_app.settings.azure import PREFIX, AzureSettings
from function_app.settings.git import API, TOKEN
from function_app.settings.notify import PREFIX as NOTIFY
from function_app.settings.notify import NotifySettings
from function_app.settings.settings import WEBHOOK_SECRET, read_settings
from infra.check.arm import Compiled, Configuration, Problem, Resource, text_of
from infra.check.policy import SECRET_NAME
from infra.stage_app import HOST, merge

# Settings by which the app is told to make what the templates make and it has no role to make: the
# event subscriptions (events.bicep), and the workspace.
LEFT_UNSET = frozenset(
    {"EVENTS_FUNCTION", "DATA_TOPIC", "WORKSPACE_TOPIC", "KEY_VAULT", "APPLICATION_INSIGHTS"}
)
# Their defaults are right in Azure's public cloud, and production takes keys; `extraSettings`
# changes them elsewhere, or lets production take Entra tokens.
LEFT_TO_DEFAULTS = frozenset(
    {
        "ENDPOINT_SIZE", "REGISTRY_SCOPE", "TRAINING_IMAGE",
        "MANAGEMENT_ENDPOINT", "AUTHORITY", "AML_RESOURCE_ID", "PORTAL_ENDPOINT",
        "DISCOVERY_ENDPOINT", "TOPIC_SCOPE", "CLUSTER_SCOPE", "CA_FILE", "POLL_SECONDS",
        "COLLECTOR", "BUILD_SECONDS", "ROLLOUT_SECONDS", "STAGING_TLS_IMAGE",
        "CALLER_AUDIENCE", "CALLER_ROLE", "CALLER_APPS",
    }
)  # fmt: skip
NEEDED = {"MLOPS_PLATFORM": "azure", "MLOPS_TOPIC_ENDPOINT": None, "MLOPS_STATE": None}
NETWORK_ONLY = {"STAGING_SUBNET"}
CLUSTER_ONLY = {"CLUSTER", "CLUSTER_RESOURCE_GROUP", "CLUSTER_NAMESPACE"}
OPTIONAL = LEFT_UNSET | LEFT_TO_DEFAULTS | NETWORK_ONLY | CLUSTER_ONLY
# The app's settings beside those of AzureSettings: by name, or by how the name begins.
OTHERS = (
    *NEEDED,
    "MLOPS_PROJECTS",
    "MLOPS_TOPICS",
    "MLOPS_PUBLIC_URL",
    "MLOPS_TRUSTED_PROXIES",
    WEBHOOK_SECRET,
    TOKEN,
    API,
)
REFERENCE = "@Microsoft.KeyVault("
# Such an address is a secret too, because anybody who knows it may write there.
SECRET_ADDRESS = re.compile(NOTIFY + r"\w+_URL")
# Not secrets: the resources behind them take tokens only.
HARMLESS = {
    "APPLICATIONINSIGHTS_CONNECTION_STRING", "DURABLE_TASK_SCHEDULER_CONNECTION_STRING",
    "AzureWebJobsStorage__credential", "AZURE_TOKEN_CREDENTIALS",
}  # fmt: skip
# The scale controller of Flex Consumption looks each ten seconds; slower polling adds to that.
SLOWEST_POLLING = "00:00:10"
_DURATION = re.compile(r"\d{2}:\d{2}:\d{2}")
# Members of resources that are addresses.
_ADDRESS = re.compile(r"^<(?:endpoint|vaultUri|blob|queue|table)>|(?<=https://)<\w+>")
_HOOK, _MAIL = (
    "https://example.org/hook",
    "smtp://example.org:587?from=a@example.org&to=b@example.org",
)
_SECRETS = {"SLACK_URL": _HOOK, "TEAMS_URL": _HOOK, "WEBHOOK_URL": _HOOK, "SMTP_URL": _MAIL}
# Flex Consumption refuses or ignores them.
NOT_ON_FLEX = {
    "FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", "WEBSITE_RUN_FROM_PACKAGE",
    "SCM_DO_BUILD_DURING_DEPLOYMENT", "AzureWebJobsStorage",
}  # fmt: skip


def check(compiled: Compiled, repository: Path) -> Iterator[Problem]:
    """Yield settings that are missing, unknown, secret or refused by the app, and lost events."""
    for name, configuration in compiled.configurations.items():
        try:
            raw = configuration.settings()
        except ValueError:
            continue  # identities.py reports this
        settings = {key: text_of(value) for key, value in raw.items()}
        for text in (*_wrong(settings, repository), *_host(configuration, settings, repository)):
            yield Problem(path=f"snapshots/{name}.json", text=text)
    for text in _events(compiled.events, repository):
        yield Problem(path="events.bicep", text=text)


def _wrong(settings: dict[str, str], repository: Path) -> Iterator[str]:
    known = {PREFIX + entry.name.upper() for entry in fields(AzureSettings)}
    channels = {NOTIFY + entry.name.upper() for entry in fields(NotifySettings)}
    for name, expected in NEEDED.items():
        if not settings.get(name) or (expected and settings[name] != expected):
            yield f"The app needs the setting {name}{' = ' + expected if expected else ''}."
    for name in sorted(known):
        short = name.removeprefix(PREFIX)
        if name not in settings and short not in OPTIONAL:
            yield f"The app reads {name} and nothing sets it."
        if settings.get(name) and short in LEFT_UNSET:
            yield f"{name} must stay unset: the app may not make what it would make with it."
    for name, value in settings.items():
        other = name not in known | channels and not name.startswith(OTHERS)
        if name.startswith("MLOPS_") and other:
            yield f"{name} is set and the app does not read it."
        if name in NOT_ON_FLEX:
            yield f"{name} has no place on Flex Consumption."
        secret = SECRET_NAME.search(name) or SECRET_ADDRESS.fullmatch(name)
        if secret and name not in HARMLESS and not value.startswith(REFERENCE):
            yield f"{name} looks like a secret; it must be a Key Vault reference."
    try:
        read = read_settings(_resolved(settings), repository).azure
    except ConfigError as error:
        yield f"The app refuses these settings: {error.message}"
        return
    if read and read.production == "cluster" and not read.cluster:
        yield "The app's production is a cluster, and none is named."


def _resolved(settings: Mapping[str, str]) -> dict[str, str]:
    """Return what the app reads at its start: references and unknown parts have become texts."""
    resolved = {}
    for name, value in settings.items():
        if value.startswith(REFERENCE):
            value = _SECRETS.get(name.removeprefix(NOTIFY), "x" * 32)
        resolved[name] = _ADDRESS.sub("https://example.org", value)
    return resolved


def _host(
    configuration: Configuration, settings: Mapping[str, str], repository: Path
) -> Iterator[str]:
    """Yield differences between host.json and the templates: task hub, connections, durations."""
    backend = "scheduler" if "useScheduler" in configuration.traits else "storage"
    folder = repository / "infra" / "host"
    parts = [repository / HOST, folder / "azure.json", folder / f"{backend}.json"]
    first, *rest = (json.loads(path.read_text("utf-8")) for path in parts)
    for part in rest:
        first = merge(first, part)
    durable = first["extensions"]["durableTask"]
    provider = durable["storageProvider"]
    if backend == "scheduler":
        hubs = configuration.of("Microsoft.DurableTask/schedulers/taskHubs")
        made = [hub.name.rpartition("/")[2] for hub in hubs]
        if made != [durable["hubName"]]:
            yield f"host.json has the task hub {durable['hubName']!r}, the templates make {made}."
        name = provider.get("connectionStringName", "")
        value = settings.get(name, "")
        if not value:
            yield f"The setting {name!r} of host/{backend}.json is not set."
        elif not value.endswith(f";TaskHub={durable['hubName']}"):
            yield f"{name} names another task hub than host.json."
    polling = provider.get("maxQueuePollingInterval", "00:00:00")
    if not _DURATION.fullmatch(polling) or polling > SLOWEST_POLLING:
        yield f"maxQueuePollingInterval {polling!r} is longer than {SLOWEST_POLLING}."


def _events(events: tuple[Resource, ...], repository: Path) -> Iterator[str]:
    included: set[str] = set()
    known = _functions((repository / "function_app" / "wiring.py").read_text("utf-8"))
    for resource in events:
        included |= set(resource.at("properties.filter.includedEventTypes") or ())
        function = str(resource.at("properties.destination.properties.resourceId"))
        if function.rpartition("/")[2] not in known:
            yield f"The app has no function {function.rpartition('/')[2]!r} to deliver to."
    for name in sorted(set(READERS) - included):
        yield f"The app takes {name} and nothing sends it."


def _functions(source: str) -> set[str]:
    """Return the names of the functions that wiring.py registers for Event Grid."""
    return {
        node.name
        for outer in ast.walk(ast.parse(source))
        if isinstance(outer, ast.FunctionDef) and outer.name == "add_event_grid"
        for node in ast.walk(outer)
        if isinstance(node, ast.AsyncFunctionDef)
    }
