"""Optimistic concurrency: read, decide and write again until no other writer came in between."""

import random  # noqa: TID251 - a backoff, never part of a story
import time
from collections.abc import Callable
from typing import TypeVar

from function_app.errors import ConflictError
from function_app.ports.rows import RowsChangedError

T = TypeVar("T")
ATTEMPTS = 60


def until_unchanged(operation: str, attempt: Callable[[], T]) -> T:
    """Return the result of the first attempt that no other writer overtook.

    `attempt` reads, decides and writes. It is repeated with a random backoff while it raises
    RowsChangedError. ConflictError (BUSY) after ATTEMPTS attempts.
    """
    # No retry policy of a library fits: each attempt decides again on other rows, and tenacity
    # would be a dependency of the app for these lines.
    for number in range(ATTEMPTS):
        try:
            return attempt()
        except RowsChangedError:
            # Random, so that two writers that met once do not meet again.
            time.sleep(random.uniform(0, min(0.01 * 2**number, 0.5)))
    text = f"Could not {operation}: other writers change the same rows all the time. Try again."
    raise ConflictError(text, code="BUSY")
