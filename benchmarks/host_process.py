"""A host of the benchmark's app as a process of its own, driven over HTTP only."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

JSON = {"Content-Type": "application/json"}
APP = Path(__file__).parent / "app"


class HostProcess:
    """Starts, kills and asks one host."""

    def __init__(self, state: Path) -> None:
        self.state, self.trace = state, state / "trace"
        state.mkdir(parents=True, exist_ok=True)
        self.start()

    def start(self) -> None:
        """Start the host and wait until it answers."""
        (self.state / "host.json").unlink(missing_ok=True)
        self.started = time.perf_counter()
        command = [sys.executable, "-m", "funchost", "start", "--port", "0"]
        with (self.state / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--app", str(APP), "--state", str(self.state)],
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "PYTHONPATH": str(APP.parents[1]),
                    "BENCH_TRACE": str(self.trace),
                    "FUNCHOST_LOG_LEVEL": "WARNING",
                },
            )
        while not (self.state / "host.json").exists():
            if self.process.poll() is not None:
                raise RuntimeError((self.state / "log").read_text())
            time.sleep(0.001)
        self.answers = time.perf_counter()
        document = json.loads((self.state / "host.json").read_text())
        self.key, self.port = document["systemKey"], int(document["port"])
        self.base = f"{document['url']}/runtime/webhooks/durabletask"
        # The standard library's client: a richer one would take a third of a short run's time.
        self._connection = HTTPConnection("127.0.0.1", document["port"], timeout=300)

    def ask(self, method: str, path: str, value: Any = None, **query: Any) -> tuple[int, Any]:
        """Send a request to the management API; return its status and document."""
        url = f"/runtime/webhooks/durabletask/{path}?{urlencode({'code': self.key, **query})}"
        self._connection.request(method, url, json.dumps(value), JSON)
        answer = self._connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None

    def begin(self, name: str, value: Any = None, instance: str = "", **query: Any) -> Any:
        """Start an instance; with a timeout, wait for its end and return its output."""
        path = f"orchestrators/{name}/{instance}".rstrip("/")
        if "timeout" in query:
            query["pollingInterval"] = 1  # without it the API does not wait
        status, document = self.ask("POST", path, value, **query)
        if status != (200 if "timeout" in query else 202):
            raise RuntimeError(f"{path} answered {status}: {document}")
        return document

    async def begin_many(self, name: str, ids: list[str], concurrent: int, value: Any) -> None:
        """Start instances, so many at a time; those with an input are waited for."""
        query = {
            "code": self.key,
            **({"timeout": "300", "pollingInterval": "1"} if value is not None else {}),
        }
        left = iter(ids)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def start() -> None:
                for one in left:
                    url = f"{self.base}/orchestrators/{name}/{one}"
                    async with session.post(url, json=value, params=query) as answer:
                        if answer.status not in (200, 202):
                            raise RuntimeError(f"{url} answered {answer.status}")
                        await answer.read()

            await asyncio.gather(*(start() for _ in range(concurrent)))

    def memory(self) -> float:
        """Return the resident memory in KB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1024

    def cpu(self) -> float:
        """Return the CPU seconds used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End the host by a signal."""
        self._connection.close()
        self.process.send_signal(number)
        self.process.wait(60)
