"""Prefect with its temporary local server on SQLite."""

import importlib
import os
from pathlib import Path
from typing import Any

from benchmarks.measure import folder, run

LEFT_OUT = "The table asks for no row that `skips` names."


class PrefectLocal:
    """Runs flows of tasks; the table has its short chains only."""

    skips: tuple[str, ...] = ("chain 1000", "fan 100", "signal", "per second")
    slow = True

    def __init__(self, path: Path) -> None:
        os.environ |= {
            "PREFECT_HOME": str(path),
            "PREFECT_LOGGING_LEVEL": "CRITICAL",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        }
        prefect: Any = importlib.import_module("prefect")
        task = prefect.task(one_more)

        def chain(length: int) -> int:
            value = 0
            for _ in range(length):
                value = task(value)
            return value

        self._chain = prefect.flow(chain)

    def chain(self, length: int) -> None:
        self._chain(length)

    def fan(self, width: int) -> None:
        raise AssertionError(LEFT_OUT)

    def signal(self) -> float:
        raise AssertionError(LEFT_OUT)

    def many(self, total: int, concurrent: int) -> None:
        raise AssertionError(LEFT_OUT)

    def close(self) -> None:
        pass


def one_more(value: int) -> int:
    """Return the next number."""
    return value + 1


if __name__ == "__main__":
    run(PrefectLocal(folder()))
