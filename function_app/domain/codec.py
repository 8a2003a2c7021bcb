"""Frozen dataclasses to plain JSON values and back.

The target type comes from the annotation, never from the payload. Unknown keys are ignored and
missing keys need a default, so that histories written by older code still load.

Names are checked by the pattern of their type (domain/text/identifiers.py), and every other text
loses its control characters, so that nothing from outside gets past this module unchecked.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, TypeGuard, TypeVar

from function_app.domain.text.identifiers import Pattern, is_one_line, pattern_of
from function_app.domain.text.plain_text import clean, one_line
from function_app.domain.text.redaction import redact
from function_app.errors import ContractError

T = TypeVar("T")
_SHOWN = 80  # characters of a wrong value in a text


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


def load(target: type[T], data: object) -> T:
    """Return `data` as `target`; ContractError has the path of the first wrong field."""
    name = getattr(target, "__name__", str(target))
    return typing.cast(T, _loader(typing.cast(Hashable, target))(data, (None, name)))


def checked(value: T) -> T:
    """Return the dataclass unchanged when its names and texts are valid.

    ContractError, with the path of the field, when a name does not fit its pattern or a text has a
    control character.
    """
    return load(type(value), dump(value))


def find_damaged(target: Any, records: Iterable[tuple[str, object]]) -> tuple[tuple[str, str], ...]:
    """Return the name of each record that does not load, and the reason."""
    damaged = []
    for name, data in records:
        try:
            load(target, data)
        except ContractError as error:
            damaged.append((one_line(name), one_line(error.message)))
    return tuple(damaged)


# A path is the path of its parent and a step, so that it costs nothing until it is shown.
Path = tuple["Path | None", str]
Loader = Callable[[object, Path], Any]


@cache
def _loader(target: Any) -> Loader:
    """Return the function that loads this type; types are examined once, because that is slow."""
    if target is Any:
        return lambda data, path: data
    origin = typing.get_origin(target)
    if origin is typing.Annotated:
        return _annotated(target)
    if origin in (typing.Union, types.UnionType):
        return _union(target)
    if origin in (tuple, list):
        return _sequence(target)
    if origin in (dict, Mapping) or origin is typing.get_origin(Mapping[str, str]):
        return _mapping(target)
    if dataclasses.is_dataclass(target):
        return _dataclass(target)
    return _null if target is type(None) else _scalar(target)


def _annotated(target: Any) -> Loader:
    """Load the text of a name that fits its pattern, or a text of one line."""
    inner, pattern = _loader(typing.get_args(target)[0]), pattern_of(target)
    if pattern is not None:
        return _name(inner, pattern)

    def load_line(data: object, path: Path) -> Any:
        return one_line(inner(data, path))

    return load_line if is_one_line(target) else inner


def _name(inner: Loader, name: Pattern) -> Loader:
    def load_name(data: Any, path: Path) -> Any:
        inner(data, path)
        # The name is checked as it came: without its control characters it would be another name.
        return data if name.fits(data) else name.check(data, _shown(path))

    return load_name


def _union(target: Any) -> Loader:
    options = typing.get_args(target)
    others = [_loader(option) for option in options if option is not type(None)]

    def load_union(data: object, path: Path) -> Any:
        if data is None and type(None) in options:
            return None
        if len(others) != 1:
            raise ContractError(f"{_shown(path)}: only optional unions are supported.")
        return others[0](data, path)

    return load_union


def _sequence(target: Any) -> Loader:
    kind, arguments = typing.get_origin(target), typing.get_args(target)
    fixed = kind is tuple and (len(arguments) != 2 or arguments[1] is not ...)
    loaders = [_loader(argument) for argument in arguments if argument is not ...]

    def load_sequence(data: object, path: Path) -> Any:
        if not isinstance(data, list | tuple):
            raise _mismatch(path, "list", data)
        if fixed and len(arguments) != len(data):
            text = f"expected {len(arguments)} items, got {len(data)}."
            raise ContractError(f"{_shown(path)}: {text}")
        items = loaders if fixed else loaders[:1] * len(data)
        pairs = enumerate(zip(items, data, strict=True))
        return kind(load_item(entry, (path, f"[{i}]")) for i, (load_item, entry) in pairs)

    return load_sequence


def _mapping(target: Any) -> Loader:
    load_item = _loader(typing.get_args(target)[1])

    def load_mapping(data: object, path: Path) -> Any:
        if not isinstance(data, dict):
            raise _mismatch(path, "object", data)
        return {
            clean(key): load_item(entry, (path, f".{one_line(key)[:80]}"))
            for key, entry in data.items()
        }

    return load_mapping


def _dataclass(target: Any) -> Loader:
    missing = dataclasses.MISSING
    hints = typing.get_type_hints(target, include_extras=True)
    fields = [
        (field.name, _loader(hints[field.name]), field.default is field.default_factory is missing)
        for field in dataclasses.fields(target)
    ]

    def load_dataclass(data: object, path: Path) -> Any:
        if not isinstance(data, dict):
            raise _mismatch(path, "object", data)
        values: dict[str, object] = {}
        for name, load_field, required in fields:
            if name in data:
                values[name] = load_field(data[name], (path, f".{name}"))
            elif required:
                raise ContractError(f"{_shown(path)}.{name}: missing.")
        return target(**values)

    return load_dataclass


def _null(data: object, path: Path) -> None:
    if data is not None:
        raise _mismatch(path, "null", data)


def _scalar(target: Any) -> Loader:
    if isinstance(target, type) and issubclass(target, Enum):
        return _enumeration(target)
    if target is datetime:
        return _time
    if target is timedelta:
        return _seconds
    return _finite if target is float else _plain(target)


def _enumeration(target: type[Enum]) -> Loader:
    def load_member(data: object, path: Path) -> Any:
        try:
            return target(data)
        except ValueError as error:
            allowed = ", ".join(str(member.value) for member in target)
            # Redacted and cut: the text of an error is stored and sent back.
            shown = ascii(redact(data[:_SHOWN])) if isinstance(data, str) else type(data).__name__
            text = f"{_shown(path)}: expected one of {allowed}, got {shown}."
            raise ContractError(text) from error

    return load_member


def _plain(target: Any) -> Loader:
    def load_plain(data: object, path: Path) -> Any:
        if not isinstance(data, target) or (target is int and isinstance(data, bool)):
            raise _mismatch(path, target.__name__, data)
        return clean(data) if target is str else data

    return load_plain


def _is_number(data: object) -> TypeGuard[float]:
    return isinstance(data, int | float) and not isinstance(data, bool)


def _seconds(data: object, path: Path) -> timedelta:
    if not _is_number(data):
        raise _mismatch(path, "seconds", data)
    try:
        return timedelta(seconds=data)
    except (OverflowError, ValueError) as error:  # out of range, or NaN
        raise _mismatch(path, "seconds", data) from error


def _finite(data: object, path: Path) -> float:
    try:
        if _is_number(data) and math.isfinite(data):
            return float(data)
    except OverflowError as error:  # an integer that no float can hold
        raise _mismatch(path, "finite number", data) from error
    raise _mismatch(path, "finite number", data)


def _time(data: Any, path: Path) -> datetime:
    try:
        moment = datetime.fromisoformat(data)
        # A time in UTC may lie before the year 1 or after 9999.
        in_utc = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise _mismatch(path, "ISO 8601 time", data) from error
    if moment.tzinfo is None:
        raise ContractError(f"{_shown(path)}: {data!r} has no time zone. End it with Z.")
    return in_utc


def _mismatch(path: Path, expected: str, data: object) -> ContractError:
    return ContractError(f"{_shown(path)}: expected {expected}, got {type(data).__name__}.")


def _shown(path: Path) -> str:
    parent, step = path
    return f"{_shown(parent)}{step}" if parent is not None else step
