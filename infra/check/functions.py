"""Bicep's functions, as far as values are known without Azure; names all that may be called."""

import hashlib
import json
from collections.abc import Callable
from typing import Any


class Unknown:
    """A value that only Azure knows."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"<{self.text}>"


def text_of_value(value: Any) -> str:
    """Return a value as it looks inside a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, default=repr)
    return "" if value is None else str(value)


def _unique(*parts: Any) -> str:
    # Not Azure's own hash: only its length and letters count here.
    digest = hashlib.sha256("\0".join(map(text_of_value, parts)).encode()).digest()
    return "".join("abcdefghijklmnopqrstuvwxyz234567"[byte % 32] for byte in digest[:13])


def _guid(*parts: Any) -> str:
    digest = hashlib.sha256("\0".join(map(text_of_value, parts)).encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))


def _union(*parts: Any) -> Any:
    if all(isinstance(part, dict) for part in parts):
        return {key: value for part in parts for key, value in part.items()}
    return [item for part in parts for item in part]


def _resource_id(*parts: Any) -> str:
    return "/".join(("", "resource", *map(text_of_value, parts)))


PURE: dict[str, Callable[..., Any]] = {
    "toLower": lambda text: text.lower(),
    "toUpper": lambda text: text.upper(),
    "replace": lambda text, old, new: text.replace(old, new),
    "take": lambda value, count: value[:count],
    "length": len,
    "empty": lambda value: not value,
    "contains": lambda whole, part: part in whole,
    "startsWith": lambda text, start: text.lower().startswith(start.lower()),
    "concat": lambda *parts: (
        [item for part in parts for item in part]
        if isinstance(parts[0], list)
        else "".join(map(text_of_value, parts))
    ),
    "union": _union,
    "string": text_of_value,
    "int": int,
    "bool": lambda value: text_of_value(value).lower() in ("true", "1"),
    "json": json.loads,
    "split": lambda text, separator: text.split(separator),
    "join": lambda items, separator: separator.join(map(text_of_value, items)),
    "first": lambda items: items[0],
    "last": lambda items: items[-1],
    "uniqueString": _unique,
    "guid": _guid,
    "resourceId": _resource_id,
    "subscriptionResourceId": _resource_id,
}

SURROUNDINGS: dict[str, dict[str, Any]] = {
    "subscription": {
        "id": "/subscriptions/00000000-0000-0000-0000-000000000000",
        "subscriptionId": "00000000-0000-0000-0000-000000000000",
        "tenantId": "00000000-0000-0000-0000-000000000000",
    },
    "resourceGroup": {
        "id": "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/group",
        "name": "group",
        "location": "westeurope",
    },
    "tenant": {"tenantId": "00000000-0000-0000-0000-000000000000"},
    "environment": {
        "name": "AzureCloud",
        "resourceManager": "https://management.azure.com/",
        "suffixes": {"storage": "core.windows.net", "keyvaultDns": ".vault.azure.net"},
        "authentication": {"loginEndpoint": "https://login.microsoftonline.com/"},
    },
}

# Evaluated with the file at hand: evaluate.py.
WITH_FILES = frozenset({"loadTextContent", "loadJsonContent", "readEnvironmentVariable"})
WITH_LAMBDAS = frozenset({"toObject", "map", "filter"})
DECORATORS = frozenset(
    {"description", "allowed", "minLength", "maxLength", "minValue", "maxValue", "secure"}
)
FUNCTIONS = frozenset({*PURE, *SURROUNDINGS, *WITH_FILES, *WITH_LAMBDAS})
