"""The log of a run has no credentials at any moment."""

import io
import os
import threading
from pathlib import Path

from function_app.adapters.local.jobs.run_log import LONGEST, copy_redacted
from tests.funchost.conftest import until

TOKEN = "ghp_" + "a1B2" * 9
KEY = (
    "-----BEGIN PRIVATE KEY-----\n"
    + "\n".join(["c2VjcmV0" * 8] * 3)
    + "\n-----END PRIVATE KEY-----\n"
)


def copied(text: str) -> str:
    log = io.BytesIO()
    copy_redacted(io.BytesIO(text.encode()), log)
    return log.getvalue().decode()


def test_lines_are_kept_and_credentials_are_not() -> None:
    assert copied(f"epoch 1\ntoken {TOKEN}\nend") == "epoch 1\ntoken ***\nend"


def test_a_key_of_several_lines_is_not_kept() -> None:
    log = copied(f"before\n{KEY}after\n")

    assert "c2VjcmV0" not in log
    assert log.startswith("before\n")
    assert log.endswith("after\n")


def test_a_block_that_never_ends_and_a_long_line_do_not_fill_the_memory() -> None:
    text = "-----BEGIN PRIVATE KEY-----\n" + "c2Vj\n" * LONGEST + "x" * 3 * LONGEST + "\nend"

    log = copied(text)

    assert log.endswith("\nend")
    assert len(log) <= len(text)


def test_a_line_is_in_the_log_as_soon_as_it_was_printed(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    path = tmp_path / "run.log"
    with os.fdopen(reading, "rb") as source, path.open("ab") as log:
        thread = threading.Thread(target=copy_redacted, args=(source, log))
        thread.start()
        os.write(writing, b"epoch 1\n")
        until(lambda: path.read_text() == "epoch 1\n", "the first line")
        os.close(writing)
        thread.join()
