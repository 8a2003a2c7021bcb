"""The log of the app's process holds no credentials."""

import io
import logging
from collections.abc import Iterator

import pytest

from function_app.log_redaction import redact_logs

TOKEN = "ghp_" + "a1B2" * 9


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    before, out = logging.getLogRecordFactory(), io.StringIO()
    handler = logging.StreamHandler(out)
    logging.getLogger().addHandler(handler)
    try:
        redact_logs()
        yield out
    finally:
        logging.getLogger().removeHandler(handler)
        logging.setLogRecordFactory(before)


def test_a_message_of_any_logger_is_redacted(lines: io.StringIO) -> None:
    logging.getLogger("some.library").warning("GET https://u:%s@host failed: %s", TOKEN, TOKEN)

    assert lines.getvalue() == "GET https://***@host failed: ***\n"


def test_the_traceback_of_a_fault_is_redacted(lines: io.StringIO) -> None:
    try:
        try:
            raise OSError(f"Bearer {TOKEN}")
        except OSError as error:
            raise ValueError("It failed.") from error
    except ValueError:
        logging.getLogger("some.library").exception("Again")

    assert TOKEN not in lines.getvalue()
    assert "ValueError: It failed." in lines.getvalue()
    assert "OSError: Bearer ***" in lines.getvalue()


def test_a_message_without_credentials_stays_as_it_is(lines: io.StringIO) -> None:
    redact_logs()
    logging.getLogger("some.library").warning("%s of %d rows", "sha256:" + "a" * 64, 5)
    logging.getLogger("some.library").warning("%d rows", 7)

    assert lines.getvalue() == f"sha256:{'a' * 64} of 5 rows\n7 rows\n"
