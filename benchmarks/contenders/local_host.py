"""funchost: durable, over HTTP, as a client sees it."""

import asyncio
import itertools
import time
from pathlib import Path

from benchmarks.host_process import HostProcess
from benchmarks.measure import folder, run


class LocalHost:
    """Starts instances over the public management API and waits for their ends."""

    skips: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self._host, self._ids = HostProcess(path / "state"), itertools.count()

    def chain(self, length: int) -> None:
        if self._host.begin("chain", {"n": length}, timeout=300) != length:
            raise RuntimeError("the chain came to a wrong end")

    def fan(self, width: int) -> None:
        if self._host.begin("fan", {"n": width}, timeout=300) != width:
            raise RuntimeError("the fan-out came to a wrong end")

    def signal(self) -> float:
        instance = f"signal-{next(self._ids)}"
        self._host.begin("waiting", instance=instance)
        time.sleep(0.05)
        begun = time.perf_counter()
        self._host.ask("POST", f"instances/{instance}/raiseEvent/go", "x")
        while self._host.ask("GET", f"instances/{instance}")[0] != 200:
            pass
        return time.perf_counter() - begun

    def many(self, total: int, concurrent: int) -> None:
        ids = [f"many-{next(self._ids)}" for _ in range(total)]
        asyncio.run(self._host.begin_many("chain", ids, concurrent, {"n": 1}))

    def close(self) -> None:
        self._host.stop()


if __name__ == "__main__":
    run(LocalHost(folder()))
