"""Reads stored records of which some may be damaged."""

import logging
from collections.abc import Iterable
from typing import TypeVar

from function_app.domain.codec import load
from function_app.domain.text.plain_text import one_line
from function_app.errors import ContractError, MlopsError

T = TypeVar("T")
LOG = logging.getLogger("mlops.records")


def load_each(target: type[T], records: Iterable[tuple[str, object]]) -> tuple[T, ...]:
    """Return the records that load, each with the name under which it is stored.

    A record that does not load is left out and logged. A record of an earlier version of this app
    may hold a name that no pattern accepts, and must not hide the other records.
    """
    loaded = []
    for name, data in records:
        try:
            loaded.append(load(target, data))
        except ContractError as error:
            log_unreadable(name, error)
    return tuple(loaded)


def log_unreadable(name: str, error: MlopsError) -> None:
    """Log that a stored record is left out, and why."""
    text = "The stored record %s is left out, because it cannot be read: %s"
    LOG.error(text, one_line(name), one_line(error.message))
