"""Removes credentials from all that this process logs, whoever logs it and wherever it goes."""

import logging
import traceback
from typing import Any

from function_app.domain.redaction import redact


def redact_logs() -> None:
    """Let every log record of this process hold no credentials; a second call changes nothing.

    The factory of records is the one place that each record passes: a filter of a logger does not
    see the records of other loggers, and hosts add handlers later.
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
