"""Routes events to Event Grid functions by the filters of `funchost.subscriptions.json`.

Without the file every function gets every event. Its form is an event subscription's filter:
`{"on_blob": {"includedEventTypes": ["Microsoft.Storage.BlobCreated"], "subjectEndsWith": ".csv"}}`.
Source: Event Grid documentation, "Understand event filtering for Event Grid subscriptions".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from funchost.app.settings import SettingsError

FILE = "funchost.subscriptions.json"
Filter = Mapping[str, Any]  # an advanced filter
Test = Callable[[Any, list[Any]], bool]


def _text(test: Callable[[str, str], bool]) -> Test:
    return lambda value, wanted: any(test(str(value).lower(), str(w).lower()) for w in wanted)


def _number(test: Callable[[float, float], bool]) -> Test:
    def compare(value: Any, wanted: list[Any]) -> bool:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and any(test(value, w) for w in wanted)

    return compare


OPERATORS: dict[str, Test] = {
    "StringIn": _text(lambda value, wanted: value == wanted),
    "StringBeginsWith": _text(lambda value, wanted: value.startswith(wanted)),
    "StringEndsWith": _text(lambda value, wanted: value.endswith(wanted)),
    "StringContains": _text(lambda value, wanted: wanted in value),
    "NumberIn": _number(lambda value, wanted: value == wanted),
    "NumberGreaterThan": _number(lambda value, wanted: value > wanted),
    "NumberGreaterThanOrEquals": _number(lambda value, wanted: value >= wanted),
    "NumberLessThan": _number(lambda value, wanted: value < wanted),
    "NumberLessThanOrEquals": _number(lambda value, wanted: value <= wanted),
    "BoolEquals": lambda value, wanted: value is wanted[0],
    "IsNotNull": lambda value, wanted: value is not None,
    "IsNullOrUndefined": lambda value, wanted: value is None,
}
NEGATED = {
    "StringNotIn": "StringIn",
    "StringNotBeginsWith": "StringBeginsWith",
    "StringNotEndsWith": "StringEndsWith",
    "StringNotContains": "StringContains",
    "NumberNotIn": "NumberIn",
}


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """The filter of one function; all its parts must hold."""

    types: tuple[str, ...] = ()
    begins: str = ""
    ends: str = ""
    case_sensitive: bool = False
    advanced: tuple[Filter, ...] = ()

    def takes(self, event: Mapping[str, Any]) -> bool:
        """Return whether an event of either schema passes."""
        kind = event.get("eventType", event.get("type"))
        if self.types and kind not in self.types:
            return False
        subject, begins, ends = str(event.get("subject") or ""), self.begins, self.ends
        if not self.case_sensitive:
            subject, begins, ends = subject.lower(), begins.lower(), ends.lower()
        if not (subject.startswith(begins) and subject.endswith(ends)):
            return False
        return all(_holds(one, event) for one in self.advanced)


def _holds(one: Filter, event: Mapping[str, Any]) -> bool:
    value: Any = event
    for part in str(one["key"]).split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    name = one["operatorType"]
    wanted = _values(one)
    if name in NEGATED:
        return not OPERATORS[NEGATED[name]](value, wanted)
    return OPERATORS[name](value, wanted)


def _values(one: Filter) -> list[object]:
    """Return the values of an advanced filter, which may have one `value` instead."""
    values: list[object] = one.get("values", [one["value"]] if "value" in one else [])
    return values


def _problem(operator: str, values: object) -> str | None:
    """Return the required form of the values of an advanced filter; None when they have it."""
    if not isinstance(values, list):
        return "a list of values"
    if operator == "BoolEquals" and not (values and isinstance(values[0], bool)):
        return "the value true or false"
    are_numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    return "numbers" if operator.startswith("Number") and not are_numbers else None


def read_subscriptions(app: Path, functions: list[str]) -> dict[str, Subscription]:
    """Read the filters of the app's Event Grid functions; those without one take everything."""
    path = app / FILE
    if not path.exists():
        return {name: Subscription() for name in functions}
    try:
        document = json.loads(path.read_text())
    except ValueError as error:
        raise SettingsError(f"{FILE} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise SettingsError(f"{FILE} must be an object: function name to filter")
    unknown = sorted(set(document) - set(functions))
    if unknown:
        known = ", ".join(functions) or "none"
        raise SettingsError(f"{FILE} names {unknown[0]}; the Event Grid functions are: {known}")
    return {name: _subscription(name, document.get(name, {})) for name in functions}


def _subscription(name: str, document: Any) -> Subscription:
    where = f"{FILE}: {name}"
    if not isinstance(document, dict):
        raise SettingsError(f"{where} must be an object")
    known = {
        "includedEventTypes",
        "subjectBeginsWith",
        "subjectEndsWith",
        "isSubjectCaseSensitive",
        "advancedFilters",
    }
    unknown = sorted(set(document) - known)
    if unknown:
        raise SettingsError(f"{where} has {unknown[0]}; it may have {', '.join(sorted(known))}")
    # Azure writes null where nothing is filtered.
    document = {name: value for name, value in document.items() if value is not None}
    types, advanced = document.get("includedEventTypes", []), document.get("advancedFilters", [])
    case_sensitive = document.get("isSubjectCaseSensitive", False)
    if not isinstance(types, list) or not all(isinstance(kind, str) for kind in types):
        raise SettingsError(f"{where}: includedEventTypes must be a list of texts")
    for name in ("subjectBeginsWith", "subjectEndsWith"):
        if not isinstance(document.get(name, ""), str):
            raise SettingsError(f"{where}: {name} must be a text")
    if not isinstance(case_sensitive, bool):
        raise SettingsError(f"{where}: isSubjectCaseSensitive must be true or false")
    if not isinstance(advanced, list):
        raise SettingsError(f"{where}: advancedFilters must be a list")
    for one in advanced:
        if not isinstance(one, dict) or "key" not in one:
            raise SettingsError(f"{where}: an advanced filter needs key and operatorType")
        operator = one.get("operatorType")
        if operator not in OPERATORS and operator not in NEGATED:
            raise SettingsError(
                f"{where}: operatorType {operator!r} is not known; use one of "
                f"{', '.join(sorted([*OPERATORS, *NEGATED]))}"
            )
        problem = _problem(str(operator), _values(one))
        if problem:
            raise SettingsError(f"{where}: {operator} of {one['key']} needs {problem}")
    return Subscription(
        types=tuple(types),
        begins=document.get("subjectBeginsWith", ""),
        ends=document.get("subjectEndsWith", ""),
        case_sensitive=case_sensitive,
        advanced=tuple(advanced),
    )
