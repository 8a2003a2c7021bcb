"""The checks of Microsoft's Python worker on a function, with its words.

Source: the recorded decisions of azure-functions-runtime 1.3.0 (tests/worker/refusals).
"""

from __future__ import annotations

import collections.abc
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Union

_ALIASES: tuple[type, ...] = (type(typing.List[int]), type(typing.List))  # noqa: UP006, the classes of aliases
_OUT = 1  # the direction of an output
_NO_GENERICS = (Union, tuple, ClassVar, collections.abc.Callable)
# The parameter types that the worker takes for each trigger.
_TAKEN = {
    "httpTrigger": "func.HttpRequest",
    "eventGridTrigger": "func.EventGridEvent, func.CloudEvent or str",
    "timerTrigger": "func.TimerRequest or str",
}


class Binding(Protocol):
    """A binding of the SDK."""

    name: str
    type: str
    data_type: int | None

    def get_dict_repr(self) -> dict[str, Any]:
        """Return the settings of the binding as the host gets them."""


class SdkFunction(Protocol):
    """A function that the SDK's decorators registered."""

    def get_user_function(self) -> Callable[..., object]:
        """Return the Python function."""

    def get_function_name(self) -> str:
        """Return the name of the function."""

    def get_bindings(self) -> Sequence[Binding]:
        """Return the trigger, the inputs and the outputs."""

    def get_settings_dict(self, setting_name: str) -> Mapping[str, object] | None:
        """Return a setting of the function, such as its retry policy; None without it."""


class Converter(Protocol):
    """The SDK's rules on the Python types of a binding."""

    def check_input_type_annotation(self, pytype: object) -> bool:
        """Return whether a parameter may have this annotation."""

    def check_output_type_annotation(self, pytype: object) -> bool:
        """Return whether a return value may have this annotation."""

    def decode(self, data: object, *, trigger_metadata: Mapping[str, object]) -> object:
        """Return the Python value of a Datum."""


class RefusedError(Exception):
    """The worker refuses a function."""

    def __init__(self, words: str, remedy: str) -> None:
        """Take the worker's words and a text with the remedy."""
        super().__init__(words)
        self.words, self.remedy = words, remedy


@dataclass(frozen=True)
class Checked:
    """The facts about a function that the worker reads from its Python signature."""

    folder: str
    wants_context: bool
    # The parameters whose annotation is str or bytes get the text that the host sends.
    texts: frozenset[str]


def check(function: SdkFunction) -> Checked:
    """Return the facts about a function of the SDK; RefusedError when the worker refuses it."""
    call, name = function.get_user_function(), function.get_function_name()
    try:
        names, hints = dict(inspect.signature(call).parameters), typing.get_type_hints(call)
        folder = str(Path(inspect.getfile(call)).parent)
    except NameError as error:
        raise RefusedError(
            f"NameError: {error}",
            f"import {error.name} where the function runs, outside of `if TYPE_CHECKING`, or leave "
            "the annotation out",
        ) from error
    except TypeError as error:
        raise RefusedError(
            f"TypeError: {error}", "register a function that is written with `def`"
        ) from error
    except Exception as error:  # an annotation may be any expression
        raise RefusedError(
            f"{type(error).__name__}: {error}",
            "write annotations that Python can evaluate, or leave them out",
        ) from error
    bindings = {binding.name: binding for binding in function.get_bindings()}
    returned = bindings.pop("$return", None)
    try:
        wants_context = "context" in names and "context" not in bindings
        if wants_context:
            del names["context"]
            _check_context(name, hints, bindings)
        _check_names(name, set(names), set(bindings))
        texts = [n for n, b in bindings.items() if _gets_text(name, b, hints)]
        if returned is not None and "return" in hints:
            _check_return(name, returned.type, hints["return"])
    except (TypeError, AttributeError) as error:
        # The worker compares classes only, so that typing.Dict[...] ends in this exception.
        words = f"{type(error).__name__}: {error}"
        raise RefusedError(words, "annotate the parameters with classes") from error
    return Checked(folder, wants_context, frozenset(texts))


def source_line(function: SdkFunction) -> str:
    """Return file and line of the code of a function of the SDK, as far as it has them."""
    call: object = function.get_user_function()
    for wrapper in ("orchestrator_function", "entity_function", "client_function"):
        call = getattr(call, wrapper, call)
    call = inspect.unwrap(call) if callable(call) else call
    call = getattr(call, "func", call)
    code = getattr(call, "__code__", None) or getattr(
        getattr(type(call), "__call__", None),  # noqa: B004, its code
        "__code__",
        None,
    )
    if code is None:
        return ""
    file = Path(code.co_filename)
    folder = Path.cwd()
    shown = file.relative_to(folder) if file.is_relative_to(folder) else file
    return f"{shown}:{code.co_firstlineno}"


def refusals(functions: Sequence[SdkFunction]) -> Iterator[str]:
    """Yield a text for each function that the worker refuses: source line, words and remedy."""
    for function in functions:
        try:
            check(function)
        except RefusedError as error:
            where = source_line(function)
            yield f"{where + ': ' if where else ''}{error.words}. Instead: {error.remedy}."


def _load_error(name: str, text: str, remedy: str) -> RefusedError:
    return RefusedError(f"FunctionLoadError: cannot load the {name} function: {text}", remedy)


def _check_context(name: str, hints: Mapping[str, object], bindings: Mapping[str, Binding]) -> None:
    hint = hints.get("context")
    if "context" not in hints or (isinstance(hint, type) and hint.__name__ == "Context"):
        return
    remedy = "annotate context with func.Context, or leave the annotation out"
    if any(b.type == "orchestrationTrigger" for b in bindings.values()):
        remedy = "name the parameter context: orchestration_trigger(context_name='context')"
    text = 'the "context" parameter is expected to be of type azure.functions.Context, got '
    raise _load_error(name, f'{text}"{hint!r}"', remedy)


def _check_names(name: str, written: set[str], bound: set[str]) -> None:
    if written - bound:
        raise _load_error(
            name,
            "the following parameters are declared in Python but not in the function definition "
            f"(function.json or function decorators):  {written - bound!r}",
            "remove these parameters, or bind them by a decorator; defaults, *args and **kwargs "
            "are parameters, too",
        )
    if bound - written:
        raise _load_error(
            name,
            "Extra parameters in binding definition — the following parameters are declared as "
            f"bindings but are not present in Python: {bound - written!r}",
            "write a parameter of the name that the decorator gives (`context` for an "
            "orchestrator and an entity)",
        )


def _gets_text(name: str, binding: Binding, hints: Mapping[str, object]) -> bool:
    """Return whether the parameter of a binding is text; check its annotation."""
    if binding.name not in hints:
        return False
    hint = hints[binding.name]
    hinted = hint
    is_out, is_output = _is_out(hint), _is_output(binding)
    if is_out:
        arguments = typing.get_args(hint)
        if len(arguments) != 1:
            text = f"binding {binding.name} has invalid Out annotation {hint!r}"
            remedy = "write the class: func.Out[str]" if is_output else "write its class"
            raise _load_error(name, text, remedy)
        hinted = arguments[0]
    taken = _TAKEN.get(binding.type, "a class")
    if not isinstance(hinted, type) and not _is_generic(hinted):
        raise _load_error(
            name,
            f"binding {binding.name} has invalid non-type annotation {hint!r}",
            f"annotate {binding.name} with {taken}, or leave the annotation out; a union and "
            "list[...] are not classes",
        )
    if is_output and not is_out:
        raise _load_error(
            name,
            f'binding {binding.name} is declared to have the "out" direction, but its annotation '
            "in Python is not a subclass of azure.functions.Out",
            f"annotate {binding.name} with func.Out[...], or leave the annotation out",
        )
    if is_out and not is_output:
        raise _load_error(
            name,
            f'binding {binding.name} is declared to have the "in" direction in the binding '
            "decorator, but its annotation is azure.functions.Out in Python",
            f"annotate {binding.name} with {taken}",
        )
    is_text = hinted in (str, bytes) and not _has_implicit_output(binding.type)
    if not is_text and not _takes(binding.type, hinted, is_output=is_output):
        shown = getattr(hinted, "__name__", repr(hinted))
        text = (
            f'binding type "\'{binding.name}\'" and dataType "{binding.type}" in the binding '
            "decorator do not match the corresponding function parameter's Python type annotation "
            f"{shown}"
        )
        if binding.data_type == 0:
            text = (
                f'type of {binding.name} binding in the binding decorator "{binding.type}" does '
                f'not match its Python annotation "{shown}"'
            )
        taken = "func.Out[str]" if is_output else taken
        remedy = f"annotate {binding.name} with {taken}, or leave the annotation out"
        raise _load_error(name, text, remedy)
    return is_text


def _check_return(name: str, kind: str, hint: object) -> None:
    taken = "func.HttpResponse or str" if kind == "http" else "str"
    remedy = f"annotate the return value with {taken}, or leave the annotation out"
    if _is_generic(hint) and getattr(typing.get_origin(hint), "__name__", "") == "Out":
        raise _load_error(name, "return annotation should not be azure.functions.Out", remedy)
    if not isinstance(hint, type):
        raise _load_error(name, f"has invalid non-type return annotation {hint!r}", remedy)
    converter = converter_of(kind)
    if converter is not None and not converter.check_output_type_annotation(hint):
        text = f'Python return annotation "{hint.__name__}" does not match binding type "{kind}"'
        raise _load_error(name, text, remedy)


def _is_generic(hint: object) -> bool:
    if isinstance(hint, type) and not typing.get_args(hint):
        return issubclass(hint, Generic)
    return isinstance(hint, _ALIASES) and getattr(hint, "__origin__", None) not in _NO_GENERICS


def _is_out(hint: object) -> bool:
    origin = typing.get_origin(hint) if _is_generic(hint) else None
    origin = origin or hint
    return isinstance(origin, type) and origin.__name__ == "Out"


def converter_of(kind: str) -> Converter | None:
    """Return the SDK's converter of a binding type, None when it has none."""
    import azure.functions as func

    registry = func.get_binding_registry()  # type: ignore[no-untyped-call]
    converter: Converter | None = registry.get(kind)
    return converter


def _is_output(binding: Binding) -> bool:
    direction = binding.get_dict_repr().get("direction")
    return getattr(direction, "value", direction) == _OUT


def _takes(kind: str, hint: object, *, is_output: bool) -> bool:
    converter = converter_of(kind)
    if converter is None:
        return isinstance(hint, type) and issubclass(hint, (str, bytes))
    if is_output:
        return converter.check_output_type_annotation(hint)
    return converter.check_input_type_annotation(hint)


def _has_implicit_output(kind: str) -> bool:
    converter = converter_of(kind)
    if converter is None:
        return kind != "durableClient"
    implicit: Callable[[], bool] | None = getattr(converter, "has_implicit_output", None)
    return implicit is not None and implicit()
