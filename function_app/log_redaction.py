"""Removes credentials from all that this process logs, and from the faults of its functions."""

import contextlib
import logging
import traceback
from collections.abc import Iterator
from typing import Any

from function_app.domain.text.redaction import redact
from function_app.errors import MlopsError


def redact_logs() -> None:
    """Redact every log record of this process; a second call changes nothing.

    The redaction is in the factory of records, because every record passes it: a filter of a logger
    does not see the records of other loggers, and hosts add handlers later.
    """
    make = logging.getLogRecordFactory()
    if not isinstance(make, _Factory):
        logging.setLogRecordFactory(_Factory(make))


class _Factory:
    def __init__(self, make: Any) -> None:
        self._make = make

    def __call__(self, *arguments: Any, **more: Any) -> logging.LogRecord:
        record: logging.LogRecord = self._make(*arguments, **more)
        _clean(record)
        return record


def _clean(record: logging.LogRecord) -> None:
    try:
        text = record.getMessage()
    except Exception:
        # A message that does not fit its arguments: logging itself reports that.
        return
    if (cleaned := redact(text)) != text:
        record.msg, record.args = cleaned, ()
    if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None:
        trace = "".join(traceback.format_exception(record.exc_info[1])).rstrip("\n")
        if (cleaned := redact(trace)) != trace:
            # Formatters take `exc_text` as it is when there is one.
            record.exc_info, record.exc_text = None, cleaned


@contextlib.contextmanager
def redacted_faults() -> Iterator[None]:
    """Raise a fault of the block without credentials: Durable stores its text, the host logs it.

    A fault without credentials passes unchanged; RuntimeError stands for a foreign one with some.
    """
    try:
        yield
    except MlopsError as error:
        error.message = redact(error.message)
        error.args = (f"{error.code}: {error.message}",)
        if _texts(error) != redact(_texts(error)):
            # `from None`: the text of the cause would be logged with the error.
            raise error from None
        raise
    except Exception as error:
        if _texts(error) == (text := redact(_texts(error))):
            raise
        raise RuntimeError(f"{type(error).__name__}: {text}") from None


def _texts(error: BaseException) -> str:
    """Return the text of a fault and of all that raised it."""
    texts, seen = [], error
    for _ in range(20):
        texts.append(str(seen))
        above = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
        if above is None:
            break
        seen = above
    return "\n".join(texts)
