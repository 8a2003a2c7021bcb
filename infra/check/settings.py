"""The settings and host.json that the app gets against those that it reads; and its events."""

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
from infra.check.arm import Compiled, Configuration, Problem, Resource
from infra.check.choices import CHOICES
from infra.check.secrets import SECRET_NAME
from infra.stage_app import HOST, merge

# No template sets them. With the first five the app would make resources that the templates make,
# and for which it has no role; the defaults of the others are right in Azure's public cloud, where
# production takes keys, and `extraSettings` changes them elsewhere.
UNSET = frozenset(
    {
        "EVENTS_FUNCTION", "DATA_TOPIC", "WORKSPACE_TOPIC", "KEY_VAULT", "APPLICATION_INSIGHTS",
        "ENDPOINT_SIZE", "REGISTRY_SCOPE", "TRAINING_IMAGE",
        "MANAGEMENT_ENDPOINT", "AUTHORITY", "AML_RESOURCE_ID", "PORTAL_ENDPOINT",
        "DISCOVERY_ENDPOINT", "TOPIC_SCOPE", "CLUSTER_SCOPE", "CA_FILE", "POLL_SECONDS",
        "COLLECTOR", "BUILD_SECONDS", "ROLLOUT_SECONDS", "STAGING_TLS_IMAGE",
        "CALLER_AUDIENCE", "CALLER_ROLE", "CALLER_APPS",
    }
)  # fmt: skip
# The app's settings beside those of AzureSettings: by how the name begins.
OTHERS = (
    "MLOPS_PLATFORM", "MLOPS_TOPIC_ENDPOINT", "MLOPS_STATE", "MLOPS_PROJECTS", "MLOPS_TOPICS",
    "MLOPS_PUBLIC_URL", "MLOPS_TRUSTED_PROXIES", WEBHOOK_SECRET, TOKEN, API,
)  # fmt: skip
REFERENCE = "@Microsoft.KeyVault("
# Everybody who knows such an address may write there, so it is a secret too.
SECRET_ADDRESS = re.compile(NOTIFY + r"\w+_URL")
# Not secrets: the resources behind them take tokens only.
HARMLESS = {
    "APPLICATIONINSIGHTS_CONNECTION_STRING", "DURABLE_TASK_SCHEDULER_CONNECTION_STRING",
    "AzureWebJobsStorage__credential", "AZURE_TOKEN_CREDENTIALS",
}  # fmt: skip
# Flex Consumption asks for work every ten seconds; slower polling adds to that.
SLOWEST_POLLING = "00:00:10"
# Members of resources that are addresses.
_ADDRESS = re.compile(r"^<[\w.-]+\.(?:endpoint|vaultUri|blob|queue|table)>|(?<=https://)<[\w.-]+>")
_HOOK, _MAIL = (
    "https://example.org/hook",
    "smtp://example.org:587?from=a@example.org&to=b@example.org",
)
_SECRETS = {"SLACK_URL": _HOOK, "TEAMS_URL": _HOOK, "WEBHOOK_URL": _HOOK, "SMTP_URL": _MAIL}


def check(compiled: Compiled, repository: Path) -> Iterator[Problem]:
    """Yield settings that are missing, unknown, secret or refused by the app, and lost events."""
    known = {PREFIX + entry.name.upper() for entry in fields(AzureSettings)}
    missing = known - {PREFIX + name for name in UNSET}
    for name in set(CHOICES) & set(compiled.configurations):
        configuration = compiled.configurations[name]
        try:
            settings = configuration.settings()
        except ValueError as error:
            yield Problem(path=configuration.path, text=str(error))
            continue
        missing -= set(settings)
        for text in (
            *_wrong(settings, known, repository), *_host(configuration, settings, repository)
        ):  # fmt: skip
            yield Problem(path=configuration.path, text=text)
    for name in sorted(missing):
        yield Problem(path="main.bicep", text=f"The app reads {name} and nothing sets it.")
    for text in _events(compiled.configurations["events"].resources, repository):
        yield Problem(path="events.bicep", text=text)


def _wrong(settings: Mapping[str, str], known: set[str], repository: Path) -> Iterator[str]:
    known = known | {NOTIFY + entry.name.upper() for entry in fields(NotifySettings)}
    for name, value in settings.items():
        if name.startswith("MLOPS_") and name not in known and not name.startswith(OTHERS):
            yield f"{name} is set and the app does not read it."
        secret = SECRET_NAME.search(name) or SECRET_ADDRESS.fullmatch(name)
        if secret and name not in HARMLESS and not value.startswith(REFERENCE):
            yield f"{name} looks like a secret; it must be a Key Vault reference."
    try:
        read_settings(_resolved(settings), repository)
    except ConfigError as error:
        yield f"The app refuses these settings: {error.message}"


def _resolved(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings as the app reads them: references and unknown parts have become texts."""
    resolved = {}
    for name, value in settings.items():
        if value.startswith(REFERENCE):
            value = _SECRETS.get(name.removeprefix(NOTIFY), "x" * 32)
        resolved[name] = _ADDRESS.sub("https://example.org", value)
    return resolved


def _host(
    configuration: Configuration, settings: Mapping[str, str], repository: Path
) -> Iterator[str]:
    """Yield differences between host.json and the templates: task hub, connection, polling."""
    backend = "scheduler" if "useScheduler" in configuration.traits else "storage"
    parts = [repository / HOST, *(repository / f"infra/host/{n}.json" for n in ("azure", backend))]
    try:
        first, *rest = (json.loads(path.read_text("utf-8")) for path in parts)
    except ValueError:
        return  # readers.py says so
    for part in rest:
        first = merge(first, part)
    durable = first["extensions"]["durableTask"]
    provider, hub = durable["storageProvider"], durable["hubName"]
    if backend == "scheduler":
        hubs = configuration.of("Microsoft.DurableTask/schedulers/taskHubs")
        made = [resource.name.rpartition("/")[2] for resource in hubs]
        if made != [hub]:
            yield f"host.json has the task hub {hub!r}, the templates make {made}."
        name = provider.get("connectionStringName", "")
        if not settings.get(name, "").endswith(f";TaskHub={hub}"):
            yield f"The setting {name!r} of host/{backend}.json does not name the task hub {hub!r}."
    polling = provider.get("maxQueuePollingInterval", "00:00:00")
    if not re.fullmatch(r"\d{2}:\d{2}:\d{2}", polling) or polling > SLOWEST_POLLING:
        yield f"maxQueuePollingInterval {polling!r} is longer than {SLOWEST_POLLING}."
    threads = settings.get("PYTHON_THREADPOOL_THREAD_COUNT")
    running = ("maxConcurrentActivityFunctions", "maxConcurrentOrchestratorFunctions")
    if threads != str(sum(durable[key] for key in running)):
        yield f"The worker has {threads} threads; host.json runs as many turns and activities."


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
