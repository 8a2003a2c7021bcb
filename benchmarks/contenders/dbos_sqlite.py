"""DBOS on SQLite: durable, called in its own process."""

import importlib
import itertools
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.measure import folder, run


class DbosSqlite:
    """Runs workflows of steps; a fan-out is a queue of steps."""

    skips: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        dbos: Any = importlib.import_module("dbos")
        url = f"sqlite:///{path / 'dbos.sqlite'}"
        self._dbos = dbos.DBOS
        config = {"name": "bench", "system_database_url": url, "log_level": "ERROR"}
        self._dbos(config={**config, "run_admin_server": False})
        logging.getLogger("dbos").setLevel(logging.ERROR)
        step = self._dbos.step()(one_more)
        api = self._dbos

        def chain(length: int) -> int:
            value = 0
            for _ in range(length):
                value = step(value)
            return value

        def single() -> int:
            return int(step(0))

        def fan(width: int) -> int:
            queue = api.retrieve_queue("fan")
            handles = [queue.enqueue(worker) for _ in range(width)]
            return sum(handle.get_result() for handle in handles)

        def waiting() -> str:
            return str(api.recv("go", timeout_seconds=60))

        worker = self._dbos.workflow()(single)
        self._chain = self._dbos.workflow()(chain)
        self._fan = self._dbos.workflow()(fan)
        self._waiting = self._dbos.workflow()(waiting)
        self._ids = itertools.count()
        self._dbos.launch()
        self._dbos.register_queue("fan")

    def chain(self, length: int) -> None:
        if self._dbos.start_workflow(self._chain, length).get_result() != length:
            raise RuntimeError("the chain came to a wrong end")

    def fan(self, width: int) -> None:
        self._dbos.start_workflow(self._fan, width).get_result()

    def signal(self) -> float:
        handle = self._dbos.start_workflow(self._waiting)
        time.sleep(0.2)
        begun = time.perf_counter()
        self._dbos.send(handle.get_workflow_id(), "x", "go")
        handle.get_result()
        return time.perf_counter() - begun

    def many(self, total: int, concurrent: int) -> None:
        with ThreadPoolExecutor(concurrent) as pool:
            list(pool.map(lambda _: self.chain(1), range(total)))

    def close(self) -> None:
        self._dbos.destroy()


def one_more(value: int) -> int:
    """Return the next number."""
    return value + 1


if __name__ == "__main__":
    run(DbosSqlite(folder()))
