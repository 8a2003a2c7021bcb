"""The paths of the management API: decoded as the real extension decodes them, matched by segment.

The server decodes a path once, and the extension decodes the result once more as a form. So a plus
sign is a blank, and %2541 is "A". Empty segments and the case of fixed words do not count.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import quote, unquote, unquote_plus

from aiohttp import web
from yarl import URL

Handler = Callable[..., Awaitable[web.StreamResponse]]
VALUE = "{}"
# The signs that ASP.NET leaves as they are when it writes a path.
_IN_PATHS = "/!$&'()*,;=:@+~-._"


class Operation:
    """An operation of the API; its handler takes the request and the value of each `{}`."""

    def __init__(self, method: str, template: str, handler: Handler) -> None:
        """Take a template such as `instances/{}/rewind`, with fixed words in lower case."""
        self.method, self.handler = method, handler
        self.words = tuple(template.split("/"))

    def values(self, path: Sequence[str]) -> list[str] | None:
        """Return the value of each `{}` in a path, None when the path does not match."""
        if len(path) != len(self.words):
            return None
        pairs = list(zip(self.words, path, strict=True))
        if not all(word in (VALUE, given.lower()) for word, given in pairs):
            return None
        return [given for word, given in pairs if word == VALUE]


def segments(path: str) -> list[str]:
    """Return the decoded segments of a path as it was sent, without the empty ones."""
    return [segment for segment in unquote_plus(unquote(path)).split("/") if segment]


def find(
    operations: Sequence[Operation], method: str, path: Sequence[str]
) -> tuple[Handler, list[str]] | None:
    """Return the handler of a request and its values, None when there is none."""
    for operation in operations:
        values = operation.values(path) if operation.method == method else None
        if values is not None:
            return operation.handler, values
    return None


def as_asked(url: URL) -> str:
    """Return the URL of a request as the real host repeats it: its path decoded and encoded."""
    query = f"?{url.raw_query_string}" if url.raw_query_string else ""
    return f"{url.origin()}{quote(unquote(url.raw_path), safe=_IN_PATHS)}{query}"
