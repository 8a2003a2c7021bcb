"""Reads host.json as the host does: keys without case, overridden by the environment.

Source: Azure Functions documentation, "Override host.json values" (AzureFunctionsJobHost__).
settings.toml has the effect of each setting on this host.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from funchost.app.host_json.spans import read_span

FILE = Path(__file__).with_name("settings.toml")
PREFIX = "azurefunctionsjobhost__"
Does = Literal["done", "none", "refused"]
Json = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A setting of host.json and its effect on this host; `.*` ends the name of a section."""

    name: str
    does: Does
    text: str
    # The value that equals this host's own behaviour.
    same: object = None

    def covers(self, name: str) -> bool:
        """Return whether a name in a file means this setting or one of this section."""
        own, name = self.name.lower(), name.lower()
        return name == own.removesuffix(".*") or (own.endswith("*") and name.startswith(own[:-1]))


def settings() -> list[Setting]:
    """Return every setting that host.json may have."""
    document = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return [Setting(**setting) for setting in document["setting"]]


class HostJson:
    """The values of a host.json, overridden by the environment, by lower-case path."""

    def __init__(self, document: Json, environ: Mapping[str, str]) -> None:
        """Take the content of the file and the environment."""
        self._values = {name.lower(): (name, value) for name, value in _leaves(document)}
        # The host reads the version from the file only, and this name with its case.
        self._version = document.get("version", "2.0" if not document else None)
        elements: dict[tuple[str, int], str] = {}
        for variable, text in environ.items():
            if variable.lower().startswith(PREFIX):
                name = variable[len(PREFIX) :].replace("__", ".").replace(":", ".")
                above, _, index = name.rpartition(".")
                if index.isdecimal():
                    elements[above, int(index)] = text
                else:
                    self._values[name.lower()] = (name, _value(text))
        for (name, position), text in sorted(elements.items()):
            self._set_element(name, position, text)

    def _set_element(self, name: str, index: int, text: str) -> None:
        """Set an element of a list: AzureFunctionsJobHost__functions__0."""
        own, value = self._values.get(name.lower(), (name, None))
        before = value if isinstance(value, list) else []
        self._values[name.lower()] = (own, [*before[:index], text, *before[index + 1 :]])

    def get(self, name: str) -> object:
        """Return the value of a setting, None without one."""
        return self._values.get(name.lower(), (name, None))[1]

    def texts(self, name: str) -> tuple[str, ...] | None:
        """Return the texts of a list, None without one; ValueError when it is none."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError(f"host.json: {name} must be a list of texts")
        return tuple(value)

    def count(self, name: str) -> int | None:
        """Return a whole number above 0, None without one; ValueError when it is none."""
        value = self.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            shown = json.dumps(value)
            raise ValueError(f"host.json: {name} is {shown}; use a whole number of at least 1")
        return value

    def limit(self, name: str) -> int | None:
        """Return a whole number above 0, None without one or for -1; else ValueError."""
        return None if self.get(name) == -1 else self.count(name)

    def section(self, prefix: str) -> tuple[tuple[str, str], ...]:
        """Return the names and texts of the settings whose names begin so."""
        start, size = prefix.lower(), len(prefix)
        values = self._values.items()
        return tuple((n[size:], str(value)) for key, (n, value) in values if key.startswith(start))

    def span(self, name: str) -> timedelta | None:
        """Return a time span, None without one or for -1; ValueError when it is none."""
        value = self.get(name)
        if value is None or value in ("-1", -1):
            return None
        span = read_span(value) if isinstance(value, str) else None
        if not span:
            shown = json.dumps(value)
            raise ValueError(f"host.json: {name} is {shown}; write hh:mm:ss, or -1 for no limit")
        return span

    def problems(self) -> tuple[list[str], list[str]]:
        """Return the reasons why the host does not start, and the texts that its start logs."""
        known, refused, said = settings(), [], []
        if self._version != "2.0":
            refused.append('host.json: write "version": "2.0", which the host asks for')
        for name, value in self._values.values():
            setting = next((s for s in known if s.covers(name)), None)
            if value is None:
                continue
            if setting is None:
                said.append(f"host.json: {name} is not known{_nearest(name, known)}")
            elif setting.does == "done" or (setting.same is not None and value == setting.same):
                continue
            elif setting.does == "refused":
                refused.append(f"host.json: {name} is not supported here. {setting.text}")
            else:
                said.append(f"host.json: {name} has no effect here. {setting.text}")
        return refused, said


def _leaves(document: Json, above: str = "") -> Iterator[tuple[str, object]]:
    """Yield the path and the value of each setting; a list is one value."""
    for key, value in document.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield above + key, value


def _value(text: str) -> object:
    """Return a text of the environment as the JSON value that it means, else as it is."""
    try:
        return json.loads(text.lower() if text.lower() in ("true", "false") else text)
    except ValueError:
        return text


def _nearest(name: str, known: list[Setting]) -> str:
    names = {setting.name.lower(): setting.name for setting in known}
    import difflib  # only a misspelt setting needs it

    near = difflib.get_close_matches(name.lower(), names, 1, 0.8)
    return f"; did you mean {names[near[0]]}?" if near else ""
