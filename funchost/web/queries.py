"""Reads the parameters and bodies of requests, and reports their faults."""

from __future__ import annotations

import json
import math
from typing import Any

from aiohttp import web

from funchost.app.json_text import check_depth
from funchost.durable import history as h
from funchost.storage.instances import Filters

# The extension's default number of instances; `top` asks for more.
PAGE = 100
LONGEST = 18  # digits of a number of SQLite
TOKEN = "x-ms-continuation-token"


class QueryError(ValueError):
    """A parameter is wrong; the text names it and the allowed values, and becomes a 400."""


def flag(request: web.Request, name: str, default: bool) -> bool:
    """Return a parameter that is true or false."""
    return request.query.get(name, str(default)).lower() == "true"


def number(request: web.Request, name: str, default: float) -> float:
    """Return a parameter that is a finite number, not negative."""
    text = request.query.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise QueryError(f"{name} is {text!r}; use a number that is not negative.")
    return value


def moment(request: web.Request, name: str) -> str | None:
    """Return a parameter that is a time, as the store writes times."""
    text = request.query.get(name, "")
    if not text:
        return None
    try:
        return h.stamp(h.parse_stamp(text))
    except (ValueError, OverflowError):
        raise QueryError(f"{name} is {text!r}; use a time such as 2026-01-31T12:00:00Z.") from None


def page(request: web.Request, total: int) -> tuple[int, int, dict[str, str]]:
    """Return the bounds of the asked page and the headers that lead to the next one."""
    text = request.headers.get(TOKEN, "") or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST):
        raise QueryError(f"{TOKEN} is {text!r}; send back the one that the last page gave.")
    first, most = int(text), int(number(request, "top", 0)) or PAGE
    end = first + most
    return first, end, ({TOKEN: str(end)} if end < total else {})


def filters(request: web.Request) -> Filters:
    """Read the filters of the list and purge routes."""
    status = request.query.get("runtimeStatus", "")
    return Filters(
        statuses=tuple(s.strip().lower() for s in status.split(",") if s.strip()),
        prefix=request.query.get("instanceIdPrefix", ""),
        created_from=moment(request, "createdTimeFrom"),
        created_to=moment(request, "createdTimeTo"),
    )


async def json_body(request: web.Request) -> str | None:
    """Return a JSON body as it is, None when there is none."""
    try:
        text = await request.text()
        check_depth(text)
        value: Any = json.loads(text) if text else None
        json.dumps(value, allow_nan=False).encode()
    except (ValueError, LookupError, RecursionError):
        raise QueryError("The request body is not JSON.") from None
    return text or None


def refusal(text: str, status: int = 400) -> web.Response:
    """Refuse a request in the extension's form."""
    return web.json_response(
        {
            "Message": text,
            "ExceptionMessage": text,
            "ExceptionType": "System.ArgumentException",
            "StackTrace": "",
        },
        status=status,
    )


def in_use(status: str) -> web.Response:
    """Refuse an id whose instance has not ended: 500, from which the SDK raises."""
    return refusal(f"An Orchestration instance with the status {status} already exists.", 500)
