"""Loads the app and lists its functions; refuses functions that this host cannot run."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from funchost.app.light_imports import defer

TRIGGERS = {
    "httpTrigger",
    "eventGridTrigger",
    "timerTrigger",
    "orchestrationTrigger",
    "activityTrigger",
    "entityTrigger",
}
# The host's own checks (reference: azure-functions-host, FunctionMetadata validation).
_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_\-]{0,127}$")
_BINDING = re.compile(r"^(?!.*__)([a-zA-Z_][a-zA-Z0-9_]{0,127}|\$return)$")


class IndexingError(Exception):
    """The app cannot be hosted; the text names each reason."""


@dataclass(frozen=True)
class HostedFunction:
    """A function of the app and its bindings."""

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
    defer("werkzeug")
    import azure.functions as func  # after chdir: the Durable SDK reads ./host.json on import

    module = importlib.import_module("function_app")
    apps: dict[int, Any] = {}
    for name in dir(module):
        value = getattr(module, name, None)
        if isinstance(value, func.decorators.function_app.FunctionRegister):
            apps[id(value)] = value
    if len(apps) != 1:
        raise IndexingError(f"function_app shows {len(apps)} FunctionApp objects; show exactly one")
    return index(next(iter(apps.values())).get_functions())


def index(built: list[Any]) -> dict[str, HostedFunction]:
    """Check all functions and return them by lower-case name; name every problem at once."""
    functions: dict[str, HostedFunction] = {}
    problems: list[str] = []
    for one in built:
        name, bindings = one.get_function_name(), [b.get_dict_repr() for b in one.get_bindings()]
        faults = list(_problems(name, bindings))
        if name.lower() in functions:
            faults.append(f"two functions are called {name}")
        problems += faults
        if not faults:
            functions[name.lower()] = _hosted(name, bindings, one.get_user_function())
    if problems:
        raise IndexingError("; ".join(problems))
    return functions


def _problems(name: str, bindings: list[dict[str, Any]]) -> Iterator[str]:
    if not _NAME.match(name) or name.lower() == "host":
        yield f"function name {name!r} is not allowed: letters, digits, - and _, at most 128"
    triggers = [b for b in bindings if _is_trigger(b)]
    if len(triggers) != 1:
        yield f"function {name} has {len(triggers)} triggers; give it exactly one"
    for binding in bindings:
        kind, called = binding["type"], str(binding.get("name", ""))
        if not _BINDING.match(called):
            yield f"function {name}: binding name {called!r} is not allowed"
        known = TRIGGERS if _is_trigger(binding) else ("durableClient", "http")
        if kind not in known:
            yield f"function {name}: {kind} is not supported by this host"
    names = [str(b.get("name", "")).lower() for b in bindings]
    for twice in sorted({n for n in names if names.count(n) > 1}):
        yield f"function {name}: two bindings are called {twice}"


def _is_trigger(binding: dict[str, Any]) -> bool:
    return str(binding["type"]).lower().endswith("trigger")


def _hosted(name: str, bindings: list[dict[str, Any]], call: Callable[..., Any]) -> HostedFunction:
    trigger = next(b for b in bindings if _is_trigger(b))
    clients = tuple(b["name"] for b in bindings if b["type"] == "durableClient")
    wants_context = "context" in inspect.signature(call).parameters and trigger["name"] != "context"
    return HostedFunction(
        name, call, trigger, clients, wants_context, inspect.iscoroutinefunction(call)
    )


@contextmanager
def alone(app: Path) -> Iterator[None]:
    """Let an app be loaded beside another function_app of this process, and leave no trace."""
    folder, path, before = Path.cwd(), list(sys.path), set(sys.modules)
    others = {n: m for n, m in sys.modules.items() if n.partition(".")[0] == "function_app"}
    for name in others:
        del sys.modules[name]
    importlib.invalidate_caches()
    try:
        yield
    finally:
        for name in set(sys.modules) - before | set(others):
            if _belongs(sys.modules.get(name), app):
                del sys.modules[name]
        sys.modules.update(others)
        sys.path[:] = path
        os.chdir(folder)


def _belongs(module: Any, app: Path) -> bool:
    """Return whether a module is the app's own, not one of an environment in its folder."""
    file = Path(getattr(module, "__file__", None) or "/")
    return file.is_relative_to(app) and not file.is_relative_to(sys.prefix)
