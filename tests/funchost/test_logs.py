"""The log writes warnings at once and other lines in groups, in order."""

import logging

import pytest

from funchost.logs import GroupingHandler
from tests.funchost.conftest import until

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def log() -> logging.Logger:
    log = logging.Logger("grouped", logging.DEBUG)
    log.addHandler(GroupingHandler())
    return log


def test_a_warning_is_written_at_once_after_the_lines_before_it(
    log: logging.Logger, capsys: Capture
) -> None:
    for number in range(3):
        log.info("line %d", number)
    log.warning("the end")

    assert capsys.readouterr().err == "line 0\nline 1\nline 2\nthe end\n"


def test_a_line_is_written_without_a_warning_after_it(log: logging.Logger, capsys: Capture) -> None:
    log.info("alone")

    until(lambda: capsys.readouterr().err == "alone\n", "the line")


def test_a_line_shows_its_arguments_as_they_were(log: logging.Logger, capsys: Capture) -> None:
    values = [1]
    log.info("values %s", values)
    values.append(2)
    log.warning("end")

    assert capsys.readouterr().err == "values [1]\nend\n"


def test_the_traceback_of_an_exception_is_written(log: logging.Logger, capsys: Capture) -> None:
    try:
        raise ValueError("boom")
    except ValueError:
        log.exception("it failed")

    error = capsys.readouterr().err
    assert "it failed\nTraceback" in error
    assert "ValueError: boom" in error
