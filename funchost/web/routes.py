"""Route templates of HTTP functions: parts, constraints, optional parts, defaults, catch-all.

Source: ASP.NET Core documentation, "Routing", route constraints, as the Functions host uses them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from funchost.app.indexing import HostedFunction

Check = Callable[[str], bool]
_PART = re.compile(r"\{(\*{0,2})(\w+)((?::(?:[^(){}:?=]+(?:\(.*?\))?))*)(\?)?(?:=([^}]*))?\}")
_OPEN, _CLOSE = "\x01", "\x02"
_CONSTRAINT = re.compile(r":([A-Za-z]+)(?:\((.*?)\))?(?=:|$)")


def _parses(read: Callable[[str], object]) -> Check:
    def check(text: str) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return check


def _integer(bits: int) -> Check:
    bound = 2 ** (bits - 1)
    return lambda text: bool(re.fullmatch(r"-?\d+", text)) and -bound <= int(text) < bound


_PLAIN: dict[str, Check] = {
    "int": _integer(32),
    "long": _integer(64),
    "bool": lambda text: text.lower() in ("true", "false"),
    "alpha": lambda text: bool(re.fullmatch("[A-Za-z]*", text)),
    "guid": _parses(UUID),
    "decimal": _parses(float),
    "double": _parses(float),
    "float": _parses(float),
    "datetime": _parses(datetime.fromisoformat),
    "required": bool,
}


def _constraint(name: str, argument: str | None) -> Check:
    kind, text = name.lower(), argument or ""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind == "regex":
        text = text.replace(_OPEN, "{").replace(_CLOSE, "}")
        pattern = re.compile(text, re.IGNORECASE)
        return lambda value: bool(pattern.search(value))
    bounds = [int(part) for part in text.split(",")] if text else []
    if kind == "length" and bounds:
        return lambda value: bounds[0] <= len(value) <= bounds[-1]
    if kind == "minlength" and bounds:
        return lambda value: len(value) >= bounds[0]
    if kind == "maxlength" and bounds:
        return lambda value: len(value) <= bounds[0]
    if kind == "min" and bounds:
        return lambda value: _PLAIN["long"](value) and int(value) >= bounds[0]
    if kind == "max" and bounds:
        return lambda value: _PLAIN["long"](value) and int(value) <= bounds[0]
    if kind == "range" and len(bounds) == 2:
        return lambda value: _PLAIN["long"](value) and bounds[0] <= int(value) <= bounds[1]
    raise ValueError(f"route constraint {name!r} is not known")


@dataclass(frozen=True)
class Route:
    """A compiled template: a pattern over the whole path, checks and defaults by part."""

    pattern: re.Pattern[str]
    checks: dict[str, list[Check]]
    defaults: dict[str, str]

    @classmethod
    def parse(cls, template: str) -> Route:
        """Compile a template such as `items/{id:int}/{rest?}`."""
        pattern, checks, defaults = "", dict[str, list[Check]](), dict[str, str]()
        # Doubled braces are literal ones, as in a regex constraint.
        template = template.replace("{{", _OPEN).replace("}}", _CLOSE)
        for segment in (s for s in _segments(template) if s):
            piece, last, optional = "", 0, False
            for match in _PART.finditer(segment):
                star, name, constraints, question, default = match.groups()
                checks[name] = [_constraint(*c) for c in _CONSTRAINT.findall(constraints)]
                if default is not None:
                    defaults[name] = default
                optional = optional or bool(star) or bool(question) or default is not None
                piece += re.escape(segment[last : match.start()])
                piece += f"(?P<{name}>{'.*' if star else '[^/]+'})"
                last = match.end()
            piece += re.escape(segment[last:])
            pattern += f"(?:/{piece})?" if optional else f"/{piece}"
        return cls(re.compile(f"^{pattern}/?$", re.IGNORECASE), checks, defaults)

    def match(self, path: str) -> dict[str, str] | None:
        """Return the route values of a path, or None when it does not match."""
        match = self.pattern.match(path)
        if match is None:
            return None
        values = {name: value for name, value in match.groupdict().items() if value is not None}
        for name, value in values.items():
            if not all(check(value) for check in self.checks[name]):
                return None
        return {**self.defaults, **values}


def _segments(template: str) -> list[str]:
    """Split at slashes outside braces: a regex constraint may hold one."""
    segments, depth = [""], 0
    for sign in template:
        depth += (sign == "{") - (sign == "}")
        if sign == "/" and depth == 0:
            segments.append("")
        else:
            segments[-1] += sign
    return segments


class HttpRoute(NamedTuple):
    """The route of an HTTP function; it takes every method when `methods` is empty."""

    path: str
    methods: frozenset[str]
    route: Route
    function: HostedFunction


def read_routes(functions: list[HostedFunction], prefix: str) -> list[HttpRoute]:
    """Compile the routes of HTTP functions, more literal ones first.

    ValueError when a template has an unknown constraint.
    """
    routes = []
    for function in functions:
        own = function.trigger.get("route") or function.name
        methods = frozenset(_method(m) for m in function.trigger.get("methods") or ())
        path = "/".join(p for p in (prefix, own.strip("/")) if p)
        routes.append(HttpRoute(path, methods, Route.parse(path), function))
    return sorted(routes, key=lambda r: (r.path.count("{*"), r.path.count("{"), -len(r.path)))


def _method(value: Any) -> str:
    return str(getattr(value, "value", value)).upper()
