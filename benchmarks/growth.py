"""python -m benchmarks.growth: the list of instances and the throughput as the store grows.

Each figure is the least of some requests over one connection, in milliseconds, with its ratio to
the smallest store. The rows are written straight to the store: only the reading is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.host_process import HostProcess
from funchost.durable.history import stamp
from funchost.storage import instances
from funchost.storage.instances import InstanceRecord
from funchost.storage.store import Store

COUNTS, REPEATS, STARTS = "1000,10000,50000,100000", 7, 500
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    """Print a line for each order, filter and count."""
    parser = argparse.ArgumentParser(prog="benchmarks.growth", description=__doc__)
    parser.add_argument("--counts", default=COUNTS)
    counts = [int(text) for text in parser.parse_args().counts.split(",")]
    first: dict[str, float] = {}
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            for name, value in _figures(Path(folder), count):
                ratio = value / first.setdefault(name, value)
                print(f"{count:7} {name:31} {value:8.2f}  {ratio:5.2f}x", flush=True)


def _figures(folder: Path, count: int) -> Iterator[tuple[str, float]]:
    """Yield the name and the value of each figure at one size of the store."""
    _fill(folder, count)
    host = HostProcess(folder)
    try:
        for name, query in _queries(count).items():
            yield f"ms, {name}", min(_seconds(host, query) for _ in range(REPEATS)) * 1000
        ids = [f"new-{number}" for number in range(STARTS)]
        begun = time.perf_counter()
        asyncio.run(host.begin_many("chain", ids, 20, {"n": 1}))
        yield "workflows per second", STARTS / (time.perf_counter() - begun)
    finally:
        host.stop()


def _queries(count: int) -> dict[str, dict[str, str]]:
    def since(share: float) -> str:
        return stamp(BEGIN + timedelta(seconds=count * share))

    return {
        "all": {},
        "a status": {"runtimeStatus": "Completed"},
        "a status, nothing found": {"runtimeStatus": "Terminated"},
        "two statuses": {"runtimeStatus": "Running,Failed"},
        "a prefix": {"instanceIdPrefix": "run-"},
        "created lately": {"createdTimeFrom": since(0.99)},
        "created in a half": {"createdTimeFrom": since(0.5)},
        "created in a tenth, failed": {
            **{"createdTimeFrom": since(0.4), "createdTimeTo": since(0.5)},
            "runtimeStatus": "Failed",
        },
    }


def _seconds(host: HostProcess, query: dict[str, str]) -> float:
    begun = time.perf_counter()
    status, _ = host.ask("GET", "instances", top=100, **query)
    assert status == 200
    return time.perf_counter() - begun


def _fill(folder: Path, count: int) -> None:
    store = Store(folder)
    with store.transaction() as db:
        for number in range(count):
            instances.put(db, _record(number))
    store.close()


def _record(number: int) -> InstanceRecord:
    """Return an ended or failed instance; its id tells nothing of its creation."""
    status = "Failed" if number % 50 == 7 else "Completed"
    word = hashlib.sha256(str(number).encode()).hexdigest()[:32]
    at = stamp(BEGIN + timedelta(seconds=number))
    return InstanceRecord(
        id=f"{'job' if number % 3 else 'run'}-{word}",
        name="chain",
        execution=word,
        status=status,
        input='{"n": 1}',
        output="1",
        custom=None,
        created=at,
        updated=at,
        parent=None,
        parent_execution=None,
        parent_task=None,
        version="",
        trace="",
        caller="",
    )


if __name__ == "__main__":
    main()
