"""Loads the app and lists its functions, refusing what this host cannot run."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TRIGGERS = {
    "httpTrigger",
    "eventGridTrigger",
    "timerTrigger",
    "orchestrationTrigger",
    "activityTrigger",
    "entityTrigger",
}
_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_\-]{0,127}$")


class IndexingError(Exception):
    """Names what stops the app from being hosted."""


@dataclass(frozen=True)
class HostedFunction:
    """One function of the app and what invokes it."""

    name: str
    call: Callable[..., Any]
    trigger: dict[str, Any]
    clients: tuple[str, ...]
    wants_context: bool
    is_async: bool

    @property
    def kind(self) -> str:
        """Return the trigger type."""
        return str(self.trigger["type"])

    @property
    def argument(self) -> str:
        """Return the name of the parameter that takes the trigger."""
        return str(self.trigger["name"])


def load_functions(app: Path) -> dict[str, HostedFunction]:
    """Import function_app from the app's folder and index its one app object."""
    os.chdir(app)
    if str(app) not in sys.path:
        sys.path.insert(0, str(app))
    import azure.functions as func  # after chdir: the Durable SDK reads ./host.json on import

    module = importlib.import_module("function_app")
    found: dict[int, Any] = {}
    for name in dir(module):
        value = getattr(module, name, None)
        if isinstance(value, func.decorators.function_app.FunctionRegister):
            found[id(value)] = value
    if len(found) != 1:
        raise IndexingError(
            f"function_app shows {len(found)} FunctionApp objects; show exactly one"
        )
    functions: dict[str, HostedFunction] = {}
    for built in next(iter(found.values())).get_functions():
        hosted = _index(built)
        if hosted.name.lower() in functions:
            raise IndexingError(f"two functions are called {hosted.name}")
        functions[hosted.name.lower()] = hosted
    return functions


def _index(built: Any) -> HostedFunction:
    name = built.get_function_name()
    if not _NAME.match(name) or name.lower() == "host":
        raise IndexingError(f"function name {name!r} is not allowed")
    bindings = [b.get_dict_repr() for b in built.get_bindings()]
    triggers = [b for b in bindings if b["type"].lower().endswith("trigger")]
    if len(triggers) != 1:
        raise IndexingError(f"function {name} has {len(triggers)} triggers; give it exactly one")
    if triggers[0]["type"] not in TRIGGERS:
        raise IndexingError(f"function {name}: {triggers[0]['type']} is not supported")
    clients: list[str] = []
    for binding in bindings:
        if binding["type"] == "durableClient":
            clients.append(binding["name"])
        elif binding is not triggers[0] and not (
            binding["type"] == "http" and triggers[0]["type"] == "httpTrigger"
        ):
            raise IndexingError(f"function {name}: binding {binding['type']} is not supported")
    call = built.get_user_function()
    parameters = inspect.signature(call).parameters
    wants_context = "context" in parameters and triggers[0]["name"] != "context"
    return HostedFunction(
        name, call, triggers[0], tuple(clients), wants_context, inspect.iscoroutinefunction(call)
    )
