"""The log writes warnings at once and other lines in groups, in order."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from funchost.logs import GroupingHandler
from tests.funchost.conftest import until

FULL = Path("/dev/full")
# The thread writes line 1, this thread line 2 to a full disk. Then there is room.
PROGRAM = """
import logging, os, sys, threading
from funchost.logs import GroupingHandler

tried = threading.Event()

class Watched(GroupingHandler):
    def flush(self):
        try:
            super().flush()
        finally:
            tried.set()

log = logging.Logger("grouped", logging.DEBUG)
log.addHandler(Watched())
log.info("line 1")
tried.wait()
log.warning("line 2")
os.dup2(sys.stdout.fileno(), 2)
log.warning("line 3")
assert "log" in [thread.name for thread in threading.enumerate()]
"""
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


def test_a_message_without_its_arguments_does_not_raise(
    log: logging.Logger, capsys: Capture
) -> None:
    log.warning("%d lines", "many")
    log.warning("the end")

    assert "the end\n" in capsys.readouterr().err


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_full_disk_ends_neither_the_caller_nor_the_thread() -> None:
    with FULL.open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
            check=False,
        )

    assert ended.returncode == 0, ended.stdout
    assert "Up to 2 lines of this log were lost.\n" in ended.stdout
    assert ended.stdout.endswith("line 3\n")
