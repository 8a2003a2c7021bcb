"""Loads the app and lists its functions; refuses functions that this host cannot run."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from funchost.app.host_json.comments import is_strict
from funchost.app.light_imports import defer, postpone_annotations
from funchost.app.retries import RetryPolicy, read_policy
from funchost.app.worker_checks import SdkFunction, check, refusals, source_line

if TYPE_CHECKING:
    from azure.functions.decorators.function_app import FunctionRegister

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
_SCRIPT = re.compile(r"^[a-zA-Z0-9_][a-zA-Z0-9_\-]*\.py$")
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
    # The parameter is annotated with str or bytes, so that it gets the text that the host sends.
    gets_text: bool = False
    folder: str = ""
    retry: RetryPolicy | None = None

    @property
    def kind(self) -> str:
        """Return the trigger type."""
        return str(self.trigger["type"])

    @property
    def argument(self) -> str:
        """Return the name of the parameter that takes the trigger."""
        return str(self.trigger["name"])

    @property
    def has_output(self) -> bool:
        """Return whether the host takes a return value of the function."""
        return self.kind not in ("eventGridTrigger", "timerTrigger")


def load_functions(app: Path) -> dict[str, HostedFunction]:
    """Import function_app from the app's folder and index its one app object."""
    os.chdir(app)
    if str(app) not in sys.path:
        sys.path.insert(0, str(app))
    return index(_functions_of(_app_of(_script_name())))


def _script_name() -> str:
    """Return the name of the app's file, which a setting of the worker may change."""
    name = os.environ.get("PYTHON_SCRIPT_FILE_NAME") or "function_app.py"
    if not _SCRIPT.match(name):
        raise IndexingError(
            f"InvalidFileNameError: ('Invalid file name: %s', {name!r}). "
            "PYTHON_SCRIPT_FILE_NAME names a .py file in the app's folder"
        )
    return name


def _app_of(script: str) -> FunctionRegister:
    """Import the app's file and return its app object; IndexingError in the worker's words.

    The worker counts names, so that a second name for the same object is refused, too.
    """
    defer("werkzeug")
    postpone_annotations("azure.durable_functions.models.utils.http_utils")
    import azure.functions as func  # after chdir: the Durable SDK reads ./host.json on import

    try:
        module = importlib.import_module(script.removesuffix(".py"))
    except json.JSONDecodeError as error:
        if not is_strict(Path("host.json")):
            raise IndexingError(
                f"JSONDecodeError: {error}. azure.durable_functions reads host.json and takes "
                "neither comments nor a comma at the end, although the host does: remove them"
            ) from error
        raise
    except ModuleNotFoundError as error:
        if error.name in sys.modules or _is_in_app(error.name or ""):
            raise
        raise IndexingError(
            f"{_line_of(error)}ModuleNotFoundError: {error}. Cannot find module. Please check the "
            f"requirements.txt file for the missing module. Instead: install {error.name}, and "
            "list it in requirements.txt for Azure"
        ) from error
    except SystemExit as error:
        raise IndexingError(
            f"{_line_of(error)}SystemExit: {error}. The import of {script} ended the process. "
            "Instead: raise an exception that says what is wrong"
        ) from error
    register = func.decorators.function_app.FunctionRegister
    names = [n for n in module.__dir__() if isinstance(getattr(module, n, None), register)]
    if not names:
        raise IndexingError(
            f"ValueError: Could not find top level function app instances in {script}. "
            "Instead: assign one FunctionApp or DFApp to a name of the module"
        )
    if len(names) > 1:
        kind = type(getattr(module, names[0])).__name__
        raise IndexingError(
            f"ValueError: More than one {kind} or other top level function app instances are "
            f"defined. Instead: keep one of the names {', '.join(names)} in {script}"
        )
    app: FunctionRegister = getattr(module, names[0])
    return app


def _is_in_app(module: str) -> bool:
    top = module.partition(".")[0]
    return Path(top).is_dir() or Path(f"{top}.py").is_file()


def _line_of(error: BaseException) -> str:
    """Return file and line of the app's code that raised an error, "" when none did."""
    folder, frames = Path.cwd(), traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        file = Path(frame.filename)
        if file.is_relative_to(folder) and not file.is_relative_to(sys.prefix):
            return f"{file.relative_to(folder)}:{frame.lineno}: "
    return ""


def _functions_of(app: FunctionRegister) -> Sequence[SdkFunction]:
    """Return the functions of an app; IndexingError with the SDK's words when it refuses one."""
    try:
        return cast("Sequence[SdkFunction]", app.get_functions())
    except ValueError as error:
        # The SDK names the function in its text, and has no public list of functions it refuses.
        built = [b._function for b in getattr(app, "_function_builders", ())]
        named = [f for f in built if f"Function {f.get_function_name()} does" in str(error)]
        lines = ", ".join(filter(None, map(source_line, named)))
        where = f"{lines}: " if lines else ""
        raise IndexingError(
            f"{where}ValueError: {error} Instead: give each function one trigger and a name of its "
            "own"
        ) from error


def index(built: Sequence[SdkFunction]) -> dict[str, HostedFunction]:
    """Check all functions and return them by lower-case name; name every problem at once.

    As in the real worker one refused function means that there is none.
    """
    functions: dict[str, HostedFunction] = {}
    problems = list(refusals(built))
    for one in built:
        name, bindings = one.get_function_name(), [b.get_dict_repr() for b in one.get_bindings()]
        faults, retry = list(_problems(name, bindings)), None
        try:
            retry = read_policy(one.get_settings_dict("retry_policy"))
        except ValueError as error:
            faults.append(f"function {name}: {error}")
        if name.lower() in functions:
            faults.append(f"two functions are called {name}: rename one, the case does not count")
        where = source_line(one)
        problems += [f"{where}: {fault}" if where else fault for fault in faults]
        if not problems:
            functions[name.lower()] = _hosted(one, name, bindings, retry)
    if problems:
        raise IndexingError("\n".join(problems))
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
            yield (
                f"function {name}: binding name {called!r} is not allowed: use letters, digits and "
                "single underscores"
            )
        known = TRIGGERS if _is_trigger(binding) else ("durableClient", "http")
        if kind not in known:
            instead = (
                f"its triggers are {', '.join(sorted(TRIGGERS))}"
                if _is_trigger(binding)
                else "call the client library of the service in the function"
            )
            yield f"function {name}: {kind} is not supported by this host; {instead}"
        if kind == "http" and called != "$return":
            yield f"function {name}: return the response, this host sets no output {called!r}"
    names = [str(b.get("name", "")).lower() for b in bindings]
    for twice in sorted({n for n in names if names.count(n) > 1}):
        yield f"function {name}: two bindings are called {twice}; rename one"


def _is_trigger(binding: dict[str, Any]) -> bool:
    return str(binding["type"]).lower().endswith("trigger")


def _hosted(
    function: SdkFunction, name: str, bindings: list[dict[str, Any]], retry: RetryPolicy | None
) -> HostedFunction:
    trigger = next(b for b in bindings if _is_trigger(b))
    clients = tuple(b["name"] for b in bindings if b["type"] == "durableClient")
    call, checked = function.get_user_function(), check(function)
    return HostedFunction(
        name,
        call,
        trigger,
        clients,
        checked.wants_context,
        inspect.iscoroutinefunction(call),
        gets_text=trigger["name"] in checked.texts,
        folder=checked.folder,
        retry=retry,
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
