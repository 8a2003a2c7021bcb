"""The settings that the app gets against those that it reads; and the events that it is sent."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from function_app.azure_settings import PREFIX, AzureSettings, read_azure_settings
from function_app.domain.event_types import READERS
from function_app.errors import ConfigError
from function_app.git_settings import API, TOKEN, read_git_settings
from function_app.notify_settings import PREFIX as NOTIFY
from function_app.notify_settings import NotifySettings, read_notify_settings
from function_app.settings import WEBHOOK_SECRET
from infra.check.choices import EVERYTHING, NOTHING
from infra.check.evaluate import EvaluationError, Resource, instantiate
from infra.check.functions import Unknown, text_of_value
from infra.check.parser import text_of
from infra.check.policy import SECRET_NAME
from infra.check.problems import Problem
from infra.check.program import Program, expressions
from infra.check.syntax import Array, BicepFile, Literal, Object

# Settings by which the app is told to make what the templates make and it has no role to make: the
# event subscriptions (events.bicep), and the workspace.
LEFT_UNSET = frozenset(
    {"EVENTS_FUNCTION", "DATA_TOPIC", "WORKSPACE_TOPIC", "KEY_VAULT", "APPLICATION_INSIGHTS"}
)
# Their defaults are right in Azure's public cloud; `extraSettings` changes them elsewhere.
LEFT_TO_DEFAULTS = frozenset(
    {
        "ENDPOINT_SIZE", "REGISTRY_SCOPE", "TRAINING_IMAGE",
        "MANAGEMENT_ENDPOINT", "AUTHORITY", "AML_RESOURCE_ID", "PORTAL_ENDPOINT",
        "DISCOVERY_ENDPOINT", "TOPIC_SCOPE", "CLUSTER_SCOPE", "CA_FILE", "POLL_SECONDS",
        "COLLECTOR", "BUILD_SECONDS", "ROLLOUT_SECONDS", "STAGING_TLS_IMAGE",
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
# Whoever knows such an address may write there: it is a secret too.
SECRET_ADDRESS = re.compile(NOTIFY + r"\w+_URL")
# Not secrets: the resources behind them take tokens only.
HARMLESS = {
    "APPLICATIONINSIGHTS_CONNECTION_STRING", "DURABLE_TASK_SCHEDULER_CONNECTION_STRING",
    "AzureWebJobsStorage__credential", "AZURE_TOKEN_CREDENTIALS",
}  # fmt: skip
# Flex Consumption refuses or ignores them.
NOT_ON_FLEX = {
    "FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", "WEBSITE_RUN_FROM_PACKAGE",
    "SCM_DO_BUILD_DURING_DEPLOYMENT", "AzureWebJobsStorage",
}  # fmt: skip


def check(program: Program, repository: Path) -> Iterator[Problem]:
    """Yield settings that are missing, unknown, secret or refused by the app, and lost events."""
    for file in program.parameter_files():
        if file.using in program.files:
            for environ in (NOTHING, EVERYTHING):
                yield from _settings(program, file, environ)
    events = program.files.get("events.bicep")
    if events:
        yield from _events(events, repository)


def _settings(program: Program, file: BicepFile, environ: Mapping[str, str]) -> Iterator[Problem]:
    try:
        made = [r for r in instantiate(program, file, environ).resources() if _holds_settings(r)]
    except EvaluationError:
        return  # names.py says so
    if len(made) != 1:
        text = f"{len(made)} resources hold app settings (with {file.path}); one must."
        yield Problem(path=file.using, line=1, text=text)
        return
    settings = {name: _text(value) for name, value in made[0].body["properties"].items()}
    template = program.files[file.using]
    line = next((d.line for d in template.of("var") if d.name == "appSettings"), 1)
    for text in _wrong(settings):
        yield Problem(path=template.path, line=line, text=f"{text} (with {file.path})")


def _text(value: Any) -> str:
    # Of what only Azure knows, the part that the template says is looked at: https://…
    return value.text if isinstance(value, Unknown) else text_of_value(value)


def _holds_settings(resource: Resource) -> bool:
    return (
        resource.type.startswith("Microsoft.Web/sites/config@") and resource.name == "appsettings"
    )


def _wrong(settings: dict[str, str]) -> Iterator[str]:
    known = {PREFIX + entry.name.upper() for entry in fields(AzureSettings)}
    told = {NOTIFY + entry.name.upper() for entry in fields(NotifySettings)}
    for name, wanted in NEEDED.items():
        if not settings.get(name) or (wanted and settings[name] != wanted):
            yield f"The app needs the setting {name}{' = ' + wanted if wanted else ''}."
    for name in sorted(known):
        short = name.removeprefix(PREFIX)
        if name not in settings and short not in OPTIONAL:
            yield f"The app reads {name} and nothing sets it."
        if settings.get(name) and short in LEFT_UNSET:
            yield f"{name} must stay unset: the app may not make what it would make with it."
    for name, value in settings.items():
        other = name not in known | told and not name.startswith(OTHERS)
        if name.startswith("MLOPS_") and other:
            yield f"{name} is set and the app does not read it."
        if name in NOT_ON_FLEX:
            yield f"{name} has no place on Flex Consumption."
        secret = SECRET_NAME.search(name) or SECRET_ADDRESS.fullmatch(name)
        if secret and name not in HARMLESS and not value.startswith(REFERENCE):
            yield f"{name} looks like a secret; it must be a Key Vault reference."
    try:
        read = read_azure_settings(settings)
        resolved = {k: v for k, v in settings.items() if not v.startswith(REFERENCE)}
        read_git_settings(resolved)
        read_notify_settings(resolved)
        if read.production == "cluster" and not read.cluster:
            yield "The app's production is a cluster, and none is named."
    except ConfigError as error:
        yield f"The app refuses these settings: {error.message}"


def _events(file: BicepFile, repository: Path) -> Iterator[Problem]:
    included = set()
    for node in expressions(file):
        types = node.get("includedEventTypes") if isinstance(node, Object) else None
        if isinstance(types, Array):
            included |= {item.value for item in types.items if isinstance(item, Literal)}
    for name in sorted(set(READERS) - included):
        yield Problem(path=file.path, line=1, text=f"The app takes {name} and nothing sends it.")
    for entry in file.of("param"):
        if entry.name == "functionName":
            function = text_of(entry.value) or ""
            source = (repository / "function_app" / "wiring.py").read_text("utf-8")
            if function not in _functions(source):
                text = f"The app has no function {function!r} to deliver to."
                yield Problem(path=file.path, line=entry.line, text=text)


def _functions(source: str) -> set[str]:
    """Return the names of the functions that wiring.py registers for Event Grid."""
    return {
        node.name
        for outer in ast.walk(ast.parse(source))
        if isinstance(outer, ast.FunctionDef) and outer.name == "add_event_grid"
        for node in ast.walk(outer)
        if isinstance(node, ast.AsyncFunctionDef)
    }
