"""durabletask with its in-memory backend over gRPC: not durable."""

import importlib
import socket
import time
from collections.abc import Generator
from typing import Any

from benchmarks.measure import run


class DurabletaskMemory:
    """Runs orchestrations against the backend that the package ships for tests."""

    skips: tuple[str, ...] = ()

    def __init__(self) -> None:
        testing: Any = importlib.import_module("durabletask.testing")
        client: Any = importlib.import_module("durabletask.client")
        worker: Any = importlib.import_module("durabletask.worker")
        self._task: Any = importlib.import_module("durabletask.task")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._backend = testing.create_test_backend(port=port)
        address = f"localhost:{port}"
        self._worker = worker.TaskHubGrpcWorker(host_address=address)
        for orchestrator in (self.chain_of, self.fan_of, self.wait):
            self._worker.add_orchestrator(_plain(orchestrator))
        self._worker.add_activity(one_more)
        self._worker.start()
        self._client = client.TaskHubGrpcClient(host_address=address)

    def chain_of(self, context: Any, length: int) -> Generator[Any, Any, int]:
        value = 0
        for _ in range(length):
            value = yield context.call_activity(one_more, input=value)
        return value

    def fan_of(self, context: Any, width: int) -> Generator[Any, Any, int]:
        tasks = [context.call_activity(one_more, input=0) for _ in range(width)]
        return sum((yield self._task.when_all(tasks)))

    def wait(self, context: Any, _: Any) -> Generator[Any, Any, Any]:
        return (yield context.wait_for_external_event("go"))

    def _run(self, name: str, value: int) -> None:
        instance = self._client.schedule_new_orchestration(name, input=value)
        self._client.wait_for_orchestration_completion(instance, timeout=300)

    def chain(self, length: int) -> None:
        self._run("chain_of", length)

    def fan(self, width: int) -> None:
        self._run("fan_of", width)

    def signal(self) -> float:
        instance = self._client.schedule_new_orchestration("wait", input=0)
        time.sleep(0.2)
        begun = time.perf_counter()
        self._client.raise_orchestration_event(instance, "go", data="x")
        self._client.wait_for_orchestration_completion(instance, timeout=60)
        return time.perf_counter() - begun

    def many(self, total: int, concurrent: int) -> None:
        for first in range(0, total, concurrent):
            count = min(concurrent, total - first)
            new = self._client.schedule_new_orchestration
            for instance in [new("chain_of", input=1) for _ in range(count)]:
                self._client.wait_for_orchestration_completion(instance, timeout=300)

    def close(self) -> None:
        self._worker.stop()
        self._backend.stop()


def _plain(method: Any) -> Any:
    """Return a function of two arguments with the method's name: a worker takes no methods."""

    def orchestrator(context: Any, value: Any) -> Any:
        return method(context, value)

    orchestrator.__name__ = method.__name__
    return orchestrator


def one_more(context: Any, value: int) -> int:
    """Return the next number."""
    return value + 1


if __name__ == "__main__":
    run(DurabletaskMemory())
