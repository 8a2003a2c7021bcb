"""Requests to addresses that are secrets: nothing about them reaches a log or a trace.

The address of a chat's webhook is all that it takes to write there. urllib3 logs the path of each
request and of each retry, and Azure Monitor's instrumentation keeps it as a dependency.
"""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

from function_app.late_imports import importing

_LOGGERS = tuple(
    f"urllib3.{name}"
    for name in ("connection", "connectionpool", "poolmanager", "response", "util.retry")
)
_asking: ContextVar[bool] = ContextVar("asking", default=False)


class _Silence(logging.Filter):
    """Drops the log records of a request to a secret address, and no others."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _asking.get()


_SILENCE = _Silence()


@contextmanager
def unlogged() -> Iterator[None]:
    """Exclude the requests of the block from logs and traces."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_SILENCE)  # a filter that is there is not added again
    token = _asking.set(True)
    try:
        with _untraced():
            yield
    finally:
        _asking.reset(token)


def _untraced() -> AbstractContextManager[None]:
    try:
        with importing():
            from opentelemetry.instrumentation.utils import suppress_http_instrumentation
    except ImportError:
        return nullcontext()
    return suppress_http_instrumentation()
