"""The settings and host.json that the app gets against those that it reads; and its events."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

from configuration.variables import OPEN, known_variables
from function_app.domain.event_types import READERS
from function_app.errors import ConfigError
from function_app.settings.azure import PREFIX, AzureSettings
from function_app.settings.notify import PREFIX as NOTIFY
from function_app.settings.settings import read_settings
from infra.check.arm import Compiled, Problem, problems
from infra.check.secrets import SECRET_NAME
from infra.stage_app import read_host

# Settings that no template sets, and names that only look like secrets; both with their reasons.
FILE = "settings.json"
REFERENCE = "@Microsoft.KeyVault("
# Everybody who knows such an address may write there, so it is a secret too.
SECRET_ADDRESS = re.compile(NOTIFY + r"\w+_URL")
# Flex Consumption asks for work every ten seconds; slower polling adds to that.
SLOWEST_POLLING = "00:00:10"
_SUBSCRIBER = re.compile(r"async def (\w+)\(event: Any, client: Any")


def check(compiled: Compiled) -> Iterator[Problem]:
    """Yield settings that are missing, unknown, secret or refused by the app, and lost events."""
    table, repository = compiled.table(FILE), compiled.repository
    names = {key: {n for entry in table[key] for n in entry["names"]} for key in table}
    read = {field.name.upper() for field in fields(AzureSettings)}
    missing = {PREFIX + name for name in read - names["unset"]}
    for configuration in compiled.chosen():
        settings = configuration.settings()
        missing -= set(settings)
        backend = "scheduler" if "useScheduler" in configuration.choice.traits else "storage"
        wrong = _wrong(settings, names["not_secret"], repository)
        yield from problems(configuration.path, wrong, _host(settings, backend, repository))
    texts = (f"The app reads {name} and nothing sets it." for name in sorted(missing))
    yield from problems("main.bicep", texts)
    yield from problems("events.bicep", _events(compiled))


def _wrong(settings: Mapping[str, str], not_secret: set[str], repository: Path) -> Iterator[str]:
    known = known_variables()
    for name, value in settings.items():
        if name.startswith("MLOPS_") and name not in known and not name.startswith(OPEN):
            yield f"{name} is set and the app does not read it."
        secret = SECRET_NAME.search(name) or SECRET_ADDRESS.fullmatch(name)
        if secret and name not in not_secret and not value.startswith(REFERENCE):
            yield f"{name} looks like a secret; it must be a Key Vault reference."
    try:
        read_settings({n: _example(n, value) for n, value in settings.items()}, repository)
    except ConfigError as error:
        yield f"The app refuses these settings: {error.message}"


def _example(name: str, value: str) -> str:
    """Return a value as the app may read it: with texts for what only Azure knows."""
    if not value.startswith(REFERENCE):
        return re.sub(r"(?:https://)?<[^>]+>", "https://example.org", value)
    if name.endswith("_SMTP_URL"):
        return "smtp://example.org:587?from=a@example.org&to=b@example.org"
    return "https://example.org/hook" if name.endswith("_URL") else "x" * 32


def _host(settings: Mapping[str, str], backend: str, repository: Path) -> Iterator[str]:
    """Yield connections and task hubs of host.json that no setting has, and slow polling."""
    try:
        durable = read_host(repository, backend)["extensions"]["durableTask"]
    except ValueError as error:
        yield str(error)
        return
    provider, hub = durable["storageProvider"], durable["hubName"]
    name = provider.get("connectionStringName") or provider.get("connectionName", "?")
    if not any(setting.split("__")[0] == name for setting in settings):
        yield f"host/{backend}.json names the connection {name!r}; no setting has it."
    elif backend == "scheduler" and not settings.get(name, "").endswith(f";TaskHub={hub}"):
        yield f"The setting {name!r} of host/{backend}.json does not name the task hub {hub!r}."
    polling = provider.get("maxQueuePollingInterval", "00:00:00")
    if not re.fullmatch(r"\d{2}:\d{2}:\d{2}", polling) or polling > SLOWEST_POLLING:
        yield f"maxQueuePollingInterval {polling!r} is longer than {SLOWEST_POLLING}."


def _events(compiled: Compiled) -> Iterator[str]:
    functions = set(_SUBSCRIBER.findall(compiled.text("function_app/wiring.py")))
    included: set[str] = set()
    for resource in compiled.configurations["events"].resources:
        included |= set(resource.values.get("properties.filter.includedEventTypes", ()))
        target = str(resource.values.get("properties.destination.properties.resourceId"))
        function = target.rpartition("/")[2]
        if function not in functions:
            yield f"The app has no function {function!r} to deliver to."
    for name in sorted(set(READERS) - included):
        yield f"The app takes {name} and nothing sends it."
