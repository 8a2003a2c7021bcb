"""The kinds of values in mlops.toml, and the tables of keys that a declaration is made of."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

# The default of a key that must be given.
REQUIRED: Any = object()
# A key path and the fault of its value.
Finding = tuple[str, str]
_USER = re.compile(r"://[^/@\s]*@")
_SHOWN = 80


class Kind(Protocol):
    """The values that a key takes; `allowed` completes the sentence "it must be ..."."""

    @property
    def allowed(self) -> str: ...

    def check(self, path: str, value: object) -> Iterator[Finding]:
        """Yield each problem of the value at this path."""


def show(value: object) -> str:
    """Return the value as TOML writes it, without a user or password, cut at 80 characters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = '"' + _USER.sub("://***@", value).replace("\\", "\\\\").replace('"', '\\"') + '"'
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    elif isinstance(value, list):
        text = "[" + ", ".join(show(item) for item in value) + "]"
    elif isinstance(value, dict):
        text = "{" + ", ".join(f"{key} = {show(item)}" for key, item in value.items()) + "}"
    elif isinstance(value, int) and abs(value) >= 10**_SHOWN:
        # Python writes no int of more than 4,300 digits in decimal.
        text = hex(value)
    else:
        text = str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def refuse(path: str, value: object, allowed: str) -> Finding:
    """Return the finding of a value that is not allowed."""
    return path, f"{path} = {show(value)}: it must be {allowed}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number between `low` and `high`; `open_low` and `open_high` leave the bound itself out."""

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False
    unit: str = ""

    @property
    def allowed(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        low = f"{'over' if self.open_low else 'at least'} {_figure(self.low)}"
        high = f"{'below' if self.open_high else 'at most'} {_figure(self.high)}"
        return f"a number{f' of{unit}' if unit else ''}, {low} and {high}"

    def check(self, path: str, value: object) -> Iterator[Finding]:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (number and self._holds(value)):  # type: ignore[arg-type]
            yield refuse(path, value, self.allowed)

    def _holds(self, value: float) -> bool:
        # A NaN is neither over nor below a bound.
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A whole number between `low` and `high`, both included."""

    low: int
    high: int

    @property
    def allowed(self) -> str:
        return f"a whole number, at least {_figure(self.low)} and at most {_figure(self.high)}"

    def check(self, path: str, value: object) -> Iterator[Finding]:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not (whole and self.low <= value <= self.high):  # type: ignore[operator]
            yield refuse(path, value, self.allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """True or false."""

    allowed: str = "true or false"

    def check(self, path: str, value: object) -> Iterator[Finding]:
        if not isinstance(value, bool):
            yield refuse(path, value, self.allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text for which `accepts` is true; `reason` names the fault of one text, else "".

    `no_list` is the reason and the remedy for a list of texts, "" when a list is as wrong as any
    other value.
    """

    allowed: str
    accepts: Callable[[str], bool] | None = None
    reason: Callable[[str], str] | None = None
    no_list: str = ""

    def check(self, path: str, value: object) -> Iterator[Finding]:
        if self.no_list and isinstance(value, list):
            yield path, f"{path} = {show(value)}: {self.no_list}"
        elif not isinstance(value, str) or (self.accepts and not self.accepts(value)):
            yield refuse(path, value, self.allowed)
        elif self.reason and (reason := self.reason(value)):
            yield path, f"{path} = {show(value)}: {reason}. It must be {self.allowed}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A word of a fixed list."""

    words: tuple[str, ...]

    @property
    def allowed(self) -> str:
        return " or ".join(f'"{word}"' for word in self.words)

    def check(self, path: str, value: object) -> Iterator[Finding]:
        if value not in self.words:
            yield refuse(path, value, self.allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceOr:
    """A word of a fixed list, or a text of another kind that contains `mark`."""

    words: tuple[str, ...]
    mark: str
    other: Text

    @property
    def allowed(self) -> str:
        return f"{Choice(words=self.words).allowed} or {self.other.allowed}"

    def check(self, path: str, value: object) -> Iterator[Finding]:
        if isinstance(value, str) and self.mark in value:
            yield from self.other.check(path, value)
        elif value not in self.words:
            yield refuse(path, value, self.allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagOr:
    """True, false or one word."""

    word: str

    @property
    def allowed(self) -> str:
        return f'true, false or "{self.word}"'

    def check(self, path: str, value: object) -> Iterator[Finding]:
        if not isinstance(value, bool) and value != self.word:
            yield refuse(path, value, self.allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A list of texts; `once` refuses a repeated item, and `fold` ignores case in that check."""

    item: Text
    noun: str
    least: int = 0
    once: bool = False
    fold: bool = False

    @property
    def allowed(self) -> str:
        least = f"at least {self.least} " if self.least > 1 else ""
        words = f"a list of {least}{self.noun}{', none of them twice' if self.once else ''}"
        return f"{words}, not empty" if self.least == 1 else words

    def check(self, path: str, value: object) -> Iterator[Finding]:
        if not isinstance(value, list) or len(value) < self.least:
            yield refuse(path, value, self.allowed)
            return
        first: dict[str, int] = {}
        for number, item in enumerate(value):
            where = f"{path}[{number}]"
            yield from self.item.check(where, item)
            if self.once and isinstance(item, str):
                earlier = first.setdefault(item.lower() if self.fold else item, number)
                if earlier != number:
                    yield where, f"{where} = {show(item)}: {path}[{earlier}] has it already."


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key of a table; a key without a default is required."""

    name: str
    kind: Kind
    help: str
    default: Any = REQUIRED


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table, or with `many` an array of tables; `tables` are the tables in it."""

    name: str
    help: str
    keys: tuple[Key, ...]
    tables: tuple["Table", ...] = field(default=())
    required: bool = False
    many: bool = False


def _figure(value: float) -> str:
    """Return a bound as TOML takes it."""
    if abs(value) >= 1e15 or value != int(value):
        return f"{value:g}"
    return f"{int(value):_}"
