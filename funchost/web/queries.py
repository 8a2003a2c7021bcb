"""Reads the parameters and bodies of requests, and reports their faults."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from funchost.app.json_text import check_depth
from funchost.durable import history as h
from funchost.storage.instances import STATUSES, Filters

# The extension's default number of instances; `top` asks for more.
PAGE = 100
MOST = 2**31 - 1
KNOWN = (*STATUSES, "ContinuedAsNew")
TOKEN = "x-ms-continuation-token"


class QueryError(ValueError):
    """A parameter is wrong; the text names it and the allowed values, and becomes a 400."""


class BodyError(ValueError):
    """The body is not JSON; the text has the parser's words, and becomes a 400."""


def parameter(request: web.Request, name: str) -> str | None:
    """Return a parameter as .NET reads it, None without one.

    Its name has no case. Several values are joined by commas.
    """
    values = [value for key, value in request.query.items() if key.lower() == name.lower()]
    return ",".join(values) if values else None


def flag(request: web.Request, name: str, default: bool) -> bool:
    """Return a parameter that is true or false; any other word leaves the default."""
    word = (parameter(request, name) or "").strip().lower()
    return word == "true" if word in ("true", "false") else default


def number(request: web.Request, name: str, default: float) -> float:
    """Return a parameter that is a finite number, not negative."""
    text = parameter(request, name) or ""
    try:
        value = float(text) if text else default
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise QueryError(f"{name} is {text!r}; use a number that is not negative.")
    return value


def moment(request: web.Request, name: str) -> str | None:
    """Return a parameter that is a time, as the store writes times."""
    text = parameter(request, name) or ""
    if not text:
        return None
    try:
        return h.stamp(h.parse_stamp(text))
    except (ValueError, OverflowError):
        raise QueryError(f"{name} is {text!r}; use a time such as 2026-01-31T12:00:00Z.") from None


@dataclass(frozen=True, slots=True)
class Page:
    """The asked page: at most so many entries behind the id `after`."""

    after: str
    most: int

    def next(self, last: str | None) -> dict[str, str]:
        """Return the header that leads to the page behind this id; empty when there is none."""
        return {TOKEN: "" if last is None else base64.urlsafe_b64encode(last.encode()).decode()}


def page(request: web.Request) -> Page:
    """Return the page that a request asks for."""
    token = request.headers.get(TOKEN, "")
    try:
        after = base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except ValueError:
        raise QueryError(
            f"{TOKEN} is {token!r}; send back the one that the last page gave."
        ) from None
    most = number(request, "top", PAGE)
    if most % 1 or most > MOST:
        raise QueryError(f"top is {most:g}; use a whole number up to {MOST}.")
    return Page(after, int(most))


def filters(request: web.Request, *, strict: bool = False) -> Filters:
    """Read the filters of the list and purge routes.

    Statuses may be repeated or joined by commas. An unknown one is refused: beside known ones only
    when the reading is `strict`.
    """
    text = parameter(request, "runtimeStatus") or ""
    asked = [word.strip() for word in text.split(",") if word.strip()]
    known = {word.lower(): word for word in KNOWN}
    statuses = [known[word.lower()] for word in asked if word.lower() in known]
    unknown = [word for word in asked if word.lower() not in known]
    if unknown and (strict or not statuses):
        raise QueryError(f"runtimeStatus is {unknown[0]!r}; use some of {', '.join(KNOWN)}.")
    return Filters(
        statuses=tuple(dict.fromkeys(statuses)),
        prefix=parameter(request, "instanceIdPrefix") or "",
        created_from=moment(request, "createdTimeFrom"),
        created_to=moment(request, "createdTimeTo"),
    )


async def json_body(request: web.Request, *, required: bool = False) -> str | None:
    """Return a JSON body as it is, without a byte order mark.

    None when there is none, unless it is `required`. BodyError when it is not JSON.
    """
    try:
        text = (await request.text()).removeprefix("\ufeff")
        check_depth(text)
        value: Any = json.loads(text) if text or required else None
        json.dumps(value, allow_nan=False).encode()
    except (ValueError, LookupError, RecursionError) as error:
        raise BodyError(str(error)) from None
    return text or None


def refusal(
    text: str, status: int = 400, message: str = "", kind: str = "System.ArgumentException"
) -> web.Response:
    """Refuse a request in the extension's form for exceptions: the message repeats the text."""
    return web.json_response(
        {
            "Message": message or text,
            "ExceptionMessage": text,
            "ExceptionType": kind,
            "StackTrace": "",
        },
        status=status,
    )


def plain_refusal(message: str, status: int = 400) -> web.Response:
    """Refuse a request in the extension's short form."""
    return web.json_response({"Message": message}, status=status)


def bare_refusal(text: str, status: int) -> web.Response:
    """Refuse a request with a JSON text, as the extension does for purge and rewind."""
    return web.json_response(text, status=status)


def in_use(status: str) -> web.Response:
    """Refuse an id whose instance has not ended; the SDK raises."""
    return plain_refusal(f"An Orchestration instance with the status {status} already exists.", 409)
