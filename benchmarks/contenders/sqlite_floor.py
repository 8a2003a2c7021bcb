"""Floor: only the commits that every durable run needs.

One commit when it starts, one per activity, one at its end; WAL, synchronous=FULL.
"""

import sqlite3
import time
from pathlib import Path

from benchmarks.measure import folder, run


class SqliteFloor:
    """Commits rows of the size of a small turn."""

    skips: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path / "floor.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("CREATE TABLE turns(seq INTEGER PRIMARY KEY, events TEXT)")

    def _commit(self, count: int) -> None:
        for _ in range(count):
            self._db.execute("INSERT INTO turns(events) VALUES(?)", ("x" * 400,))

    def chain(self, length: int) -> None:
        self._commit(length + 2)

    def fan(self, width: int) -> None:
        self._commit(3)

    def signal(self) -> float:
        begun = time.perf_counter()
        self._commit(2)
        return time.perf_counter() - begun

    def many(self, total: int, concurrent: int) -> None:
        self._commit(3 * total)

    def close(self) -> None:
        self._db.close()


if __name__ == "__main__":
    run(SqliteFloor(folder()))
