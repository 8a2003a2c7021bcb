"""Frozen dataclasses to plain JSON values and back.

The target type comes from the annotation, never from the payload. Unknown keys are ignored and
missing keys need a default, so that histories written by older code still load.

Names are checked by the pattern of their type (domain/identifiers.py), and every other text loses
its control characters, so that nothing from outside gets past this module unchecked.
"""

import dataclasses
import logging
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, TypeVar

from function_app.domain.identifiers import is_one_line, pattern_of
from function_app.domain.plain_text import clean, one_line
from function_app.errors import ContractError

T = TypeVar("T")
LOG = logging.getLogger("mlops.records")


def dump(value: Any) -> Any:
    """Return `value` as None, bool, int, finite float, str, list or dict with str keys."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ContractError(f"{value} is not JSON. Leave the figure out or use None.")
        return value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ContractError(f"{value.isoformat()} has no time zone. Use UTC.")
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: dump(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [dump(item) for item in value]
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise ContractError("A mapping has a key that is not text. JSON would change it.")
        return {key: dump(item) for key, item in value.items()}
    raise ContractError(f"{type(value).__name__} cannot cross the Durable boundary.")


def load(target: type[T], data: Any) -> T:
    """Return `data` as `target`, or raise ContractError with the path of what does not fit."""
    name = getattr(target, "__name__", str(target))
    return typing.cast(T, _load(target, data, name))


def checked(value: T) -> T:
    """Return a dataclass whose names fit their patterns and whose texts hold no control characters.

    ContractError, with the path of the field, when a name does not fit.
    """
    return load(type(value), dump(value))


def load_each(target: type[T], records: Iterable[tuple[str, Any]]) -> tuple[T, ...]:
    """Return the records that load, each given with the name under which it is stored.

    One that does not load is left out of the list and logged: a record of an earlier version of
    this app may hold a name that no pattern accepts, and must not hide the others.
    """
    loaded = []
    for name, data in records:
        try:
            loaded.append(load(target, data))
        except ContractError as error:
            text = "The stored record %s is left out, because it cannot be read: %s"
            LOG.error(text, one_line(name), one_line(error.message))
    return tuple(loaded)


def find_damaged(target: Any, records: Iterable[tuple[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Return the name of each record that does not load, and the reason."""
    damaged = []
    for name, data in records:
        try:
            load(target, data)
        except ContractError as error:
            damaged.append((one_line(name), one_line(error.message)))
    return tuple(damaged)


def _load(target: Any, data: Any, path: str) -> Any:
    if target is Any:
        return data
    origin = typing.get_origin(target)
    if origin is typing.Annotated:
        return _load_annotated(target, data, path)
    if origin in (typing.Union, types.UnionType):
        return _load_union(target, data, path)
    if origin in (tuple, list):
        return _load_sequence(target, data, path)
    if origin in (dict, Mapping) or origin is typing.get_origin(Mapping[str, str]):
        if not isinstance(data, dict):
            raise _mismatch(path, "object", data)
        item = typing.get_args(target)[1]
        return {
            clean(key): _load(item, entry, f"{path}.{one_line(key)[:80]}")
            for key, entry in data.items()
        }
    if dataclasses.is_dataclass(target):
        return _load_dataclass(target, data, path)
    if target is type(None):
        if data is not None:
            raise _mismatch(path, "null", data)
        return None
    return _load_scalar(target, data, path)


def _load_annotated(target: Any, data: Any, path: str) -> Any:
    """Return the text of a name that fits its pattern, or a text of one line."""
    text = _load(typing.get_args(target)[0], data, path)
    pattern = pattern_of(target)
    if pattern is not None:
        # As it came: a name whose control characters were removed would be another name.
        return pattern.check(data, path)
    return one_line(text) if is_one_line(target) else text


def _load_union(target: Any, data: Any, path: str) -> Any:
    options = typing.get_args(target)
    if data is None and type(None) in options:
        return None
    others = [option for option in options if option is not type(None)]
    if len(others) != 1:
        raise ContractError(f"{path}: only optional unions are supported.")
    return _load(others[0], data, path)


def _load_sequence(target: Any, data: Any, path: str) -> Any:
    if not isinstance(data, list | tuple):
        raise _mismatch(path, "list", data)
    arguments = typing.get_args(target)
    if typing.get_origin(target) is tuple and (len(arguments) != 2 or arguments[1] is not ...):
        if len(arguments) != len(data):
            raise ContractError(f"{path}: expected {len(arguments)} items, got {len(data)}.")
        pairs = zip(arguments, data, strict=True)
        return tuple(_load(kind, item, f"{path}[{i}]") for i, (kind, item) in enumerate(pairs))
    items = (_load(arguments[0], item, f"{path}[{i}]") for i, item in enumerate(data))
    return typing.get_origin(target)(items)


def _load_dataclass(target: Any, data: Any, path: str) -> Any:
    if not isinstance(data, dict):
        raise _mismatch(path, "object", data)
    hints = typing.get_type_hints(target, include_extras=True)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(target):
        if field.name in data:
            values[field.name] = _load(hints[field.name], data[field.name], f"{path}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ContractError(f"{path}.{field.name}: missing.")
    return target(**values)


def _load_scalar(target: Any, data: Any, path: str) -> Any:
    if isinstance(target, type) and issubclass(target, Enum):
        try:
            return target(data)
        except ValueError as error:
            allowed = ", ".join(str(member.value) for member in target)
            raise ContractError(f"{path}: expected one of {allowed}, got {data!r}.") from error
    number = isinstance(data, int | float) and not isinstance(data, bool)
    if target is datetime:
        return _load_time(data, path)
    if target is timedelta:
        if not number:
            raise _mismatch(path, "seconds", data)
        return _load_number(path, "seconds", lambda: timedelta(seconds=data), data)
    if target is float:
        if not number:
            raise _mismatch(path, "finite number", data)
        return _load_number(path, "finite number", lambda: _finite(data), data)
    if target is int and isinstance(data, bool):
        raise _mismatch(path, "int", data)
    if not isinstance(data, target):
        raise _mismatch(path, target.__name__, data)
    return clean(data) if target is str else data


def _load_number(path: str, expected: str, make: Callable[[], T], data: Any) -> T:
    """Return what `make` does of a number; ContractError when the number is out of its range."""
    try:
        return make()
    except (OverflowError, ValueError) as error:
        raise _mismatch(path, expected, data) from error


def _finite(number: float) -> float:
    """Return the number as a float; ValueError or OverflowError when there is no such float."""
    if not math.isfinite(number):
        raise ValueError(number)
    return float(number)


def _load_time(data: Any, path: str) -> datetime:
    try:
        moment = datetime.fromisoformat(data)
        # In UTC it may lie before the year 1 or after 9999.
        in_utc = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise _mismatch(path, "ISO 8601 time", data) from error
    if moment.tzinfo is None:
        raise ContractError(f"{path}: {data!r} has no time zone. End it with Z.")
    return in_utc


def _mismatch(path: str, expected: str, data: Any) -> ContractError:
    return ContractError(f"{path}: expected {expected}, got {type(data).__name__}.")
