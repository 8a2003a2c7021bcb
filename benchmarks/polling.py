"""A client of Durable's HTTP API that asks for the status without a pause, on one connection."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

JSON = {"Content-Type": "application/json"}
ENDED = ("Completed", "Failed", "Terminated")


class PollingClient:
    """Starts instances of the benchmark's app and asks for each until it has ended."""

    skips: tuple[str, ...] = ()

    def __init__(self, port: int, query: str) -> None:
        """Take the port of a host, and the query with its key; "" when it asks for none."""
        self._connection = HTTPConnection("127.0.0.1", port, timeout=300)
        self._port, self._query, self._ids = port, query, itertools.count()

    def chain(self, length: int) -> None:
        if self._ended(self._begin("chain", {"n": length})) != length:
            raise RuntimeError("the chain came to a wrong end")

    def fan(self, width: int) -> None:
        if self._ended(self._begin("fan", {"n": width})) != width:
            raise RuntimeError("the fan-out came to a wrong end")

    def signal(self) -> float:
        instance = self._begin("waiting", None)
        time.sleep(0.05)
        begun = time.perf_counter()
        self._ask("POST", f"instances/{instance}/raiseEvent/go", "x")
        self._ended(instance)
        return time.perf_counter() - begun

    def many(self, total: int, concurrent: int) -> None:
        for first in range(0, total, concurrent):
            count = min(concurrent, total - first)
            for instance in [self._begin("chain", {"n": 1}) for _ in range(count)]:
                self._ended(instance)

    def crowd(self, total: int, clients: int) -> None:
        shares = [total // clients + (number < total % clients) for number in range(clients)]
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(self._share, shares))

    def _share(self, total: int) -> None:
        """Run orchestrations one after the other, on a connection of its own."""
        client = PollingClient(self._port, self._query)
        client._ids = self._ids
        for _ in range(total):
            client.chain(1)
        PollingClient.close(client)

    def close(self) -> None:
        self._connection.close()

    def _begin(self, name: str, value: object) -> str:
        instance = f"polled-{next(self._ids)}"
        status, _ = self._ask("POST", f"orchestrators/{name}/{instance}", value)
        if status != 202:
            raise RuntimeError(f"the start of {name} was answered {status}")
        return instance

    def _ended(self, instance: str) -> object:
        while True:
            _, document = self._ask("GET", f"instances/{instance}", None)
            if document["runtimeStatus"] in ENDED:
                return document["output"]

    def _ask(self, method: str, path: str, value: object) -> tuple[int, dict[str, object]]:
        url = f"/runtime/webhooks/durabletask/{path}{self._query}"
        body = None if method == "GET" else json.dumps(value)
        self._connection.request(method, url, body, JSON if body else {})
        answer = self._connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else {}


class PolledProcess(PollingClient):
    """Starts a module in a process of its own; the module prints the port of its server."""

    module: str

    def __init__(self, path: Path) -> None:
        """Start the module with a folder that it may write in."""
        command = [sys.executable, "-m", self.module, str(path)]
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environ, text=True)
        assert self._process.stdout is not None
        super().__init__(int(self._process.stdout.readline()), "")

    def close(self) -> None:
        super().close()
        self._process.terminate()
        self._process.wait()
