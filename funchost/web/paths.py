"""The paths of the management API: decoded as the real extension decodes them, matched by segment.

The server decodes a path once, and the extension decodes the result once more as a form. So a plus
sign is a blank, and %2541 is "A". Empty segments and the case of fixed words do not count.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple
from urllib.parse import quote, unquote, unquote_plus

from aiohttp import web
from yarl import URL

Handler = Callable[..., Awaitable[web.StreamResponse]]
VALUE = "{}"
# The signs that ASP.NET leaves as they are when it writes a path.
_IN_PATHS = "/!$&'()*,;=:@+~-._"


class Operation(NamedTuple):
    """An operation of the API; its handler takes the request and the value of each `{}`."""

    method: str
    template: str
    handler: Handler


def segments(path: str) -> list[str]:
    """Return the decoded segments of a path as it was sent, without the empty ones."""
    return [segment for segment in unquote_plus(unquote(path)).split("/") if segment]


def find(
    operations: Sequence[Operation], method: str, path: Sequence[str]
) -> tuple[Handler, list[str]] | None:
    """Return the handler of a request and its values, None when there is none."""
    for operation in operations:
        template = operation.template.split("/")
        if operation.method == method and len(template) == len(path):
            pairs = list(zip(template, path, strict=True))
            if all(fixed in (VALUE, given.lower()) for fixed, given in pairs):
                return operation.handler, [given for fixed, given in pairs if fixed == VALUE]
    return None


def as_asked(url: URL) -> str:
    """Return the URL of a request as the real host repeats it: its path decoded and encoded."""
    query = f"?{url.raw_query_string}" if url.raw_query_string else ""
    return f"{url.origin()}{quote(unquote(url.raw_path), safe=_IN_PATHS)}{query}"
